"""Tell the owner of a mailbox, or the delegates of a box, how full it is. Dovecot runs it as a threshold is crossed.

Usage: quota-warning HOST:PORT POSTMASTER DELIVERY_DOMAIN PERCENT UID DELEGATES SIZE

DELEGATES is a list with commas, or `-` for none; SIZE is that of the mailbox, such as `2500M`, or `-`.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Sequence
from email.message import EmailMessage

from malleposte.platform import letters
from malleposte.platform.identity import is_uid

TRIES, PAUSE = 5, 15.0  # seconds between two
SUBJECT = "{what_fr} est pleine à {percent} % / {what_en} is {percent}% full"
FRENCH = """\
Bonjour,

{subject_fr} est maintenant occupée à {percent} %{size_fr}.
{then_fr}

Pour faire de la place : videz la Corbeille, supprimez les messages qui ont
de grosses pièces jointes, rangez ailleurs ce qui doit être gardé longtemps.

Ce message est automatique. Pour de l’aide : {help}
"""
ENGLISH = """\
Hello,

{subject_en} is now {percent}% full{size_en}.
{then_en}

To make room: empty the Trash (Corbeille), delete messages with large
attachments, keep elsewhere what must be kept for long.

This message is automatic. For help: {help}
"""
LATER = (
    "Une boîte pleine refuse tout nouveau message : l’expéditeur est averti du refus.",
    "A full mailbox refuses every new message, and the sender is told.",
)
SOON = (
    "Bientôt elle refusera tout nouveau message : l’expéditeur sera averti du refus.",
    "Soon it will refuse every new message, and the sender will be told.",
)
SOON_FROM = 95  # percent


def recipients(uid: str, delegates: str) -> list[str]:
    """Return the recipients of the warning: the delegates of a box, else the owner."""
    named = [one for one in delegates.split(",") if is_uid(one)]
    return named or [uid]


def compose(postmaster: str, percent: int, uid: str, delegates: str, size: str) -> EmailMessage:
    """The message, in French, then in English."""
    box = delegates not in ("-", "")
    what_fr, what_en = (f"La boîte {uid}", f"The mailbox {uid}") if box else ("Votre boîte", "Your mailbox")
    match = re.fullmatch(r"(\d+)M", size)
    then_fr, then_en = SOON if percent >= SOON_FROM else LATER
    words = {
        "percent": percent,
        "subject_fr": what_fr,
        "subject_en": what_en,
        "size_fr": f" de ses {match[1]} Mo" if match else "",
        "size_en": f" ({match[1]} MB in all)" if match else "",
        "then_fr": then_fr,
        "then_en": then_en,
        "help": postmaster,
    }
    subject = SUBJECT.format(what_fr=what_fr, what_en=what_en, percent=percent)
    return letters.of_service(postmaster, uid, subject, FRENCH.format(**words), ENGLISH.format(**words))


def send(server: str, message: EmailMessage, addresses: list[str]) -> None:
    """Hand it over. Raises OSError after the last try."""
    for left in reversed(range(TRIES)):
        try:
            letters.hand_over(letters.server_of(server), message, addresses)
            return
        except OSError:
            if not left:
                raise
            time.sleep(PAUSE)


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 7 or not words[3].isdigit() or not is_uid(words[4]):
        print("usage: quota-warning HOST:PORT POSTMASTER DELIVERY_DOMAIN PERCENT UID DELEGATES SIZE", file=sys.stderr)
        return 2
    server, postmaster, domain, percent, uid, delegates, size = words
    message = compose(postmaster, int(percent), uid, delegates, size)
    send(server, message, [f"{one}@{domain}" for one in recipients(uid, delegates)])
    return 0
