// SPDX-License-Identifier: GPL-3.0-or-later
// The page's parts as screen readers go through them, and the order in which the keyboard does: the skin gives some of its parts
// no role, hides its headings from everybody, and numbers the fields of the editor.
(function () {
  const french = document.documentElement.lang.startsWith('fr');
  const CONTENT = french ? 'Contenu' : 'Content', LIST = french ? 'Liste' : 'List';
  let waits = false;

  function each(selector, act) {
    document.querySelectorAll(selector).forEach(act);
  }

  function role(selector, name, label) {
    each(selector, function (part) {
      if (!part.getAttribute('role')) part.setAttribute('role', name);
      if (label && !part.getAttribute('aria-label') && !part.getAttribute('aria-labelledby')) part.setAttribute('aria-label', label);
    });
  }

  // What the skin says itself stays. Else a page that has a list is about the list, and another one about its content.
  function landmarks() {
    const framed = document.documentElement.classList.contains('iframe');
    const list = document.getElementById('layout-list'), content = document.getElementById('layout-content');
    role('#layout-menu', 'banner');
    role('#layout-sidebar', 'complementary', 'Options');
    if (!framed) {
      const main = content && content.getAttribute('role') === 'main' ? content : list || content;
      each('[role="main"]', function (part) { if (part !== main && main && main.contains(part)) part.removeAttribute('role'); });
      if (main) main.setAttribute('role', 'main');
      if (list && content) role(main === list ? '#layout-content' : '#layout-list', 'region', main === list ? CONTENT : LIST);
    } else if (content && !document.querySelector('[role="main"], main')) {
      content.setAttribute('role', 'main');
    }
    const main = document.querySelector('[role="main"], main');
    each('h1.voice', function (heading) { if (main && !main.contains(heading)) main.prepend(heading); });
    // What a sender wrote has no heading of the page's rank.
    each('#messagebody h1:not([aria-level])', function (heading) {
      heading.setAttribute('role', 'heading');
      heading.setAttribute('aria-level', '3');
    });
  }

  function mend() {
    waits = false;
    landmarks();
    each('[tabindex]', function (element) { if (element.tabIndex > 0) element.tabIndex = 0; });
    // The frame of the message is no stop while it is empty.
    each('#messagecontframe, #preferences-frame, #layout-content .iframe-wrapper > iframe', function (frame) {
      let blank = false;
      try {
        blank = /\/blank\.html$|^about:blank$/.test(frame.contentWindow.location.href.split(/[?#]/)[0]);
      } catch (error) { /* a page of another site */ }
      if (blank) frame.tabIndex = -1;
      else if (frame.tabIndex === -1) frame.removeAttribute('tabindex');
    });
    // Buttons that the skin makes late: their hidden word is their name.
    each('a.button[href]:not([aria-label])', function (button) {
      const inner = button.querySelector('.inner');
      const name = inner ? inner.textContent.trim() : '';
      if (!button.innerText.trim()) button.setAttribute('aria-label', name || button.title || 'Menu');
    });
    each('.recipient a.remove:not([role])', function (button) {
      button.setAttribute('role', 'button');
      button.setAttribute('aria-label', french ? 'Retirer' : 'Remove');
    });
    // Sizes have a comma in French.
    if (french) each('.attachment-size, #quotadisplay .count', function (size) {
      const text = size.textContent.replace(/(\d)\.(\d+) ?([kKMG]?o)\b/g, '$1,$2\u00a0$3');
      if (!size.children.length && text !== size.textContent) size.textContent = text;
    });
    // Copies have the names of what they copy.
    each('table.fixedcopy [id], .rcmBody[id]', function (copy) {
      if (document.querySelectorAll('[id="' + CSS.escape(copy.id) + '"]').length > 1) copy.removeAttribute('id');
    });
    // The field that the list of recipients stands for is seen by nobody.
    each('textarea[data-recipient-input][role]', function (field) { field.removeAttribute('role'); field.setAttribute('aria-hidden', 'true'); });
    each('.tox-sidebar[role]', function (part) { part.removeAttribute('role'); });
    each('.rcpagejumper:not([aria-label])', function (field) { field.setAttribute('aria-label', field.title); });
    each('.ui-dialog-titlebar-close:not([aria-label])', function (button) { button.setAttribute('aria-label', french ? 'Fermer' : 'Close'); });
  }

  function soon() {
    if (waits) return;
    waits = true;
    setTimeout(mend, 50);
  }

  // Links in the editor are too pale on its white.
  if (window.rcmail) {
    rcmail.addEventListener('editor-init', function (event) {
      if (document.documentElement.classList.contains('dark-mode')) return;
      event.config.content_style = (event.config.content_style || '') + ' a { color: #0063cb; }';
    });
  }

  document.addEventListener('DOMContentLoaded', function () {
    mend();
    new MutationObserver(soon).observe(document.body, {childList: true, subtree: true, attributes: true, attributeFilter: ['tabindex']});
  });
  window.addEventListener('load', function () {
    each('iframe', function (frame) { frame.addEventListener('load', soon); });
    soon();
  });
})();
