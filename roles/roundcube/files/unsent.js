// SPDX-License-Identifier: GPL-3.0-or-later
// A message that is being written outlives its session: the page stays and says that it was not sent (mpUnsent), and goes on in
// the next session, for which it takes the number, the token and the files of a page that Roundcube makes anew.
if (window.rcmail) {
  rcmail.addEventListener('init', function () {
    const form = rcmail.gui_objects.messageform, own = rcmail.env.agents_unsent;
    if (!form || !own || rcmail.env.action !== 'compose') return;
    const FRESH = {cache: 'no-store', credentials: 'same-origin'};
    // The form on its way, the one who waits for a draft, and « Envoyer » that was pressed while a draft was on its way.
    let sending = null, waits = null, later = null;

    function put(notice) {
      document.querySelector('#layout-content > .header').after(notice);
    }

    async function probe() {
      try {
        const answer = await fetch(rcmail.url('keep-alive', {_remote: 1}), {...FRESH, headers: {'X-Requested-With': 'XMLHttpRequest'}});
        if (!answer.ok) return mpUnsent.cause(answer.status) || 'away';
        return String((await answer.json()).exec || '').includes('session_error') ? 'over' : '';
      } catch (error) {
        return 'unsure';
      }
    }

    // The page of the same message as the present session has it. Without a session its address leads to the log-in page, which is
    // another site: nothing is got from there.
    async function anew() {
      const asked = rcmail.env.draft_id ? {draft_uid: rcmail.env.draft_id, mbox: rcmail.env.drafts_mailbox} : own.asked;
      const named = Object.fromEntries(Object.entries(asked).map(function (pair) { return ['_' + pair[0], pair[1]]; }));
      const answer = await fetch(rcmail.url('compose', named), FRESH);
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html'), start = 'rcmail.set_env(';
      const lines = [...page.scripts].flatMap(function (one) { return one.textContent.split('\n'); });
      const line = lines.find(function (one) { return one.startsWith(start); });
      return {env: JSON.parse(line.slice(start.length, line.lastIndexOf(')'))), list: page.getElementById('attachment-list')};
    }

    // Go on in the present session, if it is of the same agent. The names of files that are not in the draft are returned.
    async function adopt() {
      const {env, list} = await anew(), before = rcmail.env.attachments || {}, after = env.attachments || {}, lost = [];
      if (!env.agents_unsent || env.agents_unsent.uid !== own.uid) throw new Error('other');
      const known = rcmail.editor.get_content({refresh: false});
      let words = known;
      Object.entries(before).forEach(function (pair) {
        const same = Object.keys(after).find(function (id) { return after[id].name === pair[1].name; });
        if (!same) lost.push(pair[1].name);
        else words = words.split('_file=' + pair[0]).join('_file=' + same);
      });
      words = words.split('_id=' + rcmail.env.compose_id).join('_id=' + env.compose_id);
      rcmail.set_env({compose_id: env.compose_id, request_token: env.request_token, session_id: env.session_id, attachments: after});
      rcmail.triggerEvent('plugin.agents_room', env.agents_room || 0);
      form.elements._id.value = env.compose_id;
      form.elements._token.value = env.request_token;
      if (rcmail.gui_objects.attachmentlist && list) rcmail.gui_objects.attachmentlist.replaceChildren(...list.children);
      if (words !== known) rcmail.editor.set_content(words);
      return lost.filter(Boolean);
    }

    async function save() {
      const lost = await adopt();
      await new Promise(function (done, failed) {
        waits = {done: done, failed: failed};
        rcmail.submit_messageform(true);
      });
      return lost;
    }

    function text() {
      const field = function (name) { return (form.elements[name] || {value: ''}).value; };
      rcmail.editor.save();
      let words = field('_message');
      if (field('_is_html') === '1') {
        const page = new DOMParser().parseFromString(words, 'text/html');
        page.querySelectorAll('p, br, div, li').forEach(function (one) { one.append('\n'); });
        words = page.body.textContent;
      }
      return [[field('_to'), field('_cc'), field('_bcc')].filter(Boolean).join(', '), field('_subject'), words].join('\n\n');
    }

    const care = mpUnsent.care({
      put: put, probe: probe, save: save, text: text, mail: true,
      send: function () { rcmail.command('send', {}); },
      // An agent whose class has changed meanwhile stays in this interface.
      login: './?_task=mail&_interface=legere'
    });

    // The form on its way is over: with its frame, the lock of the page, and whoever waits for it.
    function over() {
      const mine = sending;
      sending = null;
      clearTimeout(rcmail.submit_timer);
      if (mine) rcmail.set_busy(false, null, mine.lock);
      if (waits) waits.failed(new Error('not saved'));
      waits = null;
      return mine;
    }

    function stopped(found) {
      const mine = over(), unsent = (mine && !mine.draft) || later !== null;
      later = null;
      care.failed(found, unsent);
      clearTimeout(rcmail.save_timer);
      rcmail.auto_save_start();
    }

    // The form goes to the server in a way that shows how it was answered; the answer is a page of scripts, for a frame.
    rcmail.get_save_target = function () { return 'savetarget'; };
    form.submit = function () {
      rcmail.editor.save();
      const target = new URL(form.action, location);
      const mine = sending = {draft: form.elements._draft.value === '1', lock: target.searchParams.get('_unlock')};
      fetch(target, {...FRESH, method: 'POST', body: new FormData(form), redirect: 'manual'}).then(async function (answer) {
        if (answer.type === 'opaqueredirect') throw 401;
        if (answer.status !== 200) throw answer.status;
        const page = await answer.text();
        if (!page.includes('parent.rcmail')) throw 0;
        const frame = document.createElement('iframe');
        frame.hidden = true;
        frame.addEventListener('load', function () {
          frame.remove();
          if (sending === mine) over();
          const again = later;
          later = null;
          if (again) setTimeout(function () { rcmail.command.apply(rcmail, again); }, 0);
        });
        frame.srcdoc = page;
        document.body.append(frame);
      }).catch(function (status) {
        if (sending !== mine) return;
        // A token of before: the session is another one.
        const found = mpUnsent.cause(typeof status === 'number' ? status : 0) || 'unsure';
        stopped(found === 'other' ? 'over' : found);
      });
    };

    const act = rcmail.command;
    rcmail.command = function (name) {
      if (name !== 'send' || !rcmail.busy || !sending || !sending.draft) return act.apply(rcmail, arguments);
      later = arguments;
      return false;
    };
    rcmail.session_error = function () {
      // Roundcube's own notice says less, stays, and covers « Envoyer » on a phone.
      rcmail.clear_messages();
      if (sending) stopped('over');
      else care.failed('over', false);
    };
    const tell = rcmail.http_error;
    rcmail.http_error = function (request, status, error, lock) {
      const found = status === 'abort' ? '' : mpUnsent.cause(request.status);
      if (!found || rcmail.unload) return tell.apply(rcmail, arguments);
      rcmail.set_busy(false, null, lock);
      care.failed(found === 'other' ? 'over' : found, false);
    };
    const saved = rcmail.set_draft_id;
    rcmail.set_draft_id = function () {
      saved.apply(rcmail, arguments);
      if (waits) waits.done();
      waits = null;
    };
    const sent = rcmail.sent_successfully;
    rcmail.sent_successfully = function () {
      care.done();
      sent.apply(rcmail, arguments);
    };
    // A file is in the session alone until a draft has it.
    rcmail.addEventListener('fileuploaded', function () {
      setTimeout(function () { if (!rcmail.busy && !care.troubled()) rcmail.command('savedraft'); }, 0);
    });
  });
}
