// SPDX-License-Identifier: GPL-3.0-or-later
// The bar « Le message part dans 10 s · Annuler ».
if (window.rcmail) {
  rcmail.addEventListener('init', function () {
    let left = rcmail.env.agents_undo || 0;
    if (left <= 0) return;
    const bar = document.createElement('div'), words = document.createElement('span'), button = document.createElement('button');
    bar.className = 'malleposte-undo';
    bar.setAttribute('role', 'status');
    button.type = 'button';
    button.className = 'btn btn-secondary btn-sm';
    button.textContent = rcmail.get_label('agents_mail.undo');
    bar.append(words, ' ', button);
    document.body.append(bar);

    function tell() {
      words.textContent = rcmail.get_label('agents_mail.undobar').replace('$seconds', left);
    }

    tell();
    const timer = setInterval(function () {
      left -= 1;
      if (left > 0) return tell();
      clearInterval(timer);
      bar.remove();
    }, 1000);
    button.addEventListener('click', function () {
      clearInterval(timer);
      button.disabled = true;
      rcmail.http_post('plugin.malleposte-undo', {}, rcmail.set_busy(true, 'loading'));
    });
    rcmail.addEventListener('plugin.agents_undone', function (answer) {
      bar.remove();
      if (answer.uid) rcmail.open_compose_step({_draft_uid: answer.uid, _mbox: answer.mbox});
      else rcmail.display_message(rcmail.get_label('agents_mail.undolate'), 'warning', 8000);
    });
  });
}
