// SPDX-License-Identifier: GPL-3.0-or-later
// Buttons of pictures alone: SOGo gives some no name, and some a wrong or an untranslated one, and a screen reader says that.
(function () {
  "use strict";
  const french = document.documentElement.lang === "fr";
  const NAMES = {
    "editor.send()": ["Envoyer", "Send"],
    "editor.save()": ["Enregistrer le brouillon", "Save the draft"],
    "editor.cancel()": ["Fermer", "Close"],
    "viewer.openInPopup()": ["Ouvrir dans une nouvelle fenêtre", "Open in a new window"],
    "viewer.message.toggleRead()": ["Marquer comme lu ou non lu", "Mark as read or unread"],
    "addressbook.selectedFolder.$reload()": ["Actualiser", "Refresh"],
    "list.reload()": ["Actualiser", "Refresh"]
  };
  let waits = false;

  function name(element, names) {
    const right = names[french ? 0 : 1];
    if (element.getAttribute("aria-label") !== right) element.setAttribute("aria-label", right);
  }

  function mend() {
    waits = false;
    document.querySelectorAll("button[ng-click]").forEach(function (button) {
      const action = button.getAttribute("ng-click");
      if (NAMES[action]) name(button, NAMES[action]);
    });
    // One button for both ways, of which SOGo names always the second. The picture says which it is.
    document.querySelectorAll("button[ng-click='mailbox.markOrUnMarkMessagesAsJunk()']").forEach(function (button) {
      const picture = button.querySelector("md-icon:not(.ng-hide)");
      const back = picture && picture.textContent.trim() === "thumb_up";
      name(button, back ? ["Légitime", "Not junk"] : ["Indésirable", "Junk"]);
    });
  }

  new MutationObserver(function () {
    if (!waits) { waits = true; setTimeout(mend, 200); }
  }).observe(document.body, {childList: true, subtree: true, attributes: true, attributeFilter: ["aria-label"]});
  mend();
})();
