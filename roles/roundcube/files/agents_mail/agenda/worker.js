// SPDX-License-Identifier: GPL-3.0-or-later
// The days of many events, one after the other. An event that takes for ever holds this worker alone, and the page ends it.
importScripts('ical.js' + location.search, 'events.js' + location.search);
const parsed = new Map();
addEventListener('message', function (event) {
  const asked = event.data;
  asked.items.forEach(function (item, index) {
    const key = item.id + item.etag;
    let told = null;
    try {
      if (!parsed.has(key)) parsed.set(key, mpEvents.parse(item.text));
      told = mpEvents.days(parsed.get(key), asked.from, asked.to, asked.zone);
    } catch (error) { /* no calendar that can be read: left out */ }
    postMessage({round: asked.round, index: index, told: told});
  });
  postMessage({round: asked.round, index: asked.items.length, told: null});
});
