// SPDX-License-Identifier: GPL-3.0-or-later
// The notices of maintenance and incident, on the pages of other sites than the portal, which publishes them as a small file.
// A page asks for it once it is loaded, and now and then; where the portal is away it shows nothing. Texts are never markup.
window.mpNotices = (function () {
  "use strict";
  const WORDS = {
    fr: {
      name: "Annonces", hide: "Masquer", information: "Information",
      maintenance: ["Maintenance prévue", "Maintenance en cours"], incident: ["Incident prévu", "Incident en cours"],
      today: "aujourd’hui à $1", on: "le $1 à $2", until: ", jusqu’à $1", untilDay: ", jusqu’au $1 à $2"
    },
    en: {
      name: "Notices", hide: "Hide", information: "Information",
      maintenance: ["Maintenance planned", "Maintenance under way"], incident: ["Incident expected", "Incident under way"],
      today: "today at $1", on: "on $1 at $2", until: ", until $1", untilDay: ", until $1 at $2"
    }
  };
  const EVERY = 300000, PATIENCE = 10000, HIDDEN = "mp-notices-hidden";

  function fill(text, one, two) {
    return text.replace("$1", one).replace("$2", two);
  }

  function hour(time, language) {
    const minutes = time.getMinutes(), two = String(minutes).padStart(2, "0");
    if (language !== "fr") return String(time.getHours()).padStart(2, "0") + ":" + two;
    return time.getHours() + "\u00a0h" + (minutes ? "\u00a0" + two : "");
  }

  function day(time, language) {
    if (language !== "fr") return time.toLocaleDateString("en-GB", {day: "numeric", month: "long"});
    return String(time.getDate()).padStart(2, "0") + "/" + String(time.getMonth() + 1).padStart(2, "0");
  }

  // The portal says the same (portal/malleposte_portal/front/services.py).
  function title(one, language, now) {
    const words = WORDS[language], start = new Date(one.start), end = new Date(one.end);
    if (one.kind === "information") return words.information;
    const coming = start > now, first = coming ? start : now;
    let said = (words[one.kind] || words.incident)[coming ? 0 : 1];
    if (coming) {
      const today = start.toDateString() === now.toDateString();
      said += " " + (today ? fill(words.today, hour(start, language)) : fill(words.on, day(start, language), hour(start, language)));
    }
    if (end.toDateString() === first.toDateString()) return said + fill(words.until, hour(end, language));
    return said + fill(words.untilDay, day(end, language), hour(end, language));
  }

  // Those that are shown: not ended, what is under way first.
  function shown(notices, now) {
    const known = notices.filter(function (one) { return new Date(one.end) > now; });
    const rank = function (one) { return (new Date(one.start) > now ? 1e15 : 0) + Date.parse(one.start); };
    return known.sort(function (one, other) { return rank(one) - rank(other); });
  }

  function element(kind, name, text) {
    const made = document.createElement(kind);
    if (name) made.className = name;
    if (text) made.textContent = text;
    return made;
  }

  // What this browser's reader has hidden, of what there still is.
  function hidden(ids) {
    try {
      const kept = JSON.parse(localStorage.getItem(HIDDEN) || "[]").filter(function (one) { return !ids || ids.includes(one); });
      if (ids) localStorage.setItem(HIDDEN, JSON.stringify(kept));
      return kept;
    } catch (error) {
      return [];
    }
  }

  function hide(id) {
    try {
      localStorage.setItem(HIDDEN, JSON.stringify(hidden().concat(id)));
    } catch (error) { /* It is hidden in this page alone. */ }
  }

  // Show them on a page: `address` is where they are published, `put` puts the bar into the page when there is
  // something to show. Returns what draws it anew, for a page whose language changes.
  function watch(address, put) {
    const bar = element("section", "malleposte-notices");
    let notices = [], ahead = 0, drawn = "";

    function draw() {
      const language = document.documentElement.lang.startsWith("fr") ? "fr" : "en", words = WORDS[language];
      const now = new Date(Date.now() + ahead), gone = hidden();
      const rows = shown(notices, now).filter(function (one) { return !gone.includes(one.id); }).map(function (one) {
        return [one.id, one.kind, title(one, language, now), one.texts[language] || one.texts.fr];
      });
      const key = JSON.stringify(rows);
      if (key === drawn) return;
      drawn = key;
      if (!rows.length) bar.remove();
      else if (!bar.isConnected) put(bar);
      bar.setAttribute("aria-label", words.name);
      bar.setAttribute("aria-live", "polite");
      bar.replaceChildren.apply(bar, rows.map(function (row) {
        const one = element("div"), said = element("p"), button = element("button", "", words.hide);
        one.dataset.notice = row[0];
        one.dataset.kind = row[1];
        said.append(element("strong", "", row[2]), " " + row[3]);
        button.type = "button";
        button.setAttribute("aria-label", words.hide + " : " + row[2]);
        button.addEventListener("click", function () {
          hide(row[0]);
          notices = notices.filter(function (other) { return other.id !== row[0]; });
          draw();
        });
        one.append(said, button);
        return one;
      }));
      // The page is higher or lower now: lists that show what fits look again.
      window.dispatchEvent(new Event("resize"));
    }

    async function ask() {
      try {
        const options = {credentials: "omit", referrerPolicy: "no-referrer", priority: "low", signal: AbortSignal.timeout(PATIENCE)};
        const answer = await fetch(address, options);
        if (!answer.ok) return;
        const found = await answer.json(), told = Date.parse(answer.headers.get("Date"));
        // The portal's clock counts: that of a school's computer may be hours off. A copy from the cache is a minute old at most.
        ahead = told && Math.abs(told - Date.now()) > 120000 ? told - Date.now() : 0;
        notices = found;
        hidden(found.map(function (one) { return one.id; }));
        draw();
      } catch (error) { /* What is shown stays; it ends at its time. */ }
    }

    function look() {
      if (document.visibilityState === "visible") ask();
    }
    if (address) {
      setInterval(draw, EVERY / 5);
      setInterval(look, EVERY);
      if (document.readyState === "complete") ask();
      else window.addEventListener("load", function () { setTimeout(ask, 0); });
    }
    return draw;
  }

  return {title: title, shown: shown, watch: watch};
})();
