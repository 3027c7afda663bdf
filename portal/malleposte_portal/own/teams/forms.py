"""The forms of teams. accountd judges them again."""

from __future__ import annotations

from malleposte.accountd.calls.shared.teams import LONGEST, LONGEST_ADDRESS, LONGEST_WORDS, Role
from wtforms import RadioField, StringField
from wtforms.validators import AnyOf, Length

from malleposte_portal import dsfr
from malleposte_portal.core.forms import TOO_LONG, Form, text_field
from malleposte_portal.own.meetings.forms import stripped

assert (LONGEST, LONGEST_WORDS) == (60, 60), "the hints of the forms say so"
ROLES = {
    Role.LEADS: "Anime : gère les membres, lit et écrit",
    Role.WRITES: "Participe : lit et écrit, envoie au nom de l’équipe",
    Role.READS: "Lit seulement",
}


def _end_field() -> StringField:
    return StringField(
        "Dernier jour",
        description="Après ce jour, l’équipe disparaît pour ses membres, qui en sont prévenus deux semaines avant. "
        "Vide : elle n’a pas de fin.",
        filters=[stripped], widget=dsfr.Input(kind="date"),
    )  # fmt: skip


class MakeTeamForm(Form):
    """A team: its name and its last day."""

    name = text_field(
        "Nom de l’équipe",
        "Par exemple « Projet Erasmus ». 60 caractères au plus.",
        "Donnez un nom.",
        autocomplete="off",
    )
    ends = _end_field()


class TeamMemberForm(Form):
    """An agent and a role."""

    who = text_field(
        "Identifiant ou adresse académique", "", "Indiquez un identifiant ou une adresse.",
        autocomplete="off", autocapitalize="none", spellcheck="false",
    )  # fmt: skip
    role = RadioField(
        "Rôle", choices=[(role.value, words) for role, words in ROLES.items()], default=Role.WRITES.value,
        validate_choice=False, validators=[AnyOf([role.value for role in Role], "Choisissez un rôle.")],
        widget=dsfr.Radios(),
    )  # fmt: skip


class TeamEndForm(Form):
    """The last day."""

    ends = _end_field()


class TeamLinkForm(Form):
    """A link."""

    words = text_field("Nom du lien", "Par exemple « Nos documents ».", "Donnez un nom au lien.", autocomplete="off")
    address = StringField(
        "Adresse", description="Elle commence par https://", filters=[stripped],
        validators=[Length(max=LONGEST_ADDRESS, message=TOO_LONG)],
        render_kw={"autocomplete": "off", "autocapitalize": "none", "spellcheck": "false"}, widget=dsfr.Input(),
    )  # fmt: skip
