"""« Mes moyens de secours »: the address and the telephone for codes are shown masked, and changed one at a time.

accountd decides and tells; a new address waits for the code that went there. The ticket for it is kept beside the
log-in, in the portal's Valkey, since it names the address.
"""

from __future__ import annotations

from typing import Any

from flask import redirect, render_template, session
from malleposte.accountd.calls.account import ShowAccount
from malleposte.accountd.calls.recovery import ConfirmRecovery, RecoveryAsked, SetRecovery
from malleposte.accountd.message import Done
from wtforms import StringField
from wtforms.validators import Length

from malleposte_portal import dsfr
from malleposte_portal.core import acts, browsers, words
from malleposte_portal.core.answers import Answer, back_to, filled_in, link
from malleposte_portal.core.forms import LONGEST, TOO_LONG, Form
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.first_login import WRONG, Confirm
from malleposte_portal.log_in import sign_on
from malleposte_portal.log_in.as_agent import answered, ask, for_agent, unanswered
from malleposte_portal.log_in.sessions import StoreError
from malleposte_portal.own.forms import password_field

SUBJECT = Subject("recovery")
TITLES = {"mail": "Changer mon adresse de secours", "phone": "Changer mon téléphone de secours"}
"""Of the page that changes a means of each kind."""
TICKET_SECONDS = 900
"""As long as the code is good."""


class RecoveryMail(Form):
    """Another address of recovery, or none."""

    value = StringField(
        "Nouvelle adresse de secours",
        description="Une adresse personnelle, hors de l’académie. Un code y est envoyé. Vide : aucune adresse.",
        filters=[lambda value: value.strip() if value else value],
        validators=[Length(max=LONGEST, message=TOO_LONG)],
        render_kw={"autocomplete": "email", "inputmode": "email", "autocapitalize": "none", "spellcheck": "false"},
        widget=dsfr.Input(),
    )
    password = password_field()


class RecoveryPhone(Form):
    """Another telephone of recovery, or none."""

    value = StringField(
        "Nouveau téléphone de secours",
        description="Un numéro personnel, par exemple 06 12 34 56 78. Laissez vide pour n’en avoir aucun.",
        filters=[lambda value: value.strip() if value else value],
        validators=[Length(max=LONGEST, message=TOO_LONG)],
        render_kw={"autocomplete": "tel", "inputmode": "tel"},
        widget=dsfr.Input(),
    )
    password = password_field()


def _word(agent: sign_on.Agent) -> str:
    """The word under which the ticket of this log-in is kept."""
    return f"recovery:{agent.identifier}"


@SUBJECT.page("/compte/secours", "/en/account/recovery")
@for_agent
def recovery(agent: sign_on.Agent) -> Answer:
    """The means, masked, and when changed ones begin to count."""
    account, notice = answered(agent, ShowAccount).account, session.pop("told", "")
    return render_template("own/recovery.html", account=account, notice=notice, moment=words.moment)


def _changed(agent: sign_on.Agent, kind: str, form: Any) -> Answer:
    """A form for another means of a kind; the next page once it is filled in rightly."""

    def change() -> Answer | acts.Refusal:
        typed = (form.typed("password"), kind, form.typed("value"))
        answer = ask(
            agent,
            lambda source, uid, token: SetRecovery(source, uid, *typed, token=token, browser=browsers.digest()),
            _("Mot de passe inexact."), _(WRONG[kind]),
        )  # fmt: skip
        return _next(agent, answer) if isinstance(answer, Done) else answer

    def show(refused: str) -> str:
        return render_template("own/recovery_change.html", title=_(TITLES[kind]), form=form, refused=refused)

    return filled_in(form, change, show, "value")


def _said(answer: Done) -> Answer:
    """Back to the means, and say when the change counts."""
    return back_to("recovery", "recovery" if answer.until else "recovery-same")


def _next(agent: sign_on.Agent, answer: RecoveryAsked) -> Answer:
    """To the page of the code where one was sent, else back to the means."""
    if not answer.ticket:
        return _said(answer)
    try:
        sign_on.sign_on().sessions.keep_once(_word(agent), answer.ticket, TICKET_SECONDS)
    except StoreError:
        return unanswered(acts.Refusal(503, _(acts.AWAY)))
    return redirect(link("recovery_confirm"), 303)


@SUBJECT.form("/compte/secours/adresse", "/en/account/recovery/address")
@for_agent
def recovery_mail(agent: sign_on.Agent) -> Answer:
    """Another address, or none."""
    return _changed(agent, "mail", RecoveryMail())


@SUBJECT.form("/compte/secours/telephone", "/en/account/recovery/telephone")
@for_agent
def recovery_phone(agent: sign_on.Agent) -> Answer:
    """Another telephone, or none."""
    return _changed(agent, "phone", RecoveryPhone())


@SUBJECT.form("/compte/secours/code", "/en/account/recovery/code")
@for_agent
def recovery_confirm(agent: sign_on.Agent) -> Answer:
    """The code that went to the new address."""
    sessions = sign_on.sign_on().sessions
    try:
        ticket = sessions.look_once(_word(agent))
    except StoreError:
        return unanswered(acts.Refusal(503, _(acts.AWAY)))
    if not ticket:
        return redirect(link("recovery_mail"), 303)
    form, address = Confirm(), ticket.rpartition(" ")[2]

    def confirm() -> Answer | acts.Refusal:
        code = form.typed("value")
        answer = ask(
            agent, lambda source, uid, token: ConfirmRecovery(source, uid, token, ticket, code),
            refused=_(WRONG["confirm"]),
        )  # fmt: skip
        if not isinstance(answer, Done):
            return answer
        sessions.take_once(_word(agent))
        return _said(answer)

    def show(refused: str) -> str:
        return render_template("own/recovery_confirm.html", form=form, refused=refused, address=address)

    return filled_in(form, confirm, show, "value")
