"""The letter to an agent who had read a message that was taken back. French, then English."""

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


def letter(uid: str, message: Message, to: str, facts: Facts, now: datetime.datetime) -> EmailMessage:
    """Return the letter. Raises ValueError on an address that is none."""
    came = datetime.datetime.fromtimestamp(message.time, datetime.UTC).astimezone()
    told = {
        "sender": message.author or message.sender or "un expéditeur inconnu",
        "came": f"{came:%d/%m/%Y à %H h %M}",
        "came_en": f"{came:%Y-%m-%d at %H:%M}",
        "page": facts.page,
        **words(uid, facts, now),
    }
    subject = "Un message dangereux a été retiré de votre boîte / A dangerous message was removed"
    return written(subject, _FRENCH.format(**told), _ENGLISH.format(**told), to, facts, now)
