// SPDX-License-Identifier: GPL-3.0-or-later
// Where a file of the editor does not load, a message is written in plain text: the page would else show no field at all.
if (window.rcmail) {
  // Without one of these there is no editor. Its translations, plug-ins and pictures may lack.
  const NEEDED = /\/tinymce\/(tinymce|themes\/|skins\/)/, FIRST = 'script[src*="/tinymce/tinymce"]';
  let missing = false, editor = null;

  function words(html) {
    const page = new DOMParser().parseFromString(html, 'text/html');
    page.querySelectorAll('br').forEach(function (one) { one.replaceWith('\n'); });
    page.querySelectorAll('p, div, li, tr, blockquote, h1, h2, h3').forEach(function (one) { one.append('\n'); });
    page.querySelectorAll('blockquote').forEach(function (quote) {
      quote.textContent = quote.textContent.trim().split('\n').map(function (line) { return '> ' + line; }).join('\n') + '\n';
    });
    return page.body.textContent.replace(/\n{3,}/g, '\n\n').trim();
  }

  function plain() {
    const field = editor && document.getElementById(editor.id);
    if (!missing || !field || (editor.ref && editor.ref.editor)) return;
    const html = field.classList.contains('mce_editor');
    const apart = window.jQuery(field).data('html-editor-content-element'), source = apart && document.getElementById(apart);
    document.querySelectorAll('.tox-tinymce').forEach(function (one) { one.remove(); });
    if (html) field.value = words(source ? source.value : field.value);
    if (source) source.remove();
    field.classList.remove('mce_editor');
    field.removeAttribute('aria-hidden');
    Object.assign(field.style, {display: '', visibility: '', opacity: ''});
    document.querySelectorAll('[name="_is_html"]').forEach(function (one) { one.value = '0'; });
    rcmail.env.compose_mode_html = false;
    rcmail.display_message(rcmail.get_label('agents_mail.plaintext'), 'warning', 20000);
    editor = null;
  }

  // Roundcube's own script takes the editor for granted, and would stop.
  function stand_in() {
    missing = true;
    const nothing = function () { return null; };
    window.tinymce = window.tinymce || {init: nothing, get: nothing, util: {XHR: {on: nothing}}};
  }

  // A file that does not load tells its element alone.
  window.addEventListener('error', function (event) {
    const address = event.target && (event.target.src || event.target.href);
    if (!address || !NEEDED.test(address)) return;
    missing = true;
    if (event.target.matches(FIRST)) stand_in();
    plain();
  }, true);
  if (document.querySelector(FIRST) && !window.tinymce) stand_in();

  rcmail.addEventListener('editor-init', function (event) {
    editor = {id: event.id, ref: event.ref};
    setTimeout(plain, 0);
  });
}
