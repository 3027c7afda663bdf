// SPDX-License-Identifier: GPL-3.0-or-later
// The form of an event. What was typed stays until it is saved or given up: through a lost session, a lost connection, and a change
// that was made elsewhere meanwhile.
window.mpForm = (function () {
  'use strict';
  const KEYS = ['title', 'place', 'link', 'text', 'whole', 'begin', 'end', 'reminder', 'by'];

  function element(kind, attributes, ...inside) {
    const made = document.createElement(kind);
    Object.entries(attributes || {}).forEach(function (pair) {
      if (pair[1] === true) made.setAttribute(pair[0], '');
      else if (pair[1] !== false && pair[1] !== undefined) made.setAttribute(pair[0], pair[1]);
    });
    made.append(...inside.filter(function (one) { return one !== null && one !== undefined; }));
    return made;
  }

  function button(text, look, act) {
    const made = element('button', {type: 'button', class: 'btn btn-' + look}, text);
    made.addEventListener('click', act);
    return made;
  }

  // A dialog that the keyboard stays in; it is gone when it closes.
  function dialog(name, ...inside) {
    const heading = element('h2', {id: 'agenda-dialog-title', tabindex: '-1', autofocus: true}, name);
    const made = element('dialog', {class: 'agenda-dialog', 'aria-labelledby': 'agenda-dialog-title'}, heading, ...inside);
    made.addEventListener('close', function () { made.remove(); });
    document.body.append(made);
    made.showModal();
    return made;
  }

  // The words of a question and what its answers do.
  function question(text, choices) {
    const row = element('div', {class: 'agenda-buttons'});
    const made = dialog(text, row);
    choices.forEach(function (choice) {
      row.append(button(choice[0], choice[1], function () { made.close(); if (choice[2]) choice[2](); }));
    });
  }

  // `page`: words, zone, mail, agendas() that may be written to, act(action, values), say(text), care(put, text), changed(), when(fields).
  // `item`: the event that is changed ({id, etag, text, agenda, fields, alarms, guests}), or nothing for a new one.
  function open(page, item, start) {
    const words = page.words, uid = crypto.randomUUID(), said = element('div', {class: 'agenda-said', role: 'alert'});
    let known = item ? item.fields : null, busy = false;
    const first = known || {title: '', place: '', link: '', text: '', whole: false, begin: start, end: later(start, 60), reminder: '', by: 'EMAIL'};
    const form = element('form', {class: 'agenda-form', novalidate: true});
    const fields = {};

    function field(key, label, input, hint) {
      input.id = 'agenda-' + key;
      input.classList.add('form-control');
      fields[key] = input;
      return element('div', {class: 'agenda-field'}, element('label', {for: input.id}, label), input, hint || null);
    }

    function choice(options, chosen) {
      const made = element('select', {class: 'custom-select'});
      options.forEach(function (one) { made.append(element('option', {value: one[0], selected: one[0] === chosen}, one[1])); });
      return made;
    }

    const whole = element('input', {type: 'checkbox', id: 'agenda-whole', checked: first.whole});
    const reminders = mpEvents.REMINDERS.map(function (one) { return [String(one), words['before' + one]]; });
    const agendas = page.agendas(), home = (item ? item.agenda : agendas[0]).id;
    const error = element('p', {class: 'agenda-error', id: 'agenda-error', role: 'alert'});
    form.append(
      field('title', words.title, element('input', {type: 'text', maxlength: 300, required: true, autocomplete: 'off'})),
      element('div', {class: 'agenda-check'}, whole, element('label', {for: 'agenda-whole'}, words.whole)),
      element('div', {class: 'agenda-row'}, field('begin', words.begin, element('input', {type: 'date', required: true})), field('beginhour', words.beginhour, element('input', {type: 'time', required: true}))),
      element('div', {class: 'agenda-row'}, field('end', words.end, element('input', {type: 'date', required: true})), field('endhour', words.endhour, element('input', {type: 'time', required: true}))),
      field('place', words.place, element('input', {type: 'text', maxlength: 300, autocomplete: 'off'})),
      field('link', words.link, element('input', {type: 'url', maxlength: 1000, autocomplete: 'off', placeholder: 'https://'})),
      element('div', {class: 'agenda-row'}, field('reminder', words.reminder, choice([['', words.none], ...reminders], first.reminder)),
        field('by', words.by, choice([['EMAIL', words.bymail], ['DISPLAY', words.bydevice]], first.by))),
      field('text', words.text, element('textarea', {rows: 4, maxlength: 20000})),
      field('agenda', words.agenda, choice(agendas.map(function (one) { return [one.id, one.name]; }), home)),
      element('p', {class: 'hint'}, item && item.guests.length ? words.guestsnottold : '')
    );
    if (agendas.length < 2) fields.agenda.parentNode.hidden = true;
    const save = element('button', {type: 'submit', class: 'btn btn-primary'}, words.save);
    form.append(error, said, element('div', {class: 'agenda-buttons'}, save, button(words.cancel, 'secondary', leave)));

    function later(text, minutes) {
      const date = new Date(Date.parse(text + ':00Z') + minutes * 60000);
      return date.toISOString().slice(0, 16);
    }

    function fill(values) {
      for (const key of ['title', 'place', 'link', 'text', 'reminder', 'by']) fields[key].value = values[key];
      whole.checked = values.whole;
      for (const key of ['begin', 'end']) {
        fields[key].value = values[key].slice(0, 10);
        fields[key + 'hour'].value = values[key].slice(11) || (key === 'begin' ? '09:00' : '10:00');
      }
      show();
    }

    function show() {
      for (const key of ['beginhour', 'endhour']) fields[key].parentNode.hidden = whole.checked;
      fields.by.parentNode.hidden = fields.reminder.value === '';
    }

    function typed() {
      const at = function (key) { return fields[key].value + (whole.checked ? '' : 'T' + fields[key + 'hour'].value); };
      const told = {whole: whole.checked, begin: at('begin'), end: at('end'), to: page.mail};
      for (const key of ['title', 'place', 'link', 'text', 'reminder', 'by']) told[key] = fields[key].value.trim();
      // A text comes back from its field with other ends of lines.
      if (known && told.text === known.text.replace(/\r\n?/g, '\n').trim()) told.text = known.text;
      return told;
    }

    function moved() {
      return fields.agenda.value !== home;
    }

    function differs(one, other) {
      return KEYS.some(function (key) { return one[key] !== other[key]; });
    }

    // The first field that is wrong, and why.
    function wrong(values) {
      if (!values.title) return ['title', words.notitle];
      for (const key of whole.checked ? ['begin', 'end'] : ['begin', 'beginhour', 'end', 'endhour']) {
        if (!fields[key].value) return [key, words.nodate];
      }
      if (values.end < values.begin) return ['end', words.endfirst];
      if (values.link && !/^https?:\/\/[^\s"<>]+$/i.test(values.link)) return ['link', words.badlink];
      return null;
    }

    function unmark() {
      error.textContent = '';
      Object.values(fields).forEach(function (one) { one.removeAttribute('aria-invalid'); one.removeAttribute('aria-describedby'); });
    }

    // The end keeps its distance to the beginning.
    let span = 0;
    function measure() {
      const values = typed();
      const from = Date.parse(values.begin.slice(0, 16) + (values.whole ? 'T00:00' : '') + ':00Z'), to = Date.parse(values.end.slice(0, 16) + (values.whole ? 'T00:00' : '') + ':00Z');
      return to - from;
    }
    function follow() {
      const values = typed(), from = Date.parse(values.begin + (values.whole ? 'T00:00' : '') + ':00Z');
      if (!Number.isFinite(from) || !(span >= 0)) return;
      const to = new Date(from + span).toISOString();
      fields.end.value = to.slice(0, 10);
      if (!values.whole) fields.endhour.value = to.slice(11, 16);
    }
    for (const key of ['begin', 'beginhour']) fields[key].addEventListener('change', follow);
    for (const key of ['end', 'endhour']) fields[key].addEventListener('change', function () { span = measure(); });
    whole.addEventListener('change', function () { show(); span = measure(); });
    fields.reminder.addEventListener('change', show);

    function tell(...texts) {
      said.replaceChildren(...texts.filter(Boolean).map(function (one) { return element('p', {}, one); }));
      said.scrollIntoView({block: 'nearest'});
    }

    // Somebody changed the event elsewhere: what is typed here goes over the version of there when it is saved again.
    async function meet() {
      const told = await page.act('event', {_event: item.id}, false), mine = typed(), before = known;
      if (told.said === 'gone') {
        item = known = null;
        return tell(words.goneelsewhere);
      }
      if (!told.event) return tell(words[told.said] || words.away);
      const now = mpEvents.read(told.event.text, page.zone);
      if (now.repeats) return tell(words.nowseries);
      const merged = {...mine};
      KEYS.forEach(function (key) { if (mine[key] === before[key]) merged[key] = now.fields[key]; });
      item = {...item, ...told.event};
      known = now.fields;
      fill(merged);
      tell(words.changedelsewhere, words.otherversion.replace('$what', [now.fields.title, page.when(now.fields), now.fields.place].filter(Boolean).join(' · ')));
    }

    async function submit(event) {
      event.preventDefault();
      if (busy) return;
      const values = typed(), fault = wrong(values);
      unmark();
      if (fault) {
        error.textContent = fault[1];
        fields[fault[0]].setAttribute('aria-invalid', 'true');
        fields[fault[0]].setAttribute('aria-describedby', 'agenda-error');
        return fields[fault[0]].focus();
      }
      if (known && !differs(known, values) && !moved()) return made.close();
      busy = save.disabled = true;
      tell();
      try {
        const text = item ? mpEvents.change(item.text, known, values, page.zone) : mpEvents.create(uid, values, page.zone);
        const told = await page.act('save', item ? {_event: item.id, _etag: item.etag, _agenda: moved() ? fields.agenda.value : '', _text: text} : {_agenda: fields.agenda.value, _uid: uid, _text: text}, true);
        if (told.said === 'saved') {
          care.done();
          made.close();
          page.say(words.saved);
          return page.changed(values.begin);
        }
        if ((told.said === 'changed' || told.said === 'gone') && item) return await meet();
        tell(words[told.said] || words.away);
      } catch (problem) {
        if (problem.cause) care.failed(problem.cause, false);
        else tell(words.bad);
      } finally {
        busy = save.disabled = false;
      }
    }

    function leave() {
      if (!differs(first, typed()) && !moved()) return made.close();
      question(words.giveup, [[words.keepwriting, 'primary', null], [words.throwaway, 'secondary', function () { care.done(); made.close(); }]]);
    }

    form.addEventListener('submit', submit);
    form.addEventListener('input', unmark);
    fill(first);
    span = measure();
    const made = dialog(item ? words.changeevent : words.newevent, form);
    const care = page.care(function (notice) { form.before(notice); }, function () {
      const values = typed();
      return [values.title, page.when(values), values.place, values.link, values.text].filter(Boolean).join('\n');
    });
    made.addEventListener('cancel', function (event) { event.preventDefault(); leave(); });
    fields.title.focus();
    return {lost: function (cause) { care.failed(cause, false); }, open: function () { return made.isConnected; }};
  }

  return {open: open, element: element, button: button, dialog: dialog, question: question};
})();
