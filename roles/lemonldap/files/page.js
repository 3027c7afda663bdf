// SPDX-License-Identifier: GPL-3.0-or-later
// What the frame of the log-in pages does: the bar of notices, the other language, and a title that names the page in it.
const heading = document.querySelector("h1"), root = document.documentElement;

function entitle() {
  const site = window.translate("malleposteTitle"), page = heading ? heading.textContent.trim() : "";
  const parts = [page, site === "malleposteTitle" ? "Connexion" : site, document.body.dataset.academy];
  document.title = parts.filter(function (one, place) { return one && parts.indexOf(one) === place; }).join(" – ");
}

function speak(language) {
  root.lang = language;
  document.querySelectorAll("[data-language]").forEach(function (one) { one.hidden = one.dataset.language === language; });
  document.querySelectorAll("[data-en]").forEach(function (one) {
    if (!one.dataset.fr) one.dataset.fr = one.getAttribute("href");
    one.href = one.dataset[language];
  });
  draw();
}

const draw = window.mpNotices.watch(address, function (bar) { document.querySelector("header").after(bar); });
speak(root.lang.startsWith("fr") ? "fr" : "en");
// The software fills its texts in once they have come; what was typed stays.
if (heading) new MutationObserver(entitle).observe(heading, {childList: true, characterData: true, subtree: true});
document.querySelectorAll("[data-language]").forEach(function (one) {
  one.addEventListener("click", function () {
    const language = one.dataset.language;
    document.cookie = "llnglanguage=" + language + "; Path=/; Max-Age=31536000; SameSite=Lax; Secure";
    window.translatePage(language);
    speak(language);
    document.querySelector("[data-language]:not([hidden])").focus();
  });
});
