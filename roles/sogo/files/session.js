// SPDX-License-Identifier: GPL-3.0-or-later
// A session that is over. Where nothing is being written the page is asked for again, which leads to the log-in page and back
// here; where something is, the page stays and says so (unsent.js), and drafts are saved every minute and when the session is back.
(function () {
  "use strict";
  const MINUTE = 60000, common = angular.module("SOGo.Common");
  let editor = null, dialog = null, typed = false;

  function writing() {
    return document.querySelector("md-dialog form, form.ng-dirty:not(.md-toolbar-tools, [name=searchForm])") !== null;
  }

  function put(notice) {
    const open = [...document.querySelectorAll("md-dialog")].pop(), bar = open && open.querySelector("md-toolbar");
    if (bar) bar.after(notice);
    else (open || document.body).prepend(notice);
  }

  // SOGo answers 401 and 403 too, to whom it does not know: an agent whose class has it no more, or another one than the page's.
  async function probe() {
    try {
      const answer = await fetch(window.UserFolderURL + "jsonDefaults", {cache: "no-store", redirect: "manual"});
      if (answer.ok) return "";
      return window.mpUnsent.cause(answer.status) || "other";
    } catch (error) {
      return "unsure";
    }
  }

  async function save() {
    if (editor) await editor.message.$save();
    return [];
  }

  // The button of the page, which has its own checks.
  function send() {
    const button = dialog && dialog.querySelector('[ng-click="editor.send()"]');
    if (button) button.click();
  }

  function text() {
    const mail = editor.message.editable, names = mail.to.concat(mail.cc || [], mail.bcc || []).map(String).join(", ");
    let words = mail.text || "";
    if (editor.composeType === "html") {
      const html = new DOMParser().parseFromString(words, "text/html");
      html.querySelectorAll("p, br, div, li").forEach(function (one) { one.append("\n"); });
      words = html.body.textContent;
    }
    return [names, mail.subject || "", words].join("\n\n");
  }

  const page = {put: put, probe: probe, save: save, send: send, text: text, login: "/SOGo/", get mail() { return editor !== null; }};
  const care = window.mpUnsent.care(page);

  // SOGo's curtain over the editor says no more than the notice, and hides what was written.
  function uncover() {
    const curtain = dialog.querySelector("sg-ripple-content"), wave = dialog.querySelector("sg-ripple");
    curtain.classList.add("ng-hide");
    wave.style.width = wave.style.height = "0";
    dialog.style.overflow = dialog.style.position = "";
  }

  // Once in a while only, or a page that is refused would ask for ever. Not while the agent leaves: a question that a log-out has
  // overtaken is refused, and a new page would stop the log-out on its way.
  common.config(["$httpProvider", function (http) {
    let left = 0;
    window.addEventListener("beforeunload", function () { left = Date.now(); });
    http.interceptors.push(["$q", "$window", function (q, window) {
      return {responseError: function (answer) {
        const last = Number(window.sessionStorage.getItem("mp-reload")), now = Date.now();
        const found = window.mpUnsent.cause(answer.status);
        if ((found === "over" || found === "away") && writing()) {
          care.failed(found, false);
        } else if (answer.status === 401 && now - Math.max(last, left) > 30000) {
          window.sessionStorage.setItem("mp-reload", now);
          angular.element(window).off("beforeunload");
          window.location.reload();
        }
        return q.reject(answer);
      }};
    }]);
  }]);

  // Each try to send or to save the message that is being written.
  common.run(["$injector", "$q", function (injector, q) {
    if (!injector.has("Message")) return;
    const messages = injector.get("Message").prototype;
    ["$send", "$save"].forEach(function (name) {
      const act = messages[name], sending = name === "$send";
      messages[name] = function () {
        const message = this, before = typed;
        typed = false;
        return act.apply(this, arguments).then(function (value) {
          if (editor && editor.message === message && (sending || !care.troubled())) care.done();
          return value;
        }, function (answer) {
          typed = before || typed || sending;
          const found = answer && window.mpUnsent.cause(answer.status);
          if (found && editor && editor.message === message) {
            care.failed(found, sending);
            if (sending) uncover();
          }
          return q.reject(answer);
        });
      };
    });
  }]);

  common.directive("mdDialog", function () {
    return {restrict: "E", link: function (scope, element) {
      const own = scope.editor;
      if (!own || !own.autosaveDrafts) return;
      editor = own;
      dialog = element[0];
      typed = false;
      ["input", "keydown", "paste", "drop", "change"].forEach(function (kind) {
        dialog.addEventListener(kind, function () { typed = true; }, true);
      });
      const timer = setInterval(function () {
        if (typed && own.sendState !== "sending") own.message.$save().catch(function () { /* the notice says it */ });
      }, MINUTE);
      scope.$on("$destroy", function () {
        clearInterval(timer);
        if (editor !== own) return;
        editor = dialog = null;
        care.done();
      });
    }};
  });
})();
