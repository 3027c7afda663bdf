"""The forms: each declares its fields, with the words that templates translate."""

from __future__ import annotations

from typing import Any

from flask import current_app, g
from flask_wtf import FlaskForm
from malleposte.policy.project import html_constraints
from malleposte.policy.rules import Context, check
from wtforms import BooleanField, HiddenField, PasswordField, RadioField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from malleposte_portal import dsfr
from malleposte_portal.core import human
from malleposte_portal.core.languages import translate as _

LONGEST = 200
"""Characters of any field; the policy has its own limit for a password."""
LATE = "Cette page était ouverte depuis longtemps. Vérifiez vos réponses et envoyez-la de nouveau."
TOO_LONG = "Cette réponse est trop longue."
CODES = {"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"}


def _text(label: str, hint: str, missing: str, **attributes: str) -> Any:
    return StringField(
        label,
        description=hint,
        filters=[lambda value: value.strip() if value else value],
        validators=[InputRequired(missing), Length(max=LONGEST, message=TOO_LONG)],
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


def _channel() -> Any:
    return RadioField(
        "Où l’envoyer",
        choices=[("mail", "À mon adresse de secours"), ("sms", "Par SMS à mon téléphone de secours")],
        default="mail",
        validate_choice=False,
        widget=dsfr.Radios(),
    )


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


class Guarded(Form):
    """A form that needs no log-in: the browser works for it, or the agent answers a question (human.py)."""

    altcha = HiddenField()
    question = HiddenField()
    answer = StringField(
        "Votre réponse, en chiffres",
        description="Cette question écarte les programmes malveillants.",
        render_kw={"inputmode": "numeric", "autocomplete": "off"},
        widget=dsfr.Input(),
    )

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self.once = self.by_question = ""
        """The word of the work done, or of the question answered."""

    @property
    def asked(self) -> str:
        """A new question. Its token goes into the form, and what was answered before goes."""
        text, self.question.data = human.question()
        self.altcha.data = self.answer.data = ""
        return text

    def validate(self, extra_validators: Any = None) -> bool:
        """The rest first, then the work or the answer."""
        valid = super().validate(extra_validators)
        self.once = human.solved(self.typed("altcha"))
        self.by_question = "" if self.once else human.answered(self.typed("question"), self.typed("answer"))
        if self.once or self.by_question:
            return valid
        if self.typed("altcha"):
            # The browser works anew and hides the question: a word about that one would be of no use.
            self.refuse("altcha", [_(LATE)])
            return False
        self.refuse("answer", [_("Répondez à la question par un nombre, en chiffres.")])
        return False


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


class Begin(Guarded):
    """First log-in: NUMEN and code."""

    numen = _numen()
    code = _code()


class Telephone(Form):
    """A telephone for codes."""

    value = _text(
        "Téléphone",
        "Un numéro personnel, par exemple 06 12 34 56 78. Il ne sert qu’à vous envoyer un code.",
        "Indiquez un numéro, ou passez cette étape.",
        autocomplete="tel",
        inputmode="tel",
    )


class Recovery(Form):
    """An address for codes."""

    value = _text(
        "Adresse de secours",
        "Une adresse personnelle, hors de l’académie. Un code y est envoyé pour la vérifier.",
        "Indiquez une adresse, ou passez cette étape.",
        autocomplete="email",
        inputmode="email",
        autocapitalize="none",
        spellcheck="false",
    )


class Confirm(Form):
    """The code that was sent to that address."""

    value = _text("Code reçu", "Dix caractères, valables 15 minutes.", "Indiquez le code reçu.", **CODES)


class Charter(Form):
    """The charter."""

    value = BooleanField(
        "J’ai lu la charte et je l’accepte.",
        validators=[InputRequired("Acceptez la charte pour continuer.")],
        widget=dsfr.Checkbox(),
    )


class FirstPassword(NewPassword):
    """The last step of a first log-in."""


class Change(NewPassword):
    """The old password gives a new one."""

    login = _login()
    old = PasswordField(
        "Mot de passe actuel",
        validators=[InputRequired("Indiquez votre mot de passe actuel."), Length(max=1024, message=TOO_LONG)],
        render_kw={"autocomplete": "current-password"},
        widget=dsfr.Password(),
    )


class Reset(Guarded, NewPassword):
    """NUMEN and code give a new password."""

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


class AskCode(Guarded):
    """The account whose code is sent to its means of recovery."""

    login = _login()
    channel = _channel()


class AskLogin(Guarded):
    """The account whose log-in is sent to its means of recovery."""

    numen = _numen()
    channel = _channel()
