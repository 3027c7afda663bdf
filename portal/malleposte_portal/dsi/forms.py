"""The forms of the DSI's pages."""

from __future__ import annotations

from wtforms import BooleanField

from malleposte_portal import dsfr
from malleposte_portal.core.forms import Form, text_field
from malleposte_portal.own.forms import LONGEST_PART, part_field

__all__ = ["LONGEST_PART", "Plan"]
OFF = {"autocomplete": "off", "spellcheck": "false"}


class Plan(Form):
    """The messages that a plan looks for; all that is given must be true of one."""

    sender = part_field("Expéditeur", "Son adresse exacte, ou le nom de domaine après le @.")
    word = part_field("Objet", "Un ou plusieurs mots entiers.")
    link = part_field("Lien", "Le nom du site vers lequel mène un lien : exemple.org.")
    message_id = part_field("Identifiant du message", "L’en-tête Message-ID.")
    refuse_link = BooleanField("Refuser aussi tout nouveau message qui mène à ce site", widget=dsfr.Checkbox())
    reason = text_field(
        "Motif", "Les agents dont la boîte est concernée le lisent dans leur journal.", "Indiquez un motif.", **OFF
    )

    def asks(self) -> bool:
        """Whether something is looked for."""
        return any(self.typed(name).strip() for name in ("sender", "word", "link", "message_id"))
