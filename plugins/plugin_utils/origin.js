// SPDX-License-Identifier: GPL-3.0-or-later
// The banner above a message in both webmails: where the message comes from, how our own server proved its sender (RFC 8601),
// and which links lie. The rules and the words are here alone; a webmail gives what it knows of the message.
window.mpOrigin = (function (academy) {
  "use strict";
  const WORDS = {
    fr: {
      banner: "Origine du message",
      outside: "Ce message vient de l’extérieur de l’académie ($1). Soyez prudent avec ses liens et ses pièces jointes.",
      unknown: "Ce message vient de l’extérieur de l’académie ($1), d’une adresse à laquelle personne de l’académie n’a écrit ces derniers mois. Soyez prudent avec ses liens et ses pièces jointes.",
      head: "Le nom affiché est celui d’une personne de direction de l’académie, mais l’adresse ($1) n’est pas la sienne. Vérifiez auprès d’elle par un autre moyen avant d’agir.",
      desk: "Ce message se présente comme venant de l’assistance, mais l’adresse ($1) n’est pas la sienne. L’assistance ne demande jamais votre mot de passe.",
      unproved: "Rien ne prouve que ce message vient bien de $1. Vérifiez auprès de l’expéditeur par un autre moyen avant d’agir.",
      claims: "Le nom affiché contient une adresse qui n’est pas celle de l’expéditeur ($1).",
      resembles: "L’adresse de l’expéditeur ($1) ressemble à une adresse de l’académie, mais n’en est pas une.",
      lies: "Un lien affiche « $1 », mais mène à « $2 ».",
      checked: "Ce que le serveur a vérifié",
      row: "$1 : $2",
      dmarc: "Adresse visible de l’expéditeur (DMARC)",
      dkim: "Signature du domaine (DKIM)",
      spf: "Serveur autorisé à envoyer pour ce domaine (SPF)",
      pass: "vérifié",
      other: "vérifié pour un autre domaine",
      fail: "en échec",
      none: "non publié par ce domaine",
      site: "Ce site n’est pas connu ici",
      leads: "Le lien mène à « $1 ». Aucun message plus ancien, parmi ceux que l’académie a reçus, ne menait à ce site.",
      beware: "Si vous n’attendiez pas ce message, n’ouvrez pas le lien. Ne tapez jamais votre mot de passe sur une page ouverte depuis un message.",
      stay: "Ne pas ouvrir",
      go: "Ouvrir le site"
    },
    en: {
      banner: "Origin of the message",
      outside: "This message comes from outside the academy ($1). Be careful with its links and attachments.",
      unknown: "This message comes from outside the academy ($1), from an address to which nobody of the academy wrote in the last months. Be careful with its links and attachments.",
      head: "The shown name is that of a head of the academy, but the address ($1) is not theirs. Ask that person by another way before you act.",
      desk: "This message pretends to come from the help desk, but the address ($1) is not its own. The help desk never asks for your password.",
      unproved: "Nothing proves that this message comes from $1. Ask the sender by another way before you act.",
      claims: "The shown name holds an address that is not the sender’s ($1).",
      resembles: "The sender’s address ($1) looks like one of the academy, but is not.",
      lies: "A link shows “$1”, but leads to “$2”.",
      checked: "What the server has checked",
      row: "$1: $2",
      dmarc: "Visible address of the sender (DMARC)",
      dkim: "Signature of the domain (DKIM)",
      spf: "Server that may send for this domain (SPF)",
      pass: "proved",
      other: "proved for another domain",
      fail: "failed",
      none: "not published by this domain",
      site: "This site is not known here",
      leads: "The link leads to “$1”. No older mail that the academy received leads to this site.",
      beware: "If you did not expect this message, do not open the link. Never type your password on a page that was opened from a message.",
      stay: "Do not open",
      go: "Open the site"
    }
  };
  const MOST_LINKS = 3;
  const FILES = /\.(7z|csv|docx?|eml|gif|gz|html?|ics|jpe?g|js|json|md|mp[34]|od[pst]|pdf|png|pptx?|py|rar|sh|svg|txt|xlsx?|xml|zip)$/;
  // Signs that the eye takes for others, once accents are gone.
  const TWINS = [[/rn/g, "m"], [/vv/g, "w"], [/cl/g, "d"], [/0/g, "o"], [/[1i|]/g, "l"], [/5/g, "s"], [/-/g, ""]];
  const FOREIGN = "аеорсухіѕјԁоαορνιυ", LATIN = "aeopcyxisjdoaopviu";

  function domain(address) {
    return address.slice(address.lastIndexOf("@") + 1);
  }

  function inside(address) {
    return ("." + domain(address)).endsWith("." + academy.domain);
  }

  // The property of a check that names the domain which passed it (RFC 8601, 2.7).
  const NAMES = {dmarc: /\sheader\.from\s*=\s*(\S+)/i, dkim: /\sheader\.d\s*=\s*(\S+)/i, spf: /\ssmtp\.mailfrom\s*=\s*(\S+)/i};

  // Whether a domain that passed a check stands for the author's: the same, one above it or one below it. The filter knows
  // more (X-Malleposte-Author): which domains people register under, for instance.
  function aligned(passed, author) {
    return ("." + author).endsWith("." + passed) || ("." + passed).endsWith("." + author);
  }

  // Method and result for the domain of `address`, of the topmost header and where it is our own server's: a stranger may have
  // written all others. What stands in quotes or in parentheses is a stranger's word too. "other": passed by another domain.
  function results(header, address) {
    const found = {}, bare = header.replace(/"(\\.|[^"\\])*"|\((\\.|[^()\\])*\)/g, ""), author = domain(address.toLowerCase());
    const parts = bare.split(";");
    if (parts[0].trim().split(/\s/)[0].toLowerCase() !== academy.server.toLowerCase()) return found;
    ["dmarc", "dkim", "spf"].forEach(function (method) {
      const all = [];
      parts.slice(1).forEach(function (part) {
        const hit = new RegExp("^\\s*" + method + "\\s*=\\s*([a-z]+)", "i").exec(part);
        if (!hit) return;
        const result = hit[1].toLowerCase(), name = NAMES[method].exec(part);
        const passed = name ? domain(name[1].toLowerCase()) : method === "dmarc" ? author : "";
        const same = method === "dmarc" ? passed === author : passed !== "" && aligned(passed, author);
        all.push(result === "pass" ? (same ? "pass" : "other") : result === "none" ? "none" : "fail");
      });
      // Of several signatures one that holds is enough.
      if (all.length) found[method] = ["pass", "other"].find(function (one) { return all.includes(one); }) || all[0];
    });
    return found;
  }

  // Whether the address that readers see was proved: named by our filter; or DMARC passed; or, where the domain has no DMARC,
  // a signature or an envelope of that domain did. An envelope proves nobody of ours.
  function proved(mail, found) {
    const dmarc = found.dmarc || "none", address = mail.address.toLowerCase();
    if ((mail.author || "").toLowerCase() === address || dmarc === "pass") return true;
    return dmarc === "none" && (found.dkim === "pass" || (found.spf === "pass" && !inside(address)));
  }

  function skeleton(label) {
    const basic = label.replace(/^xn--/, "").normalize("NFKD").replace(/[\u0300-\u036f]/g, "");
    const latin = Array.from(basic, function (sign) { return LATIN[FOREIGN.indexOf(sign)] || sign; }).join("");
    return TWINS.reduce(function (text, twin) { return text.replace(twin[0], twin[1]); }, latin);
  }

  // Whether one name becomes the other by one sign more, less or other, or by two that change places.
  function near(one, other) {
    let start = 0, end = 0;
    const short = Math.min(one.length, other.length);
    while (start < short && one[start] === other[start]) start++;
    while (end < short - start && one[one.length - 1 - end] === other[other.length - 1 - end]) end++;
    const left = one.slice(start, one.length - end), right = other.slice(start, other.length - end);
    return (left.length <= 1 && right.length <= 1) || (left.length === 2 && left === right[1] + right[0] && right.length === 2);
  }

  function resembles(address) {
    const ours = skeleton(academy.domain.split(".")[0]);
    return ours.length > 4 && domain(address).split(".").some(function (label) {
      const bare = label.replace(/^(xn--.*)-[a-z0-9]*$/, "$1");
      return skeleton(label).includes(ours) || near(skeleton(bare), ours);
    });
  }

  // Remarks on a message, by name. `proof` is the topmost Authentication-Results, "" where there is none, and nothing as long
  // as nobody knows; `author` is what our filter verified (X-Malleposte-Author), "" where it could not; `notice` its words
  // on the sender (X-Malleposte-Notice).
  function remarks(mail) {
    const address = mail.address.toLowerCase(), outside = !inside(address), noticed = (mail.notice || "").split(" ");
    const told = outside ? [noticed.includes("first") ? "unknown" : "outside"] : [];
    if (outside && noticed.includes("head")) told.push("head");
    if (noticed.includes("desk")) told.push("desk");
    if (mail.proof !== undefined) {
      const found = results(mail.proof, address);
      if (!proved(mail, found) && (outside || Object.keys(found).length)) told.push("unproved");
    }
    if (outside && resembles(address)) told.push("resembles");
    const shown = /[^\s<>"'()\[\],;:@]+@[^\s<>"'()\[\],;:@]+\.[^\s<>"'()\[\],;:@]+/.exec(mail.name);
    if (shown && shown[0].toLowerCase() !== address) told.push("claims");
    return told;
  }

  function bare(host) {
    return host.toLowerCase().replace(/^www\./, "").replace(/\.$/, "");
  }

  // The host that a link's text shows, if the text is an address at all.
  function shown(text) {
    const hit = /^(https?:\/\/)?((?:[\p{L}\p{N}-]+\.)+[\p{L}\p{N}-]{2,})(:\d+)?([/?#]\S*)?$/iu.exec(text.trim());
    if (!hit || (!hit[1] && (FILES.test(hit[2].toLowerCase()) || !/\.\p{L}{2,}$/u.test(hit[2])))) return "";
    try { return bare(new URL("http://" + hit[2]).hostname); } catch (error) { return ""; }
  }

  // Pairs of a host that a link shows and the one to which it leads.
  function lies(links) {
    const found = new Map();
    Array.from(links).forEach(function (link) {
      let goal, user;
      try { goal = new URL(link.href); user = decodeURIComponent(goal.username); } catch (error) { return; }
      if (!/^https?:$/.test(goal.protocol)) return;
      const real = bare(goal.hostname);
      [shown(link.textContent), shown(user)].forEach(function (text) {
        const same = ("." + real).endsWith("." + text) || ("." + text).endsWith("." + real);
        if (text && !same) found.set(text + " " + real, [text, real]);
      });
    });
    return Array.from(found.values());
  }

  // The host of a web link that the filter does not know, "" for any other link. `known` are the hosts that it knows.
  function unknownHost(address, known) {
    let goal;
    try { goal = new URL(address); } catch (error) { return ""; }
    if (!/^https?:$/.test(goal.protocol)) return "";
    const host = goal.hostname.replace(/\.$/, "");
    return inside("@" + host) || known.split(" ").includes(host) ? "" : host;
  }

  function filled(text, values) {
    return values.reduce(function (done, value, place) { return done.split("$" + (place + 1)).join(value); }, text);
  }

  function texts() {
    return document.documentElement.lang.startsWith("fr") ? WORDS.fr : WORDS.en;
  }

  // What to show of a message, in the page's language: paragraphs, rows of what was checked, and whether it is grave.
  function words(mail, links) {
    const language = texts();
    const told = remarks(mail), untrue = lies(links), found = results(mail.proof || "", mail.address);
    const lines = told.map(function (name) { return filled(language[name], [mail.address]); });
    untrue.slice(0, MOST_LINKS).forEach(function (pair) { lines.push(filled(language.lies, pair)); });
    return {
      name: language.banner,
      lines: lines,
      checked: language.checked,
      rows: Object.keys(found).map(function (one) { return filled(language.row, [language[one], language[found[one]]]); }),
      grave: untrue.length > 0 || told.some(function (name) { return name !== "outside" && name !== "unknown"; })
    };
  }

  function element(kind, text) {
    const made = document.createElement(kind);
    if (text) made.textContent = text;
    return made;
  }

  // Fill a box of the page with it; an empty one is hidden.
  function fill(box, mail, links) {
    const said = words(mail, links), key = JSON.stringify(said);
    if (box.dataset.said === key) return;
    box.dataset.said = key;
    box.className = "malleposte-banner" + (said.grave ? " grave" : "");
    box.hidden = !said.lines.length;
    box.setAttribute("role", "status");
    box.setAttribute("aria-label", said.name);
    box.replaceChildren.apply(box, said.lines.map(function (line) { return element("p", line); }));
    if (!said.rows.length) return;
    const more = element("details"), list = element("ul");
    list.append.apply(list, said.rows.map(function (row) { return element("li", row); }));
    more.append(element("summary", said.checked), list);
    box.append(more);
  }

  // Ask whether a link to an unknown site is to be opened.
  function ask(address, host) {
    const dialog = element("dialog"), language = texts(), title = element("h2", language.site), buttons = element("p");
    const stay = element("button", language.stay), go = element("button", language.go);
    dialog.className = "malleposte-link";
    title.id = "malleposte-link-title";
    dialog.setAttribute("aria-labelledby", title.id);
    stay.type = go.type = "button";
    stay.autofocus = true;
    stay.addEventListener("click", function () { dialog.close(); });
    go.addEventListener("click", function () {
      dialog.close();
      window.open(address, "_blank", "noopener,noreferrer");
    });
    dialog.addEventListener("close", function () { dialog.remove(); });
    buttons.append(stay, go);
    dialog.append(title, element("p", filled(language.leads, [host])), element("p", language.beware), buttons);
    document.body.append(dialog);
    dialog.showModal();
  }

  // Ask before a link in a part of the page leads to a site that the filter does not know. `links` gives the hosts that it knows
  // (X-Malleposte-Links), or "" where it said nothing of this message; or a promise of that: the link waits for it.
  function guard(part, links) {
    function stop(event) {
      const link = event.target.closest("a[href], area[href]"), known = links();
      if (!link || !known || event.button > 1) return;
      const address = link.href, waits = typeof known !== "string" && /^https?:/.test(address);
      const host = typeof known === "string" ? unknownHost(address, known) : "";
      if (!host && !waits) return;
      event.preventDefault();
      event.stopImmediatePropagation();
      if (host) return ask(address, host);
      known.then(function (hosts) {
        const unknown = hosts ? unknownHost(address, hosts) : "";
        if (unknown) ask(address, unknown);
        else window.open(address, "_blank", "noopener,noreferrer");
      });
    }
    part.addEventListener("click", stop, true);
    part.addEventListener("auxclick", stop, true);
  }

  return {remarks: remarks, results: results, lies: lies, words: words, unknownHost: unknownHost, fill: fill, guard: guard};
})(academy);
