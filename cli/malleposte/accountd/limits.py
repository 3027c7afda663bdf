"""Rate limits of accountd, kept in its own memory: per account and source network, per network, and in all.

A restart takes them over (`carried`), but for wrong proofs: what is said of those has no place in a file.
Beside it, `accounts.throttle` counts wrong proofs in Valkey, together with those of Dovecot and the portal. What is
here holds also where Valkey does not answer. Names are those that were typed, known or not, so that a limit tells
nothing.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

REMEMBERED = 50_000
"""Windows kept at most; the oldest goes first."""
WIDE = 4
"""As many times what a /64 of IPv6 may is what the /48 around it may: one guesser may have each of its /64."""

SCHOOL = 10
"""As many times what another network may is what one of schools may, in all: thousands stand behind one address."""
type Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Rate:
    """At most `most` in `seconds`, counted from the first."""

    most: int
    seconds: float


@dataclass(frozen=True)
class Rates:
    """The limits of the calls: of proofs `account`, `network` and `whole`; of acts, apart from them, the rest.

    Log-ins have `login_network` and `login_whole` of their own: a school opens its mailboxes at the same hour, and
    nothing that is sent there uses up what a forgotten password needs.

    `wrong`: different wrong proofs of an account from one network. `codes`: sent to one account for requests of one
    network, `codes_account` for requests of all; `day_account`, `day_target` (an address or a number) and `day_network`
    are what one of them may have sent in a day. `questions`: of one network, proofs and requests without JavaScript,
    for which a plain question stands instead of work done by the browser. `acts`, `blocks`, `classes`: of one client
    (what it may at most do to the academy, if somebody has taken it over). `shown`: pages of one agent who has
    logged in.
    """

    account: Rate = Rate(30, 600)
    network: Rate = Rate(600, 600)
    whole: Rate = Rate(1200, 60)
    login_network: Rate = Rate(3000, 600)
    login_whole: Rate = Rate(6000, 60)
    wrong: Rate = Rate(10, 900)
    codes: Rate = Rate(3, 3600)
    codes_account: Rate = Rate(9, 3600)
    day_account: Rate = Rate(20, 86_400)
    day_target: Rate = Rate(12, 86_400)
    day_network: Rate = Rate(600, 86_400)
    questions: Rate = Rate(20, 600)
    acts: Rate = Rate(300, 600)
    blocks: Rate = Rate(20, 3600)
    classes: Rate = Rate(60, 3600)
    shown: Rate = Rate(120, 60)


class Verdict(Protocol):
    """The throttle's answer to a try: seconds to wait, and whether this password seems to have been wrong before."""

    @property
    def wait(self) -> float:
        """0: now."""

    @property
    def known_wrong(self) -> bool:
        """By a digest of few bits."""


class Throttle(Protocol):
    """The part of `accounts.throttle.Throttle` that accountd needs; nothing here raises."""

    def known_by(self, name: str, password: str) -> str:
        """Return the digests by which the password of a name, as it was typed, is remembered."""

    def judge(
        self, account: str, address: str, known_by: str, client: str = "", *, again: bool = False, bounded: bool = True
    ) -> Verdict:
        """Whether this may be proved now; it then counts."""

    def failed(self, account: str, address: str, known_by: str, client: str = "") -> None:
        """It was wrong."""

    def undo(self, account: str, address: str, known_by: str, client: str = "") -> None:
        """Nobody could tell."""

    def succeeded(self, account: str, address: str, client: str = "", known_by: str = "") -> None:
        """It was right."""

    def known(self, account: str, address: str, client: str) -> bool:
        """Whether a client has succeeded there for an account of late."""

    def forget(self, *accounts: str) -> None:
        """These start afresh everywhere."""

    def admit(self, account: str, address: str) -> None:
        """The owner has chosen a password there: what comes from there is known for a while."""

    def once(self, account: str, secret: str, seconds: int) -> bool:
        """Whether a secret of an account was not said here within so many seconds; it then was."""

    def place(self, account: str, place: str, seconds: int) -> bool:
        """Whether a place is a new one of an account that has known ones; it is then known for so many seconds."""


def network(address: str) -> str:
    """The network that an address counts for: /24, or /64 of IPv6. Raises ValueError on what is no address."""
    given = ipaddress.ip_address(address.partition("%")[0])
    one = getattr(given, "ipv4_mapped", None) or given
    return str(ipaddress.ip_network(f"{one}/{24 if one.version == 4 else 64}", strict=False))


def _widths(where: str, rate: Rate) -> list[tuple[str, Rate]]:
    """The networks that a network counts for, with the rate of each: itself, and of IPv6 the /48 around it."""
    narrow = [(where, rate)]
    if not where.endswith("/64"):
        return narrow
    return [*narrow, (str(ipaddress.ip_network(where).supernet(new_prefix=48)), Rate(WIDE * rate.most, rate.seconds))]


@dataclass
class _Window:
    end: float
    count: int = 0
    seen: set[bytes] = field(default_factory=set)


class Limits:
    """Counts. Thread-safe."""

    def __init__(
        self, rates: Rates | None = None, clock: Callable[[], float] = time.monotonic, schools: Iterable[Network] = ()
    ) -> None:
        """`clock` is in seconds; of `schools`, one address may be that of thousands."""
        self.rates, self._clock = rates or Rates(), clock
        self._schools = tuple(schools)
        self._windows: OrderedDict[tuple[str, str, str], _Window] = OrderedDict()
        self._lock = threading.Lock()
        self._key = os.urandom(32)

    def call(self, name: str, source: str) -> float:
        """Count a proof; seconds to wait when it is one too many (it then counts for nothing else)."""
        # The narrow ones first: what they stop takes nothing of what is for all.
        return self._counted(
            ("account", self._known(name), source, self.rates.account),
            ("network", "", source, self.rates.network),
            ("whole", "", "", self.rates.whole),
        )

    def log_in(self, name: str, source: str) -> float:
        """As `call`, a log-in."""
        return self._counted(
            ("login", self._known(name), source, self.rates.account),
            ("login-network", "", source, self.rates.login_network),
            ("login-whole", "", "", self.rates.login_whole),
        )

    def act(self, client: str, kind: str = "") -> float:
        """As `call`, an act of a client: `kind` is `blocks`, `classes` or none. No flood of proofs holds one up."""
        own = [(kind, client, "", getattr(self.rates, kind))] if kind else []
        return self._counted(*own, ("acts", client, "", self.rates.acts))

    def show(self, uid: str) -> float:
        """As `call`, of what an agent who is logged in looks at: it takes nothing of anybody else's."""
        return self._counted(("shown", self._known(uid), "", self.rates.shown))

    def code(self, uid: str, source: str, to: str) -> float:
        """Count one more code or log-in that is sent to an address or a number; seconds to wait when it may not be.

        Each network has its own limits: requests from another network do not use up the owner's.
        """
        known = self._known(uid)
        return self._counted(
            ("codes", known, source, self.rates.codes),
            ("codes-account", known, "", self.rates.codes_account),
            ("day-account", known, "", self.rates.day_account),
            ("day-target", self._known(to), "", self.rates.day_target),
            ("day-network", "", source, self.rates.day_network),
        )

    def question(self, source: str) -> float:
        """As `call`, a form that was sent without JavaScript."""
        return self._counted(("questions", "", source, self.rates.questions))

    def once(self, name: str, secret: str, seconds: float) -> bool:
        """Whether a secret of a name is said for the first time within so many seconds."""
        return not self._counted(("once", self._digest(name, secret).hex(), "", Rate(1, seconds)))

    def day(self, uid: str, kind: str, most: int) -> float:
        """As `call`, an act of a person on others: so many of a kind in a day."""
        return self._counted((f"desk-{kind}", self._known(uid), "", Rate(most, 86_400)))

    def _counted(self, *asked: tuple[str, str, str, Rate]) -> float:
        """Count in windows of (kind, who, where, rate), up to the first that is full; seconds that it lasts."""
        with self._lock:
            for kind, who, network, one in asked:
                for where, rate in _widths(network, one if who else self._for_school(network, one)):
                    window = self._window(kind, who, where, rate)
                    if window.count >= rate.most:
                        return self._left(window)
                    window.count += 1
            return 0.0

    def _for_school(self, where: str, rate: Rate) -> Rate:
        """The rate of a network, for all accounts together."""
        among = where and self._schools and ipaddress.ip_network(where)
        if among and any(one.version == among.version and one.overlaps(among) for one in self._schools):
            return Rate(SCHOOL * rate.most, rate.seconds)
        return rate

    def may_try(self, name: str, source: str, secret: str) -> tuple[float, bool]:
        """Seconds to wait before another proof; and whether this very one was wrong a moment ago."""
        wait, digest = 0.0, self._digest(name, secret)
        with self._lock:
            for where, rate in _widths(source, self.rates.wrong):
                window = self._windows.get(("wrong", self._known(name), where))
                if window is None or window.end <= self._clock():
                    continue
                if digest in window.seen:
                    return 0.0, True
                if len(window.seen) >= rate.most:
                    wait = max(wait, self._left(window))
        return wait, False

    def wrong(self, name: str, source: str, secret: str) -> None:
        """A proof was wrong; the same one again counts once."""
        with self._lock:
            for where, rate in _widths(source, self.rates.wrong):
                window = self._window("wrong", self._known(name), where, rate)
                if len(window.seen) < rate.most:
                    window.seen.add(self._digest(name, secret))

    def left(self) -> dict[str, Any]:
        """The windows as JSON takes them, for `go_on`; those of wrong proofs stay here."""
        with self._lock:
            windows = [[*key, one.end, one.count] for key, one in self._windows.items() if key[0] != "wrong"]
        return {"key": self._key.hex(), "windows": windows}

    def go_on(self, held: Mapping[str, Any]) -> None:
        """Take over what another left on this host since its start. Raises ValueError, TypeError, KeyError."""
        key = bytes.fromhex(held["key"])
        windows = {
            (str(kind), str(who), str(where)): _Window(float(end), int(count))
            for kind, who, where, end, count in held["windows"]
        }
        if len(key) != len(self._key):
            raise ValueError("no key")
        with self._lock:
            self._key, self._windows = key, OrderedDict(windows)

    def forget(self, *names: str) -> None:
        """Reset the counts of wrong proofs and calls of these names, for every network: their owner has logged in.

        A name resets those of its browsers too; one that was told `apart` resets itself alone.
        """
        known = {self._known(name) for name in names}
        with self._lock:
            for key in [key for key in self._windows if key[0] in ("wrong", "account", "login")]:
                if key[1] in known or key[1].partition(":")[0] in known:
                    del self._windows[key]

    @staticmethod
    def apart(name: str, browser: str) -> str:
        """The name that a browser counts by which has a count of its own."""
        return f"{name}\0{browser}"

    def _known(self, name: str) -> str:
        """Return the digest that identifies a name, so that an unknown log-in does not stay long in memory."""
        whose, _nul, browser = name.partition("\0")
        return self._hashed(whose) + (f":{self._hashed(browser)}" if browser else "")

    def _hashed(self, text: str) -> str:
        return hashlib.blake2b(text.strip().lower().encode(), key=self._key, digest_size=16).hexdigest()

    def _digest(self, name: str, secret: str) -> bytes:
        told = f"{name.strip().lower()}\0{secret}".encode()
        return hashlib.blake2b(told, key=self._key, digest_size=16).digest()

    def _window(self, kind: str, who: str, where: str, rate: Rate) -> _Window:
        key, now = (kind, who, where), self._clock()
        window = self._windows.get(key)
        if window is None or window.end <= now:
            self._windows.pop(key, None)
            window = self._windows[key] = _Window(now + rate.seconds)
            while len(self._windows) > REMEMBERED:
                self._windows.popitem(last=False)
        return window

    def _left(self, window: _Window) -> float:
        return max(1.0, window.end - self._clock())
