"""« Quarantaine »: messages that the filter kept apart are listed with the reason, and released to the inbox.

They lie on the host of the mailbox; accountd finds them there and releases them. Nothing of their content is shown.
"""

from __future__ import annotations

from functools import partial

from flask import render_template, request, session
from malleposte.accountd.calls.mailbox.quarantine import HeldMessage, Release, ShowQuarantine

from malleposte_portal.core import acts, words
from malleposte_portal.core.answers import Answer, back_to
from malleposte_portal.core.forms import ticked
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask_in_parts, for_agent

SUBJECT = Subject("quarantine")

MOST = 100
"""Messages that are released by one form."""
LATE = "Certains messages n’ont pas été sortis de la quarantaine : ils l’ont déjà été, ou leur délai est passé."


def because(one: HeldMessage) -> str:
    """The reasons of a message, in words."""
    reasons = {
        "score": _("le filtre le juge très probablement indésirable"),
        "form": _("il contient une page qui demande des informations ou lance un programme"),
        "archive": _("il contient une archive chiffrée, que le filtre ne peut pas examiner"),
        "macro": _("il contient un document avec des macros"),
        "domain": _("l’adresse de l’expéditeur ressemble à une adresse de l’académie"),
    }
    return ", ".join(reasons[word] for word in one.reasons if word in reasons) or _("vous l’y avez déplacé")


@SUBJECT.form("/compte/quarantaine", "/en/account/quarantine")
@for_agent
def quarantine(agent: sign_on.Agent) -> Answer:
    """The messages in quarantine; those that are ticked come to the inbox."""
    refused, status = "", 200
    if request.method == "POST":
        messages = ticked("message", MOST)
        if messages:
            done = ask_in_parts(agent, lambda some: partial(Release, messages=some), messages, _(LATE))
            if not isinstance(done, acts.Refusal):
                return back_to("quarantine", f"released {sum(answer.many for answer in done)}")
            refused, status = done.page, done.status
        else:
            refused, status = _("Cochez d’abord les messages à sortir de la quarantaine."), 422
    answer = answered(agent, ShowQuarantine)
    notice = str(session.pop("told", ""))
    many = int(notice.removeprefix("released ")) if notice.startswith("released ") else None
    return render_template(
        "own/quarantine.html", quarantined=answer.held, more=answer.more, refused=refused, many=many,
        moment=words.moment, because=because,
    ), status  # fmt: skip
