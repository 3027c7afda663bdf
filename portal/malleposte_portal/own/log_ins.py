"""Log-ins at the log-in page and the browsers that it trusts, beside the devices: the agent ends each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from flask import redirect, request, session
from malleposte.accountd.calls.log_ins import EndLogIn, OpenLogIn, ShowLogIns

from malleposte_portal import acts, sign_on
from malleposte_portal.answers import Answer, link
from malleposte_portal.languages import translate as _
from malleposte_portal.own.asked import ask, for_agent, unanswered

ADDRESSES: dict[str, tuple[str, str]] = {
    "log_in_end": ("/compte/connexions/fermer", "/en/account/log-ins/end"),
}
"""Address of each page, as in pages.ADDRESSES."""
ACTS = ("log_in_end",)


def shown(found: sign_on.Agent) -> Sequence[OpenLogIn] | None:
    """Each of them; None where the log-in page gives no answer, or is the academy's own."""
    if not sign_on.sign_on().factors_here:
        return None
    answer = ask(found, ShowLogIns)
    return None if isinstance(answer, acts.Told) else answer.log_ins


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


VIEWS: dict[str, Callable[[], Answer]] = {"log_in_end": log_in_end}
