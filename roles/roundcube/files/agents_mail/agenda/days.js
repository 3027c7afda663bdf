// SPDX-License-Identifier: GPL-3.0-or-later
// The days of all events, computed by a worker, so that the page answers meanwhile. An event that holds the worker is left out.
window.mpDays = (function () {
  'use strict';
  // Milliseconds: for the worker's first word, and between two.
  const START = 20000, SILENT = 3000;
  let worker = null, round = 0, stop = null;

  // The days of items ({id, etag, text}) between two, with the item of each, and the items that are left out; null where another question came.
  function compute(address, items, from, to, zone) {
    const mine = round += 1;
    if (stop) stop();
    return new Promise(function (done) {
      const days = [], left = [];
      let at = 0, timer = 0;
      stop = function () { clearTimeout(timer); done(null); };

      function wait(milliseconds) {
        clearTimeout(timer);
        timer = setTimeout(function () {
          worker.terminate();
          worker = null;
          left.push(items[at]);
          at += 1;
          run();
        }, milliseconds);
      }

      function run() {
        const offset = at;
        if (!worker) worker = new Worker(address);
        worker.onmessage = function (event) {
          const said = event.data, item = items[offset + said.index];
          if (said.round !== mine) return;
          if (!item) {
            clearTimeout(timer);
            stop = null;
            return done({days: days, left: left});
          }
          at = offset + said.index + 1;
          if (!said.told || said.told.more) left.push(item);
          (said.told ? said.told.days : []).forEach(function (one) { days.push({...one, item: item}); });
          wait(SILENT);
        };
        worker.onerror = function () { clearTimeout(timer); done({days: days, left: items.slice(at)}); };
        worker.postMessage({round: mine, items: items.slice(offset), from: from, to: to, zone: zone});
        wait(START);
      }
      run();
    });
  }

  return {compute: compute};
})();
