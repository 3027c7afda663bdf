// SPDX-License-Identifier: GPL-3.0-or-later
// What an event says, and what its reader may do with it: answer, change, delete. All words of others are text, never markup.
window.mpPanel = (function () {
  'use strict';
  const {element, button, dialog, question} = mpForm;
  const ANSWERS = {accept: 'ACCEPTED', maybe: 'TENTATIVE', decline: 'DECLINED'};

  // `page` as the form has it, with addresses; `day`: the day that was chosen; `agenda`: where it stands; `edit(item)` opens the form.
  function open(page, day, agenda, edit) {
    const words = page.words, item = day.item, known = mpEvents.read(item.text, page.zone);
    const mine = known.guests.find(function (one) { return page.addresses.includes(one.address); });
    const invited = Boolean(mine && known.organizer && !page.addresses.includes(known.organizer.address));
    const rows = element('dl', {class: 'agenda-facts'}), said = element('div', {class: 'agenda-said', role: 'status'});

    function row(label, ...inside) {
      if (inside.some(function (one) { return one && (one.textContent || one) !== ''; })) rows.append(element('dt', {}, label), element('dd', {}, ...inside));
    }

    row(words.when, page.when(day));
    row(words.place, day.place || known.fields.place);
    if (known.links.length) row(words.link, ...known.links.map(function (one) {
      return element('a', {href: one, target: '_blank', rel: 'noopener noreferrer'}, one.length > 60 ? one.slice(0, 57) + '…' : one);
    }));
    if (known.organizer && !page.addresses.includes(known.organizer.address)) row(words.organizer, known.organizer.name || known.organizer.address);
    const guests = known.guests.filter(function (one) { return one !== mine; });
    if (guests.length) row(words.guests, guests.slice(0, 20).map(function (one) {
      const answer = words['is' + one.answer.toLowerCase().replace('-', '')];
      return (one.name || one.address) + (answer ? ' (' + answer + ')' : '');
    }).join(', ') + (guests.length > 20 ? '…' : ''));
    row(words.agenda, agenda.name);
    if (known.fields.text) row(words.text, element('div', {class: 'agenda-text'}, known.fields.text.slice(0, 20000)));

    const notes = [
      known.status === 'CANCELLED' ? words.calledoff : '',
      !agenda.own ? words.readonly : day.series ? words.series : invited ? words.theirs : ''
    ].filter(Boolean).map(function (one) { return element('p', {class: 'hint'}, one); });

    const buttons = element('div', {class: 'agenda-buttons'});
    const answers = element('div', {class: 'agenda-buttons', role: 'group', 'aria-label': words.youranswer});
    if (agenda.own && invited && known.status !== 'CANCELLED') {
      answers.append(element('strong', {}, words.youranswer));
      Object.keys(ANSWERS).forEach(function (word) {
        const made = button(words[word], word === 'accept' ? 'primary' : 'secondary', function () { answer(word); });
        made.setAttribute('aria-pressed', String(mine.answer === ANSWERS[word]));
        answers.append(made);
      });
    }
    if (agenda.own && !day.series && !invited) buttons.append(button(words.change, 'primary', function () {
      made.close();
      edit({...item, fields: known.fields, alarms: known.alarms, guests: guests});
    }));
    if (agenda.own) buttons.append(button(invited ? words.takeout : words.remove, 'secondary', function () {
      question(day.series ? words.removeseries : invited ? words.takeoutsure : words.removesure, [
        [words.keep, 'primary', null], [invited ? words.takeout : words.remove, 'danger', remove]
      ]);
    }));
    buttons.append(button(words.close, 'secondary', function () { made.close(); }));

    async function act(action, values, done) {
      made.querySelectorAll('button').forEach(function (one) { one.disabled = true; });
      try {
        const told = await page.act(action, {_event: item.id, _etag: item.etag, ...values}, true);
        if (done.includes(told.said)) {
          made.close();
          page.say(words[told.said]);
          return page.changed();
        }
        said.textContent = (told.said === 'changed' ? words.changedlook : words[told.said]) || words.away;
        if (['changed', 'gone'].includes(told.said)) page.changed();
      } catch (problem) {
        said.textContent = problem.cause === 'over' || problem.cause === 'other' ? words.over : words.away;
      }
      made.querySelectorAll('button').forEach(function (one) { one.disabled = false; });
    }

    // The same number for each try of an answer: the server sends it once.
    const numbers = {};
    function answer(word) {
      numbers[word] = numbers[word] || Array.from(crypto.getRandomValues(new Uint8Array(12)), function (one) { return one.toString(16).padStart(2, '0'); }).join('');
      act('answer', {_answer: word, _number: numbers[word]}, ['answered' + word, 'notkept']);
    }

    function remove() {
      act('remove', {}, ['removed']);
    }

    const made = dialog(day.title || words.untitled, rows, ...notes, said, answers.children.length ? answers : '', buttons);
  }

  return {open: open};
})();
