"""« Mes envois »: messages of « À envoyer » are listed with their hour or why they do not go; each is sent or kept."""

from __future__ import annotations

from functools import partial
from typing import Any

from flask import render_template, request, session
from malleposte.accountd.calls.mailbox.later import AgentLater, DecideLater, LaterMessage, SetLater, ShowLater
from malleposte.accountd.message import Done

from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, back_to
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent

SUBJECT = Subject("later")
REFUSED = "Ce message n’attend plus : il est parti, ou il n’est plus dans « À envoyer »."


def because(one: LaterMessage) -> str:
    """Return the reason for which a message does not go, in words; empty where it goes."""
    if not one.ident:
        return _(
            "il n’a pas d’heure d’envoi : seul un message que vous placez vous-même dans un dossier de « À envoyer » "
            "part. Sortez-le de ce dossier, puis remettez-le"
        )
    reasons = {
        "refused": _("le serveur l’a refusé, comme il l’aurait refusé tout de suite"),
        "blocked": _("votre compte ne peut pas envoyer de messages, ou ne le pouvait pas à l’heure prévue"),
        "author": _("il n’a pas un seul expéditeur"),
        "received": _("c’est un message reçu. Pour le renvoyer, transférez-le"),
        "recipients": _("il n’a pas de destinataire, ou l’adresse de l’un d’eux ne peut pas être lue"),
        "crowd": _("il a trop de destinataires. Demandez une liste de diffusion"),
        "many": _("beaucoup de messages ont été placés en même temps dans « À envoyer »"),
        "again": _("vous l’avez déjà envoyé"),
        "late": _("son heure est passée depuis plus d’un jour"),
        "off": _("vous avez arrêté l’envoi différé"),
        "broken": _("il ne peut pas être lu"),
    }
    return reasons.get(one.reason, "")


def _send(agent: sign_on.Agent, act: str) -> Done | acts.Refusal | None:
    """Have accountd do what a form asks; None where it asks nothing."""
    ident = request.form.get("message", "")[:100]
    make: Any
    if act in ("on", "off"):
        make = partial(SetLater, on=act == "on")
    elif act in ("send", "keep") and ident:
        make = partial(DecideLater, ident=ident, send=act == "send")
    else:
        return None
    done: AgentLater | acts.Refusal = ask(agent, make, refused=_(REFUSED))
    return done


@SUBJECT.form("/compte/envois", "/en/account/sending")
@for_agent
def later(agent: sign_on.Agent) -> Answer:
    """The page with its forms; each answers by the page, so that a reload sends nothing again."""
    act = request.form.get("act", "") if request.method == "POST" else ""
    done = _send(agent, act) if act else None
    if isinstance(done, Done):
        return back_to("later", f"later {act}")
    refused, status = ("", 422 if act else 200) if done is None else (done.page, done.status)
    answer = answered(agent, ShowLater)
    return render_template(
        "own/later.html", answer=answer, refused=refused, notice=str(session.pop("told", "")), moment=words.moment,
        because=because,
    ), status  # fmt: skip
