"""The letter to the members of a team that ends soon. French, then English."""

from __future__ import annotations

import datetime
from email.message import EmailMessage

from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.mails.letter import words, written
from malleposte.platform.times import in_english, in_french

PAGE = "/compte/equipes"
SUBJECT = "Une de vos équipes se termine bientôt / One of your teams ends soon"
_FRENCH = """\
Bonjour,

L’équipe « {team} », dont vous êtes membre, se termine le {end}. Ce jour-là, son dossier, son agenda et son adresse
disparaissent pour tous ses membres. L’académie en garde une archive pendant un temps.

Copiez d’ici là ce dont vous avez besoin. Un animateur de l’équipe peut repousser la date à la page « Mes équipes » :
{page}

Une question ? Appelez l’assistance : {phone} ({hours}).
"""
_ENGLISH = """\
The team “{team}”, of which you are a member, ends on {end_en}. Its folder, agenda and address then go for all its
members; the academy keeps an archive for a time. Copy what you need before. Who leads the team may choose a later day
on this page: {page}
Help desk: {phone} ({hours_en}).
"""


def letter(team: str, end: datetime.date, uid: str, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """Return the letter to a member. `end`: the last day of the team. Raises ValueError on an address that is none."""
    parts = {"team": team, "page": f"https://{facts.portal}{PAGE}", **words(uid, facts, now)}
    french = _FRENCH.format(**parts, end=in_french(end).replace(" ", "\N{NO-BREAK SPACE}"))
    return written(SUBJECT, french, _ENGLISH.format(**parts, end_en=in_english(end)), to, facts, now)
