"""Sends what the spool holds: a batch of each message in turn, as its list's pace allows.

What Postfix has taken is noted on disk after each batch. Killed in between, the batch is sent again: nobody is left
out, and at most one batch gets a message twice.
"""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from malleposte.directory.protocol import Directory
from malleposte.errors import MallepostError
from malleposte.lists.members import expand
from malleposte.lists.message import dressed
from malleposte.lists.model import MailingList, entry_of, to_list
from malleposte.lists.pace import Pace
from malleposte.lists.spool import Spool

RETRY, LONGEST_RETRY = 15.0, 900.0  # seconds until a message that could not be sent is tried again; doubled each time
IDLE = 60.0  # seconds

Send = Callable[[str, Sequence[str], bytes], None]
"""Hands a message to the mail server: (envelope sender, recipients, message). Raises OSError or SMTPException."""
Opened = Callable[[], AbstractContextManager[Directory]]
"""Opens the directory."""
Say = Callable[[str], None]
"""A line of the log."""


def by_smtp(host: str, port: int) -> Send:
    """Hand over by SMTP to a port that takes every recipient."""

    def send(sender: str, recipients: Sequence[str], message: bytes) -> None:
        with smtplib.SMTP(host, port, timeout=300) as session:
            options = ["BODY=8BITMIME"] if session.ehlo()[0] == 250 and session.has_extn("8bitmime") else []
            if not message.isascii() and session.has_extn("smtputf8") and _needs_utf8(message):
                options.append("SMTPUTF8")
            refused = session.sendmail(sender, list(recipients), message, mail_options=options)
            if refused:
                raise smtplib.SMTPRecipientsRefused(refused)

    return send


def _needs_utf8(message: bytes) -> bool:
    return not message.partition(b"\r\n\r\n")[0].isascii()


@dataclass
class Carrier:
    """The one thread that sends."""

    spool: Spool
    opened: Opened
    send: Send
    delivery_domain: str
    rate: int
    batch: int
    say: Say
    clock: Callable[[], float] = time.monotonic
    _wake: threading.Event = field(default_factory=threading.Event)
    _paces: dict[str, Pace] = field(default_factory=dict)
    _later: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Of messages that could not be sent: when to try again, and how long was waited for that."""
    _ended: bool = False

    def wake(self) -> None:
        """There is something to send."""
        self._wake.set()

    def end(self) -> None:
        """Stop after the batch under way."""
        self._ended = True
        self._wake.set()

    def run(self) -> None:
        """Send until told to end."""
        while not self._ended:
            if self._wake.wait(self.round()):
                self._wake.clear()

    def round(self) -> float:
        """One batch of each message; seconds until there is more to do."""
        pause = IDLE
        for name in self.spool.ids("out"):
            if self._ended:
                return 0.0
            pause = min(pause, self._tried(name))
        return pause

    def _tried(self, name: str) -> float:
        """One batch of a message. One that cannot be sent waits, and holds up no other."""
        when, waited = self._later.get(name, (0.0, 0.0))
        if when > self.clock():
            return when - self.clock()
        try:
            pause = self._batch(name)
        except (OSError, smtplib.SMTPException, MallepostError) as error:
            waited = min(waited * 2 or RETRY, LONGEST_RETRY)
            self._later[name] = (self.clock() + waited, waited)
            self.say(f"{name}: waits {waited:.0f} s: {error}")
            return waited
        self._later.pop(name, None)
        return pause

    def _batch(self, name: str) -> float:
        about = self.spool.about("out", name)
        with self.opened() as directory:
            entry = entry_of(directory, about.list)
            if entry is None:
                self.say(f"{name}: the list {about.list} is gone, so is its message")
                self.spool.drop("out", name)
                return 0.0
            one = to_list(entry.attributes)
            everybody = self.spool.recipients(name)
            if everybody is None:
                everybody = [member.envelope(self.delivery_domain) for member in expand(directory, one)]
                self.spool.settle(name, everybody)
                self.say(f"{name}: list={one.name} from={about.sender} recipients={len(everybody)}")
        done = self.spool.done(name)
        pace = self._pace(one)
        count = pace.ready(min(self.batch, len(everybody) - done))
        if done < len(everybody):
            if not count:
                return pace.wait(min(self.batch, len(everybody) - done))
            message = dressed(one, self.spool.message("out", name))
            self.send(one.address("bounces"), everybody[done : done + count], message)
            pace.spend(count)
            done += count
            self.spool.note(name, done)
        if done < len(everybody):
            return 0.0
        self.say(f"{name}: list={one.name} sent to {len(everybody)}")
        self.spool.drop("out", name)
        return IDLE

    def _pace(self, one: MailingList) -> Pace:
        wanted = one.rate or self.rate
        known = self._paces.get(one.name)
        if known is None or known.per_minute != wanted:
            known = self._paces[one.name] = Pace(wanted, self.clock)
        return known
