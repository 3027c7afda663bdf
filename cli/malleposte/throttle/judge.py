"""Judges tries: where each counts, and what is asked of Valkey."""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import logging
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass

from malleposte.adapters.valkey import Unavailable, Valkey
from malleposte.throttle import scripts
from malleposte.throttle.memory import Memory
from malleposte.throttle.settings import Settings, digest

LOG = logging.getLogger("throttle")
PREFIX = "throttle"
GUESSERS = f"{PREFIX}:guessers"
"""Addresses that guess on many accounts, by the time at which that was noticed: the hosts of the edge ban them."""
DEVICES = "device:"
"""Before the account for which a password of a device's form counts."""
BROWSER = "browser\0"
"""Before the name of a client that is a secret of its own: it is known wherever it comes from."""
TOLD_FOR = 3600  # seconds for which an address that guesses is told
PAUSE = 2.0  # seconds without a question after Valkey gave no answer
TOGETHER = 20  # proofs of one password at once: a mail program opens several connections
LONGEST = 1024  # characters of a name that are looked at
CLIENTS = 32  # clients remembered of an account in one network
PLACES = 64  # places remembered of an account's log-ins
DAY = 86_400


@dataclass(frozen=True)
class Verdict:
    """The verdict on a try: `wait` seconds (0: prove it now), because it is `known_wrong`, or because of others."""

    wait: float = 0.0
    known_wrong: bool = False


@dataclass(frozen=True)
class _Place:
    """The keys of an account's lines for one client (`scripts.LINES`); its networks, and whether it may be told."""

    keys: tuple[str, ...]
    client: str
    widest: str
    account: str
    owner: str
    address: str
    shared: str
    guarded: bool

    @property
    def seen(self) -> str:
        """The key of the clients that are known of the account in the network."""
        return self.keys[2]


class Throttle:
    """Judges tries. Thread-safe; nothing here raises.

    `account` is whose account it is, whatever name was typed; what was typed where that is nobody's. `client` says by
    what the try came (protocol, device or browser), as far as it is known.
    """

    def __init__(self, settings: Settings, store: Valkey | None = None, clock: Callable[[], float] = time.monotonic):
        """`store` and `clock` are the tests' to give."""
        self.settings = settings
        self._store = store or Valkey(settings.server, settings.username, settings.password)
        self._networks = [ipaddress.ip_network(network, strict=False) for network in settings.networks]
        self._clock = clock
        self._silent_until = 0.0
        self._key = hashlib.sha256(b"names\0" + settings.nonce.encode()).digest()
        self._memory = Memory(settings.alone, settings.window)

    def judge(
        self,
        account: str,
        address: str,
        known_by: str,
        client: str = "",
        *,
        again: bool = False,
        bounded: bool = True,
    ) -> Verdict:
        """Whether a password, of which the digest is known, may be proved now; it is then counted.

        `again`: also one that seems to be known to be wrong. `bounded`: what all networks may try together; not so
        what slapd is not asked for.
        """
        place, it = self._place(account, address, client), self.settings
        if place is None:
            return Verdict()
        most = (it.strangers, it.acquainted) if bounded else (0, 0)
        limits = (known_by, it.free, it.free_wide, it.base, it.most, TOGETHER, int(again), *most)
        seconds = self._answer(scripts.ATTEMPT, place, *limits)
        if seconds is None:
            wait = self._memory.attempt(place.account, place.client, self._clock()) if bounded else 0
            return Verdict(float(wait))
        return Verdict(float(abs(seconds)), known_wrong=seconds < 0)

    def failed(self, account: str, address: str, known_by: str, client: str = "") -> None:
        """The password was wrong."""
        self._run(scripts.FAILED, self._place(account, address, client), known_by)
        self._guessed(account, address)

    def unknown(self, account: str, address: str, known_by: str = "", client: str = "") -> None:
        """Nobody may log in by that name; nothing was proved. It counts for the network and the address alone."""
        self._unproved(scripts.UNPROVED, account, address, known_by, client)
        self._guessed(account, address)

    def undo(self, account: str, address: str, known_by: str, client: str = "") -> None:
        """Nobody could tell whether the password was right: that was no try."""
        self._unproved(scripts.UNDO, account, address, known_by, client)

    def succeeded(self, account: str, address: str, client: str = "", known_by: str = "") -> None:
        """The password was right: the client starts afresh, and is known from now on."""
        place = self._place(account, address, client)
        if place is not None:
            self._memory.succeeded(place.account, place.client)
            self._run(scripts.SUCCEEDED, place, known_by, CLIENTS, place.shared, place.owner)

    def knows_client(self, account: str, address: str, client: str) -> bool:
        """Whether a client has succeeded there for an account of late, so that it is judged apart."""
        return self._run(scripts.KNOWN, self._place(account, address, client)) == 1

    def admit(self, account: str, address: str) -> None:
        """The owner has chosen a password there: what comes from there is known for as long as a line is kept."""
        self._run(scripts.ADMIT, self._place(account, address, ""))

    def forget(self, *accounts: str) -> None:
        """These start afresh everywhere: after a new password, an unblock. Clients stay known."""
        for account in dict.fromkeys(one for name in map(_folded, accounts) for one in (name, DEVICES + name)):
            index = f"{PREFIX}:{self._mac(account)}"
            self._guarded(lambda index=index: self._store.run(scripts.FORGET, (index,)))  # type: ignore[misc]

    def once(self, account: str, secret: str, seconds: int) -> bool:
        """Whether a secret of an account was not said within so many seconds, on any host; it then was."""
        key = f"{PREFIX}:once:{self._mac(f'{_folded(account)}\0{secret}')}"
        return self._guarded(lambda: self._store.run(scripts.ONCE, (key,), seconds)) != 0

    def place(self, account: str, place: str, seconds: int) -> bool:
        """Whether a place is a new one of an account that has known ones; it is then known for so many seconds."""
        key, name = f"{PREFIX}:places:{self._mac(_folded(account))}", self._mac(place)
        return self._guarded(lambda: self._store.run(scripts.PLACE, (key,), name, seconds, PLACES)) == 1

    def known_by(self, name: str, password: str) -> str:
        """The digest by which a password is known, of a name as it was typed: Dovecot makes the same."""
        return digest(self.settings.nonce, _folded(name), password)

    def _unproved(self, script: str, account: str, address: str, known_by: str, client: str) -> None:
        place = self._place(account, address, client)
        if place is not None:
            self._memory.unproved(place.account, place.client)
            self._run(script, place, known_by)

    def _guessed(self, account: str, address: str) -> None:
        """An address failed on an account, by the main password or by a device's."""
        owner = account.removeprefix(DEVICES)
        places = [self._place(name, address, "") for name in (owner, DEVICES + owner)]
        place, it = places[0], self.settings
        if place is None or not place.guarded:
            return
        keys = (place.shared, GUESSERS, *(one.seen for one in places if one))
        arguments = (place.owner, it.accounts_seconds, it.accounts, place.address, TOLD_FOR)
        count = self._guarded(lambda: self._store.run(scripts.GUESSED, keys, *arguments))
        if count:
            # The address is the last word of the line, and nothing in it was chosen by the client.
            LOG.warning("guesses on %d accounts within %d s: rip=%s", count, it.accounts_seconds, place.address)

    def _run(self, script: str, place: _Place | None, *arguments: object) -> int:
        """The answer of a script about a place; 0 where nothing is counted."""
        return (place and self._answer(script, place, *arguments)) or 0

    def _answer(self, script: str, place: _Place, *arguments: object) -> int | None:
        """The answer of a script about a place; None where Valkey gives none."""
        it = self.settings
        common = (place.client, it.known_days * DAY, it.forget, place.widest, it.window, secrets.token_hex(6))
        return self._guarded(lambda: self._store.run(script, place.keys, *common, *arguments))

    def _mac(self, text: str) -> str:
        return hmac.new(self._key, text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:24]

    def _place(self, account: str, address: str, client: str) -> _Place | None:
        """Return the place where a try counts; None without a name. What has no address is in one network."""
        if not account:
            return None
        it = self.settings
        try:
            parsed = ipaddress.ip_address(address.partition("%")[0])
        except ValueError:
            exact, networks, guarded = "", [""], False
        else:
            one = getattr(parsed, "ipv4_mapped", None) or parsed
            sizes = (it.prefix4,) if one.version == 4 else (it.prefix6, it.wide6)
            networks = [str(ipaddress.ip_network(f"{one}/{size}", strict=False)) for size in sizes]
            # A host of IPv6 changes its address within its /64 all day.
            exact = str(one) if one.version == 4 else networks[0]
            guarded = not any(one.version == network.version and one in network for network in self._networks)
            address = str(one)
        whose, owner = self._mac(_folded(account)), self._mac(_folded(account.removeprefix(DEVICES)))
        index = f"{PREFIX}:{whose}"
        line, *wider = (f"{index}:{self._mac(network)}" for network in networks)
        at = self._mac(exact)
        if client.startswith(BROWSER):
            who = self._mac(client[:LONGEST])
            clients, own = f"{index}:browsers", f"{index}:{who}"
        else:
            who = self._mac(f"{exact}\0{client[:LONGEST]}")
            clients, own = f"{line}:known", f"{line}:{who}"
        proofs = (f"{index}:strangers", f"{index}:acquainted")
        keys = (index, clients, f"{line}:known", *proofs, own, f"{index}:at:{at}", line, *wider)
        widest, shared = self._mac(networks[-1]), f"{PREFIX}:at:{at}"
        return _Place(keys, who, widest, whose, owner, address, shared, guarded)

    def _guarded(self, question: Callable[[], int | None]) -> int | None:
        now = self._clock()
        if now < self._silent_until:
            return None
        try:
            return question()
        except Unavailable as error:
            self._silent_until = self._clock() + PAUSE
            LOG.warning("no delays for %d s: %s", PAUSE, error)
            return None


def _folded(name: str) -> str:
    return name[:LONGEST].strip().lower()
