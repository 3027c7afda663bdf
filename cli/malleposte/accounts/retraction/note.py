"""Letters about a retraction: to agents who had read the message, to the DSI's others. French, then English."""

from __future__ import annotations

import datetime
from email.message import EmailMessage

from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.mails.letter import words, written
from malleposte.deliveries.model import Message

_FRENCH = """\
Bonjour,

Nous avons retiré de votre boîte un message dangereux que vous aviez ouvert : il venait de {sender} et vous était
parvenu le {came}.

Vous avez cliqué sur un lien, ouvert une pièce jointe ou donné un mot de passe ? Changez votre mot de passe
maintenant : {page}
Puis appelez l’assistance : {phone} ({hours}).
Vous n’avez rien fait de tel ? Vous n’avez rien à faire.

"""
_ENGLISH = """\
We took a dangerous message out of your mailbox that you had opened. It came from {sender} on {came_en}.
If you followed a link, opened an attachment or gave a password: change your password now, {page}
Then call the help desk: {phone} ({hours_en}). Otherwise there is nothing to do.
"""
_AGREEMENT = """\
Bonjour,

Un retrait de messages dangereux attend l’accord d’une seconde personne de la DSI : {boxes} boîtes.
Motif : {reason}

Examinez le plan et donnez votre accord sur le portail : {page}

"""
_AGREEMENT_EN = """\
A retraction of dangerous messages waits for a second person of the IT department: {boxes} mailboxes. See the plan and
agree on the portal: {page}
"""
_TAKEN = """\
Bonjour,

Merci : vous avez signalé le message « {subject} ». Il était dangereux. La DSI l’a retiré des boîtes où il était arrivé.

Vous avez cliqué sur un lien, ouvert une pièce jointe ou donné un mot de passe ? Changez votre mot de passe
maintenant : {page}
Puis appelez l’assistance : {phone} ({hours}).

"""
_TAKEN_EN = """\
Thank you for your report of “{subject}”. The message was dangerous, and we took it out of the mailboxes that got it.
If you followed a link, opened an attachment or gave a password: change your password now, {page}
Then call the help desk: {phone} ({hours_en}).
"""
_HARMLESS = """\
Bonjour,

Merci : vous avez signalé le message « {subject} ». La DSI l’a examiné : il est sans danger.

Il est dans votre dossier « Indésirables », ou dans « Signaler à la DSI » en dessous. Remettez-le dans votre boîte de
réception si vous en avez besoin. En cas de doute, continuez à signaler.

"""
_HARMLESS_EN = """\
Thank you for your report of “{subject}”. We looked at the message: it is harmless. It lies in « Indésirables », or in
« Signaler à la DSI » below it. Move it to your inbox if you need it, and go on reporting what you doubt.
"""
PAGE = "/dsi/retrait?retrait="
"""The page of a retraction on the portal, before its identifier."""


def letter(uid: str, message: Message, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """Return the letter. Raises ValueError on an address that is none."""
    came = datetime.datetime.fromtimestamp(message.time, datetime.UTC).astimezone()
    fields = {
        "sender": message.author or message.sender or "un expéditeur inconnu",
        "came": f"{came:%d/%m/%Y à %H h %M}",
        "came_en": f"{came:%Y-%m-%d at %H:%M}",
        "page": facts.page,
        **words(uid, facts, now),
    }
    subject = "Un message dangereux a été retiré de votre boîte / A dangerous message was removed"
    return written(subject, _FRENCH.format(**fields), _ENGLISH.format(**fields), to, facts, now)


def agreement(ident: str, reason: str, boxes: int, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """Return the letter that asks a person of the DSI to look at a plan. Raises ValueError on no address."""
    fields = {"boxes": boxes, "reason": reason, "page": f"https://{facts.portal}{PAGE}{ident}"}
    subject = "Un retrait de messages attend votre accord / A retraction waits for your agreement"
    return written(subject, _AGREEMENT.format(**fields), _AGREEMENT_EN.format(**fields), to, facts, now)


def thanks(
    uid: str, subject: str, to: str, facts: Facts, now: datetime.datetime, *, harmless: bool = False
) -> EmailMessage:
    """Return the letter to an agent who reported a message. Raises ValueError on no address."""
    fields = {"subject": subject or "(sans objet)", "page": facts.page, **words(uid, facts, now)}
    french, english = (_HARMLESS, _HARMLESS_EN) if harmless else (_TAKEN, _TAKEN_EN)
    title = "Votre signalement : {} / Your report: {}".format(*(
        ("le message est sans danger", "the message is harmless") if harmless
        else ("le message a été retiré", "the message was taken back")
    ))  # fmt: skip
    return written(title, french.format(**fields), english.format(**fields), to, facts, now)
