"""« Ma double authentification »: the second factors of the agent, and a way to remove one while another is left.

They lie with the log-in page, which adds them; accountd reads and removes them there, and tells the agent.
"""

from __future__ import annotations

from collections.abc import Callable

from flask import redirect, render_template, request, session
from malleposte.accountd.calls import factors as calls
from malleposte.accountd.message import Done

from malleposte_portal import acts, browsers, sign_on
from malleposte_portal.answers import Answer, link
from malleposte_portal.languages import translate as _
from malleposte_portal.own import forms, words
from malleposte_portal.own.asked import ask, for_agent, unanswered
from malleposte_portal.own.diagnosis import at, by

ADDRESSES: dict[str, tuple[str, str]] = {
    "factors": ("/compte/double-authentification", "/en/account/second-factors"),
    "factor_remove": ("/compte/double-authentification/supprimer", "/en/account/second-factors/remove"),
}
"""Address of each page, as in pages.ADDRESSES."""
KINDS = {"totp": "Application de codes", "webauthn": "Clé de sécurité ou clé d’accès"}
"""The words for the provider's kinds of factors."""


def kind(one: calls.Factor) -> str:
    """The kind of a factor, in words."""
    return _(KINDS[one.kind]) if one.kind in KINDS else one.kind


def _away() -> Answer | None:
    """The way to the academy's own provider, which keeps its factors to itself; to the devices where it has no page."""
    ours = sign_on.sign_on()
    return None if ours.factors_here else redirect(ours.factors_page or link("devices"), 303)


@for_agent
def factors(found: sign_on.Agent) -> Answer:
    """Each factor, and the way to the page of the provider that adds one."""
    if (away := _away()) is not None:
        return away
    held = ask(found, calls.ShowFactors)
    if isinstance(held, acts.Told):
        return unanswered(held)
    # The agent's session there opens it.
    page = sign_on.sign_on().factors_page
    told = session.pop("told", "")
    return render_template(
        "own/factors.html", factors=held.factors, page=page, told=told, kind=kind, day=words.day,
        closes=held.closes, open=held.diagnosis, by=by, at=at, moment=words.moment,
    )  # fmt: skip


@for_agent
def factor_remove(found: sign_on.Agent) -> Answer:
    """Remove one of several; back to the list where there is none of that name, or no other."""
    if (away := _away()) is not None:
        return away
    answered = ask(found, calls.ShowFactors)
    if isinstance(answered, acts.Told):
        return unanswered(answered)
    held = answered.factors
    wanted = (request.form if request.method == "POST" else request.args).get("factor", "")[:300]
    gone = next((one for one in held if one.ident == wanted), None)
    if gone is None or len(held) == 1:
        return redirect(link("factors"), 303)
    form = forms.RemoveFactor(data={"factor": gone.ident} if request.method == "GET" else None)
    refused, status = "", 200
    if request.method == "POST":
        status = 422
        if form.validate():
            password = form.typed("password")
            answer = ask(
                found,
                lambda source, uid, token: calls.RemoveFactor(
                    source, uid, token, password, gone.ident, browsers.digest()
                ),
                _("Mot de passe inexact."), _("Ce moyen ne peut pas être supprimé ici."),
            )  # fmt: skip
            if isinstance(answer, Done):
                session["told"] = "factor"
                return redirect(link("factors"), 303)
            refused, status = answer.page, answer.status
    return render_template("own/factor_remove.html", form=form, refused=refused, factor=gone, kind=kind), status


VIEWS: dict[str, Callable[[], Answer]] = {"factors": factors, "factor_remove": factor_remove}
