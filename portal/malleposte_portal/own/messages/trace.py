"""« Suivre un message »: an agent is told what became of messages of the last days.

accountd says the facts (`TracedMessage`); the words are here, for the help desk's page too. Words that are looked for
are posted: an address would be kept in logs and in the browser.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from flask import render_template, request
from malleposte.accountd.calls.mailbox.hours import FOLDER
from malleposte.accountd.calls.mailbox.trace import IN, MessagesTraced, TracedMessage, TraceMessages
from malleposte.accountd.message import Done

from malleposte_portal.core import words
from malleposte_portal.core.answers import Answer
from malleposte_portal.core.forms import Form
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import ask, for_agent
from malleposte_portal.own.diagnosis import REFUSED_MAIL
from malleposte_portal.own.forms import part_field
from malleposte_portal.own.undelete import place

SUBJECT = Subject("trace")
SHORT_WORD = "Donnez un mot d’au moins trois lettres, ou laissez l’objet vide."
STATES = {
    "waiting": "Il est dans la file : rien n’est encore décidé.",
    "filed": "Arrivé dans « %(folder)s » le %(moment)s.",
    "arrived": "Arrivé le %(moment)s.",
    "retracted": "Arrivé le %(moment)s, puis retiré de la boîte par la DSI : il était dangereux.",
    "sealed": "Mis à l’écart le %(moment)s, car dangereux : aucun logiciel ne l’ouvre. L’assistance peut le remettre.",
    "left": "Pris par le serveur du destinataire le %(moment)s.",
    "deferred": "Il attend : l’autre serveur ne le prend pas encore. De nouveaux essais sont faits pendant cinq jours.",
    "bounced": "Il n’a pas pu être remis. L’expéditeur en a été averti le %(moment)s.",
    "refused": "Refusé le %(moment)s. Le serveur qui l’apportait en a été averti.",
    "later": "Remis à plus tard le %(moment)s : un serveur honnête réessaie.",
    "held": "Retenu le %(moment)s. Il n’est pas perdu : la DSI peut l’envoyer.",
    "redirected": "Passé par un filtre de la boîte à %(address)s le %(moment)s, sans copie ici.",
    "discarded": "Supprimé par un filtre de la boîte le %(moment)s.",
}
"""The end of a message, by accountd's word."""


class Parts(Form):
    """Parts of the messages that are looked for; all of them where nothing is given."""

    sender = part_field("Expéditeur", "Son adresse exacte, ou le nom de domaine après le @. Vide : n’importe lequel.")
    word = part_field("Objet", "Un ou plusieurs mots entiers. Vide : n’importe lequel.")


def sentences(one: TracedMessage) -> list[str]:
    """The end of a message, in sentences."""
    moment, state = words.moment(one.at), one.state
    if state == "filed" and one.way != IN:
        state = "arrived"
    folder = place(one.folder or "INBOX")
    texts = [_(STATES[state], folder=folder, moment=moment, address=one.passed_on)]
    reason = REFUSED_MAIL.get((one.way, one.reason))
    if reason:
        texts.append(_(reason[0]))
    if state == "filed" and one.folder == FOLDER:
        texts.append(_waits(one))
    if state == "filed" and one.passed_on:
        texts.append(_("Un filtre de la boîte l’a aussi passé à %(address)s.", address=one.passed_on))
    if one.answer:
        texts.append(_("Réponse du serveur : %(answer)s", answer=one.answer))
    return texts


def _waits(one: TracedMessage) -> str:
    """Say when a message that waited for the agent's hours goes, or went, to the inbox."""
    comes, moment = words.read(one.comes), words.moment(one.comes)
    if comes is None:
        return _("Il y attend les horaires choisis pour la boîte, puis passe dans la boîte de réception.")
    if comes > words.now():
        return _(
            "Il y attend les horaires choisis pour la boîte. Il passera dans la boîte de réception le %(moment)s.",
            moment=moment,
        )
    return _(
        "D’après les horaires d’aujourd’hui, il est passé dans la boîte de réception le %(moment)s.", moment=moment
    )


def head(one: TracedMessage) -> str:
    """The other end of a message, and when it came."""
    moment = words.moment(one.time)
    if one.way != IN:
        return _("À %(address)s, le %(moment)s", address=one.other, moment=moment)
    if one.other:
        return _("De %(address)s, le %(moment)s", address=one.other, moment=moment)
    return _("D’une adresse inconnue, le %(moment)s", moment=moment)


def shown(answer: MessagesTraced | None) -> dict[str, Any]:
    """The content of `own/traced.html`, and its words."""
    rows: Sequence[TracedMessage] = answer.traced if answer else ()
    return {"answer": answer, "rows": rows, "head": head, "sentences": sentences, "day": words.day}


@SUBJECT.form("/diagnostic/message", "/en/diagnosis/message")
@for_agent
def trace(agent: sign_on.Agent) -> Answer:
    """Look for messages that came, or that did not."""
    form, refused, status, answer = Parts(), "", 200, None
    if request.method == "POST":
        status = 422
        if form.validate():
            call = partial(TraceMessages, sender=form.typed("sender"), word=form.typed("word"))
            done = ask(agent, call, refused=_(SHORT_WORD))
            if isinstance(done, Done):
                status, answer = 200, done
            else:
                refused, status = done.page, done.status
    return render_template("own/trace.html", form=form, refused=refused, **shown(answer)), status
