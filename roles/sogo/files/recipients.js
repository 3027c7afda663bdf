// SPDX-License-Identifier: GPL-3.0-or-later
// Searches for people: « Dupond Marie » finds as « Marie Dupond » does, and the school stands beside each name.
(function () {
  "use strict";
  const SEARCHES = {allContactSearch: "contacts", usersSearch: "users"};
  const SCHOOL = /^[0-9]{7}[A-Z]$/, SCHOOLS = "/SOGo.woa/schools.json";
  const common = angular.module("SOGo.Common");

  // The same words in the other order: the last before the others, the first behind them. What lies between them is any text, since
  // a name is searched for before it is typed to its end.
  function orders(text) {
    const words = String(text || "").trim().split(/\s+/);
    if (words.length < 2 || /[*@]/.test(text)) return [];
    const last = words[words.length - 1] + "*" + words.slice(0, -1).join(" "), first = words.slice(1).join(" ") + "*" + words[0];
    return last === first ? [last] : [last, first];
  }

  function same(one, other) {
    return (one.uid || one.id) === (other.uid || other.id) && one.sourceid === other.sourceid && one.sourceID === other.sourceID;
  }

  common.run(["$injector", "$q", function (injector, q) {
    if (!injector.has("Resource")) return;
    // The service makes one; all share what it can do.
    const resources = Object.getPrototypeOf(injector.get("Resource")("", {}));
    const fetch = resources.fetch, post = resources.post;

    resources.fetch = function (folder, action, asked) {
      const list = SEARCHES[action], others = list && asked ? orders(asked.search) : [];
      const own = fetch.apply(this, arguments);
      if (!others.length) return own;
      const more = others.map(function (text) {
        return fetch.call(this, folder, action, angular.extend({}, asked, {search: text})).catch(function () { return {}; });
      }, this);
      return q.all([own].concat(more)).then(function (answers) {
        const whole = answers[0], people = whole[list] = whole[list] || [];
        answers.slice(1).forEach(function (answer) {
          (answer[list] || []).forEach(function (one) {
            if (!people.some(function (known) { return same(known, one); })) people.push(one);
          });
        });
        return whole;
      });
    };

    // The page of an address book: where nothing is found in one order, the next is tried.
    resources.post = function (folder, action, asked) {
      const self = this, others = action === "view" && asked ? orders(asked.value) : [];
      return others.reduce(function (before, text) {
        return before.then(function (answer) {
          const found = answer && ((answer.ids && answer.ids.length) || (answer.headers && answer.headers.length > 1));
          return found ? answer : post.call(self, folder, action, angular.extend({}, asked, {value: text}));
        });
      }, post.apply(self, arguments));
    };
  }]);

  // The directory gives the code of a school; its name is looked up once a page, when the first person is found.
  let names = null;
  function known() {
    names = names || fetch(SCHOOLS).then(function (answer) { return answer.ok ? answer.json() : {}; }).catch(function () { return {}; });
    return names;
  }
  common.config(["$httpProvider", function (http) {
    http.interceptors.push(["$q", function (q) {
      return {response: function (answer) {
        const data = answer.data, people = data && typeof data === "object" ? data.contacts || data.users : null;
        const fields = ["contactInfo", "c_info"];
        if (!Array.isArray(people) || !/\/(allContactSearch|usersSearch)(\?|$)/.test(answer.config.url)) return answer;
        if (!people.some(function (one) { return fields.some(function (name) { return SCHOOL.test(one[name]); }); })) return answer;
        return q.when(known()).then(function (schools) {
          people.forEach(function (one) {
            fields.forEach(function (name) { if (SCHOOL.test(one[name])) one[name] = schools[one[name].toLowerCase()] || one[name]; });
          });
          return answer;
        });
      }};
    }]);
  }]);

  // In the list the school stands beside the name; the address of the message has the name alone.
  common.run(["$injector", function (injector) {
    if (!injector.has("Card")) return;
    const cards = injector.get("Card").prototype, short = cards.$shortFormat;
    cards.$shortFormat = function (partial) {
      const beside = this.contactinfo;
      if (partial !== undefined || !beside) return short.apply(this, arguments);
      this.contactinfo = "";
      const name = this.$fullname(), mail = this.$preferredEmail(partial);
      this.contactinfo = beside;
      return mail && mail !== name ? name + " <" + mail + ">" : name;
    };
  }]);
})();
