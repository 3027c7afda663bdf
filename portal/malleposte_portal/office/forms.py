"""The form of a convocation."""

from __future__ import annotations

import datetime

from wtforms import BooleanField, StringField
from wtforms.validators import InputRequired, Length

from malleposte_portal import dsfr
from malleposte_portal.core.forms import TOO_LONG, Form, text_field
from malleposte_portal.core.languages import translate as _

LONGEST_TEXT, LONGEST_AGENTS = 1000, 6000
OFF = {"autocomplete": "off"}


def _stripped(value: str | None) -> str:
    return value.strip() if value else ""


class Convocation(Form):
    """The agents of a convocation, its hours and its place. accountd judges it again."""

    name = text_field(
        "Nom de la convocation", "Pour la retrouver. Les agents ne le voient pas.", "Donnez un nom.", **OFF
    )
    title = text_field("Titre", "Les agents le lisent dans leur agenda.", "Donnez un titre.", **OFF)
    day = StringField(
        "Jour", filters=[_stripped], validators=[InputRequired("Indiquez un jour.")], widget=dsfr.Input(kind="date")
    )
    begin = StringField("De", filters=[_stripped], widget=dsfr.Input(kind="time"))
    end = StringField("À", filters=[_stripped], widget=dsfr.Input(kind="time"))
    last = StringField(
        "Dernier jour", description="S’il y en a plusieurs.", filters=[_stripped], widget=dsfr.Input(kind="date")
    )
    place = StringField(
        "Lieu", filters=[_stripped], validators=[Length(max=200, message=TOO_LONG)], render_kw=OFF, widget=dsfr.Input()
    )
    text = StringField(
        "Consignes", filters=[_stripped], validators=[Length(max=LONGEST_TEXT, message=TOO_LONG)],
        widget=dsfr.Textarea(rows=4),
    )  # fmt: skip
    agents = StringField(
        "Agents",
        description=(
            "Un par ligne : son identifiant ou son adresse. Pour des remplaçants, ajoutez un point-virgule, puis leurs "
            "identifiants séparés par des virgules. 250 lignes au plus : vous pourrez en ajouter ensuite."
        ),
        filters=[_stripped],
        validators=[Length(max=LONGEST_AGENTS, message=TOO_LONG)],
        render_kw={"spellcheck": "false", "autocapitalize": "none"},
        widget=dsfr.Textarea(rows=10),
    )
    substitute = BooleanField("Un non appelle le remplaçant suivant", widget=dsfr.Checkbox())
    everyone = BooleanField(
        "Changer aussi la date, le lieu et les consignes des agents déjà convoqués", widget=dsfr.Checkbox()
    )

    def moments(self) -> tuple[str, str] | None:
        """The beginning and the end, as accountd takes them; None where a field has an error now."""
        day, last = self.typed("day"), self.typed("last") or self.typed("day")
        begin, end = self.typed("begin"), self.typed("end")
        if bool(begin) is not bool(end):
            self.refuse("end" if begin else "begin", [_("Indiquez une heure.")])
            return None
        try:
            first, final = (
                datetime.datetime.fromisoformat(f"{one}T{hour or '00:00'}") for one, hour in ((day, begin), (last, end))
            )
        except ValueError:
            self.refuse("day", [_("Indiquez un jour.")])
            return None
        if final < first or (begin and final == first):
            self.refuse("end" if begin else "last", [_("La fin est après le début.")])
            return None
        return (f"{day}T{begin}", f"{last}T{end}") if begin else (day, last)
