// SPDX-License-Identifier: GPL-3.0-or-later
// French of France where no catalogue of SOGo's has the text: sizes, blind copies, and what the page's toolkit says of lists of names.
(function () {
  "use strict";
  if (document.documentElement.lang !== "fr") return;
  const UNITS = {B: "o", KiB: "Ko", MiB: "Mo", GiB: "Go", KB: "Ko", MB: "Mo", GB: "Go"};
  const HINTS = [
    [/(^|\. )Press delete to remove this chip\.$/, "$1Appuyez sur Suppr pour retirer ce nom."],
    [/^Remove( |$)/, "Retirer$1"],
    [/^Chips container\. Use arrow keys to select chips\.$/, "Liste de noms. Les flèches passent de l’un à l’autre."],
    [/^Chips container with autocompletion\..*$/, "Liste de noms, vide. Écrivez, choisissez une proposition par les flèches, puis appuyez sur Entrée."],
    [/^Chips container.*to add a chip\.$/, "Liste de noms, vide. Écrivez un nom, puis appuyez sur Entrée."]
  ];
  // Labels that the pages and their toolkit have in English, whatever the agent's language.
  const LABELS = {
    "Advanced search": "Recherche avancée",
    "Previous Page": "Onglets précédents",
    "Next Page": "Onglets suivants",
    "Use the left and right arrow keys to navigate between tabs": "Les flèches gauche et droite passent d’un onglet à l’autre"
  };
  const LABELLED = Object.keys(LABELS).map(function (one) { return '[aria-label="' + one + '"]'; }).join(", ");
  const SHORT = {jan: "janv.", janv: "janv.", "fév": "févr.", "févr": "févr.", avr: "avr.", juil: "juil.", sep: "sept.", sept: "sept.", oct: "oct.", nov: "nov.", "déc": "déc."};
  let waits = false;

  // SOGo shows the length of a file as it is coded in the message (78 octets for 57 of the file, RFC 2045); agents know the file's own.
  function size(element) {
    if (/^\s*\d+\.\d+\s*[KMG]?o\s*$/.test(element.textContent)) element.textContent = element.textContent.replace(".", ",");
    const found = /^\s*([\d.,]+)\s*([KMG]i?B|B)\s*$/.exec(element.textContent);
    if (!found) return;
    const value = parseFloat(found[1].replace(",", ".")) * (element.classList.contains("sg-attachment-size") ? 57 / 78 : 1);
    const shown = value < 10 && found[2] !== "B" ? Math.round(value * 10) / 10 : Math.round(value);
    element.textContent = String(shown).replace(".", ",") + "\u00a0" + UNITS[found[2]];
  }

  // "Lundi 30 Novembre 2026 16:55 CET": months have no capital, the first of them is "1er", and the zone is the agent's own.
  const DATE = /^(\p{L}+) 0?(\d+) (\p{L}+) (\d{4})(?: (\d\d:\d\d)(?: [A-Z]{3,5})?)?$/u;
  function date(element) {
    const found = DATE.exec(element.textContent.trim());
    if (!found) return;
    const day = found[2] === "1" ? "1er" : found[2], hour = found[5] ? " à " + found[5] : "";
    const text = found[1] + " " + day + " " + found[3].toLowerCase() + " " + found[4] + hour;
    if (text !== element.textContent) element.textContent = text;
  }

  // Above the days of the agenda, months stand after a day: without a capital, short ones with a full stop.
  function month(element) {
    element.childNodes.forEach(function (node) {
      const name = node.nodeType === Node.TEXT_NODE ? node.data.trim() : "", small = name.toLowerCase();
      const shown = Object.hasOwn(SHORT, small) ? SHORT[small] : small;
      if (shown === name) return;
      node.data = node.data.replace(name, shown);
      const day = element.firstElementChild;
      if (element.matches(".sg-calendar-tile-header") && day.textContent.trim() === "1") day.textContent = "1er";
    });
  }

  function said(text) {
    return HINTS.reduce(function (words, pair) { return words.replace(pair[0], pair[1]); }, text.trim());
  }

  function mend() {
    waits = false;
    document.querySelectorAll(".sg-attachment-size, .sg-tile-size").forEach(size);
    document.querySelectorAll("time.msg-date").forEach(date);
    document.querySelectorAll(".dayLabels .md-fg.md-hue-2, .sg-calendar-tile-header").forEach(month);
    document.querySelectorAll(LABELLED).forEach(function (one) { one.setAttribute("aria-label", LABELS[one.getAttribute("aria-label")]); });
    document.querySelectorAll("button[ng-click='editor.hideBcc = false']").forEach(function (button) {
      if (button.textContent.trim() === "Bcc") button.textContent = "Cci";
    });
    document.querySelectorAll("md-chips [aria-label], md-chips .md-visually-hidden, md-chips .md-container-hint").forEach(function (one) {
      const label = one.getAttribute("aria-label");
      if (label && said(label) !== label) one.setAttribute("aria-label", said(label));
      if (!one.children.length && said(one.textContent) !== one.textContent.trim()) one.textContent = said(one.textContent);
    });
  }

  new MutationObserver(function () {
    if (!waits) { waits = true; setTimeout(mend, 200); }
  }).observe(document.body, {childList: true, subtree: true, characterData: true});
  mend();
})();
