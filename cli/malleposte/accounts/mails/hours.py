"""The letter to an agent whose class has hours: when mail comes from now on, and where to change it."""

from __future__ import annotations

import datetime
from email.message import EmailMessage

from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.mailbox.hours import answer
from malleposte.accounts.mailbox.hours.model import Hours
from malleposte.accounts.mails.letter import words, written

PAGE = "/compte/horaires"
SUBJECT = "Vos horaires de réception sont en service / Your hours for mail are in service"
_FRENCH = """\
Bonjour,

L’académie a choisi des horaires pour votre boîte « {login} ». Vos messages arrivent :
{readings}

En dehors de ces heures, ils attendent dans le dossier « Hors horaires » et votre téléphone reste silencieux. Ils
arrivent dans la boîte de réception à l’heure suivante. Rien n’est perdu.

Vous décidez : changez ces horaires ou arrêtez-les à la page « Mes horaires » de votre espace :
{page}

Une question ? Appelez l’assistance : {phone} ({hours}).
"""
_ENGLISH = """\
The academy chose hours for your mailbox “{login}”. Outside them mail waits in the folder “Hors horaires”, and comes to
the inbox when they begin. You decide: change the hours or stop them on this page: {page}
Help desk: {phone} ({hours_en}).
"""


def letter(uid: str, to: str, hours: Hours, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """Return the letter. Raises ValueError on an address that is none."""
    readings = "\n".join(f"- {line}" for line in answer.readings(hours))
    parts = {"readings": readings, "page": f"https://{facts.portal}{PAGE}", **words(uid, facts, now)}
    return written(SUBJECT, _FRENCH.format(**parts), _ENGLISH.format(**parts), to, facts, now)
