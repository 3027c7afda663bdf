// SPDX-License-Identifier: GPL-3.0-or-later
// A session that ends, or a server that is away, while somebody writes: what both webmails say of it, and how they go on
// once it is over. What was written stays in the page all the while.
window.mpUnsent = (function () {
  "use strict";
  const WORDS = {
    fr: {
      over: "Votre session est terminée. Ce que vous avez écrit reste ici, mais ne s’enregistre plus. Reconnectez-vous dans une nouvelle fenêtre, puis revenez ici.",
      overUnsent: "Votre message n’est pas parti : votre session est terminée. Il reste ici, tel que vous l’avez écrit. Reconnectez-vous dans une nouvelle fenêtre, revenez ici, puis renvoyez-le.",
      other: "Ce que vous avez écrit reste ici, mais ne s’enregistre plus : votre interface a changé, ou un autre compte est connecté dans ce navigateur. Copiez votre texte pour le reprendre ailleurs.",
      otherUnsent: "Votre message n’est pas parti : votre interface a changé, ou un autre compte est connecté dans ce navigateur. Il reste ici : copiez votre texte pour le reprendre dans un nouveau message.",
      away: "Le serveur ne répond pas pour le moment. Ce que vous avez écrit reste ici, et sera enregistré dès que possible.",
      awayUnsent: "Votre message n’est pas parti : le serveur ne répond pas pour le moment. Il reste ici, tel que vous l’avez écrit. Renvoyez-le dans quelques minutes.",
      unsure: "La connexion s’est interrompue. Ce que vous avez écrit reste ici, et sera enregistré dès que possible.",
      unsureUnsent: "La connexion s’est interrompue : rien ne confirme que votre message est parti. Il reste ici, tel que vous l’avez écrit. Vérifiez qu’il n’est pas dans Envoyés avant de le renvoyer.",
      back: "La connexion est rétablie. Enregistrez ce que vous avez écrit.",
      saved: "La connexion est rétablie, et votre brouillon est enregistré.",
      savedUnsent: "La connexion est rétablie, et votre brouillon est enregistré. Votre message n’est pas encore parti : renvoyez-le.",
      savedUnsure: "La connexion est rétablie, et votre brouillon est enregistré. Vérifiez que votre message n’est pas dans Envoyés avant de le renvoyer.",
      lost: "À joindre de nouveau : $1.",
      name: "Session terminée",
      login: "Se reconnecter",
      again: "Renvoyer",
      copy: "Copier le texte",
      copied: "Texte copié",
      close: "Fermer cet avis"
    },
    en: {
      over: "Your session has ended. Your text stays here, but is no longer saved. Log in again in a new window, then come back here.",
      overUnsent: "Your message was not sent: your session has ended. It stays here as you wrote it. Log in again in a new window, come back here, then send it again.",
      other: "Your text stays here, but is no longer saved: your interface has changed, or another account is logged in to this browser. Copy your text to continue elsewhere.",
      otherUnsent: "Your message was not sent: your interface has changed, or another account is logged in to this browser. It stays here: copy your text into a new message.",
      away: "The server does not answer at the moment. Your text stays here, and is saved as soon as possible.",
      awayUnsent: "Your message was not sent: the server does not answer at the moment. It stays here as you wrote it. Send it again in some minutes.",
      unsure: "The connection was interrupted. Your text stays here, and is saved as soon as possible.",
      unsureUnsent: "The connection was interrupted: nothing confirms that your message was sent. It stays here as you wrote it. Check that it is not in your sent messages before you send it again.",
      back: "The connection is back. Save your text.",
      saved: "The connection is back, and your draft is saved.",
      savedUnsent: "The connection is back, and your draft is saved. Your message has not been sent yet: send it again.",
      savedUnsure: "The connection is back, and your draft is saved. Check that your message is not in your sent messages before you send it again.",
      lost: "To be attached again: $1.",
      name: "Session ended",
      login: "Log in again",
      again: "Send again",
      copy: "Copy the text",
      copied: "Text copied",
      close: "Close this notice"
    }
  };
  const EVERY = 10000;

  // What an answer says of the session; empty for one that says nothing of it. nginx answers 429 and 503 itself: nothing was done then.
  function cause(status) {
    if (status === 401) return "over";
    if (status === 403) return "other";
    if (status === 429 || status === 503) return "away";
    return status <= 0 || status === 502 || status === 504 ? "unsure" : "";
  }

  function element(kind, text) {
    const made = document.createElement(kind);
    if (text) made.textContent = text;
    return made;
  }

  // The care for one page that writes. `page` has: put(notice), where it is shown; probe(), the cause that lasts, or an empty
  // one; save(), a promise of the names of files that were lost; send(); text(); login, an address; mail, whether it can be sent.
  function care(page) {
    const words = WORDS[document.documentElement.lang.startsWith("fr") ? "fr" : "en"], notice = element("div");
    let now = "", unsent = false, doubt = false, timer = 0, asks = false, shown = "";
    notice.className = "malleposte-unsent";
    notice.setAttribute("role", "alert");
    notice.setAttribute("aria-label", words.name);

    function button(name, act) {
      const made = element("button", words[name]);
      made.type = "button";
      made.dataset.act = name;
      made.addEventListener("click", act);
      return made;
    }

    function copy(event) {
      const told = event.currentTarget, type = "text/plain";
      navigator.clipboard.write([new ClipboardItem({[type]: new Blob([page.text()], {type: type})})]).then(function () {
        told.textContent = words.copied;
      });
    }

    function show(said, lost) {
      const key = said + "\n" + lost;
      if (notice.isConnected && shown === key) return;
      shown = key;
      const row = element("p"), lines = [element("p", words[said])];
      if (lost) lines.push(element("p", words.lost.replace("$1", function () { return lost; })));
      if (now === "over" || now === "other") {
        const link = element("a", words.login);
        link.href = page.login;
        link.target = "_blank";
        link.rel = "noopener";
        row.append(link);
      }
      if (unsent && now !== "other") row.append(button("again", page.send));
      if (now && page.mail) row.append(button("copy", copy));
      if (!now) row.append(button("close", clear));
      notice.replaceChildren.apply(notice, lines.concat(row));
      if (!notice.isConnected) page.put(notice);
    }

    function clear() {
      now = shown = "";
      unsent = doubt = false;
      clearInterval(timer);
      notice.remove();
    }

    // An answer that says that nothing is saved or sent any more; `sending` where it was a message on its way out.
    function failed(found, sending) {
      now = found;
      unsent = unsent || sending;
      doubt = sending ? found === "unsure" : doubt;
      show(found + (unsent ? "Unsent" : ""), "");
      clearInterval(timer);
      timer = setInterval(look, EVERY);
    }

    // Whether the session is back: then what was written is saved at once.
    async function look() {
      if (!now || asks || !notice.isConnected) return;
      asks = true;
      try {
        const found = await page.probe();
        if (found && found !== now) failed(found, false);
        if (found || !now) return;
        const lost = await page.save();
        if (!now) return;
        now = "";
        clearInterval(timer);
        show(page.mail ? "saved" + (doubt ? "Unsure" : unsent ? "Unsent" : "") : "back", lost.join(", "));
      } catch (error) {
        // Another agent's session; else it is still away, and the next look finds out.
        if (error.message === "other") failed("other", false);
      } finally {
        asks = false;
      }
    }
    window.addEventListener("focus", look);
    document.addEventListener("visibilitychange", look);
    // Writing goes on in a page that is left only when its reader says so.
    window.addEventListener("beforeunload", function (event) { if (now && notice.isConnected) event.preventDefault(); });

    return {failed: failed, done: clear, troubled: function () { return now !== ""; }};
  }

  return {cause: cause, care: care};
})();
