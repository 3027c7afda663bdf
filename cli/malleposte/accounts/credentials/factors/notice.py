"""Letters to an agent about his or her log-ins: a second factor, recovery codes, a new place. French, then English."""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from email.message import EmailMessage

from malleposte.accounts.credentials.codes import Issued
from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.mails.letter import moment, words, written

KINDS = {
    "totp": ("application de codes", "code application"),
    "webauthn": ("clé de sécurité ou clé d’accès", "security key or passkey"),
}
"""The words for the provider's kinds of factors."""
_HEAD_FR = """\
Bonjour,

{what} sur votre compte de messagerie ({login}), le {day} à {hour}.
"""
_TAIL_FR = """
C’est vous ? Vous n’avez rien à faire.
Ce n’est pas vous ? Changez votre mot de passe dès maintenant et appelez l’assistance : {phone} ({hours}).
"""
_ENGLISH = """\
{what_en} on your mail account ({login}), {day_en} at {hour_en}.
If it was not you, change your password now and call the help desk: {phone} ({hours_en}).
"""

_CLOSED_FR = """
Désormais, votre mot de passe n’ouvre plus votre messagerie ni votre agenda sur un téléphone ou dans un logiciel. Ceux
qui s’en servent s’arrêtent{seen}. Donnez à chacun son propre mot de passe : sur le portail ({portal}), page
« Ma connexion et mes appareils », bouton « Ajouter un appareil ».
"""
_CLOSED_EN = """\
From now on, your password opens mail and calendar neither on a telephone nor in a mail program. Those that use it stop
working{seen}. Give each a password of its own: on the portal ({portal}), page “My log-in and my devices”, button
“Add a device”.
"""

_CODE_FR = """\
Bonjour,

Quelqu’un qui connaît le mot de passe du compte « {login} » a demandé, à {asked}, un code à la place de son second
facteur :

    {code}

Il sert une seule fois, jusqu’au {day} à {hour}, pour ajouter un nouveau second facteur.

Ce n’est pas vous ? Quelqu’un connaît votre mot de passe : changez-le dès maintenant, ne donnez ce code à personne et
appelez l’assistance : {phone} ({hours}). Elle ne demande jamais ce code.
"""
_CODE_EN = """\
Somebody who knows the password of the account “{login}” asked for the code above, in place of the second factor. It is
good once, until {day_en} at {hour_en}, to add a new one. If it was not you, change your password now, give the code to
nobody and call the help desk: {phone} ({hours_en}).
"""


def _letter(
    subject: str, what: tuple[str, str], more: str, login: str, to: str, facts: Facts, now: datetime.datetime,
    more_en: str = "",
) -> EmailMessage:  # fmt: skip
    parts = {"what": what[0], "what_en": what[1], **words(login, facts, now)}
    parts["hour"] = parts["hour"].replace(" ", "\N{NO-BREAK SPACE}")
    french = (_HEAD_FR + more + _TAIL_FR).format(**parts)
    return written(subject, french, (_ENGLISH + more_en).format(**parts), to, facts, now)


def factor(
    kind: str, name: str, *, added: bool, login: str, to: str, facts: Facts, now: datetime.datetime,
    closed: Sequence[str] | None = None,
) -> EmailMessage:  # fmt: skip
    """The letter about a factor that came or went. `name` is what its owner calls it.

    `closed` names the programs that entered with the main password until now; None where that goes on.
    """
    more_en = ""
    named, named_en = KINDS.get(kind, (kind, kind))
    shown = f" « {name} »" if name else ""
    shown_en = f" “{name}”" if name else ""
    if added:
        subject = "Nouveau moyen de connexion / New way to log in"
        what = (f"Un second facteur a été ajouté ({named}{shown})", f"A second factor was added ({named_en}{shown_en})")
        more = "\nGardez des codes de secours en lieu sûr : ils vous ouvrent la porte si vous perdez ce moyen.\n"
        if closed is not None:
            seen = ", ".join(dict.fromkeys(closed))
            more += _CLOSED_FR.format(seen=f" (vus récemment : {seen})" if seen else "", portal=facts.portal)
            more_en = _CLOSED_EN.format(seen=f" (seen of late: {seen})" if seen else "", portal=facts.portal)
    else:
        subject = "Moyen de connexion supprimé / Way to log in removed"
        what = (
            f"Un second facteur a été supprimé ({named}{shown})",
            f"A second factor was removed ({named_en}{shown_en})",
        )
        more = ""
    return _letter(subject, what, _plain(more), login, to, facts, now, _plain(more_en))


def codes(login: str, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """The letter about new recovery codes."""
    subject = "Nouveaux codes de secours / New recovery codes"
    what = ("De nouveaux codes de secours ont été créés", "New recovery codes were made")
    return _letter(subject, what, "Les anciens ne servent plus.\n", login, to, facts, now)


def spent(left: int, login: str, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """The letter about a log-in with a recovery code, and how many are left."""
    subject = "Un code de secours a servi / A recovery code was used"
    what = ("Un code de secours a ouvert une connexion", "A recovery code was used to log in")
    return _letter(subject, what, f"Il vous reste {left} code(s).\n", login, to, facts, now)


def by_mail(login: str, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """The letter about a code from the recovery address that took the place of a second factor."""
    subject = "Second facteur remplacé par un code / Second factor replaced by a code"
    what = (
        "Un code envoyé à votre adresse de secours a servi à la place de votre second facteur",
        "A code that was sent to your recovery address was used in place of your second factor",
    )
    return _letter(subject, what, "", login, to, facts, now)


def code(issued: Issued, login: str, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """The letter with a code that takes the place of a second factor that was lost."""
    parts = {"code": issued.shown, "asked": moment(now)["hour"], **words(login, facts, issued.expires)}
    subject = "Code de connexion / Log-in code"
    return written(subject, _CODE_FR.format(**parts), _CODE_EN.format(**parts), to, facts, now)


def read_aloud(login: str, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """The letter about an INA code that the help desk read aloud on the telephone."""
    subject = "Un code vous a été lu au téléphone / A code was read to you on the telephone"
    what = (
        "L’assistance a lu un code au téléphone pour choisir un nouveau mot de passe",
        "The help desk read a code aloud on the telephone, for a new password",
    )
    more = "\nElle vous avait rappelé à un numéro connu de l’académie.\n"
    return _letter(subject, what, more, login, to, facts, now)


def place(
    address: str, browser: str, login: str, to: str, facts: Facts, now: datetime.datetime
) -> EmailMessage:  # fmt: skip
    """The letter about a log-in from a network that the account did not know. `browser` is its owner's name for it."""
    subject = "Connexion depuis un nouveau lieu / Log-in from a new place"
    named, named_en = (f", navigateur « {browser} »", f", browser “{browser}”") if browser else ("", "")
    what = (
        f"Une connexion a eu lieu depuis un nouveau lieu (adresse {address}{named})",
        f"Somebody logged in from a new place (address {address}{named_en})",
    )
    return _letter(subject, what, "", login, to, facts, now)


def _plain(text: str) -> str:
    """A text without what `format` would read."""
    return text.replace("{", "{{").replace("}", "}}")
