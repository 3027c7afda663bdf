"""Sends what the spool holds: a batch of each message in turn, as its list's pace allows.

What Postfix has taken is noted on disk after each batch. Killed in between, the batch is sent again: nobody is left
out, and at most one batch gets a message twice. A recipient that is refused, or put off, is noted by itself: the others
have it and do not get it again. A message that cannot be sent is put aside with the reason, and the operators are told
once.
"""

from __future__ import annotations

import smtplib
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from malleposte.circulars.model import Filed, Filing
from malleposte.core.errors import MallepostError
from malleposte.deliveries.model import BOUNCES
from malleposte.directory.protocol import Directory
from malleposte.lists import notices
from malleposte.lists.members import expand
from malleposte.lists.message import dressed
from malleposte.lists.model import MailingList, entry_of, to_list
from malleposte.lists.pace import Pace
from malleposte.lists.spool import DamagedError, Spool

RETRY, LONGEST_RETRY = 15.0, 900.0  # seconds until a message that could not be sent is tried again; doubled each time
IDLE = 60.0  # seconds
STUCK = 900.0  # seconds without a sign of life of the thread that sends
STRANGE = 5  # times that a message may fail for a reason that nobody foresaw
GIVE_UP = 5 * 86400.0  # seconds after which who is put off counts as refused

Refused = dict[str, tuple[int, str]]
"""Recipients that were not taken: the code and the words."""
Send = Callable[[str, Sequence[str], bytes], Refused]
"""Hands a message to the mail server: (envelope sender, recipients, message). Raises OSError or SMTPException where
nobody gets it."""
Opened = Callable[[], AbstractContextManager[Directory]]
"""Opens the directory."""
Say = Callable[[str], None]
"""A line of the log."""


def by_smtp(host: str, port: int) -> Send:
    """Hand over by SMTP to a port that takes every recipient."""

    def send(sender: str, recipients: Sequence[str], message: bytes) -> Refused:
        with smtplib.SMTP(host, port, timeout=300) as session:
            options = ["BODY=8BITMIME"] if session.ehlo()[0] == 250 and session.has_extn("8bitmime") else []
            if not message.isascii() and session.has_extn("smtputf8") and _needs_utf8(message):
                options.append("SMTPUTF8")
            try:
                refused = session.sendmail(sender, list(recipients), message, mail_options=options)
            except smtplib.SMTPRecipientsRefused as error:
                refused = error.recipients
            return {one: (code, words.decode("utf-8", "replace")) for one, (code, words) in refused.items()}

    return send


def _permanent(error: Exception) -> bool:
    """Whether the mail server will never take this message."""
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= 500


def _cut_off(error: Exception) -> bool:
    """Whether the mail server was not there at all."""
    if isinstance(error, smtplib.SMTPException):
        return isinstance(error, smtplib.SMTPServerDisconnected | smtplib.SMTPConnectError | smtplib.SMTPHeloError)
    return isinstance(error, OSError)


def _needs_utf8(message: bytes) -> bool:
    return not message.partition(b"\r\n\r\n")[0].isascii()


class PutOffError(MallepostError):
    """Some recipients are tried again later."""


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
    tell: Callable[[str, str, str], None] = lambda _name, _list, _reason: None
    """Tells the operators of a message put aside: id, list, reason. Raises OSError or SMTPException."""
    archive: Callable[[Filing, bytes], Filed] | None = None
    """Archives a message of a list that has an archive, once. Raises OSError, MallepostError."""
    _wake: threading.Event = field(default_factory=threading.Event)
    _paces: dict[str, Pace] = field(default_factory=dict)
    _later: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Of messages that could not be sent: when to try again, and how long was waited for that."""
    _strange: dict[str, int] = field(default_factory=dict)
    _ended: bool = False
    _beat: float = field(init=False)
    _cut_off: str = ""

    def __post_init__(self) -> None:
        """Note that it lives."""
        self._beat = self.clock()

    def trouble(self) -> str:
        """Return why nothing can be sent now; empty if it can. Mail accepted in spite of it might never leave."""
        if self.clock() - self._beat > STUCK:
            return f"no sign of life of what sends for {STUCK:.0f} s"
        return self._cut_off

    def alive(self) -> bool:
        """Whether the thread that sends gives signs of life."""
        return self.clock() - self._beat <= STUCK

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
        self._beat = self.clock()
        self._tell()
        names = self.spool.ids("out")
        if not names:
            self._cut_off = ""  # what follows finds out
        for name in names:
            self._beat = self.clock()
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
        except DamagedError as error:
            return self._aside(name, str(error))
        except (OSError, smtplib.SMTPException, MallepostError) as error:
            if _permanent(error):
                return self._aside(name, f"the mail server refuses it: {error}")
            if _cut_off(error):
                self._cut_off = str(error)
            return self._wait(name, waited, str(error))
        except Exception as error:  # noqa: BLE001  # a defect; it holds up no other message
            self._strange[name] = self._strange.get(name, 0) + 1
            words = f"{type(error).__name__}: {error}"
            return self._aside(name, words) if self._strange[name] >= STRANGE else self._wait(name, waited, words)
        self._later.pop(name, None)
        self._strange.pop(name, None)
        return pause

    def _wait(self, name: str, waited: float, words: str) -> float:
        """Later. Soon enough where the mail server was away, since meanwhile nothing is taken."""
        waited = min(waited * 2 or RETRY, IDLE if self._cut_off else LONGEST_RETRY)
        self._later[name] = (self.clock() + waited, waited)
        self.say(f"{name}: waits {waited:.0f} s: {words}")
        return waited

    def _aside(self, name: str, reason: str) -> float:
        """A message that cannot be sent: put aside; the operators are told."""
        self.spool.quarantine(name, reason)
        self._later.pop(name, None)
        self._strange.pop(name, None)
        self.say(f"<3>{name}: put aside: {reason}")
        self._tell()
        return 0.0

    def _tell(self) -> None:
        """Tell the operators of what was put aside, each message once. When that fails, the next round tries again."""
        for name in self.spool.untold():
            try:
                about = self.spool.about("bad", name).list
            except (DamagedError, KeyError):
                about = ""
            try:
                self.tell(name, about, self.spool.reason(name))
                self.spool.mark_told(name)
            except (OSError, smtplib.SMTPException) as error:
                self.say(f"<4>{name}: the operators are not told yet: {error}")
                return

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
        first = done < len(everybody)
        again = self.spool.again(name)
        left = everybody[done:] if first else again
        if left:
            pace = self._pace(one)
            count = pace.ready(min(self.batch, len(left)))
            if not count:
                return pace.wait(min(self.batch, len(left)))
            message = dressed(one, self.spool.message("out", name))
            refused = self.send(one.address(BOUNCES), left[:count], message)
            self._cut_off = ""
            pace.spend(count)
            late = time.time() - about.arrived > GIVE_UP
            put_off = [who for who, (code, _words) in refused.items() if code < 500 and not late]
            words = [f"{who} {code} {said}" for who, (code, said) in refused.items() if who not in put_off]
            self.spool.refuse(name, [" ".join(line.split()) for line in words])
            if first:
                self.spool.put_off(name, put_off)
                done += count
                self.spool.note(name, done)
            else:
                # Recipients that were deferred again come last.
                self.spool.put_off(name, [*left[count:], *put_off], whole=True)
            if done < len(everybody) or len(left) > count:
                return 0.0
            if put_off or (first and self.spool.again(name)):
                self._archived(name, one)
                raise PutOffError(f"{len(self.spool.again(name))} recipients are deferred")
        self._ended_with(name, one, len(everybody))
        return IDLE

    def _ended_with(self, name: str, one: MailingList, count: int) -> None:
        """Everybody was seen to. The archive has it; the managers learn who was refused."""
        self._archived(name, one)
        refused = self.spool.refused(name)
        self.say(f"{name}: list={one.name} sent to {count - len(refused)}")
        for line in refused:
            self.say(f"<4>{name}: list={one.name} refused: {line}")
        if refused and one.managers:
            about = self.spool.about("out", name)
            managers = notices.addresses(one.managers, self.delivery_domain)
            try:
                self.send("", managers, notices.left_out(one, about, refused))
            except smtplib.SMTPResponseException as error:
                if not _permanent(error):
                    raise
                self.say(f"<4>{name}: list={one.name} the managers cannot be told: {error}")
        self.spool.drop("out", name)

    def _archived(self, name: str, one: MailingList) -> None:
        """Have the list's archive take the message, where there is one. Without an answer it is tried again."""
        if self.archive is None or not one.archive or self.spool.archived(name):
            return
        about, message = self.spool.about("out", name), self.spool.message("out", name)
        filed = self.archive(Filing(name, one.name, about.sender, int(about.arrived), len(message)), message)
        if filed.full:
            self.say(f"<4>{name}: list={one.name} is not in its archive, which is full")
        if filed.first and one.managers:
            self.send("", notices.addresses(one.managers, self.delivery_domain), notices.full(one, about))
        self.spool.note_archived(name)

    def _pace(self, one: MailingList) -> Pace:
        rate = one.rate or self.rate
        pace = self._paces.get(one.name)
        if pace is None or pace.per_minute != rate:
            pace = self._paces[one.name] = Pace(rate, self.clock)
        return pace
