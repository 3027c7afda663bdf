"""A forgotten log-in or password: what is asked for goes to means of recovery on file. No page says whether it did."""

from __future__ import annotations

from flask import current_app, render_template
from malleposte.accountd.calls import passwords

from malleposte_portal import acts, forms
from malleposte_portal.answers import UNKNOWN, Answer, carried_out
from malleposte_portal.first_login import USED
from malleposte_portal.languages import translate as _

PENDING = "Ce compte n’a jamais été activé : choisissez « Activer mon compte », avec les mêmes NUMEN et code INA."


def forgotten() -> Answer:
    """A lost means, and the way to it."""
    return render_template("forgotten.html")


def reset() -> Answer:
    """NUMEN and INA code give a new password."""
    form = forms.Reset()
    return carried_out(
        "reset",
        form,
        lambda: passwords.Reset(
            acts.source(), "", form.typed("numen"), form.typed("code"), form.typed("new"), form.once, form.by_question
        ),
        _(UNKNOWN),
        _(PENDING),
    )


def code() -> Answer:
    """Ask for a code. The answer is the same whether or not there is such an account and a way to send it."""
    form = forms.AskCode()
    return carried_out(
        "code",
        form,
        lambda: passwords.IssueCode(acts.source(), form.typed("login"), _channel(form), form.once, form.by_question),
        _(UNKNOWN),
        _(USED),
    )


def remind() -> Answer:
    """Ask for a log-in, by the NUMEN; as `code`."""
    form = forms.AskLogin()
    return carried_out(
        "remind",
        form,
        lambda: passwords.RemindLogin(acts.source(), form.typed("numen"), _channel(form), form.once, form.by_question),
        _(UNKNOWN),
        _(USED),
    )


def _channel(form: forms.Form) -> str:
    return "sms" if current_app.extensions["portal"].sms and form.typed("channel") == "sms" else "mail"
