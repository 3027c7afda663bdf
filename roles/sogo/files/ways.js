// SPDX-License-Identifier: GPL-3.0-or-later
// « Mon compte » in the bar of each page, beside SOGo's own « Aide », and as that is: in a tab of its own, so that what is
// being written stays.
(function (address) {
  "use strict";
  const words = document.documentElement.lang === "fr" ? "Mon compte" : "My account";
  let waits = false;

  function place() {
    waits = false;
    document.querySelectorAll(".sg-toolbar-group-last").forEach(function (bar) {
      const help = [...bar.querySelectorAll(":scope > a")].find(function (one) { return one.href === window.HelpURL; });
      if (!help || bar.querySelector(".mp-account")) return;
      const link = document.createElement("a"), icon = document.createElement("md-icon");
      link.className = "md-icon-button md-button md-default-theme mp-account";
      link.href = address;
      link.target = "_blank";
      link.rel = "noopener";
      link.title = words;
      link.setAttribute("aria-label", words);
      icon.className = "md-default-theme material-icons";
      icon.setAttribute("aria-hidden", "true");
      icon.textContent = "account_circle";
      link.append(icon);
      help.after(link);
    });
  }

  new MutationObserver(function () {
    if (!waits) { waits = true; setTimeout(place, 200); }
  }).observe(document.body, {childList: true, subtree: true});
  place();
})
