// SPDX-License-Identifier: GPL-3.0-or-later
// Names that a screen reader says: SOGo gives some fields and buttons none, and some a wrong or an untranslated one.
(function () {
  "use strict";
  const french = document.documentElement.lang === "fr";
  // In French, in English. Fields that have no name, by their selector.
  const FIELDS = {
    "md-progress-linear": ["Espace utilisé", "Space in use"],
    "[role=slider]": ["Priorité", "Priority"],
    ".md-datepicker-input": ["Date", "Date"],
    ".sg-timepicker-input": ["Heure", "Time"],
    ":is(#fileInput, label[for=fileInput])": ["Joindre un fichier", "Attach a file"],
    "md-icon#password-visibility-icon": ["Montrer le mot de passe", "Show the password"]
  };
  // Buttons whose name is wrong or lacking, by what they do.
  const ACTIONS = {
    "editor.send()": ["Envoyer", "Send"],
    "editor.save()": ["Enregistrer le brouillon", "Save the draft"],
    "editor.cancel()": ["Fermer", "Close"],
    "viewer.openInPopup()": ["Ouvrir dans une nouvelle fenêtre", "Open in a new window"],
    "viewer.message.toggleRead()": ["Marquer comme lu ou non lu", "Mark as read or unread"],
    "$mdAutocompleteCtrl.clear($event)": ["Effacer", "Clear"],
    "addressbook.selectedFolder.$reload()": ["Actualiser", "Refresh"],
    "list.reload()": ["Actualiser", "Refresh"]
  };
  // Other buttons of a picture alone: SOGo gives them the picture's own name, in English, and not what the button does.
  const PICTURES = french ? {
    add_circle: "Ajouter", arrow_back: "Retour", arrow_forward: "Retour", check: "Valider", close: "Fermer",
    delete: "Supprimer", drag_handle: "Déplacer", expand_more: "Détails", keyboard_arrow_down: "Détails",
    remove_circle: "Retirer", reorder: "Changer l’ordre", save: "Enregistrer", select_all: "Tout choisir", send: "Envoyer"
  } : {};
  // Texts of the page's toolkit that are only said, and are in no catalogue of SOGo's.
  const SAID = french ? [
    [/There are no matches available\.$/, "Aucune proposition."],
    [/There is 1 match available\.$/, "Une proposition."],
    [/There are (\d+) matches available\.$/, "$1 propositions."],
    [/ selected$/, "\u00a0: choisi"], [/ added$/, "\u00a0: ajouté"], [/ removed$/, "\u00a0: retiré"]
  ] : [];
  // A short message of the page adds it for screen readers.
  const DISMISS = "Appuyez sur Échap pour fermer.";
  let waits = false, labelled = 0, translated = !SAID.length;

  function name(element, names) {
    const right = names[french ? 0 : 1];
    if (element.getAttribute("aria-label") !== right) element.setAttribute("aria-label", right);
  }

  function nameByPicture(button) {
    const icon = button.querySelector("md-icon"), beside = button.parentNode.querySelector(":scope > label.button-label");
    const picture = icon && icon.textContent.trim();
    if (!picture || button.textContent.trim() !== picture) return;
    if (beside && !beside.htmlFor) button.id = beside.htmlFor = "mp-button-" + (labelled += 1);
    else if (PICTURES[picture]) button.setAttribute("aria-label", PICTURES[picture]);
  }

  // The toolkit starts after this script.
  function translate() {
    const application = window.angular && window.angular.element(document.body).injector();
    if (!application || !application.has("$mdLiveAnnouncer")) return;
    const announcer = application.get("$mdLiveAnnouncer"), announce = announcer.announce;
    announcer.announce = function (message, politeness) {
      const said = SAID.reduce(function (text, pair) { return text.replace(pair[0], pair[1]); }, String(message));
      return announce.call(announcer, said, politeness);
    };
    if (application.has("$mdToast")) {
      const toast = application.get("$mdToast"), simple = toast.simple;
      toast.simple = function () { return simple.apply(toast, arguments).dismissHint(DISMISS); };
    }
    translated = true;
  }

  function mend() {
    waits = false;
    if (!translated) translate();
    document.querySelectorAll("button.md-button:not([aria-label]):not([id]), a.md-button:not([aria-label])").forEach(nameByPicture);
    document.querySelectorAll("button[ng-click]").forEach(function (button) {
      const names = ACTIONS[button.getAttribute("ng-click")];
      if (names) name(button, names);
    });
    // One button for both ways, of which SOGo names always the second. The picture says which it is.
    document.querySelectorAll("button[ng-click='mailbox.markOrUnMarkMessagesAsJunk()']").forEach(function (button) {
      const picture = button.querySelector("md-icon:not(.ng-hide)");
      const back = picture && picture.textContent.trim() === "thumb_up";
      name(button, back ? ["Légitime", "Not junk"] : ["Indésirable", "Junk"]);
    });
    Object.keys(FIELDS).forEach(function (selector) {
      document.querySelectorAll(selector + ":not([aria-label])").forEach(function (element) { name(element, FIELDS[selector]); });
    });
  }

  new MutationObserver(function () {
    if (!waits) { waits = true; setTimeout(mend, 200); }
  }).observe(document.body, {childList: true, subtree: true, attributes: true, attributeFilter: ["aria-label"]});
  mend();
})();
