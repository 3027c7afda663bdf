"""Rate limits of accountd, kept in its own memory: by account and source network, by network, by agent, and in all.

What strangers, requests for codes and agents count is in stores of their own (`windows`), so that no flood of one
makes another forgotten. A restart takes them over (`carried`), but for wrong proofs: what is said of those has no
place in a file. docs/limits.md says of each limit who can use it up, whom that stops and how it ends.
Beside it, `throttle` counts wrong proofs in Valkey, together with those of Dovecot and the portal. What is
here holds also where Valkey does not answer. Names are those that were typed, known or not, so that a limit tells
nothing.
"""

from __future__ import annotations

import hashlib
import ipaddress
import os
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from malleposte.throttle.costs import Cost
from malleposte.throttle.windows import Key, Once, Window, Windows

REMEMBERED = 50_000
"""Windows kept of strangers at most."""
OF_ACCOUNTS = 200_000
"""Windows kept at most of codes that were sent, and as many of agents who are logged in: some for each account."""
OF_A_NETWORK = 5_000
"""Windows kept of one network of strangers; beyond, it loses its own oldest, and nobody else's."""
FEW = 20
"""Calls of a network in a window of its own that do not count in all: a flood stops those who bring it."""
WIDE = 4
"""As many times what a /64 of IPv6 may is what the /48 around it may: one guesser may have each of its /64."""

SCHOOL = 10
"""As many times what another network may is what one of schools may, in all: thousands stand behind one address."""
type Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Rate(msgspec.Struct, frozen=True, array_like=True):
    """At most `most` in `seconds`, counted from the first."""

    most: int
    seconds: float


class Rates(msgspec.Struct, frozen=True):
    """The limits of the calls: of proofs `account`, `network` and `whole`; of acts, apart from them, the rest.

    Log-ins have `login_network` and `login_whole` of their own: a school opens its mailboxes at the same hour, and
    nothing that is sent there uses up what a forgotten password needs.

    `whole` and `login_whole` hold for calls beyond the first `FEW` of each network; a browser that has succeeded before
    for the account counts for itself alone.

    `wrong`: different wrong proofs of an account from one network. `codes`: sent to one account for requests of one
    network, `codes_account` for requests of all; `day_account`, `day_target` (an address or a number) and `day_network`
    are what one of them may have sent in a day. `questions`: of one network, proofs and requests without JavaScript,
    for which a plain question stands instead of work done by the browser.

    Of one agent who has logged in: `shown`, all that is asked; `acts`, changes made; `classes`, changes of class;
    `blocks`, blocks of others' accounts. `all_` before these: of one client for everybody, far above (what it may do to
    the academy at most, if somebody has taken it over). `protections`: of one client, beyond which the academy is told;
    nothing of an agent's own protection is ever refused.
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
    shown: Rate = Rate(120, 60)
    acts: Rate = Rate(300, 600)
    classes: Rate = Rate(6, 3600)
    blocks: Rate = Rate(60, 3600)
    all_acts: Rate = Rate(3000, 600)
    all_classes: Rate = Rate(600, 3600)
    all_blocks: Rate = Rate(600, 3600)
    protections: Rate = Rate(300, 3600)


def network(address: str) -> str:
    """The network that an address counts for: /24, or /64 of IPv6. Raises ValueError on what is no address."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    one = getattr(parsed, "ipv4_mapped", None) or parsed
    return str(ipaddress.ip_network(f"{one}/{24 if one.version == 4 else 64}", strict=False))


def _widths(where: str, rate: Rate) -> list[tuple[str, Rate]]:
    """The networks that a network counts for, with the rate of each: itself, and of IPv6 the /48 around it."""
    narrow = [(where, rate)]
    if not where.endswith("/64"):
        return narrow
    return [*narrow, (str(ipaddress.ip_network(where).supernet(new_prefix=48)), Rate(WIDE * rate.most, rate.seconds))]


@dataclass(frozen=True)
class Taken:
    """The counts that an act took from, or the seconds to `wait` where one of them is used up."""

    windows: tuple[Window, ...] = ()
    wait: float = 0.0


class Limits:
    """Counts. Thread-safe."""

    def __init__(
        self, rates: Rates | None = None, clock: Callable[[], float] = time.monotonic, schools: Iterable[Network] = ()
    ) -> None:
        """`clock` is in seconds; of `schools`, one address may be that of thousands."""
        self.rates, self._clock = rates or Rates(), clock
        self._schools = tuple(schools)
        self._strangers = Windows(REMEMBERED, OF_A_NETWORK)
        # Each of these is made for a code that is about to be sent, or by an agent who is logged in.
        self._codes, self._agents = Windows(OF_ACCOUNTS), Windows(OF_ACCOUNTS)
        self._words: dict[float, Once] = {}
        self._lock = threading.Lock()
        self._key = os.urandom(32)

    def call(self, name: str, source: str) -> float:
        """Count a proof; seconds to wait when it is one too many (it then counts for nothing else)."""
        return self._proof("", name, source, self.rates.network, self.rates.whole)

    def log_in(self, name: str, source: str) -> float:
        """As `call`, a log-in."""
        return self._proof("login-", name, source, self.rates.login_network, self.rates.login_whole)

    def _proof(self, kind: str, name: str, source: str, network: Rate, whole: Rate) -> float:
        # The narrow ones first: what they stop takes nothing of what is for all.
        with self._lock:
            wait, _many = self._stranger(f"{kind}account", self._key_of(name), source, self.rates.account)
            if wait or "\0" in name:
                return wait
            wait, many = self._stranger(f"{kind}network", "", source, self._for_school(source, network))
            few = self._for_school(source, Rate(FEW, 0)).most
            if wait or many <= few:
                return wait
            return self._one(self._agents, (f"{kind}whole", "", ""), whole)[0]

    def look(self, uid: str) -> float:
        """As `call`, anything that an agent who is logged in asks for: it takes nothing of anybody else's."""
        with self._lock:
            return self._one(self._agents, ("shown", self._key_of(uid), ""), self.rates.shown)[0]

    def take(self, cost: Cost, uid: str, client: str) -> Taken:
        """Count an act of an agent by a client; where one budget is used up, in none."""
        taken: list[Window] = []
        with self._lock:
            for budget in cost.budgets:
                for who, name in ((self._key_of(uid), budget), (client, f"all_{budget}")):
                    wait, window = self._one(self._agents, (name, who, ""), getattr(self.rates, name))
                    if wait:
                        _given_back(taken)
                        return Taken(wait=wait)
                    taken.append(window)
        return Taken(tuple(taken))

    def give_back(self, *taken: Taken) -> None:
        """The act that took these changed nothing."""
        with self._lock:
            for one in taken:
                _given_back(one.windows)

    def protected(self, client: str) -> bool:
        """Count an act by which an agent protected an account; whether it is the first beyond `protections`."""
        with self._lock:
            rate = self.rates.protections
            window = self._agents.open(("protections", client, ""), "", self._clock(), rate.seconds)
            window.count += 1
            return window.count == rate.most + 1

    def code(self, uid: str, source: str, to: str) -> float:
        """Count one more code or log-in that is sent to an address or a number; seconds to wait when it may not be.

        Each network has its own limits: requests from another network do not use up the owner's.
        """
        account, rates = self._key_of(uid), self.rates
        with self._lock:
            wait, _many = self._stranger("codes", account, source, rates.codes)
            for kind, who, where, rate in (
                ("codes-account", account, "", rates.codes_account),
                ("day-account", account, "", rates.day_account),
                ("day-target", self._key_of(to), "", rates.day_target),
            ):
                wait = wait or self._one(self._codes, (kind, who, where), rate)[0]
            for where, rate in _widths(source, self._for_school(source, rates.day_network)):
                wait = wait or self._one(self._codes, ("day-network", "", where), rate)[0]
            return wait

    def question(self, source: str) -> float:
        """As `call`, a form that was sent without JavaScript."""
        with self._lock:
            return self._stranger("questions", "", source, self._for_school(source, self.rates.questions))[0]

    def once(self, name: str, secret: str, seconds: float) -> bool:
        """Whether a secret of a name is said for the first time within so many seconds, or twice as many."""
        with self._lock:
            words = self._words.get(seconds)
            if words is None:
                words = self._words[seconds] = Once(seconds)
            return words.first(self._digest(name, secret), self._clock())

    def day(self, uid: str, kind: str, most: int) -> Taken:
        """As `take`, an act of a person on others: so many of a kind in a day."""
        with self._lock:
            wait, window = self._one(self._agents, (f"desk-{kind}", self._key_of(uid), ""), Rate(most, 86_400))
        return Taken(wait=wait) if wait else Taken((window,))

    def share(self, where: str, most: int) -> int:
        """The part of `most` places that one network of strangers may have at a time: half for schools, a quarter."""
        return most // 2 if self._is_school(where) else most // 4

    def _stranger(self, kind: str, who: str, source: str, rate: Rate) -> tuple[float, int]:
        """Count in a network, and of IPv6 in the one around it. Seconds that a full one lasts; the highest count."""
        many, owner = 0, _owner(source)
        for where, one in _widths(source, rate):
            window = self._strangers.open((kind, who, where), owner, self._clock(), one.seconds)
            if window.count >= one.most:
                return self._left(window), window.count
            window.count += 1
            many = max(many, window.count)
        return 0.0, many

    def _one(self, store: Windows, key: Key, rate: Rate) -> tuple[float, Window]:
        """Count in one window; seconds that it lasts where it is full."""
        window = store.open(key, "", self._clock(), rate.seconds)
        if window.count >= rate.most:
            return self._left(window), window
        window.count += 1
        return 0.0, window

    def _for_school(self, where: str, rate: Rate) -> Rate:
        """The rate of a network, for all accounts together."""
        return Rate(SCHOOL * rate.most, rate.seconds) if self._is_school(where) else rate

    def _is_school(self, where: str) -> bool:
        if not (where and self._schools):
            return False
        among = ipaddress.ip_network(where)
        return any(one.version == among.version and one.overlaps(among) for one in self._schools)

    def may_try(self, name: str, source: str, secret: str) -> tuple[float, bool]:
        """Seconds to wait before another proof; and whether this very one was wrong a moment ago."""
        wait, digest = 0.0, self._digest(name, secret)
        with self._lock:
            for where, rate in _widths(source, self.rates.wrong):
                window = self._strangers.get(("wrong", self._key_of(name), where), _owner(source), self._clock())
                if window is None or window.seen is None:
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
                key = "wrong", self._key_of(name), where
                window = self._strangers.open(key, _owner(source), self._clock(), rate.seconds)
                window.seen = window.seen or set()
                if len(window.seen) < rate.most:
                    window.seen.add(self._digest(name, secret))

    def left(self) -> dict[str, Any]:
        """The windows as JSON takes them, for `go_on`; those of wrong proofs stay here."""
        with self._lock:
            return {
                "key": self._key.hex(),
                "strangers": self._strangers.left("wrong"),
                "codes": self._codes.left(),
                "agents": self._agents.left(),
                "words": [[seconds, one.left()] for seconds, one in self._words.items()],
            }

    def go_on(self, state: Mapping[str, Any]) -> None:
        """Take over what another left on this host since its start. Raises ValueError, TypeError, KeyError."""
        key, now = bytes.fromhex(state["key"]), self._clock()
        if len(key) != len(self._key):
            raise ValueError("no key")
        words = {float(seconds): Once.go_on(float(seconds), one) for seconds, one in state["words"]}
        strangers = Windows(REMEMBERED, OF_A_NETWORK)
        codes, agents = Windows(OF_ACCOUNTS), Windows(OF_ACCOUNTS)
        for store, name in ((strangers, "strangers"), (codes, "codes"), (agents, "agents")):
            store.go_on(state[name], now)
        with self._lock:
            self._key, self._words = key, words
            self._strangers, self._codes, self._agents = strangers, codes, agents

    def forget(self, *names: str) -> None:
        """Reset the counts of wrong proofs and calls of these names, for every network: their owner has logged in.

        A name resets those of its browsers too; one that was told `apart` resets itself alone.
        """
        with self._lock:
            for name in names:
                self._strangers.forget(self._key_of(name), ("wrong", "account", "login-account"))

    @staticmethod
    def apart(name: str, browser: str) -> str:
        """The name that a browser counts by which has a count of its own."""
        return f"{name}\0{browser}"

    def _key_of(self, name: str) -> str:
        """Return the digest that identifies a name, so that an unknown log-in does not stay long in memory."""
        whose, _nul, browser = name.partition("\0")
        return self._hashed(whose) + (f":{self._hashed(browser)}" if browser else "")

    def _hashed(self, text: str) -> str:
        return hashlib.blake2b(text.strip().lower().encode(), key=self._key, digest_size=16).hexdigest()

    def _digest(self, name: str, secret: str) -> bytes:
        text = f"{name.strip().lower()}\0{secret}".encode()
        return hashlib.blake2b(text, key=self._key, digest_size=16).digest()

    def _left(self, window: Window) -> float:
        return max(1.0, window.end - self._clock())


def _given_back(taken: Iterable[Window]) -> None:
    for window in taken:
        window.count -= 1


def _owner(source: str) -> str:
    """The network that loses its own windows first: itself, or of IPv6 the /48 around it."""
    return _widths(source, Rate(0, 0))[-1][0]
