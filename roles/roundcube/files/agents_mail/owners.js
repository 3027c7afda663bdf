// SPDX-License-Identifier: GPL-3.0-or-later
// Functional boxes: « Prendre en charge » and « Rendre », and the owner's name beside the subject in the list.
if (window.rcmail) {
  rcmail.addEventListener('init', function () {
    const acts = ['plugin.malleposte-take', 'plugin.malleposte-give'];

    function shared() {
      return String(rcmail.env.mailbox || '').startsWith(rcmail.env.agents_shares);
    }

    function show() {
      document.documentElement.classList.toggle('malleposte-shared', shared());
      const chosen = Boolean(rcmail.env.uid) || Boolean(rcmail.message_list && rcmail.message_list.get_selection().length);
      acts.forEach(function (act) { rcmail.enable_command(act, shared() && chosen); });
    }

    function words(owner, done) {
      return done ? rcmail.get_label('agents_mail.ownerdone') : rcmail.get_label('agents_mail.ownerby').replace('$name', owner);
    }

    // The name beside the subject; nothing where nobody has the message.
    function mark(row, owner, done) {
      const place = row && row.querySelector('.subject');
      if (!place) return;
      const old = place.querySelector('.agents-owner');
      if (old) old.remove();
      if (!owner && !done) return;
      const badge = document.createElement('span');
      badge.className = 'agents-owner badge badge-secondary';
      badge.textContent = words(owner, done);
      place.append(badge);
    }

    acts.forEach(function (act, number) {
      rcmail.register_command(act, function () {
        const uids = rcmail.env.uid || (rcmail.message_list ? rcmail.message_list.get_selection().slice(0, 10).join(',') : '');
        if (!uids) return;
        const lock = rcmail.set_busy(true, 'loading');
        rcmail.http_post('plugin.malleposte-take', {_uid: uids, _mbox: rcmail.env.mailbox, _take: number ? '0' : '1'}, lock);
      }, false);
    });
    rcmail.addEventListener('plugin.agents_owner', function (told) {
      const one = rcmail.message_list && rcmail.message_list.rows[told.uid];
      if (one) mark(one.obj, told.owner, told.done);
      const line = document.querySelector('#message-objects .agents-owner');
      if (line) {
        line.hidden = !told.owner && !told.done;
        line.textContent = words(told.owner, told.done);
      }
    });
    rcmail.addEventListener('insertrow', function (event) {
      const flags = (rcmail.env.messages[event.uid] || {}).flags || {}, extra = flags.extra_flags || flags;
      mark(event.row.obj, extra.agents_owner, extra.agents_done);
    });
    if (rcmail.message_list) rcmail.message_list.addEventListener('select', show);
    rcmail.addEventListener('listupdate', show);
    show();
  });
}
