"""A forgotten log-in or password: what is asked for goes to means of recovery on file. No page says whether it did."""

from __future__ import annotations

from typing import Any

from flask import current_app, render_template
from malleposte.accountd.calls import passwords
from wtforms import RadioField

from malleposte_portal import dsfr
from malleposte_portal.core import acts, forms
from malleposte_portal.core.answers import UNKNOWN, Answer, carried_out
from malleposte_portal.core.forms import Guarded, NewPassword, code_field, login_field, numen_field
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.first_login import USED

SUBJECT = Subject("forgotten")
PENDING = "Ce compte n’a jamais été activé : choisissez « Activer mon compte », avec les mêmes NUMEN et code INA."


def _channel_field() -> Any:
    return RadioField(
        "Où l’envoyer",
        choices=[("mail", "À mon adresse de secours"), ("sms", "Par SMS à mon téléphone de secours")],
        default="mail",
        validate_choice=False,
        widget=dsfr.Radios(),
    )


class ResetForm(Guarded, NewPassword):
    """NUMEN and code give a new password."""

    numen = numen_field()
    code = code_field()


class AskCode(Guarded):
    """The account whose code is sent to its means of recovery."""

    login = login_field()
    channel = _channel_field()


class AskLogin(Guarded):
    """The account whose log-in is sent to its means of recovery."""

    numen = numen_field()
    channel = _channel_field()


@SUBJECT.page("/oublie", "/en/forgotten")
def forgotten() -> Answer:
    """A lost means, and the way to it."""
    return render_template("forgotten/forgotten.html")


@SUBJECT.form("/motdepasse/oublie", "/en/password/forgotten")
def reset() -> Answer:
    """NUMEN and INA code give a new password."""
    form = ResetForm()
    return carried_out(
        "forgotten/reset.html",
        form,
        lambda: passwords.Reset(
            acts.source(), "", form.typed("numen"), form.typed("code"), form.typed("new"), form.once, form.by_question
        ),
        _(UNKNOWN),
        _(PENDING),
    )


@SUBJECT.form("/motdepasse/code", "/en/password/code")
def code() -> Answer:
    """Ask for a code. The answer is the same whether or not there is such an account and a way to send it."""
    form = AskCode()
    return carried_out(
        "forgotten/code.html",
        form,
        lambda: passwords.IssueCode(acts.source(), form.typed("login"), _channel(form), form.once, form.by_question),
        _(UNKNOWN),
        _(USED),
    )


@SUBJECT.form("/oublie/identifiant", "/en/forgotten/log-in")
def remind() -> Answer:
    """Ask for a log-in, by the NUMEN; as `code`."""
    form = AskLogin()
    return carried_out(
        "forgotten/remind.html",
        form,
        lambda: passwords.RemindLogin(acts.source(), form.typed("numen"), _channel(form), form.once, form.by_question),
        _(UNKNOWN),
        _(USED),
    )


def _channel(form: forms.Form) -> str:
    return "sms" if current_app.extensions["portal"].sms and form.typed("channel") == "sms" else "mail"
