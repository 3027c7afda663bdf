"""Send by mail the reminders of events in Radicale's store that became due since the last round (role radicale).

Usage: radicale-reminders ROOT STATE HOST:PORT POSTMASTER DELIVERY_DOMAIN ZONE

ROOT is its collection-root, STATE the file of what is known, ZONE the time zone of events that name none.
"""

from __future__ import annotations

import datetime
import sys
import time
import zoneinfo
from collections.abc import Sequence
from email.message import EmailMessage
from pathlib import Path

from malleposte.groupware.reminders import Due, Memory, Round
from malleposte.platform import letters

FRENCH = """\
Rappel : {title}

{when_fr}{place}
Vous avez demandé ce rappel dans votre agenda. Ce message est automatique.
"""
ENGLISH = """\
Reminder: {title}

{when_en}{place}
You asked for this reminder in your calendar. This message is automatic.
"""
UNTITLED = "(sans titre / untitled)"


def compose(postmaster: str, uid: str, due: Due, zone: datetime.tzinfo) -> EmailMessage:
    """The message, in French, then in English."""
    start, title = due.start, " ".join(due.title.split())[:200] or UNTITLED
    day = start.strftime("%d/%m/%Y")
    if isinstance(start, datetime.datetime):
        start = start.astimezone(zone) if start.tzinfo else start
        when = f"Le {start:%d/%m/%Y à %H:%M}", f"On {start:%d %B %Y at %H:%M}"
    else:
        when = f"Le {day}, toute la journée", f"On {start:%d %B %Y}, all day"
    place = f", {' '.join(due.place.split())[:200]}" if due.place.strip() else ""
    words = {"title": title, "when_fr": when[0], "when_en": when[1], "place": f"{place}\n"}
    subject = f"Rappel : {title}"
    return letters.of_service(postmaster, uid, subject, FRENCH.format(**words), ENGLISH.format(**words))


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 6 or any(word.startswith("-") for word in words):
        print(
            "usage: radicale-reminders ROOT STATE HOST:PORT POSTMASTER DELIVERY_DOMAIN ZONE",
            file=sys.stderr,
        )
        return 2
    root, state, server, postmaster, domain, name = words
    zone = zoneinfo.ZoneInfo(name)

    def send(uid: str, due: Due) -> None:
        letters.hand_over(letters.server_of(server), compose(postmaster, uid, due, zone), [f"{uid}@{domain}"])

    now = time.time()
    turn = Round(Path(root), zone, send)
    turn.run(Memory.read(Path(state), now), now).write(Path(state))
    for item, reason in turn.unread:
        print(f"<5>{item}: it has no reminders, since it cannot be read: {reason}", file=sys.stderr)
    if turn.sent:
        print(f"{turn.sent} reminders sent")
    if turn.unsent:
        print(f"<3>a reminder waits for the next round: {turn.unsent}", file=sys.stderr)
    return 1 if turn.unsent else 0
