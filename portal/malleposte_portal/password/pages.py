"""The page on passwords, and a change of one by its owner."""

from __future__ import annotations

from flask import render_template
from malleposte.accountd.calls.passwords import Change
from wtforms import PasswordField
from wtforms.validators import InputRequired, Length

from malleposte_portal import dsfr
from malleposte_portal.core import acts, browsers
from malleposte_portal.core.answers import Answer, carried_out
from malleposte_portal.core.forms import TOO_LONG, NewPassword, login_field
from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import sign_on

SUBJECT = Subject("password")


class ChangeForm(NewPassword):
    """The old password gives a new one."""

    login = login_field()
    old = PasswordField(
        "Mot de passe actuel",
        validators=[InputRequired("Indiquez votre mot de passe actuel."), Length(max=1024, message=TOO_LONG)],
        render_kw={"autocomplete": "current-password"},
        widget=dsfr.Password(),
    )


@SUBJECT.page("/motdepasse", "/en/password")
def password() -> Answer:
    """The acts on a password, and the rules."""
    return render_template("password/password.html")


@SUBJECT.form("/motdepasse/changer", "/en/password/change")
def change() -> Answer:
    """The old password, also past its end, gives a new one."""
    agent = sign_on.agent()
    form = ChangeForm(login=agent.session.uid if agent else None)
    return carried_out(
        "password/change.html",
        form,
        lambda: Change(acts.source(), form.typed("login"), form.typed("old"), form.typed("new"), browsers.digest()),
        _("Identifiant ou mot de passe actuel inexact."),
    )
