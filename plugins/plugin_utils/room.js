// SPDX-License-Identifier: GPL-3.0-or-later
// How much the files of a message may have: one figure and the same words in both webmails. Files are counted as they are on the
// agent's disk: what they grow by on their way is off the figure already.
window.mpRoom = (function () {
  "use strict";
  const WORDS = {
    fr: {
      units: ["o", "Ko", "Mo", "Go"], point: ",", open: "«\u00a0", close: "\u00a0»",
      most: "Pièces jointes\u00a0: $1 au plus pour un message.",
      left: "Pièces jointes\u00a0: $1. Il reste $2 sur $3.",
      refused: "$1 ($2) n’est pas joint\u00a0: il reste $3 dans ce message.",
      refusedAll: "Ces fichiers ($1) ne sont pas joints\u00a0: il reste $2 dans ce message.",
      larger: "Pour un fichier plus gros, utilisez ",
      outside: " (nouvelle fenêtre)"
    },
    en: {
      units: ["B", "KB", "MB", "GB"], point: ".", open: "“", close: "”",
      most: "Attachments: $1 at most for a message.",
      left: "Attachments: $1. $2 of $3 left.",
      refused: "$1 ($2) is not attached: $3 left in this message.",
      refusedAll: "These files ($1) are not attached: $2 left in this message.",
      larger: "For a larger file, use ",
      outside: " (new window)"
    }
  };
  const words = WORDS[document.documentElement.lang.slice(0, 2)] || WORDS.en;
  const room = {limit: 0, service: {}};

  function say(name, ...values) {
    return values.reduce(function (text, value, place) { return text.replace("$" + (place + 1), value); }, words[name]);
  }

  // A size in words, never more than it is.
  room.size = function (octets) {
    let unit = 0, value = Math.max(0, octets);
    while (value >= 1024 && unit < words.units.length - 1) {
      value /= 1024;
      unit += 1;
    }
    const shown = value < 10 && unit > 0 ? Math.floor(value * 10) / 10 : Math.floor(value);
    return String(shown).replace(".", words.point) + "\u00a0" + words.units[unit];
  };

  function sum(files) {
    return files.reduce(function (whole, file) { return whole + file.size; }, 0);
  }

  room.fits = function (used, files) {
    return used + sum(files) <= room.limit;
  };

  // Fill the box: what is used and left, or which files were not taken; where a service takes larger ones, the way there.
  room.show = function (box, used, refused) {
    const left = room.size(room.limit - used);
    let text = used ? say("left", room.size(used), left, room.size(room.limit)) : say("most", room.size(room.limit));
    if (refused && refused.length === 1) text = say("refused", words.open + refused[0].name + words.close, room.size(refused[0].size), left);
    else if (refused) text = say("refusedAll", room.size(sum(refused)), left);
    box.setAttribute("role", "status");
    box.classList.add("malleposte-room");
    box.classList.toggle("malleposte-room-full", Boolean(refused));
    box.replaceChildren(text);
    if (!room.service.url) return;
    const link = document.createElement("a");
    link.href = room.service.url;
    link.target = "_blank";
    link.rel = "noopener noreferrer";
    link.textContent = room.service.name;
    link.title = room.service.name + words.outside;
    box.append(" " + words.larger, link, ".");
  };
  return room;
})();
