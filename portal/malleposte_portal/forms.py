"""The forms: each declares its fields, with the words that templates translate."""

from __future__ import annotations

from typing import Any

from flask import current_app, g
from flask_wtf import FlaskForm
from malleposte.policy.project import html_constraints
from malleposte.policy.rules import Context, check
from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from malleposte_portal import dsfr
from malleposte_portal.languages import translate as _

LONGEST = 200
"""Characters of any field; the policy has its own limit for a password."""
CODES = {"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"}


def _text(label: str, hint: str, missing: str, **attributes: str) -> Any:
    return StringField(
        label,
        description=hint,
        filters=[lambda value: value.strip() if value else value],
        validators=[InputRequired(missing), Length(max=LONGEST, message="Cette réponse est trop longue.")],
        render_kw=attributes,
        widget=dsfr.Input(),
    )


def _login() -> Any:
    return _text(
        "Identifiant",
        "Votre identifiant ou votre adresse académique.",
        "Indiquez votre identifiant.",
        autocomplete="username",
        autocapitalize="none",
        spellcheck="false",
    )


def _numen() -> Any:
    return _text("NUMEN", "13 caractères, sur votre arrêté ou votre dossier.", "Indiquez votre NUMEN.", **CODES)


def _code() -> Any:
    return _text(
        "Code INA",
        "Le code qui figure sur votre lettre, ou que vous avez reçu par courriel.",
        "Indiquez votre code INA.",
        **CODES,
    )


def _untold(label: str, **attributes: str) -> Any:
    return StringField(
        label,
        description="Facultatif.",
        render_kw={"autocomplete": "off", "spellcheck": "false", **attributes},
        widget=dsfr.Input(sent=False),
    )


class Form(FlaskForm):  # type: ignore[misc]
    """A form whose errors are in the language of the page."""

    def validate(self, extra_validators: Any = None) -> bool:
        """See wtforms.Form.validate."""
        valid = bool(super().validate(extra_validators))
        for held in self:
            held.errors = [_(str(one)) for one in held.errors] if held.short_name != "new" else held.errors
        return valid

    def typed(self, name: str) -> str:
        """The text in a field."""
        return str(self[name].data or "")

    def refuse(self, name: str, sentences: Any) -> None:
        """Add errors to a field, already in the language of the page."""
        self[name].errors = [*self[name].errors, *sentences]


class NewPassword(Form):
    """Two fields for a new password. The policy is checked before accountd is asked, so that no code is spent."""

    new = PasswordField("Nouveau mot de passe", widget=dsfr.Password(new=True))
    again = PasswordField(
        "Nouveau mot de passe, une seconde fois",
        validators=[InputRequired("Tapez une seconde fois le nouveau mot de passe.")],
        render_kw={"autocomplete": "new-password"},
        widget=dsfr.Password(),
    )

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        limits = html_constraints(current_app.extensions["portal"].policy)
        # The rules are told by the page in words; a browser's own message about a pattern says none of them.
        self.new.flags.asked = True
        self.new.render_kw = {key: value for key, value in limits.items() if key in ("passwordrules", "autocomplete")}

    def validate_new(self, held: Any) -> None:
        """Every rule that it breaks, as a sentence."""
        if not held.data:
            raise ValidationError(_("Choisissez un nouveau mot de passe."))
        login = self["login"].data if "login" in self else ""
        broken = check(held.data, Context(login=login or ""), current_app.extensions["portal"].policy)
        for one in broken[:-1]:
            held.errors.append(one.message(g.language))
        if broken:
            raise ValidationError(broken[-1].message(g.language))

    def validate_again(self, held: Any) -> None:
        """Both are the same."""
        if held.data and self.new.data and held.data != self.new.data:
            raise ValidationError("Les deux mots de passe ne sont pas les mêmes.")


class Activate(NewPassword):
    """First log-in: NUMEN and code."""

    numen = _numen()
    code = _code()


class Change(NewPassword):
    """The old password gives a new one."""

    login = _login()
    old = PasswordField(
        "Mot de passe actuel",
        validators=[InputRequired("Indiquez votre mot de passe actuel."), Length(max=1024)],
        render_kw={"autocomplete": "current-password"},
        widget=dsfr.Password(),
    )


class Reset(NewPassword):
    """NUMEN and code give a new password."""

    login = _login()
    numen = _numen()
    code = _code()


class Strength(Form):
    """Fields of the strength tester. They are never sent; a password is tested against the names too."""

    given = _untold("Prénom", **{"data-name": ""})
    surname = _untold("Nom", **{"data-name": ""})
    login = _untold("Identifiant")
    new = PasswordField(
        "Mot de passe à tester", render_kw={"autocomplete": "new-password"}, widget=dsfr.Password(new=True, sent=False)
    )


class AskCode(Form):
    """The address or number that a code is sent to."""

    login = _login()
