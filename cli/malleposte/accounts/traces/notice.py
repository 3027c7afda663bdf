"""The letter that says that an account was taken back after a hack. French, then English."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from email.message import EmailMessage

from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.mails.letter import moment, words, written

_SUBJECT = "Votre compte a été repris après un piratage / Your account was taken back after a hack"
_FRENCH = """\
Bonjour,

Le {day} à {hour}, quelqu’un a déclaré sur le portail que le compte de messagerie « {login} » avait été piraté, avec le
NUMEN de son titulaire et un code. Le mot de passe a changé, et toutes les connexions sont fermées.
{devices}
Le compte n’envoie rien avant le {until} à {until_hour}.

C’est vous ? Vous n’avez rien à faire.
Ce n’est pas vous ? Appelez tout de suite l’assistance : {phone} ({hours}).
"""
_ENGLISH = """\
On {day_en} at {hour_en} somebody declared on the portal that the mail account “{login}” had been hacked, with its
owner’s NUMEN and a code. The password was changed, all connections and device passwords ended, and the account
sends nothing before {until_en}. If it was not you, call the help desk at once: {phone} ({hours_en}).
"""


def recovered(
    login: str, devices: Sequence[str], until: datetime.datetime, to: str, facts: Facts, now: datetime.datetime
) -> EmailMessage:
    """The letter. `devices` are the names of those whose passwords were removed."""
    end = moment(until)
    named = ", ".join(f"« {one} »" for one in devices)
    fields = {
        **words(login, facts, now),
        "devices": f"Mots de passe d’appareil supprimés : {named}.\n" if named else "",
        "until": end["day"], "until_hour": end["hour"], "until_en": f"{end['day_en']} {end['hour_en']}",
    }  # fmt: skip
    return written(_SUBJECT, _FRENCH.format(**fields), _ENGLISH.format(**fields), to, facts, now)


def text(login: str, phone: str) -> str:
    """The same in a text message."""
    return f"Le compte de messagerie {login} a été repris après un piratage. Ce n’est pas vous ? Appelez le {phone}."
