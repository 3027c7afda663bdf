"""« Ma double authentification »: the second factors of the agent, and a way to remove one while another is left.

They lie with the log-in page, which adds them; accountd reads and removes them there, and tells the agent.
"""

from __future__ import annotations

from flask import redirect, render_template, request, session
from malleposte.accountd.calls import factors as calls
from malleposte.accountd.message import Done
from wtforms import HiddenField

from malleposte_portal.core import acts, browsers, words
from malleposte_portal.core.answers import Answer, back_to, filled_in, link
from malleposte_portal.core.forms import Form
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent
from malleposte_portal.own.diagnosis import at, by
from malleposte_portal.own.forms import password_field

SUBJECT = Subject("factors")
KINDS = {"totp": "Application de codes", "webauthn": "Clé de sécurité ou clé d’accès"}
"""The words for the provider's kinds of factors."""


class RemoveFactorForm(Form):
    """A second factor that goes; the password is asked for again."""

    factor = HiddenField()
    password = password_field()


def kind(one: calls.Factor) -> str:
    """The kind of a factor, in words."""
    return _(KINDS[one.kind]) if one.kind in KINDS else one.kind


def _away() -> Answer | None:
    """The way to the academy's own provider, which keeps its factors to itself; to the devices where it has no page."""
    ours = sign_on.sign_on()
    return None if ours.factors_here else redirect(ours.factors_page or link("devices"), 303)


@SUBJECT.page("/compte/double-authentification", "/en/account/second-factors")
@for_agent
def factors(agent: sign_on.Agent) -> Answer:
    """Each factor, and the way to the page of the provider that adds one."""
    if (away := _away()) is not None:
        return away
    answer = answered(agent, calls.ShowFactors)
    # The agent's session there opens it.
    page = sign_on.sign_on().factors_page
    notice = session.pop("told", "")
    return render_template(
        "own/factors.html", factors=answer.factors, page=page, notice=notice, kind=kind, day=words.day,
        closes=answer.closes, open=answer.diagnosis, by=by, at=at, moment=words.moment,
    )  # fmt: skip


@SUBJECT.form("/compte/double-authentification/supprimer", "/en/account/second-factors/remove")
@for_agent
def factor_remove(agent: sign_on.Agent) -> Answer:
    """Remove one of several; back to the list where there is none of that name, or no other."""
    if (away := _away()) is not None:
        return away
    enrolled = answered(agent, calls.ShowFactors).factors
    ident = (request.form if request.method == "POST" else request.args).get("factor", "")[:300]
    gone = next((one for one in enrolled if one.ident == ident), None)
    if gone is None or len(enrolled) == 1:
        return redirect(link("factors"), 303)
    form = RemoveFactorForm(data={"factor": gone.ident} if request.method == "GET" else None)

    def remove() -> Answer | acts.Refusal:
        password = form.typed("password")
        answer = ask(
            agent,
            lambda source, uid, token: calls.RemoveFactor(source, uid, token, password, ident, browsers.digest()),
            _("Mot de passe inexact."), _("Ce moyen ne peut pas être supprimé ici."),
        )  # fmt: skip
        return back_to("factors", "factor") if isinstance(answer, Done) else answer

    return filled_in(
        form, remove,
        lambda refused: render_template("own/factor_remove.html", form=form, refused=refused, factor=gone, kind=kind),
    )  # fmt: skip
