"""The letter to a functional box about who opens it. French, then English."""

from __future__ import annotations

import datetime
from email.message import EmailMessage

from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.mails.letter import words, written

_FRENCH = """\
Bonjour,

Le {day} à {hour}, l’assistance {what} « {login} ».
Motif : {reason}

Vous êtes étonné ? Appelez l’assistance : {phone} ({hours}).
"""
_ENGLISH = """\
On {day_en} at {hour_en} the help desk {what_en} “{login}”. Reason: {reason}
If this surprises you, call the help desk: {phone} ({hours_en}).
"""


def letter(
    box: str, who: str, reason: str, to: str, facts: Facts, now: datetime.datetime, *, added: bool
) -> EmailMessage:
    """The letter. `who` is the agent who may open the box from now on (`added`), or may no longer."""
    parts = {"reason": reason, **words(box, facts, now)}
    parts["hour"] = parts["hour"].replace(" ", "\N{NO-BREAK SPACE}")
    if added:
        subject = "Un agent de plus ouvre cette boîte / One more agent opens this mailbox"
        parts |= {"what": f"a permis à {who} d’ouvrir la boîte", "what_en": f"let {who} open the mailbox"}
    else:
        subject = "Un agent n’ouvre plus cette boîte / An agent no longer opens this mailbox"
        parts |= {
            "what": f"a retiré à {who} l’accès à la boîte",
            "what_en": f"took from {who} the access to the mailbox",
        }
    return written(subject, _FRENCH.format(**parts), _ENGLISH.format(**parts), to, facts, now)
