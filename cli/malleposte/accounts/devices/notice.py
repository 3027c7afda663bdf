"""Letters to an agent about his or her devices: a password was made, or one was revoked. French, then English."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from email.message import EmailMessage

from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.mails.letter import written
from malleposte.directory.devices import Device

_SCOPES = {
    "imap": ("lire le courrier", "read mail"),
    "smtp": ("envoyer du courrier", "send mail"),
    "sieve": ("gérer les filtres", "manage filters"),
    "dav": ("agenda et contacts", "calendar and contacts"),
}
_MADE = "Nouveau mot de passe d’appareil : {name} / New device password: {name}"
_REVOKED = "Mot de passe d’appareil supprimé : {name} / Device password revoked: {name}"
_MADE_FR = """\
Bonjour,

Un mot de passe d’appareil vient d’être créé pour votre compte de messagerie ({login}) :

    Appareil : {name}
    Accès : {scopes}
    Fin : {end}

Vous l’avez demandé ? Vous n’avez rien à faire.
Ce n’est pas vous ? Appelez tout de suite l’assistance : {phone} ({hours}).
"""
_MADE_EN = """\
A device password was made for your mail account ({login}). Device: {name}. It may: {scopes_en}. End: {end_en}.
If it was not you, call the help desk at once: {phone} ({hours_en}).
"""
_REVOKED_FR = """\
Bonjour,

Le mot de passe de l’appareil « {name} » de votre compte de messagerie ({login}) vient d’être supprimé.
Cet appareil ne peut plus ouvrir votre messagerie. Votre mot de passe principal et vos autres appareils ne changent pas.

Ce n’est pas vous ? Appelez l’assistance : {phone} ({hours}).
"""
_REVOKED_EN = """\
The password of the device “{name}” of your mail account ({login}) was revoked: it opens your mail no more.
Your main password and your other devices stay as they are. If it was not you, call the help desk: {phone}
({hours_en}).
"""

Letter = Callable[[Device, str, Facts, datetime.datetime], EmailMessage]
"""A device, the owner's address, what it says of the academy, and the moment."""


def created(device: Device, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """The letter about a new device password."""
    return _letter(_MADE, _MADE_FR, _MADE_EN, device, to, facts, now)


def revoked(device: Device, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """The letter about a revoked one."""
    return _letter(_REVOKED, _REVOKED_FR, _REVOKED_EN, device, to, facts, now)


def _letter(
    subject: str, french: str, english: str, device: Device, to: str, facts: Facts, now: datetime.datetime
) -> EmailMessage:
    end = device.expires.astimezone() if device.expires else None
    words = {
        "login": device.owner,
        "name": device.name,
        "scopes": ", ".join(_SCOPES[one][0] for one in device.scopes if one in _SCOPES),
        "scopes_en": ", ".join(_SCOPES[one][1] for one in device.scopes if one in _SCOPES),
        "end": f"le {end:%d/%m/%Y}" if end else "aucune",
        "end_en": f"{end:%Y-%m-%d}" if end else "none",
        "phone": facts.phone,
        "hours": facts.hours,
        "hours_en": facts.hours_en,
    }
    return written(subject.format(**words), french.format(**words), english.format(**words), to, facts, now)
