// SPDX-License-Identifier: GPL-3.0-or-later
// The button « Signaler à la DSI », E to archive, and the banner above a message.
if (window.rcmail) {
  rcmail.addEventListener('init', function () {
    function chosen() {
      return rcmail.env.uid ? [rcmail.env.uid] : (rcmail.message_list ? rcmail.message_list.get_selection() : []);
    }
    rcmail.register_command('plugin.malleposte-report', function () {
      const uids = chosen();
      if (!uids.length) return;
      rcmail.confirm_dialog(rcmail.get_label('agents_mail.reportsure'), 'continue', function () {
        const lock = rcmail.set_busy(true, 'agents_mail.reporting');
        rcmail.http_post('plugin.malleposte-report', rcmail.selection_post_data({_uid: uids.join(',')}), lock);
      });
    }, rcmail.env.uid ? true : false);
    rcmail.addEventListener('plugin.agents_reported', function () {
      const where = rcmail.is_framed() ? parent.rcmail : rcmail;
      if (where.env.action === 'show') where.command('list', where.env.mailbox);
      else { where.show_contentframe(false); where.command('list', where.env.mailbox); }
    });
    if (rcmail.message_list) {
      rcmail.message_list.addEventListener('select', function (list) {
        rcmail.enable_command('plugin.malleposte-report', list.get_selection().length > 0);
      });
    }
    // The button of labels does nothing in this skin: it opens the list that the arrow beside it opens.
    document.addEventListener('click', function (event) {
      const button = event.target.closest('a.button.tb-label'), arrow = document.getElementById('tb-label-menulink');
      if (!button || !arrow || button.classList.contains('disabled')) return;
      event.preventDefault();
      event.stopPropagation();
      arrow.click();
    }, true);
    // Beside the bar that says how full the mailbox is: what fills it.
    const quota = document.getElementById('quotadisplay');
    if (quota && rcmail.env.agents_sizes) {
      const link = document.createElement('a');
      link.className = 'malleposte-sizes-link';
      link.href = rcmail.env.agents_sizes;
      link.textContent = rcmail.get_label('agents_mail.sizesdetail');
      link.title = rcmail.get_label('agents_mail.sizestitle');
      quota.after(link);
    }
    const above = document.getElementById('message-objects');
    if (above && rcmail.env.agents_origin) {
      const box = document.createElement('div');
      above.prepend(box);
      mpOrigin.fill(box, rcmail.env.agents_origin, document.querySelectorAll('#messagebody a[href]'));
      const body = document.getElementById('messagebody');
      if (body) mpOrigin.guard(body, function () { return rcmail.env.agents_origin.links; });
    }
    document.addEventListener('keydown', function (event) {
      const at = event.target;
      if (event.key.toLowerCase() !== 'e' || event.ctrlKey || event.metaKey || event.altKey) return;
      if (at.isContentEditable || /^(input|textarea|select)$/i.test(at.tagName)) return;
      const where = rcmail.is_framed() ? parent.rcmail : rcmail;
      if (where.command_enabled('plugin.archive')) {
        event.preventDefault();
        where.command('plugin.archive');
      }
    });
  });
}
