// SPDX-License-Identifier: GPL-3.0-or-later
// The text of an event (RFC 5545) as the page shows and changes it, by ical.js. Without a document: the worker and the tests have it too.
globalThis.mpEvents = (function () {
  'use strict';
  // Of one series: the steps of its rule, and the days that are shown.
  const STEPS = 20000, SHOWN = 400;
  const REMINDERS = [0, 5, 15, 30, 60, 120, 1440, 2880];
  const FIELDS = {title: 'summary', place: 'location', link: 'url', text: 'description'};
  const formats = {};

  function two(number) {
    return String(number).padStart(2, '0');
  }

  // Names of places in the world that the browser does not know are no zones.
  function format(zone) {
    if (!(zone in formats)) {
      try {
        formats[zone] = new Intl.DateTimeFormat('en-GB', {
          timeZone: zone, hourCycle: 'h23', year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit'
        });
      } catch (error) {
        formats[zone] = null;
      }
    }
    return formats[zone];
  }

  // The clock of a zone at an instant (in seconds), as `2030-03-04T14:00`.
  function clock(instant, zone) {
    const parts = {};
    format(zone).formatToParts(instant * 1000).forEach(function (one) { parts[one.type] = one.value; });
    return parts.year.padStart(4, '0') + '-' + parts.month + '-' + parts.day + 'T' + parts.hour + ':' + parts.minute;
  }

  // The instant at which a zone's clock shows a time; in the hour that comes twice the first.
  function instant(shown, zone) {
    const wall = Date.parse(shown + ':00Z') / 1000;
    let guess = wall;
    for (let tries = 0; tries < 2; tries += 1) guess += wall - Date.parse(clock(guess, zone) + ':00Z') / 1000;
    const before = guess - 3600;
    return clock(before, zone) === clock(guess, zone) ? before : guess;
  }

  function wall(time) {
    return String(time.year).padStart(4, '0') + '-' + two(time.month) + '-' + two(time.day)
      + (time.isDate ? '' : 'T' + two(time.hour) + ':' + two(time.minute));
  }

  // The time of a property on the page's clock. Its zone is the one that the file describes, else the one of that name.
  function shown(time, tzid, zone) {
    if (time.isDate) return wall(time);
    if (time.zone === ICAL.Timezone.utcTimezone || (time.zone && time.zone.component)) return clock(time.toUnixTime(), zone);
    if (tzid && tzid !== zone && format(tzid)) return clock(instant(wall(time), tzid), zone);
    return wall(time);
  }

  function day(text, days) {
    const date = new Date(text.slice(0, 10) + 'T00:00:00Z');
    date.setUTCDate(date.getUTCDate() + days);
    return date.toISOString().slice(0, 10);
  }

  function parse(text) {
    return new ICAL.Component(ICAL.parse(text));
  }

  function masters(whole) {
    return whole.getAllSubcomponents('vevent').filter(function (one) { return !one.hasProperty('recurrence-id'); });
  }

  function repeats(whole) {
    const events = whole.getAllSubcomponents('vevent');
    return events.length > 1 || events.some(function (one) {
      return ['rrule', 'rdate', 'recurrence-id', 'exrule'].some(function (name) { return one.hasProperty(name); });
    });
  }

  function value(component, name) {
    const found = component.getFirstPropertyValue(name);
    return found === null || found === undefined ? '' : String(found);
  }

  function parameter(component, name, key) {
    const found = component.getFirstProperty(name);
    return found ? found.getParameter(key) || '' : '';
  }

  // Only addresses of the web become links.
  function web(text) {
    const found = /^https?:\/\/[^\s"<>]+$/i.exec(String(text || '').trim());
    return found ? found[0] : '';
  }

  function links(component) {
    const told = [];
    for (const name of ['url', 'conference', 'x-google-conference', 'attach']) {
      component.getAllProperties(name).forEach(function (one) { if (one.getParameter('value') !== 'BINARY') told.push(one.getFirstValue()); });
    }
    for (const name of ['location', 'description']) {
      (value(component, name).slice(0, 20000).match(/https?:\/\/[^\s"<>]{1,1000}/gi) || []).forEach(function (one) { told.push(one.replace(/[.,;:!?)\]]+$/, '')); });
    }
    return [...new Set(told.map(web).filter(Boolean))].slice(0, 5);
  }

  function address(property) {
    return String(property.getFirstValue() || '').replace(/^mailto:/i, '').toLowerCase();
  }

  // The one alarm that the form shows: so many minutes before the beginning, by mail or by the device.
  function alarm(component) {
    const alarms = component.getAllSubcomponents('valarm').filter(function (one) {
      const trigger = one.getFirstProperty('trigger'), action = value(one, 'action').toUpperCase();
      if (!trigger || trigger.getParameter('related') === 'END' || !['DISPLAY', 'AUDIO', 'EMAIL'].includes(action)) return false;
      const before = trigger.getFirstValue();
      return before instanceof ICAL.Duration && REMINDERS.includes(-before.toSeconds() / 60);
    });
    return alarms[0] || null;
  }

  function begin(component, zone) {
    const found = component.getFirstProperty('dtstart');
    return shown(found.getFirstValue(), found.getParameter('tzid'), zone);
  }

  // The end on the page's clock; of whole days the last of them.
  function end(component, zone) {
    const start = component.getFirstProperty('dtstart'), from = start.getFirstValue(), found = component.getFirstProperty('dtend');
    const length = component.getFirstPropertyValue('duration');
    if (from.isDate) {
      const last = found ? day(wall(found.getFirstValue()), -1) : day(wall(from), Math.max(1, length ? Math.round(length.toSeconds() / 86400) : 1) - 1);
      return last < wall(from) ? wall(from) : last.slice(0, 10);
    }
    if (found) return shown(found.getFirstValue(), found.getParameter('tzid'), zone);
    if (!length) return begin(component, zone);
    const to = from.clone();
    to.addDuration(length);
    return shown(to, start.getParameter('tzid'), zone);
  }

  // All that the page says of an event. Lengths are bounded: what strangers wrote is shown in part.
  function read(text, zone) {
    const whole = parse(text), component = masters(whole)[0] || whole.getFirstSubcomponent('vevent');
    const told = alarm(component), organizer = component.getFirstProperty('organizer');
    const from = begin(component, zone);
    return {
      fields: {
        title: value(component, 'summary'), place: value(component, 'location'), link: web(value(component, 'url')), text: value(component, 'description'),
        whole: from.length === 10, begin: from, end: end(component, zone),
        reminder: told ? String(-told.getFirstPropertyValue('trigger').toSeconds() / 60) : '',
        by: told && value(told, 'action').toUpperCase() !== 'EMAIL' ? 'DISPLAY' : 'EMAIL'
      },
      repeats: repeats(whole),
      links: links(component),
      status: value(component, 'status').toUpperCase(),
      organizer: organizer ? {address: address(organizer), name: organizer.getParameter('cn') || ''} : null,
      guests: component.getAllProperties('attendee').slice(0, 200).map(function (one) {
        return {address: address(one), name: one.getParameter('cn') || '', answer: String(one.getParameter('partstat') || 'NEEDS-ACTION').toUpperCase()};
      }),
      alarms: component.getAllSubcomponents('valarm').length - (told ? 1 : 0)
    };
  }

  function occurrence(component, times, series) {
    return {
      title: value(component, 'summary').slice(0, 300), place: value(component, 'location').slice(0, 300), begin: times[0], end: times[1], whole: times[0].length === 10,
      status: value(component, 'status').toUpperCase(), series: series,
      mine: component.getAllProperties('attendee').slice(0, 200).map(function (one) { return [address(one), String(one.getParameter('partstat') || 'NEEDS-ACTION').toUpperCase()]; })
    };
  }

  // The days that an object has between two (`2030-03-01`), and whether a series has more of them than are shown.
  function days(whole, from, to, zone) {
    const told = [], until = to + 'T00:00';
    const within = function (one) { return one.begin < until && (one.end > from || one.begin >= from); };
    const events = whole.getAllSubcomponents('vevent');
    for (const component of events) {
      if (component.hasProperty('recurrence-id') && masters(whole).length) continue;
      if (!component.hasProperty('rrule') && !component.hasProperty('rdate')) {
        const one = occurrence(component, [begin(component, zone), end(component, zone)], repeats(whole));
        if (within(one)) told.push(one);
        continue;
      }
      const series = new ICAL.Event(component), tzid = parameter(component, 'dtstart', 'tzid'), walk = series.iterator();
      // A day more on each side: the zone of the series is not the page's.
      const first = day(from, -2 - Math.min(60, Math.ceil(Math.abs(series.duration.toSeconds()) / 86400)));
      const after = day(to, 1);
      let count = 0, next = walk.next();
      for (; next; next = walk.next()) {
        const at = wall(next);
        if (at.slice(0, 10) > after) break;
        if ((count += 1) > STEPS || told.length >= SHOWN) return {days: told, more: true};
        if (at.slice(0, 10) < first) continue;
        const found = series.getOccurrenceDetails(next), own = found.item.component;
        const zoned = own === component ? tzid : parameter(own, 'dtstart', 'tzid') || tzid;
        const last = found.startDate.isDate ? day(wall(found.endDate), -1) : shown(found.endDate, zoned, zone);
        const one = occurrence(own, [shown(found.startDate, zoned, zone), last < wall(found.startDate).slice(0, 10) ? wall(found.startDate) : last], true);
        if (within(one)) told.push(one);
      }
    }
    return {days: told, more: false};
  }

  function time(text, zone) {
    const [date, hour] = text.split('T'), [year, month, of] = date.split('-').map(Number), [hours, minutes] = (hour || '0:0').split(':').map(Number);
    return hour ? new ICAL.Time({year: year, month: month, day: of, hour: hours, minute: minutes, second: 0, isDate: false})
      : new ICAL.Time({year: year, month: month, day: of, isDate: true});
  }

  function put(component, name, text) {
    const found = component.getFirstProperty(name);
    if (!text) component.removeAllProperties(name);
    else if (found) found.setValue(text);
    else component.addPropertyWithValue(name, text);
  }

  // The zone is named; the store describes it. An hour that the zone's clock leaves out is written as it was typed.
  function moment(component, name, text, zone) {
    component.removeAllProperties(name);
    const made = new ICAL.Property(name, component);
    if (text.length === 10) made.resetType('date');
    else made.setParameter('tzid', zone);
    made.setValue(time(text, zone));
    component.addProperty(made);
  }

  function remind(component, fields) {
    const known = alarm(component);
    if (known) component.removeSubcomponent(known);
    if (fields.reminder === '') return;
    const made = new ICAL.Component('valarm');
    made.addPropertyWithValue('action', fields.by);
    made.addPropertyWithValue('trigger', ICAL.Duration.fromSeconds(-60 * Number(fields.reminder)));
    made.addPropertyWithValue('description', fields.title);
    if (fields.by === 'EMAIL') {
      made.addPropertyWithValue('summary', fields.title);
      made.addPropertyWithValue('attendee', 'mailto:' + fields.to);
    }
    component.addSubcomponent(made);
  }

  // The text of an event with what differs between two states of the form; all else stays. Throws for a series.
  function change(text, before, after, zone) {
    const whole = parse(text), component = masters(whole)[0];
    if (repeats(whole) || !component) throw new Error('series');
    for (const [key, name] of Object.entries(FIELDS)) {
      if (before[key] === after[key]) continue;
      put(component, name, after[key]);
      component.getAllProperties(name).forEach(function (one) { one.removeParameter('altrep'); });
      // The same text in HTML would say what was.
      if (key === 'text') component.removeAllProperties('x-alt-desc');
    }
    const moved = ['whole', 'begin', 'end'].some(function (key) { return before[key] !== after[key]; });
    if (moved) {
      component.removeAllProperties('duration');
      moment(component, 'dtstart', after.begin, zone);
      moment(component, 'dtend', after.whole ? day(after.end, 1) : after.end, zone);
      component.removeAllProperties('x-microsoft-cdo-alldayevent');
    }
    if (before.reminder !== after.reminder || before.by !== after.by) remind(component, after);
    const now = ICAL.Time.fromJSDate(new Date(), true);
    for (const name of ['dtstamp', 'last-modified']) component.updatePropertyWithValue(name, now);
    if (moved) component.updatePropertyWithValue('sequence', (Number(component.getFirstPropertyValue('sequence')) || 0) + 1);
    return whole.toString() + '\r\n';
  }

  function create(uid, after, zone) {
    const whole = new ICAL.Component('vcalendar'), component = new ICAL.Component('vevent');
    whole.addPropertyWithValue('version', '2.0');
    whole.addPropertyWithValue('prodid', '-//Malleposte//Agenda//FR');
    component.addPropertyWithValue('uid', uid);
    component.addPropertyWithValue('dtstart', time('2000-01-01T00:00'));
    whole.addSubcomponent(component);
    return change(whole.toString(), {title: '', place: '', link: '', text: '', reminder: '', by: after.by}, after, zone);
  }

  return {parse: parse, read: read, days: days, change: change, create: create, day: day, clock: clock, instant: instant, REMINDERS: REMINDERS};
})();
