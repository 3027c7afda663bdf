// SPDX-License-Identifier: GPL-3.0-or-later
// What the skin does not say to screen readers, and zoom, which it forbids on phones.
(function () {
  const viewport = document.querySelector('meta[name="viewport"]');
  if (viewport) viewport.content = 'width=device-width, initial-scale=1';

  function each(selector, act) {
    document.querySelectorAll(selector).forEach(act);
  }

  function mend() {
    // Buttons that show a picture: their hidden word, or their title, is their name.
    each('a.button, a.icon, a.dropdown, a[title], button[title]', function (element) {
      if (element.getAttribute('aria-label')) return;
      const inner = element.querySelector('.inner');
      const name = (inner ? inner.textContent : element.textContent).trim() || element.title;
      if (name && (!inner || !element.innerText.trim())) element.setAttribute('aria-label', name);
    });
    // A toolbar is no menu: its entries are links in a row.
    each('ul.toolbar, #toolbar-menu, #toolbar-list-menu', function (list) {
      list.setAttribute('role', 'toolbar');
      list.querySelectorAll(':scope > li').forEach(function (entry) { entry.setAttribute('role', 'none'); });
    });
    // Rows are the options of these lists; what holds the rows is nothing to them.
    each('table[role="listbox"] > tbody, table[role="listbox"] > thead', function (part) { part.setAttribute('role', 'none'); });
    each('table[role="listbox"] > tbody > tr', function (row) { row.setAttribute('role', 'option'); });
    // The fields of recipients bear the label of the field that they stand for.
    each('.recipient-input input', function (input) {
      const field = input.closest('.recipient-input').parentNode.querySelector('textarea, input[name]');
      const label = field && document.querySelector('label[for="' + field.id + '"]');
      if (label) input.setAttribute('aria-label', label.textContent.trim());
    });
    each('iframe:not([title])', function (frame) { frame.title = document.title; });
  }

  document.addEventListener('DOMContentLoaded', mend);
  window.addEventListener('load', mend);
  if (window.rcmail) {
    rcmail.addEventListener('init', function () { setTimeout(mend, 0); });
    rcmail.addEventListener('listupdate', mend);
  }
})();
