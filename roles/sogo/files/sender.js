// SPDX-License-Identifier: GPL-3.0-or-later
// Who writes: chosen among the agent's own addresses and boxes. SOGo gives a field to type in, which takes nothing but these.
(function () {
  "use strict";
  const french = document.documentElement.lang === "fr";
  angular.module("SOGo.Common").directive("mdDialog", function () {
    return {restrict: "E", link: function (scope, element) {
      const own = scope.editor, field = element[0].querySelector("md-autocomplete[md-input-name=from]");
      if (!own || !field) return;
      const choice = document.createElement("select");
      choice.className = "mp-sender";
      choice.setAttribute("aria-label", french ? "Expéditeur" : "Sender");

      function present() {
        return (own.fromIdentity && own.fromIdentity.full) || own.fromIdentity || "";
      }
      function draw() {
        const names = (own.identities || []).map(function (one) { return one.full; }), now = present();
        if (now && !names.includes(now)) names.unshift(now);
        choice.replaceChildren(...names.map(function (name) {
          const option = document.createElement("option");
          option.value = option.textContent = name;
          option.selected = name === now;
          return option;
        }));
      }
      choice.addEventListener("change", function () {
        const chosen = own.identities.find(function (one) { return one.full === choice.value; });
        if (chosen) scope.$apply(function () { own.fromIdentity = chosen; });
      });
      scope.$watch(function () { return present() + "\n" + (own.identities || []).length; }, draw);
      field.style.setProperty("display", "none", "important");
      field.before(choice);
    }};
  });
})();
