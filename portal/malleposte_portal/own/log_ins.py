"""Log-ins at the log-in page and the browsers that it trusts, beside the devices: the agent ends each."""

from __future__ import annotations

from collections.abc import Sequence

from flask import redirect, request, session
from malleposte.accountd.calls.log_ins import EndLogIn, OpenLogIn, ShowLogIns

from malleposte_portal.core import acts
from malleposte_portal.core.answers import Answer, link
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import ask, for_agent, unanswered

SUBJECT = Subject("log_ins")


def shown(found: sign_on.Agent) -> Sequence[OpenLogIn] | None:
    """Each of them; None where the log-in page gives no answer, or is the academy's own."""
    if not sign_on.sign_on().factors_here:
        return None
    answer = ask(found, ShowLogIns)
    return None if isinstance(answer, acts.Told) else answer.log_ins


@SUBJECT.act("/compte/connexions/fermer", "/en/account/log-ins/end")
@for_agent
def log_in_end(found: sign_on.Agent) -> Answer:
    """End one."""
    ident = request.form.get("log_in", "")[:100]
    answer = ask(
        found, lambda source, uid, token: EndLogIn(source, uid, token, ident),
        refused=_("Cette connexion est déjà fermée."),
    )  # fmt: skip
    if isinstance(answer, acts.Told):
        return unanswered(answer)
    session["told"] = "log_in_late" if answer.open else "log_in"
    return redirect(link("devices"), 303)
