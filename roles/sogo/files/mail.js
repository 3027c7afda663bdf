// SPDX-License-Identifier: GPL-3.0-or-later
// The banner above a message. SOGo puts what a sender wrote into its own page: here it is kept where it belongs. Where SOGo's
// page is another than known, messages are shown without a banner.
(function () {
  "use strict";
  const OWN = ".SOGoHTMLMail-CSS-Delimiter";
  const MOST = 262144;
  const BREAK = /\r?\n\r?\n/;
  const SIGNS = {"&lt;": "<", "&gt;": ">", "&quot;": '"', "&apos;": "'", "&#39;": "'", "&amp;": "&"};

  // SOGo binds each rule of a message's styles to the message, but not what stands within a rule: such rules go.
  function bound(rule) {
    const selectors = (rule.selectorText || "").split(",");
    return selectors.every(function (one) { return one.trim().startsWith(OWN); }) && !(rule.cssRules && rule.cssRules.length);
  }

  function tame(body) {
    body.querySelectorAll("style").forEach(function (style) {
      const sheet = style.sheet;
      for (let place = sheet ? sheet.cssRules.length - 1 : -1; place >= 0; place--) {
        if (!bound(sheet.cssRules[place])) sheet.deleteRule(place);
      }
    });
  }

  // The topmost headers that say what our server checked, whom it verified as the author, what it noticed and which sites it
  // knows, of the source that SOGo gives; its end is not waited for.
  async function proofs(address) {
    const answer = await fetch(address, {method: "POST"});
    if (!answer.ok) throw new Error(answer.status);
    const reader = answer.body.getReader(), decoder = new TextDecoder();
    let text = "", ends = false;
    while (!ends) {
      const part = await reader.read();
      ends = part.done;
      if (part.value) text += decoder.decode(part.value, {stream: true});
      if (BREAK.test(text) || text.length > MOST) break;
    }
    reader.cancel();
    const head = text.split(BREAK, 1)[0].replace(/\r?\n[ \t]+/g, " ").split(/\r?\n/);
    return ["authentication-results:", "x-malleposte-author:", "x-malleposte-notice:", "x-malleposte-links:"].map(function (name) {
      const line = head.find(function (one) { return one.toLowerCase().startsWith(name); });
      // SOGo gives the source as text of a page.
      return line ? line.slice(name.length).trim().replace(/&(#39|\w+);/g, function (sign) { return SIGNS[sign] || sign; }) : "";
    });
  }

  // SOGo takes the braces out of what a sender wrote, and out of its own page of an invitation too: there the names of the
  // guests are to be filled in. This one text comes back; nobody but SOGo gains by it.
  const CLOSED = "{\\{$chip.name}/}", OPEN = "{{$chip.name}}";
  function filled(part) {
    if (Array.isArray(part)) part.forEach(filled);
    else if (part && Array.isArray(part.content)) part.content.forEach(filled);
    else if (part && part.type === "UIxMailPartICalViewer") part.content = part.content.split(CLOSED).join(OPEN);
  }
  angular.module("SOGo.Common").config(["$httpProvider", function (http) {
    http.interceptors.push(function () {
      return {response: function (answer) {
        if (answer.data && answer.data.parts) filled(answer.data.parts);
        return answer;
      }};
    });
  }]);

  angular.module("SOGo.Common").directive("mdCardContent", function () {
    return {restrict: "E", link: function (scope, element) {
      const viewer = scope.viewer, body = element[0].querySelector(".msg-body");
      if (!window.mpOrigin || !viewer || !viewer.message || !body) return;
      const box = document.createElement("div");
      let known, links = "";
      box.hidden = true;
      element[0].prepend(box);

      function draw() {
        const from = (viewer.message.from || [])[0];
        if (!from) return;
        const mail = {name: from.name || "", address: from.email || ""};
        if (known) [mail.proof, mail.author, mail.notice] = known;
        window.mpOrigin.fill(box, mail, body.querySelectorAll("a[href]"));
      }
      window.mpOrigin.guard(body, function () { return known ? known[3] : links; });
      const watch = new MutationObserver(function () { tame(body); draw(); });
      watch.observe(body, {childList: true, subtree: true});
      scope.$on("$destroy", function () { watch.disconnect(); });
      scope.$watch(function () {
        return viewer.message.parts && viewer.message.$absolutePath();
      }, function (path) {
        known = undefined;
        links = "";
        if (!path) return;
        draw();
        const message = viewer.message;
        links = proofs(window.UserFolderURL + "Mail/" + path.split("/").map(encodeURIComponent).join("/") + "/viewsource").then(function (lines) {
          if (viewer.message === message) {
            known = lines;
            draw();
          }
          return lines[3];
        }, function () { return ""; /* What nobody knows is not told. */ });
      });
    }};
  });
})();
