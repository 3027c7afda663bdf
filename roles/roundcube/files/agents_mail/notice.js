// SPDX-License-Identifier: GPL-3.0-or-later
// Why an agent who asked for the agenda is here, and where that is changed.
if (window.rcmail) {
  rcmail.addEventListener('init', function () {
    const said = document.createElement('div'), text = document.createElement('p');
    said.className = 'malleposte-notice';
    text.textContent = rcmail.get_label('agents_mail.noagendatext');
    said.append(text);
    if (rcmail.env.agents_interface_url) {
      const way = document.createElement('p'), link = document.createElement('a');
      link.href = rcmail.env.agents_interface_url;
      link.textContent = rcmail.get_label('agents_mail.noagendalink');
      way.append(link);
      said.append(way);
    }
    rcmail.simple_dialog(said, 'agents_mail.noagenda', null, {cancel_button: 'close'});
  });
}
