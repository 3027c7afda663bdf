"""Loads that are put on a host, the same for the platform and for Debian's defaults."""

import imaplib
import ssl
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

BODY_BYTES = 5120
PATIENCE = 300
"""Seconds for one round of mail."""


@dataclass(frozen=True)
class Target:
    """A mail host under load: its address, the name its certificate must bear (empty: not checked), its users."""

    address: str
    name: str
    users: Sequence[tuple[str, str]]
    cafile: str = ""

    def context(self) -> ssl.SSLContext:
        """TLS as a client uses it; without a name the certificate is not checked (Debian's snake oil)."""
        if self.name:
            return ssl.create_default_context(cafile=self.cafile)
        open_context = ssl.create_default_context()
        open_context.check_hostname = False
        open_context.verify_mode = ssl.CERT_NONE
        return open_context


class Session(imaplib.IMAP4_SSL):
    """IMAP over implicit TLS to an address, under a name."""

    def __init__(self, target: Target, context: ssl.SSLContext) -> None:
        self._name = target.name
        super().__init__(target.address, 993, ssl_context=context, timeout=60)

    def _create_socket(self, timeout: float | None = None) -> ssl.SSLSocket:
        plain = imaplib.IMAP4._create_socket(self, timeout)  # type: ignore[attr-defined]
        wrapped: ssl.SSLSocket = self.ssl_context.wrap_socket(plain, server_hostname=self._name or self.host)
        return wrapped


def log_in(target: Target, context: ssl.SSLContext, number: int) -> None:
    """Connect, log in as one of the users, log out. Raises when refused."""
    user, password = target.users[number % len(target.users)]
    session = Session(target, context)
    session.login(user, password)
    session.logout()


def log_ins_per_second(target: Target, seconds: float, threads: int = 8) -> float:
    """Complete log-ins a second, over a while, by several clients at once. Raises the first error of a client."""
    done = [0] * threads
    context = target.context()
    begun = time.monotonic()

    def work(number: int) -> None:
        while time.monotonic() < begun + seconds:
            log_in(target, context, number + done[number] * threads)
            done[number] += 1

    _together(threads, work)
    return sum(done) / (time.monotonic() - begun)


def each_once_per_second(target: Target, rounds: int, forget: Callable[[], None], threads: int = 8) -> float:
    """Log-ins a second when no log-in is known to a cache: `forget` is called, untimed, before each round of users."""
    spent = 0.0
    context = target.context()

    def work(start: int) -> None:
        for number in range(start, len(target.users), threads):
            log_in(target, context, number)

    for _ in range(rounds):
        forget()
        begun = time.monotonic()
        _together(threads, work)
        spent += time.monotonic() - begun
    return rounds * len(target.users) / spent


def _together(count: int, work: Callable[[int], object]) -> None:
    """Run `work` for each number in a thread of its own; raises the first error of any."""
    with ThreadPoolExecutor(count) as pool:
        list(pool.map(work, range(count)))


def blast(address: str, sender: str, recipients: Sequence[str], each: int) -> str:
    """A shell command that sends `each` messages to every recipient: twenty senders at once, a connection a message."""
    calls = " ".join(
        f"smtp-source -s 1 -m {each} -l {BODY_BYTES} -M mx.lointain.test -f {sender} -t {who} {address}:25 &"
        for who in recipients
    )
    return f"{calls} wait"


@dataclass(frozen=True)
class Mailing:
    """Messages a second, accepted and stored."""

    accepted: float
    stored: float


def to_mailbox(send: Callable[[], object], queued: Callable[[], int], total: int) -> Mailing:
    """Send, then wait until the host has no queue left. Raises AssertionError when that takes five minutes."""
    begun = time.monotonic()
    send()
    accepted = time.monotonic() - begun
    while left := queued():
        if time.monotonic() - begun > PATIENCE:
            raise AssertionError(f"{left} of {total} messages are still queued after {PATIENCE} s")
        time.sleep(0.25)
    return Mailing(total / accepted, total / (time.monotonic() - begun))
