"""The forms: each declares its fields, with the words that templates translate."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import current_app, g, request
from flask_wtf import FlaskForm
from malleposte.policy.project import html_constraints
from malleposte.policy.rules import Context, Violation, check, common_words
from wtforms import HiddenField, PasswordField, StringField
from wtforms.validators import InputRequired, Length, ValidationError

from malleposte_portal import dsfr
from malleposte_portal.core import human
from malleposte_portal.core.languages import translate as _

LONGEST = 200
"""Characters of any field; the policy has its own limit for a password."""
LONGEST_TICKED = 1024
"""Characters of the value of a box: identifiers and addresses."""
LATE = "Cette page était ouverte depuis longtemps. Vérifiez vos réponses et envoyez-la de nouveau."
TOO_LONG = "Cette réponse est trop longue."
CODES = {"autocapitalize": "characters", "autocomplete": "off", "spellcheck": "false"}


def ticked(name: str, most: int) -> tuple[str, ...]:
    """Return the values of the boxes of a name that were ticked, each once; none of ours is longer."""
    values = (one for one in request.form.getlist(name) if len(one) <= LONGEST_TICKED)
    return tuple(dict.fromkeys(values))[:most]


def text_field(label: str, hint: str, missing: str, **attributes: str) -> Any:
    """Return a field for a line of text, which is to be filled in."""
    return StringField(
        label,
        description=hint,
        filters=[lambda value: value.strip() if value else value],
        validators=[InputRequired(missing), Length(max=LONGEST, message=TOO_LONG)],
        render_kw=attributes,
        widget=dsfr.Input(),
    )


def login_field() -> Any:
    """Return the field for a log-in or an address of the academy."""
    return text_field(
        "Identifiant",
        "Votre identifiant ou votre adresse académique.",
        "Indiquez votre identifiant.",
        autocomplete="username",
        autocapitalize="none",
        spellcheck="false",
    )


def numen_field() -> Any:
    """Return the field for a NUMEN."""
    return text_field("NUMEN", "13 caractères, sur votre arrêté ou votre dossier.", "Indiquez votre NUMEN.", **CODES)


def letter_code_field() -> Any:
    """Return the field for the INA code, which stands on the letter."""
    return text_field("Code INA", "Le code qui figure sur votre lettre.", "Indiquez votre code INA.", **CODES)


def code_field() -> Any:
    """Return the field for either code: that of the letter, or one that was sent or read aloud later."""
    return text_field(
        "Code INA ou code reçu",
        "Celui de votre lettre, ou celui que vous avez reçu par courriel, par SMS ou de l’assistance.",
        "Indiquez votre code.",
        **{**CODES, "autocomplete": "one-time-code"},
    )


def sent_code_field() -> Any:
    """Return the field for a code that was just sent, which the keyboard of a phone offers by itself."""
    return text_field(
        "Code reçu", "Dix caractères, valables 15 minutes.", "Indiquez le code reçu.",
        **{**CODES, "autocomplete": "one-time-code"},
    )  # fmt: skip


def reason(broken: Violation, words: Iterable[str], *, quote: bool = True) -> str:
    """The sentence about a rule that is broken; the `words` that are too common are named in it."""
    sentence = broken.message(g.language)
    if broken.code != "common_word":
        return sentence
    named = ", ".join(_("« %(word)s »", word=one) if quote else one for one in words)
    return _("%(sentence)s : %(words)s.", sentence=sentence.rstrip("."), words=named)


class Form(FlaskForm):  # type: ignore[misc]
    """A form whose errors are in the language of the page."""

    def validate(self, extra_validators: Any = None) -> bool:
        """See wtforms.Form.validate."""
        valid = bool(super().validate(extra_validators))
        for field in self:
            field.errors = [_(str(one)) for one in field.errors] if field.short_name != "new" else field.errors
        return valid

    def focus(self, name: str) -> None:
        """Have a field take the focus of a page that is shown for the first time; errors take it of any other."""
        self[name].flags.focused = request.method == "GET"

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

    def validate_new(self, field: Any) -> None:
        """Every rule that it breaks, as a sentence."""
        if not field.data:
            raise ValidationError(_("Choisissez un nouveau mot de passe."))
        login = self["login"].data if "login" in self else ""
        broken = check(field.data, Context(login=login or ""), current_app.extensions["portal"].policy)
        sentences = [reason(one, common_words(field.data)) for one in broken]
        field.errors.extend(sentences[:-1])
        if sentences:
            raise ValidationError(sentences[-1])

    def validate_again(self, field: Any) -> None:
        """Both are the same."""
        if field.data and self.new.data and field.data != self.new.data:
            raise ValidationError("Les deux mots de passe ne sont pas les mêmes.")
