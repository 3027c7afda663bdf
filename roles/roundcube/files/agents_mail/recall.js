// SPDX-License-Identifier: GPL-3.0-or-later
// « Rappeler plus tard »: moves messages into one of the folders from which they come back. Who has no such folder sees no button.
if (window.rcmail) {
  rcmail.addEventListener('init', function () {
    const above = rcmail.env.agents_recall + (rcmail.env.delimiter || '/');
    const folders = Object.values(rcmail.env.mailboxes || {}).filter(function (one) { return !one.virtual && one.id.startsWith(above); });
    if (!folders.length) return;
    document.documentElement.classList.add('malleposte-recall');
    rcmail.register_command('plugin.malleposte-recall', function () {
      const list = document.createElement('div');
      let dialog = null;
      list.className = 'malleposte-recalls';
      for (const one of folders) {
        const choice = document.createElement('button');
        choice.type = 'button';
        choice.textContent = one.id.slice(above.length);
        choice.addEventListener('click', function () {
          dialog.dialog('close');
          rcmail.command('move', one.id);
        });
        list.append(choice);
      }
      const close = {text: rcmail.get_label('cancel'), class: 'cancel', click: function () { dialog.dialog('close'); }};
      dialog = rcmail.show_popup_dialog(list, rcmail.get_label('agents_mail.recalltitle'), [close]);
    }, Boolean(rcmail.env.uid));
    if (rcmail.message_list) {
      rcmail.message_list.addEventListener('select', function (list) {
        rcmail.enable_command('plugin.malleposte-recall', list.get_selection().length > 0);
      });
    }
  });
}
