"""Tell agents of messages that were kept apart in « Quarantaine » since the last time (role deliveries).

Usage: quarantine-digest FOLDER HOST:PORT POSTMASTER DELIVERY_DOMAIN PAGE DAYS

FOLDER is that of the index of deliveries, PAGE the address of the portal's page, DAYS those for which such messages are
kept. An agent without any gets no letter. Nothing of a message is in it.
"""

from __future__ import annotations

import json
import sqlite3
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, field
from email.message import EmailMessage
from pathlib import Path

from malleposte.core.loops import named
from malleposte.deliveries.model import State
from malleposte.platform import letters
from malleposte.platform.mailstore import QUARANTINE
from malleposte.runtime import durable, kit

DAY = 86_400
OWED_DAYS = 30
"""Days for which an account that no letter reached is tried again; what was kept apart then is gone."""
WORDS = 6
FRENCH = """\
Bonjour,

Depuis hier, le filtre a mis {messages} en quarantaine.
Vous en attendez un\N{NO-BREAK SPACE}? Voyez la liste, et sortez-le\N{NO-BREAK SPACE}:
{page}

Vous n’attendez rien\N{NO-BREAK SPACE}? Ne faites rien.
Au bout de {days} jours, ces messages disparaissent d’eux-mêmes.
"""
ENGLISH = """\
Since yesterday the filter has kept {messages_en} apart. You expect one of them? See the list, and release it:
{page}
You expect nothing? Do nothing: after {days} days they go by themselves.
"""


@dataclass
class Round:
    """The time that a round tells of (seconds since 1970), and the last account that was tried, in their order.

    `owed`: accounts that no letter reached, each with its messages that were not told, and the time of the first try.
    """

    since: int
    until: int
    last: str = ""
    over: bool = False
    owed: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Round:
        """Return that of a file; of a version before, which had a list of all accounts, the round begins anew."""
        fields = json.loads(text)
        fields.pop("told", None)
        return cls(**fields)


def kept_apart(folder: Path, since: int, until: int) -> dict[str, int]:
    """Return the number of messages that came to « Quarantaine » within a time, by account. Raises sqlite3.Error."""
    counts: dict[str, int] = {}
    for day in range(since // DAY - 1, until // DAY + 1):
        path = folder / f"{day}.sqlite"
        if not path.exists():
            continue
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as link:
            asked = (
                "SELECT account, count(*) FROM recipient WHERE folder = ? AND state = ? AND time > ? AND time <= ?"
                " AND account <> '' GROUP BY account"
            )
            for account, count in link.execute(asked, (QUARANTINE, str(State.FILED), since, until)):
                counts[account] = counts.get(account, 0) + count
    return counts


def compose(postmaster: str, uid: str, count: int, page: str, days: str) -> EmailMessage:
    """Return the letter, in French, then in English."""
    words = {
        "messages": "un message" if count == 1 else f"{count} messages",
        "messages_en": "one message" if count == 1 else f"{count} messages",
        "page": page,
        "days": days,
    }
    subject = f"Quarantaine\N{NO-BREAK SPACE}: {words['messages']} depuis hier"
    return letters.of_service(postmaster, uid, subject, FRENCH.format(**words), ENGLISH.format(**words))


def tell(folder: Path, memory: Path, send: Callable[[str, int], None], now: int) -> tuple[int, list[str]]:
    """Write to each account that has any; return the number of letters, and what failed.

    A round that was cut off goes on behind the last account. One that no letter reaches is tried in the next round,
    for OWED_DAYS, and keeps no letter from the others.
    """
    this_round = kit.state(memory, Round.parse)
    if this_round is None or this_round.over:
        owed = (
            {uid: one for uid, one in this_round.owed.items() if now - one[1] < OWED_DAYS * DAY} if this_round else {}
        )
        this_round = Round(this_round.until if this_round else now - DAY, now, owed=owed)
    failures = list[str]()
    sent, counts = 0, kept_apart(folder, this_round.since, this_round.until)
    for uid in sorted(counts.keys() | this_round.owed.keys()):
        if uid <= this_round.last:
            continue
        before, first = this_round.owed.get(uid, (0, now))
        count, failed = counts.get(uid, 0) + before, len(failures)
        with named(failures.append, uid):
            send(uid, count)
        this_round.last = uid
        if len(failures) > failed:
            this_round.owed[uid] = (count, first)
            continue
        this_round.owed.pop(uid, None)
        sent += 1
        durable.write(memory, json.dumps(asdict(this_round)))
    this_round.over = True
    durable.write(memory, json.dumps(asdict(this_round)))
    return sent, failures


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != WORDS or any(word.startswith("-") for word in words):
        print("usage: quarantine-digest FOLDER HOST:PORT POSTMASTER DELIVERY_DOMAIN PAGE DAYS", file=sys.stderr)
        return 2
    folder, server, postmaster, domain, page, days = words

    def send(uid: str, count: int) -> None:
        letter = compose(postmaster, uid, count, page, days)
        letters.hand_over(letters.server_of(server), letter, [f"{uid}@{domain}"])

    try:
        sent, failures = tell(Path(folder), Path(folder, "digest.json"), send, int(time.time()))
    except (sqlite3.Error, OSError) as error:
        kit.say(f"<3>nobody was told of the quarantine: {error}")
        return 1
    if sent:
        print(f"{sent} agents told of their quarantine")
    for failure in failures:
        kit.say(f"<3>not told of the quarantine: {failure}")
    return 1 if failures else 0
