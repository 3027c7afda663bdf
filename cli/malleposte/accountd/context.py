"""The context of a call: the directory and the journal for it, and what its handler may use of accountd."""

from __future__ import annotations

import contextlib
import datetime
import logging
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from malleposte.accountd import desk_rules as desk
from malleposte.accountd.call import OF, Counts
from malleposte.accountd.message import Forbidden
from malleposte.accountd.notices.letters import Notifier
from malleposte.accountd.proof import NoLogInError, Proofs
from malleposte.accountd.trial import Trial, Trials
from malleposte.accounts import acts, life
from malleposte.accounts.channels import Channel, Failure, close_all
from malleposte.accounts.credentials import codes, enrolment
from malleposte.accounts.credentials import passwords as library
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.credentials.passwords import Holder, NotProvedError, Passwords
from malleposte.accounts.devices import acts as devices
from malleposte.accounts.devices.uses import Uses
from malleposte.accounts.disclosure.spool import Spool
from malleposte.accounts.hosts.hostd import Hostd
from malleposte.accounts.journal import Journal
from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.adapters import sms
from malleposte.core.errors import MallepostError
from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import State, first
from malleposte.directory.protocol import Directory, Entry
from malleposte.platform import profiles
from malleposte.platform.classes import Classes
from malleposte.policy.model import Policy
from malleposte.throttle.judge import Throttle
from malleposte.throttle.limits import Limits, Taken
from malleposte.throttle.record.model import LogIn

LOG = logging.getLogger("accountd")
ONCE_SECONDS = 3600.0
"""For how long a word is known that is good once; the portal's own last half an hour."""
NO_LOG_IN = "no token proves that the owner is logged in"
LONGEST_LOGIN = 320
LONGEST_REASON = 200


class NotFoundError(MallepostError):
    """No such account."""


class RefusedValueError(MallepostError):
    """A value that cannot be taken."""


class ForbiddenError(Exception):
    """The help desk, or an agent, may not do this: `word` says why."""

    def __init__(self, word: Forbidden) -> None:
        super().__init__(word.value)
        self.word = word


@dataclass(frozen=True)
class Rules:
    """The academy's choices. `devices`: the most of an account; `factors_close`: whether the main password opens no
    device once an account has a second factor.
    """

    activation: enrolment.Rules = field(default_factory=enrolment.Rules)
    devices: int = devices.MOST
    code_minutes: int = 15
    block_hours: float = 48.0
    recovery_hours: float = life.DELAY_HOURS
    desk: desk.Rules = field(default_factory=desk.Rules)
    factors_close: bool = False


@dataclass(frozen=True)
class Tools:
    """The tools of the service, for its whole life. `channels` and `hosts` act on the hosts' daemons."""

    directory: Callable[[], AbstractContextManager[Directory]]
    keys: Keyring
    policy: Policy
    domain: str
    journal: Path
    channels: Sequence[Channel]
    hosts: Hostd
    letters: Notifier
    gateway: sms.Gateway | None = None
    """Sends text messages, where the academy has one that does."""
    rules: Rules = field(default_factory=Rules)
    facts: Callable[[], Facts] = Facts.read
    """The facts that letters about devices repeat."""
    classes: Callable[[], Classes] = profiles.read
    """The classes of service; a deploy may change them."""
    uses: Callable[[], Uses | None] = lambda: None
    """Last uses of devices, where the platform knows them."""
    proofs: Proofs = field(default_factory=Proofs)
    """Verifies the tokens of agents who are logged in."""
    copies: Spool = field(default_factory=Spool)
    """Copies of their own data that agents asked for."""
    note: Callable[[LogIn], None] = lambda event: None
    """Have a log-in at the log-in page recorded."""
    acted: Callable[[str], object] = lambda act: None
    """Have an act counted, by its call's name."""
    limits: Limits = field(default_factory=Limits)
    throttle: Throttle | None = None
    later: Callable[[Callable[[], object]], object] = lambda work: work()
    now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC)


class Locks:
    """One act at a time on an account; no other account waits for it."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[threading.Lock, int]] = {}
        self._guard = threading.Lock()

    @contextlib.contextmanager
    def alone(self, uid: str, what: str = "") -> Iterator[None]:
        """Around an act on an account.

        `what` is a word for acts that take long and touch neither password nor state: they wait for each other alone.
        """
        name = f"{uid}\0{what}"
        with self._guard:
            lock, users = self._locks.get(name, (threading.Lock(), 0))
            self._locks[name] = lock, users + 1
        try:
            with lock:
                yield
        finally:
            with self._guard:
                users = self._locks[name][1] - 1
                if users:
                    self._locks[name] = lock, users
                else:
                    del self._locks[name]


@dataclass(frozen=True)
class Context:
    """One call under way. `source` is the address of the browser, `network` the one that it counts for.

    `taken` are counts that it took from budgets of its own, which it gives back if it changes nothing.
    """

    tools: Tools
    locks: Locks
    directory: Directory
    journal: Journal
    now: datetime.datetime
    source: str
    network: str
    taken: list[Taken] = field(default_factory=list)

    # --- the account ---

    def account(self, uid: str) -> Holder:
        """Return an account by its uid. Raises NotFoundError."""
        holder = library.read(self.directory, known_as(uid) or "-")
        if holder is None:
            raise NotFoundError("no such account")
        return holder

    def owner(self, uid: str) -> Holder:
        """Return the account of an agent who is logged in: active, whatever its token says.

        Raises NotFoundError, NotProvedError.
        """
        holder = self.account(uid)
        if holder.state is not State.ACTIVE:
            raise NotProvedError("not active")
        return holder

    def alone(self, uid: str, what: str = "") -> AbstractContextManager[None]:
        """Around an act: see Locks."""
        return self.locks.alone(uid, what)

    def change(self, holder: Holder, after: Mapping[str, Sequence[str]]) -> None:
        """Change attributes of an account, with the values before in the plan, and in the journal."""
        entry = next(iter(self.directory.search("people", sorted(after), {"uid": holder.uid})), None)
        attributes = entry.attributes if entry else {}
        before = {name: list(attributes.get(name, [])) for name in after}
        if all(sorted(before[name]) == sorted(after[name]) for name in after):
            return
        values_after = {name: list(values) for name, values in after.items()}
        acts.make(self.directory, self.journal, [Change(Kind.MODIFY, holder.uid, holder.dn, before, values_after)])

    # --- proofs ---

    @property
    def passwords(self) -> Passwords:
        """The passwords of accounts."""
        return Passwords(self.directory, self.journal, self.tools.policy)

    @property
    def trials(self) -> Trials:
        """The judge of tries."""
        return Trials(self.tools.keys, self.tools.limits, self.tools.throttle)

    def trial(self, request: Any, uid: str, secret: str) -> Trial:
        """Return a try that was let through before."""
        return self.trials.trial(request, self.network, uid, secret)

    def begun(self, request: Any, uid: str, secret: str) -> Trial:
        """Return a try that is let through. Raises SlowDownError, NotProvedError."""
        return self.trials.begin(request, self.network, uid, secret)

    def tried(self, request: Any, uid: str, secret: str) -> AbstractContextManager[None]:
        """Around a proof: see Trials."""
        return self.trials.tried(request, self.network, uid, secret)

    def shows_second_factor(self, uid: str, token: str) -> bool:
        """Whether the account has none, or its owner is logged in, for which the provider asked for it."""
        entries = self.directory.search("people", ["mpTwoFactor"], {"uid": uid})
        if not any(one.attributes.get("mpTwoFactor") for one in entries):
            return True
        try:
            return self.tools.proofs.uid(token) == uid
        except NoLogInError:
            return False

    def refuse(self, request: Any, uid: str) -> NotProvedError:
        """Return the one error for every proof that fails; the journal says of whose account somebody failed."""
        if uid:
            self.journal.write("refused", uid, call=OF[type(request)].name)
        return NotProvedError("not recognised")

    def forget_guesses(self, holder: Holder) -> None:
        """Reset the counts of wrong passwords and codes; the new one opens from there, whatever strangers guess."""
        plain = dict.fromkeys((holder.uid, *holder.context.aliases, *holder.context.addresses))
        names = (*plain, *(Counts.CODES.value + name for name in plain))
        self.tools.limits.forget(*names)
        if self.tools.throttle:
            self.tools.throttle.forget(*names)
            self.tools.throttle.admit(holder.uid, self.source)

    # --- sessions ---

    def close_sessions(self, uid: str) -> tuple[str, ...]:
        """End sessions and forget remembered passwords; return the names of what could not be told."""
        self.tools.proofs.end(uid)
        failures = close_all(self.tools.channels, uid)
        if failures:
            self.journal.write("channels-open", uid, failures=[str(one) for one in failures])
        return left_open(failures)

    @property
    def acts(self) -> acts.Tools[acts.Hosts]:
        """The tools of the acts on accounts."""
        tools = self.tools
        return acts.Tools[acts.Hosts](self.directory, self.journal, tools.channels, self.passwords, tools.hosts)

    # --- codes ---

    def recovery_of(self, entry: Entry, channel: str) -> str:
        """Return the address or number on file for a channel; empty where there is none, or no gateway."""
        usable = life.usable_recovery(entry, self.now)
        return usable.mail if channel == "mail" else usable.phone if self.tools.gateway else ""

    def send_code(self, channel: str, to: str, issued: codes.Issued) -> None:
        """Send a code. Raises OSError."""
        if channel == "sms" and self.tools.gateway:
            minutes = self.tools.rules.code_minutes
            self.text(to, f"Code reçu {issued.shown}, valable {minutes} minutes. Ne le donnez à personne.")
        else:
            self.tools.letters.send(to, issued)

    def text(self, to: str, words: str) -> None:
        """Send a text message, which says whose it is. Raises OSError.

        A no-break space or a curved apostrophe is no sign of the GSM alphabet (3GPP TS 23.038) and would halve the
        room of a message: the words have neither, and the name of the academy loses its own.
        """
        academy = self.tools.facts().academy.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
        if self.tools.gateway:
            self.tools.gateway.send(to, f"{academy[:1].upper()}{academy[1:]}. {words}")

    # --- letters ---

    def tell(self, owner: Holder | Entry, letter: Callable[[str], EmailMessage]) -> bool:
        """Send the account's mailbox a letter, made for its address; whether it was sent."""
        try:
            self.tools.letters.post(letter(first(owner.attributes, "mail")))
        except (OSError, ValueError, MallepostError) as error:
            LOG.error("a letter could not be sent: %s", type(error).__name__)
            return False
        return True


def known_as(uid: str) -> str:
    """Return a uid as the directory writes it."""
    return uid.strip().lower()


def look_up(directory: Directory, login: str) -> str:
    """Return the uid of a log-in: a uid, another log-in or an address. Empty: no account.

    All three are always looked for.
    """
    name = login.strip().lower()
    if not name or len(name) > LONGEST_LOGIN or not name.isprintable():
        name = "-"
    uids = [
        uid
        for attribute in ("uid", "mpLoginAlias", "mailLocalAddress")
        for entry in directory.search("people", ["uid"], {attribute: name})
        for uid in entry.attributes.get("uid", [])
    ]
    return uids[0] if uids else ""


def reason_of(typed: str) -> str:
    """Return a reason as it is kept. Raises RefusedValueError where there is none."""
    words = " ".join(typed.split())
    if not words or not words.isprintable():
        raise RefusedValueError("a reason is required")
    return words[:LONGEST_REASON]


def left_open(failures: Sequence[Failure]) -> tuple[str, ...]:
    """Return the names of the channels that could not be told; the log has them too."""
    names = tuple(dict.fromkeys(one.channel for one in failures))
    if names:
        LOG.error("not told at once: %s", ", ".join(names))
    return names


@contextlib.contextmanager
def reached(
    errors: tuple[type[Exception], ...] = (MallepostError, OSError), what: str = "the host of the mailbox"
) -> Iterator[None]:
    """Around what another host is asked. Raises DirectoryError where it gives no answer: for `errors`."""
    try:
        yield
    except errors as error:
        raise DirectoryError(f"{what} gives no answer: {error}") from error
