"""Fields that several forms of the agent's own section have."""

from __future__ import annotations

from typing import Any

from wtforms import PasswordField, StringField
from wtforms.validators import InputRequired, Length

from malleposte_portal import dsfr
from malleposte_portal.core.forms import TOO_LONG

LONGEST_NAME = 40
LONGEST_PART = 100


def device_name_field(example: str) -> Any:
    """Return the field for the name of a device; `example` is its hint."""
    return StringField(
        "Nom de l’appareil",
        description=example,
        filters=[lambda value: " ".join(value.split()) if value else value],
        validators=[
            InputRequired("Donnez un nom à l’appareil."),
            Length(max=LONGEST_NAME, message="Ce nom est trop long : 40 caractères au plus."),
        ],
        render_kw={"autocomplete": "off", "maxlength": str(LONGEST_NAME)},
        widget=dsfr.Input(),
    )


def part_field(label: str, hint: str) -> Any:
    """Return the field for a part of messages that are looked for; it may be empty."""
    return StringField(
        label,
        description=hint,
        filters=[lambda value: " ".join(value.split()) if value else value],
        validators=[Length(max=LONGEST_PART, message="C’est trop long : 100 caractères au plus.")],
        render_kw={"autocomplete": "off", "maxlength": str(LONGEST_PART), "spellcheck": "false"},
        widget=dsfr.Input(),
    )


def password_field() -> Any:
    """Return the field for the password of the account, which is asked for again."""
    return PasswordField(
        "Votre mot de passe",
        description="Celui de votre compte, pour vérifier que c’est bien vous.",
        validators=[InputRequired("Indiquez votre mot de passe."), Length(max=1024, message=TOO_LONG)],
        render_kw={"autocomplete": "current-password"},
        widget=dsfr.Password(),
    )
