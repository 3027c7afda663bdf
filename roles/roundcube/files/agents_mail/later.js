// SPDX-License-Identifier: GPL-3.0-or-later
// « Envoyer plus tard » beside « Envoyer », and the question whether a message to many must go late in the evening.
if (window.rcmail) {
  rcmail.addEventListener('init', function () {
    const form = rcmail.gui_objects.messageform, send = document.querySelector('.formbuttons .send');
    if (!form || !send || !rcmail.env.agents_later) return;
    const MANY = 20, EVENING = 20, MORNING = 7;
    const field = document.createElement('input');
    field.type = 'hidden';
    field.name = '_agents_later';
    form.append(field);

    function label(name) {
      return rcmail.get_label('agents_mail.later' + name);
    }

    // The form goes with this hour, and with none at the next try.
    function go(hour) {
      field.value = hour;
      rcmail.command('send', {});
    }

    const act = rcmail.command;
    let asked = false;
    rcmail.command = function (name) {
      if (name === 'send' && !asked && !field.value && many() && late()) {
        ask();
        return false;
      }
      return act.apply(rcmail, arguments);
    };
    rcmail.addEventListener('aftersend', function () { setTimeout(function () { field.value = ''; }, 0); });

    function many() {
      const text = ['_to', '_cc', '_bcc'].map(function (name) { return (form.elements[name] || {value: ''}).value; }).join(',');
      return text.split('@').length - 1 >= MANY;
    }

    function late() {
      const hour = new Date().getHours();
      return hour >= EVENING || hour < MORNING;
    }

    function ask() {
      const text = document.createElement('p');
      text.textContent = label('hint');
      rcmail.simple_dialog(text, label(''), function () { asked = true; go('tomorrow'); return true; }, {
        button: label('tomorrow'), cancel_label: label('hintnow'),
        cancel_func: function () { asked = true; go(''); }
      });
    }

    function choose() {
      const box = document.createElement('div');
      box.className = 'malleposte-later';
      [...rcmail.env.agents_later, 'at'].forEach(function (name, number) {
        const row = document.createElement('div'), one = document.createElement('input'), words = document.createElement('label');
        row.className = 'custom-control custom-radio';
        one.type = 'radio';
        one.name = 'later';
        one.value = name;
        one.id = 'later-' + name;
        one.checked = !number;
        one.className = 'custom-control-input';
        words.htmlFor = one.id;
        words.textContent = label(name);
        words.className = 'custom-control-label';
        row.append(one, words);
        box.append(row);
      });
      const when = document.createElement('input');
      when.type = 'datetime-local';
      when.className = 'form-control';
      when.setAttribute('aria-label', label('when'));
      when.addEventListener('focus', function () { box.querySelector('#later-at').checked = true; });
      box.append(when);
      rcmail.simple_dialog(box, label(''), function () {
        const chosen = box.querySelector('input[type=radio]:checked').value;
        if (chosen === 'at' && !when.value) {
          rcmail.alert_dialog(label('bad'));
          return false;
        }
        go(chosen === 'at' ? when.value.slice(0, 16) : chosen);
        return true;
      }, {button: label('')});
    }

    function button() {
      const made = document.createElement('button');
      made.type = 'button';
      made.className = 'btn btn-secondary malleposte-later-button';
      made.textContent = label('');
      made.addEventListener('click', choose);
      return made;
    }

    // On a phone the skin shows « Envoyer » below the page, and nothing of what stands beside it here.
    const row = document.createElement('div');
    row.className = 'malleposte-later-phone';
    row.append(button());
    send.after(button());
    send.closest('.formbuttons').after(row);
  });
}
