"""The letters about a copy: it was asked for, it can be fetched, it could not be made. French, then English."""

from __future__ import annotations

import datetime
from email.message import EmailMessage

from malleposte.accounts.disclosure.spool import ROOM, Copy
from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.mails import letter
from malleposte.accounts.mails.letter import written
from malleposte.platform.times import when

PAGE = "https://{}/compte/donnees"
"""The portal's page."""
_ASKED = """\
Bonjour,

Une copie de toutes les données de votre compte de messagerie ({login}) a été demandée sur le portail, le {day}
à {hour}. Un message vous préviendra quand elle sera prête.

C’est vous ? Vous n’avez rien à faire.
Ce n’est pas vous ? Changez votre mot de passe dès maintenant et appelez l’assistance : {phone} ({hours}).
"""
_ASKED_EN = """\
A copy of all the data of your mail account ({login}) was asked for on the portal, {day_en} at {hour_en}. A message
will tell you when it is ready.
If it was not you, change your password now and call the help desk: {phone} ({hours_en}).
"""
_READY = """\
Bonjour,

La copie de vos données est prête. Pour la télécharger, connectez-vous au portail :

    {page}

puis choisissez « Mes données ». Elle sera effacée le {until}.

Vous n’avez rien demandé ? Supprimez-la sur cette page, changez votre mot de passe et appelez l’assistance :
{phone} ({hours}).
"""
_READY_EN = """\
The copy of your data is ready. To download it, log in to the portal at the address above and choose “My data”. It will
be deleted on {until_en}.
If you asked for nothing, delete it there, change your password and call the help desk: {phone} ({hours_en}).
"""
_FAILED = """\
Bonjour,

La copie de vos données n’a pas pu être préparée : {why}
Vous pourrez la redemander sur le portail à partir du {again}, page « Mes données ».

Si cela se répète, appelez l’assistance : {phone} ({hours}). La DSI peut vous remettre ces données.
"""
_FAILED_EN = """\
The copy of your data could not be made: {why_en}
You can ask for it again on the portal from {again_en}, page “My data”. If it fails again, call the help desk:
{phone} ({hours_en}). It can have the data handed to you.
"""
_WHY = {
    ROOM: ("la place manque en ce moment.", "there is no room at the moment."),
    "": ("un serveur n’a pas répondu.", "a server gave no answer."),
}


def _words(login: str, facts: Facts, now: datetime.datetime, copy: Copy) -> dict[str, str]:
    until, again = (letter.moment(when(at) or now) for at in (copy.until, copy.again))
    why, why_en = _WHY.get(copy.reason, _WHY[""])
    return {
        **letter.words(login, facts, now), "page": PAGE.format(facts.portal), "why": why, "why_en": why_en,
        "until": "{day} à {hour}".format(**until), "until_en": "{day_en} at {hour_en}".format(**until),
        "again": "{day} à {hour}".format(**again), "again_en": "{day_en} at {hour_en}".format(**again),
    }  # fmt: skip


def asked(copy: Copy, login: str, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """Somebody who knows the password asked for one."""
    words = _words(login, facts, now, copy)
    subject = "Copie de vos données demandée / A copy of your data was asked for"
    return written(subject, _ASKED.format(**words), _ASKED_EN.format(**words), to, facts, now)


def ready(copy: Copy, login: str, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """Return the letter: the copy can be fetched."""
    words = _words(login, facts, now, copy)
    subject = "La copie de vos données est prête / The copy of your data is ready"
    return written(subject, _READY.format(**words), _READY_EN.format(**words), to, facts, now)


def failed(copy: Copy, login: str, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """Return the letter: the copy could not be made."""
    words = _words(login, facts, now, copy)
    subject = "La copie de vos données n’a pas pu être préparée / The copy of your data could not be made"
    return written(subject, _FAILED.format(**words), _FAILED_EN.format(**words), to, facts, now)
