// SPDX-License-Identifier: GPL-3.0-or-later
// The parts of EventCalendar as screen readers go through them: a month is a group of days, each with its whole date, and a day of
// the list is a heading below the period's.
window.mpParts = (function () {
  'use strict';

  function watch(place, date) {
    function each(selector, act) {
      place.querySelectorAll(selector).forEach(act);
    }

    function set(part, name, value) {
      if (value === null) part.removeAttribute(name);
      else if (part.getAttribute(name) !== value) part.setAttribute(name, value);
    }

    function mend() {
      // The component gives the days of a month no rows; their names stand above them for the eye alone.
      each('.ec-day-grid .ec-header, .ec-time-grid .ec-header aside', function (part) { set(part, 'aria-hidden', 'true'); });
      each('.ec-day-grid .ec-main, .ec-day-grid .ec-body', function (part) { set(part, 'role', 'presentation'); });
      each('.ec-day-grid .ec-day[role]', function (part) {
        const day = part.querySelector('time[datetime]');
        set(part, 'role', 'group');
        if (day) set(part, 'aria-label', date(day.getAttribute('datetime').slice(0, 10)));
      });
      each('.ec', function (part) {
        set(part, 'role', part.classList.contains('ec-day-grid') ? null : part.querySelector('.ec-main [role="listitem"]') ? 'list' : part.classList.contains('ec-list') ? null : 'table');
      });
      each('.ec-end .ec-button', function (part) { set(part, 'aria-pressed', String(part.classList.contains('ec-active'))); });
      each('.ec-list h4', function (part) { set(part, 'aria-level', '3'); });
      each('aside', function (part) { set(part, 'role', 'presentation'); });
      // The hours of a week scroll: by keyboard only where the part takes the focus, as a week may have no event that does.
      each('.ec-main', function (part) { set(part, 'tabindex', part.closest('.ec-time-grid') ? '0' : null); });
    }

    mend();
    new MutationObserver(mend).observe(place, {childList: true, subtree: true, attributes: true, attributeFilter: ['role', 'aria-label', 'class']});
  }

  return {watch: watch};
})();
