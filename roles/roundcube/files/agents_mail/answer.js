// SPDX-License-Identifier: GPL-3.0-or-later
// The answers to an invitation above a message. One that the network loses is sent again by itself: it has a number, by which
// the server knows the one that it has already sent.
if (window.rcmail) {
  rcmail.addEventListener('init', function () {
    const buttons = document.querySelectorAll('.malleposte-invitation [data-answer]');
    // Milliseconds until the next try; the last one that fails is told.
    const PAUSES = [2000, 4000, 8000, 15000, 30000, 30000, 30000, 60000];
    const SHOWN = 120000;
    const LOST = [408, 429, 502, 503, 504];
    // `going` is the answer that is on its way.
    let wanted = 0, going = '', shown = null;

    async function post(values) {
      const answer = await fetch(rcmail.url('plugin.malleposte-answer'), {
        method: 'POST', body: new URLSearchParams(values), credentials: 'same-origin',
        headers: {'X-Requested-With': 'XMLHttpRequest', 'X-Roundcube-Request': rcmail.env.request_token}
      });
      if (LOST.includes(answer.status)) throw new Error(answer.status);
      return answer;
    }

    function pause(milliseconds) {
      return new Promise(function (go) {
        const timer = setTimeout(go, milliseconds);
        window.addEventListener('online', function () { clearTimeout(timer); go(); }, {once: true});
      });
    }

    function say(label, kind) {
      if (shown) rcmail.hide_message(shown);
      shown = label ? rcmail.display_message(rcmail.get_label(label), kind, SHOWN) : null;
    }

    async function send(word) {
      const mine = wanted += 1;
      going = word;
      try {
        await repeat(word, mine);
      } finally {
        if (mine === wanted) going = '';
      }
    }

    async function repeat(word, mine) {
      const lock = rcmail.set_busy(true, 'loading');
      const values = {
        _uid: rcmail.env.uid, _mbox: rcmail.env.mailbox, _answer: word, _remote: 1, _unlock: lock,
        _number: Array.from(crypto.getRandomValues(new Uint8Array(12)), function (one) { return one.toString(16).padStart(2, '0'); }).join('')
      };
      for (const next of [...PAUSES, null]) {
        let answer = null;
        try {
          answer = await post(values);
        } catch (error) { /* said below */ }
        if (answer) {
          say('');
          if (answer.ok) return rcmail.http_response(await answer.json());
          rcmail.set_busy(false, null, lock);
          return rcmail.display_message(rcmail.get_label('agents_mail.answerfailed'), 'error', SHOWN);
        }
        if (next === null) break;
        say('agents_mail.answerwaits', 'warning');
        await pause(next);
        // Another answer was chosen meanwhile.
        if (mine !== wanted) return rcmail.set_busy(false, null, lock);
      }
      rcmail.set_busy(false, null, lock);
      say('agents_mail.answerfailed', 'error');
    }

    buttons.forEach(function (button) {
      button.addEventListener('click', function () {
        // Many people click twice on everything.
        if (button.dataset.answer !== going) send(button.dataset.answer);
      });
    });
    rcmail.addEventListener('plugin.agents_answered', function (told) {
      buttons.forEach(function (button) { button.setAttribute('aria-pressed', button.dataset.answer === told.answer); });
    });
  });
}
