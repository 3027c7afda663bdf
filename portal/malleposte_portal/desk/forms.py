"""The forms of the help desk's section."""

from __future__ import annotations

from typing import Any

from malleposte.accountd.calls.desk.looks import CODE_WAYS
from wtforms import BooleanField, HiddenField, RadioField, StringField
from wtforms.validators import InputRequired, Length

from malleposte_portal import dsfr
from malleposte_portal.core.forms import TOO_LONG, Form
from malleposte_portal.own.messages.trace import Parts

LONGEST = 200
WAYS = {
    "mail": "Par courriel, à l’adresse de secours de l’agent",
    "sms": "Par SMS, au téléphone de secours de l’agent",
    "letter": "Par un nouveau courrier, que la DSI imprime",
    "aloud": "Au téléphone, après avoir rappelé l’agent",
}
"""The ways of a code (`CODE_WAYS`), in the words of the page."""
STATES = {
    "locked": "Verrouillés après trop d’essais",
    "blocked": "Bloqués après un piratage",
    "expired": "Mot de passe échu",
    "pending": "Jamais activés",
    "idle": "Sans connexion depuis 90 jours",
}
"""The lists (`LISTS`), in the words of the page."""
WRONG = "Cette demande n’a pas été comprise. Recommencez depuis la fiche de l’agent."


def _text(label: str, hint: str, missing: str, least: int = 1, short: str = "") -> Any:
    return StringField(
        label,
        description=hint,
        filters=[lambda value: " ".join(value.split()) if value else value],
        validators=[InputRequired(missing), Length(min=least, max=LONGEST, message=short or TOO_LONG)],
        render_kw={"autocomplete": "off", "maxlength": str(LONGEST), "spellcheck": "false"},
        widget=dsfr.Input(),
    )


class Find(Form):
    """A text that is looked for."""

    text = _text(
        "Agent recherché",
        "Une partie du nom, un identifiant, une adresse ou le code UAI d’un établissement.",
        "Indiquez qui vous cherchez.",
        2,
        "Donnez au moins 2 caractères.",
    )


class School(Form):
    """A school."""

    school = _text("Établissement", "Son code UAI : sept chiffres et une lettre.", "Indiquez un établissement.")


class List(School):
    """A school, and a state."""

    state = RadioField(
        "Agents à afficher",
        choices=list(STATES.items()),
        default="locked",
        validate_choice=False,
        widget=dsfr.Radios(),
    )


class Act(Form):
    """An act on an agent: on whom, and why. A link of the agent's sheet fills in what is hidden."""

    agent = HiddenField(validators=[InputRequired(WRONG), Length(max=LONGEST, message=WRONG)])
    reason = _text(
        "Motif",
        "Par exemple un numéro de demande. L’agent lit ce motif dans son journal.",
        "Indiquez le motif.",
        3,
        "Donnez un motif d’au moins 3 caractères.",
    )

    def misread(self) -> bool:
        """Whether something is wrong that the page fills in itself."""
        return any(field.errors for field in self if isinstance(field, HiddenField))


class Code(Act):
    """A code, and its way."""

    ways = HiddenField()
    way = RadioField("Comment le donner", choices=[], validate_choice=False, widget=dsfr.Radios())
    called_back = BooleanField(
        "J’ai rappelé l’agent à un numéro connu de l’académie",
        description="Pour un code lu au téléphone seulement. Le numéro que l’appelant donne ne suffit pas.",
        widget=dsfr.Checkbox(),
    )

    def offer(self, text: str) -> None:
        """Offer the ways of a text such as `mail,aloud`; what else is in it is left out."""
        offered = [one for one in CODE_WAYS if one in text.split(",")]
        self.ways.data = ",".join(offered)
        self.way.choices = [(one, WAYS[one]) for one in offered]
        if self.way.data not in offered:
            self.way.data = offered[0] if offered else ""
        if "aloud" not in offered:
            del self.called_back


class Trace(Act, Parts):
    """Messages of an agent."""


class Factor(Act):
    """A second factor."""

    factor = HiddenField(validators=[InputRequired(WRONG), Length(max=256, message=WRONG)])


class Undelegate(Act):
    """A functional box that is taken from an agent."""

    box = HiddenField(validators=[InputRequired(WRONG), Length(max=LONGEST, message=WRONG)])


class Delegate(Undelegate):
    """A functional box that is opened to an agent."""

    agent = _text("Agent", "Son identifiant ou son adresse académique.", "Indiquez un identifiant ou une adresse.")
