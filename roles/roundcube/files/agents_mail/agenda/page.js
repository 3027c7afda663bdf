// SPDX-License-Identifier: GPL-3.0-or-later
// « Agenda »: the agendas of the agent, shown by EventCalendar. Events come as text and are read here (events.js).
if (window.rcmail) {
  rcmail.addEventListener('init', function () {
    const own = rcmail.env.agents_agenda, place = document.getElementById('agenda-calendar');
    if (!own || !place) return;
    const words = own.words, language = document.documentElement.lang || 'fr', phone = window.matchMedia('(max-width: 768px)').matches;
    const {element, question} = mpForm, HIDDEN = 'agents_agenda_hidden ' + own.uid, FRESH = 60000;
    const COLOURS = ['#0b5cad', '#18753c', '#8a4a00', '#6a3d9a', '#a3195b', '#00696b'];
    let agendas = [], since = '', loaded = 0, range = null, hidden = [], form = null, loading = 0;
    try {
      hidden = JSON.parse(localStorage.getItem(HIDDEN)) || [];
    } catch (error) { /* a browser that keeps nothing */ }

    const part = function (name) { return document.getElementById('agenda-' + name); };

    function trouble(cause) {
      const error = new Error(cause);
      error.cause = cause;
      return error;
    }

    // One question to the server. Throws with what an answer says of the session.
    async function act(action, values, change) {
      let answer = null;
      try {
        answer = await fetch(rcmail.url(action, change ? {_remote: 1} : {...values, _remote: 1}), {
          cache: 'no-store', credentials: 'same-origin', redirect: 'manual', method: change ? 'POST' : 'GET', body: change ? new URLSearchParams(values) : undefined,
          headers: {'X-Requested-With': 'XMLHttpRequest', 'X-Roundcube-Request': rcmail.env.request_token}
        });
      } catch (error) {
        throw trouble('unsure');
      }
      if (answer.type === 'opaqueredirect') throw trouble('over');
      if (!answer.ok) {
        const cause = mpUnsent.cause(answer.status) || 'away';
        // The token of a session that is over.
        throw trouble(cause === 'other' ? 'over' : cause);
      }
      const told = await answer.json().catch(function () { return {}; });
      if (String(told.exec || '').includes('session_error')) throw trouble('over');
      return told;
    }

    async function probe() {
      try {
        await act('keep-alive', {}, false);
        return '';
      } catch (error) {
        return error.cause || 'unsure';
      }
    }

    // Go on in the present session, if it is of the same agent: with the token of a page that Roundcube makes anew.
    async function adopt() {
      const answer = await fetch(rcmail.url('index'), {cache: 'no-store', credentials: 'same-origin'});
      if (!answer.ok) throw new Error(answer.status);
      const page = new DOMParser().parseFromString(await answer.text(), 'text/html'), start = 'rcmail.set_env(';
      const line = [...page.scripts].flatMap(function (one) { return one.textContent.split('\n'); }).find(function (one) { return one.startsWith(start); });
      const env = JSON.parse(line.slice(start.length, line.lastIndexOf(')')));
      if (!env.agents_agenda || env.agents_agenda.uid !== own.uid) throw new Error('other');
      rcmail.set_env({request_token: env.request_token, session_id: env.session_id});
      return [];
    }

    function care(put, text) {
      return mpUnsent.care({put: put, probe: probe, save: adopt, text: text, mail: false, login: './?_task=agenda'});
    }

    function say(text) {
      rcmail.display_message(text, 'confirmation', 6000);
      part('said').textContent = text;
    }

    function date(text, more) {
      const told = new Intl.DateTimeFormat(language, {weekday: 'long', day: 'numeric', month: 'long', year: 'numeric', timeZone: 'UTC', ...more}).format(new Date(text.slice(0, 10) + 'T00:00:00Z'));
      return language.startsWith('fr') ? told.replace(/^(\S+ )1 /, '$11er ') : told;
    }

    // A day as the component has it.
    function written(at) {
      return [String(at.getFullYear()).padStart(4, '0'), String(at.getMonth() + 1).padStart(2, '0'), String(at.getDate()).padStart(2, '0')].join('-');
    }

    function hour(text) {
      return language.startsWith('fr') ? text.slice(11, 16).replace(/^0/, '').replace(':', '\u00a0h\u00a0').replace(/h\u00a000$/, 'h') : text.slice(11, 16);
    }

    // « lundi 4 mars 2030, de 14 h à 15 h 30 »
    function when(one) {
      const last = one.end.slice(0, 10), fill = function (name, values) {
        return values.reduce(function (text, value, index) { return text.replace('$' + (index + 1), function () { return value; }); }, words[name]);
      };
      if (one.whole) return last === one.begin ? date(one.begin) : fill('fromday', [date(one.begin), date(last)]);
      if (one.begin === one.end) return fill('athour', [date(one.begin), hour(one.begin)]);
      if (last === one.begin.slice(0, 10)) return fill('fromhour', [date(one.begin), hour(one.begin), hour(one.end)]);
      return fill('fromdayhour', [date(one.begin), hour(one.begin), date(last), hour(one.end)]);
    }

    function colour(agenda, index) {
      return /^#[0-9a-f]{6}$/.test(agenda.colour) ? agenda.colour : COLOURS[index % COLOURS.length];
    }

    // Black or white, whichever can be read.
    function ink(background) {
      const light = [1, 3, 5].map(function (at) {
        const part = parseInt(background.slice(at, at + 2), 16) / 255;
        return part <= 0.03928 ? part / 12.92 : Math.pow((part + 0.055) / 1.055, 2.4);
      });
      return 0.2126 * light[0] + 0.7152 * light[1] + 0.0722 * light[2] > 0.179 ? '#000000' : '#ffffff';
    }

    function answerOf(one) {
      const mine = one.mine.find(function (pair) { return own.addresses.includes(pair[0]); });
      return mine ? mine[1] : '';
    }

    function state(one) {
      if (one.status === 'CANCELLED') return words.calledoffmark;
      return {'NEEDS-ACTION': words.waitsmark, TENTATIVE: words.maybemark, DECLINED: words.declinedmark}[answerOf(one)] || '';
    }

    function event(one, index) {
      const agenda = one.item.agenda, background = colour(agenda, agendas.indexOf(agenda)), faded = one.status === 'CANCELLED' || answerOf(one) === 'DECLINED';
      return {
        id: String(index), title: one.title || words.untitled, allDay: one.whole, start: one.begin,
        end: one.whole ? mpEvents.day(one.end, 1) : one.end > one.begin ? one.end : one.begin.slice(0, 11) + '23:59' < one.begin ? one.begin : one.end,
        backgroundColor: background, textColor: ink(background), extendedProps: {day: one},
        classNames: [faded ? 'agenda-off' : '', answerOf(one) === 'NEEDS-ACTION' ? 'agenda-waits' : ''].filter(Boolean)
      };
    }

    function content(info) {
      const one = info.event.extendedProps.day, list = info.view.type.startsWith('list'), mark = state(one);
      const hours = one.whole ? (list ? words.whole : '') : one.begin.slice(0, 10) === one.end.slice(0, 10) || !list ? (list && one.end > one.begin ? hour(one.begin) + ' – ' + hour(one.end) : hour(one.begin)) : when(one);
      const title = element('span', {class: 'agenda-title'}, (mark ? mark + ' ' : '') + (one.title || words.untitled));
      const nodes = [hours ? element('span', {class: 'agenda-hours'}, hours) : '', title];
      if (list && one.place) nodes.push(element('span', {class: 'agenda-place'}, one.place));
      if (list) nodes.push(element('span', {class: 'agenda-of'}, one.item.agenda.name));
      else nodes.push(element('span', {class: 'voice'}, ', ' + date(one.begin) + ', ' + one.item.agenda.name));
      // A button of our own: the component would call its article one.
      const entry = element('button', {type: 'button', class: 'agenda-entry'}, ...nodes);
      entry.addEventListener('click', function () {
        mpPanel.open(page, one, one.item.agenda, function (item) { write(item, ''); });
      });
      return {domNodes: [entry]};
    }

    const page = {
      words: words, zone: own.zone, mail: own.mail, addresses: own.addresses, act: act, say: say, care: care, when: when,
      agendas: function () { return agendas.filter(function (one) { return one.own; }); },
      changed: function (at) {
        if (at && (at < range.from || at.slice(0, 10) >= range.to)) calendar.setOption('date', at.slice(0, 10));
        return load(true);
      }
    };

    function write(item, at) {
      if (!page.agendas().length) return say(words.noagenda);
      form = mpForm.open(page, item, at);
    }

    // The next whole hour of today, or nine o'clock of another day.
    function start(at) {
      const now = mpEvents.clock(Date.now() / 1000 + 3600, own.zone).slice(0, 13) + ':00';
      return at && at !== now.slice(0, 10) ? at + 'T09:00' : now;
    }

    const calendar = EventCalendar.create(place, {
      view: phone ? 'listDay' : 'dayGridMonth',
      headerToolbar: {start: 'prev,next today', center: 'title', end: 'dayGridMonth,timeGridWeek,listDay'},
      buttonText: function (text) {
        return {...text, today: words.today, dayGridMonth: words.month, timeGridWeek: words.week, listDay: words.list, prev: words.before, next: words.after, close: words.close};
      },
      views: {
        listDay: {duration: {days: 31}, listDayFormat: function (at) { return date(written(at), {year: undefined}); }, listDaySideFormat: function () { return ''; }},
        timeGridWeek: {dayHeaderFormat: {weekday: 'short', day: 'numeric', month: phone ? undefined : 'short'}, height: phone ? '34rem' : '100%'}
      },
      theme: function (theme) {
        return document.documentElement.classList.contains('dark-mode') ? {...theme, calendar: theme.calendar + ' ec-dark'} : theme;
      },
      locale: language, firstDay: 1, height: phone ? 'auto' : '100%', dayMaxEvents: true, nowIndicator: true, scrollTime: '07:30:00',
      slotLabelFormat: function (at) { return hour('T'.padStart(11) + String(at.getHours()).padStart(2, '0') + ':00'); },
      allDayContent: words.allday, noEventsContent: words.nothing,
      moreLinkContent: function (info) { return words.more.replace('$count', String(info.num)); },
      eventContent: content, editable: false,
      dateClick: function (info) {
        if (!phone) write(null, info.allDay ? start(info.dateStr.slice(0, 10)) : info.dateStr.slice(0, 16));
      },
      datesSet: function (info) {
        range = {from: info.startStr.slice(0, 10), to: info.endStr.slice(0, 10)};
        load(false);
      }
    });

    function ticks() {
      const box = part('agendas');
      box.replaceChildren(...agendas.map(function (one, index) {
        const tick = element('input', {type: 'checkbox', id: 'agenda-tick-' + one.id, checked: !hidden.includes(one.id)});
        const dot = element('span', {class: 'agenda-dot', 'aria-hidden': 'true'});
        dot.style.backgroundColor = colour(one, index);
        tick.addEventListener('change', function () {
          hidden = hidden.filter(function (id) { return id !== one.id; }).concat(tick.checked ? [] : [one.id]);
          try {
            localStorage.setItem(HIDDEN, JSON.stringify(hidden));
          } catch (error) { /* for this visit alone */ }
          draw();
        });
        return element('li', {}, tick, element('label', {for: tick.id}, dot, one.name + (one.own ? '' : ' (' + words.readonlymark + ')')));
      }));
    }

    function leftOut(left) {
      const silent = agendas.filter(function (one) { return one.silent; }).map(function (one) { return one.name; });
      const large = agendas.reduce(function (sum, one) { return sum + one.left; }, 0), lines = [];
      if (silent.length) lines.push(words.silent.replace('$names', function () { return silent.join(', '); }));
      if (large) lines.push(words.toolarge.replace('$count', String(large)));
      if (left.length) lines.push(words.toomany.replace('$names', function () {
        return left.slice(0, 3).map(function (item) { return (/^SUMMARY[^:\r\n]{0,200}:([^\r\n]{1,60})/m.exec(item.text) || ['', words.untitled])[1]; }).join(', ');
      }));
      part('left').replaceChildren(...lines.map(function (one) { return element('p', {}, one); }));
    }

    async function draw() {
      const items = agendas.filter(function (one) { return !hidden.includes(one.id); }).flatMap(function (agenda) {
        return agenda.events.map(function (one) { return {...one, agenda: agenda}; });
      });
      const asked = items.map(function (one) { return {id: one.id, etag: one.etag, text: one.text}; });
      const told = await mpDays.compute(own.worker, asked, range.from, range.to, own.zone);
      if (!told) return;
      const whole = new Map(items.map(function (one) { return [one.id, one]; }));
      told.days.forEach(function (one) { one.item = whole.get(one.item.id); });
      calendar.setOption('events', told.days.map(event));
      leftOut(told.left);
      place.setAttribute('aria-busy', 'false');
      document.documentElement.dataset.agenda = String(loaded);
    }

    async function load(again) {
      const wanted = mpEvents.day(range.from, -31), mine = loading += 1;
      if (!again && since && since <= range.from && Date.now() - loaded < 10 * FRESH) return draw();
      place.setAttribute('aria-busy', 'true');
      try {
        const from = since && since < wanted ? since : wanted, told = await act('events', {_from: from}, false);
        if (mine !== loading) return;
        if (!told.agendas) throw trouble('away');
        part('trouble').replaceChildren();
        agendas = told.agendas;
        since = from;
        loaded = Date.now();
        ticks();
        await draw();
      } catch (error) {
        if (mine !== loading) return;
        place.setAttribute('aria-busy', 'false');
        const over = error.cause === 'over' || error.cause === 'other';
        const again = element('button', {type: 'button', class: 'btn btn-secondary'}, words.again), login = element('a', {href: './?_task=agenda'}, words.login);
        again.addEventListener('click', function () { load(true); });
        part('trouble').replaceChildren(element('p', {}, over ? words.over : words.silentall), over ? login : again);
      }
    }

    mpParts.watch(place, date);
    part('new').addEventListener('click', function () { write(null, start('')); });
    part('new').textContent = words.newevent;
    part('legend').textContent = words.agendas;
    window.addEventListener('focus', function () { if (loaded && Date.now() - loaded > FRESH && !(form && form.open())) load(true); });
    // Roundcube would leave the page, with what is being written.
    const leave = rcmail.session_error;
    rcmail.session_error = function () {
      if (!form || !form.open()) return leave.apply(rcmail, arguments);
      rcmail.clear_messages();
      form.lost('over');
    };
  });
}
