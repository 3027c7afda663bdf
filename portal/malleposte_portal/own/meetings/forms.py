"""The forms of meetings. accountd judges them again."""

from __future__ import annotations

import datetime
import re
from typing import Any

from malleposte.accountd.calls.meetings.slots import LONGEST_DAYS, MOST_PEOPLE
from wtforms import BooleanField, RadioField, StringField
from wtforms.validators import AnyOf, InputRequired, Length

from malleposte_portal import dsfr
from malleposte_portal.core.forms import TOO_LONG, Form, text_field
from malleposte_portal.core.languages import translate as _

LONGEST_PEOPLE, LONGEST_TEXT = 6000, 1000
_HOUR = r"(\d{1,2})\s?[hH:]\s?(\d{2})?"
_SLOT = re.compile(rf"(\d{{1,2}})/(\d{{1,2}})/(\d{{4}})\s+{_HOUR}\s?[-–à]\s?{_HOUR}")
MINUTES = {
    "30": "30 minutes", "45": "45 minutes", "60": "1 heure", "90": "1 heure 30", "120": "2 heures", "180": "3 heures",
}  # fmt: skip
assert (MOST_PEOPLE, LONGEST_DAYS) == (50, 28), "the hints of the form say so"


def stripped(value: str | None) -> str:
    """Return what was typed, without spaces around it."""
    return value.strip() if value else ""


def day_field(label: str, missing: str, hint: str = "") -> Any:
    """Return the field for a day."""
    return StringField(
        label, description=hint, filters=[stripped], validators=[InputRequired(missing)], widget=dsfr.Input(kind="date")
    )


def hour_field(label: str, hint: str = "") -> Any:
    """Return the field for an hour, which may be empty."""
    return StringField(label, description=hint, filters=[stripped], widget=dsfr.Input(kind="time"))


def people_field(hint: str) -> Any:
    """Return the field for people, a line each."""
    return StringField(
        "Participants",
        description=hint,
        filters=[stripped],
        validators=[
            InputRequired("Indiquez au moins un participant."),
            Length(max=LONGEST_PEOPLE, message=TOO_LONG),
        ],
        render_kw={"spellcheck": "false", "autocapitalize": "none", "autocomplete": "off"},
        widget=dsfr.Textarea(rows=6),
    )


class FindSlots(Form):
    """The group, the duration, and the time in which it is to meet."""

    people = people_field(
        "Un par ligne : identifiant ou adresse d’un collègue, adresse d’une liste dont vous êtes membre, ou adresse "
        "extérieure. 50 personnes au plus, vous compris."
    )
    minutes = RadioField(
        "Durée", choices=list(MINUTES.items()), default="60", validate_choice=False,
        validators=[AnyOf(MINUTES, "Choisissez une durée.")], widget=dsfr.Radios(),
    )  # fmt: skip
    first = day_field("Du", "Indiquez un jour.")
    last = day_field("Au", "Indiquez un jour.", "Au plus 28 jours après le premier.")
    begin = hour_field("Pas avant", "Vide : le début de la journée de travail.")
    end = hour_field("Fini avant", "Vide : la fin de la journée de travail.")
    saturday = BooleanField("Le samedi aussi", widget=dsfr.Checkbox())


class Invite(Form):
    """A meeting: its title, its hours, its place, who is invited."""

    title = text_field("Titre", "Vos invités le lisent dans leur agenda.", "Donnez un titre.", autocomplete="off")
    day = day_field("Jour", "Indiquez un jour.")
    begin = hour_field("De")
    end = hour_field("À")
    place = StringField(
        "Lieu", filters=[stripped], validators=[Length(max=200, message=TOO_LONG)],
        render_kw={"autocomplete": "off"}, widget=dsfr.Input(),
    )  # fmt: skip
    text = StringField(
        "Texte", filters=[stripped], validators=[Length(max=LONGEST_TEXT, message=TOO_LONG)],
        widget=dsfr.Textarea(rows=4),
    )  # fmt: skip
    people = people_field("Un par ligne : identifiant, adresse, ou adresse d’une liste dont vous êtes membre.")
    visio = BooleanField("Ajouter un lien de visioconférence", widget=dsfr.Checkbox())

    def moments(self) -> tuple[str, str] | None:
        """The beginning and the end, as accountd takes them; None where a field has an error now."""
        moments = tuple(f"{self.typed('day')}T{self.typed(name)}" for name in ("begin", "end"))
        for name, moment in zip(("begin", "end"), moments, strict=True):
            try:
                datetime.datetime.strptime(moment, "%Y-%m-%dT%H:%M")  # noqa: DTZ007  # of the platform's zone
            except ValueError:
                self.refuse(name, [_("Indiquez une heure.")])
                return None
        if moments[1] <= moments[0]:
            self.refuse("end", [_("La fin est après le début.")])
            return None
        return moments[0], moments[1]


class AskPoll(Form):
    """A poll of dates: its title, its slots, who is asked."""

    title = text_field("Titre", "Les participants le lisent dans le message.", "Donnez un titre.", autocomplete="off")
    slots = StringField(
        "Créneaux",
        description="Un par ligne, de 2 à 20, comme : 15/06/2027 14h-15h30",
        filters=[stripped],
        validators=[InputRequired("Indiquez au moins deux créneaux."), Length(max=LONGEST_TEXT, message=TOO_LONG)],
        render_kw={"spellcheck": "false", "autocomplete": "off"},
        widget=dsfr.Textarea(rows=6),
    )
    text = StringField(
        "Texte", filters=[stripped], validators=[Length(max=LONGEST_TEXT, message=TOO_LONG)],
        widget=dsfr.Textarea(rows=4),
    )  # fmt: skip
    people = people_field("Un par ligne : identifiant, adresse, ou adresse d’une liste dont vous êtes membre.")
    tell = BooleanField("Montrer à chacun les réponses des autres, avec leur nom", widget=dsfr.Checkbox())

    def lines(self) -> str | None:
        """The slots as accountd takes them; None where a line is none, which its field then says."""
        slots = []
        for line in filter(None, map(str.strip, self.typed("slots").splitlines())):
            parts = _SLOT.fullmatch(line)
            try:
                day, month, year, *hours = [int(part or 0) for part in parts.groups()] if parts else [0] * 7
                first, last = (datetime.time(hour, minute) for hour, minute in (hours[:2], hours[2:]))
                on = datetime.date(year, month, day)
            except ValueError:
                self.refuse("slots", [_("Ligne « %(line)s » : écrivez 15/06/2027 14h-15h30.", line=line[:40])])
                return None
            slots.append(f"{on}T{first:%H:%M} {on}T{last:%H:%M}")
        return "\n".join(slots)
