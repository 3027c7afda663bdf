"""The calls of accountd. Nothing here knows of sockets; a call runs in a thread of its own.

A call that proves something says no more than `not_proved` when it cannot: unknown log-in, wrong password, NUMEN or
code, a state that lets nobody in. (That the answers also take the same time is the server's part: see `PACED`.)
"""

from __future__ import annotations

import contextlib
import datetime
import logging
import re
import threading
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from malleposte.accountd import desk, hacked, own, owned, sms, wave, wire
from malleposte.accountd.charges import Charges, NotManagedError
from malleposte.accountd.desk import Desk, ForbiddenError
from malleposte.accountd.desk_boxes import DeskBoxes
from malleposte.accountd.enrolment import Enrolment, TooManyError, Ways
from malleposte.accountd.factors import COUNTED, Factors, Shared
from malleposte.accountd.hacked import Hacked
from malleposte.accountd.log_ins import LogIns
from malleposte.accountd.own_data import OwnData
from malleposte.accountd.proof import NoLogInError, Proofs
from malleposte.accountd.senders import SenderLists
from malleposte.accountd.undelete import Undelete
from malleposte.accounts import acts, life
from malleposte.accounts.channels import Channel, Failure, close_all
from malleposte.accounts.credentials import codes, confirmation, enrolment
from malleposte.accounts.credentials import passwords as library
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.credentials.passwords import Holder, NotProvedError, Passwords, Proof, RefusedPasswordError
from malleposte.accounts.devices import acts as devices
from malleposte.accounts.devices import follow, notice
from malleposte.accounts.devices.uses import Uses, latest
from malleposte.accounts.disclosure.spool import Spool
from malleposte.accounts.feed import values as cell
from malleposte.accounts.journal import Journal
from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.mailbox.deleted import Deleted, Wanted
from malleposte.accounts.mailbox.filters import Filters
from malleposte.accounts.mailbox.senders import Edit, Senders
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.accounts.traces.model import Trace
from malleposte.adapters.lemonldap import Factor, Session
from malleposte.core.errors import MallepostError
from malleposte.directory.devices import Device
from malleposte.directory.errors import DirectoryError, Refused
from malleposte.directory.model import State
from malleposte.directory.protocol import Directory, Entry
from malleposte.platform import profiles
from malleposte.platform.classes import Classes
from malleposte.platform.times import when
from malleposte.policy import devices as form
from malleposte.policy.model import Policy
from malleposte.throttle import BROWSER, costs
from malleposte.throttle.limits import Limits, Taken, Throttle, network
from malleposte.throttle.record import model as record
from malleposte.throttle.record.model import Kept, LogIn

LOG = logging.getLogger("accountd")
PACED = (
    *(wire.Begin, wire.Change, wire.Reset, wire.Recover, wire.Prove, wire.IssueCode, wire.SetRecovery),
    *(wire.AddDevice, wire.RemindLogin, wire.SpendCode, wire.RemoveFactor, wire.AskOwnData),
)
"""Calls whose answers come at fixed moments, whatever there was to do."""
ONCE_SECONDS = 3600.0
"""For how long a word is known that is good once; the portal's own last half an hour."""
_CODES = "ina:"
_CLIENT = "accountd"
"""The client name of the log-in page and the portal in the platform's delays."""
_LONGEST_LOGIN = 320
_QUIET = re.compile(r"[1-7]{1,7} ([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]")
_WITHOUT_SLAPD = (wire.Begin, wire.Reset, wire.Recover, wire.SpendCode)
"""Tries of long codes, which all networks together cannot use up: they open while strangers guess passwords."""
_STATES_FOR_CODES = library.BY_CODES - {State.PENDING}
_MARKS = dict.fromkeys([0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF])
"""Marks that nobody sees, which come along with a number or an address copied on a telephone."""
MEANS = ("mail", "phone")
"""Means of recovery, by the words of `SetRecovery`."""
_DESK = (*(wire.DeskReach, wire.DeskFind, wire.DeskList, wire.DeskShow, wire.DeskBoxes),
         *(wire.DeskCode, wire.DeskBlock, wire.DeskRemoveFactor, wire.DeskSetDelegate))  # fmt: skip
"""Calls of a help desk on somebody else's account."""
NO_LOG_IN = "no token proves that the owner is logged in"
SLOW = (wire.SetClass, wire.FindDeleted, wire.Undelete, wire.DeskList)
"""Calls that may take minutes."""


class RefusedValueError(MallepostError):
    """A value that cannot be taken."""


class NotFoundError(MallepostError):
    """No such account."""


@dataclass(frozen=True)
class Act:
    """One call under way: the directory, the journal, whose it is and when.

    `taken` are counts that it took from budgets of its own, which it gives back if it changes nothing.
    """

    directory: Directory
    journal: Journal
    now: datetime.datetime
    source: str
    network: str
    taken: list[Taken] = field(default_factory=list)


@dataclass(frozen=True)
class Tools:
    """The tools of the service. `channels` and `hosts` act on the hosts' daemons; `send` delivers a code."""

    directory: Callable[[], AbstractContextManager[Directory]]
    keys: Keyring
    policy: Policy
    domain: str
    journal: Path
    channels: Sequence[Channel]
    hosts: acts.Hosts
    send: Callable[[str, codes.Issued], None]
    tell: Callable[[Sequence[str], str, datetime.datetime], None]
    """Say to addresses that means of recovery of a log-in change, and when. Raises OSError."""
    post: Callable[[EmailMessage], None]
    """Hand a letter to the mail server. Raises OSError."""
    confirm: Callable[[str, codes.Issued], None]
    """Send the code that confirms an address. Raises OSError."""
    remind: Callable[[str, str, datetime.datetime], None]
    """Send a log-in to an address. Raises OSError."""
    gateway: sms.Gateway | None = None
    """Sends text messages, where the academy has one that does."""
    activation: enrolment.Rules = field(default_factory=enrolment.Rules)
    facts: Callable[[], Facts] = Facts.read
    """The facts that letters about devices repeat."""
    uses: Callable[[], Uses | None] = lambda: None
    """Last uses of devices, where the platform knows them."""
    proofs: Proofs = field(default_factory=Proofs)
    """Verifies the tokens of agents who are logged in."""
    look: Callable[[str], Filters] | None = None
    """The filters of an account, from the host of its mailbox. Raises MallepostError, OSError."""
    lines: Callable[[str], Sequence[wire.Line]] = lambda uid: ()
    """Lines of the operators' journal about an account. Raises MallepostError, OSError."""
    factors: Callable[[str], Sequence[Factor]] = lambda uid: ()
    """Second factors of an account, from the log-in page. Raises MallepostError, OSError."""
    unfactor: Callable[[str, str], object] | None = None
    """Removes one of them, by account and identifier. Raises MallepostError, OSError."""
    log_ins: Callable[[str], Sequence[Session]] = lambda uid: ()
    """Log-ins and trusted browsers of an account, from the log-in page. Raises MallepostError, OSError."""
    end_log_in: Callable[[str, str], Sequence[str] | None] = lambda uid, ident: None
    """Ends one of them; the services that were not told, None where there was none. Raises MallepostError, OSError."""
    traces: Callable[[str], tuple[Sequence[Trace], Sequence[Failure]]] = lambda uid: ((), ())
    """Settings that somebody else may have left, and the hosts that did not answer. Raises MallepostError, OSError."""
    untrace: Callable[[str, Trace], Sequence[Failure]] | None = None
    """Removes one of them; the hosts where that failed. Raises MallepostError, OSError."""
    record: Callable[[str], tuple[Kept, Sequence[Failure]]] = lambda uid: (Kept(), ())
    """Log-ins and refused mail of an account, and the hosts that did not answer. Raises MallepostError, OSError."""
    deleted: Callable[[str, Wanted], Sequence[Deleted]] = lambda uid, wanted: ()
    """Messages that an agent deleted for good, from the host of its mailbox. Raises MallepostError, OSError."""
    undelete: Callable[[str, Sequence[str]], Mapping[str, int]] = lambda uid, messages: {}
    """Brings some of them back; how many came to each folder. Raises MallepostError, OSError."""
    copies: Spool = field(default_factory=Spool)
    """Copies of their own data that agents asked for."""
    senders: Callable[[str], Senders] = lambda uid: Senders()
    """Level of antispam, allowed and blocked senders, from the host of the mailbox. Raises MallepostError, OSError."""
    set_senders: Callable[[str, Edit], object] = lambda uid, edit: None
    """Changes them. Raises MallepostError, OSError."""
    note: Callable[[LogIn], None] = lambda event: None
    """Have a log-in at the log-in page recorded."""
    devices: int = devices.MOST
    classes: Callable[[], Classes] = profiles.read
    """The classes of service; a deploy may change them."""
    limits: Limits = field(default_factory=Limits)
    throttle: Throttle | None = None
    code_minutes: int = 15
    block_hours: float = 48.0
    recovery_hours: float = life.DELAY_HOURS
    desk: desk.Rules = field(default_factory=desk.Rules)
    factors_close: bool = False
    """Whether the main password opens no device once an account has a second factor."""
    later: Callable[[Callable[[], object]], object] = lambda work: work()
    now: Callable[[], datetime.datetime] = lambda: datetime.datetime.now(datetime.UTC)


class _Noted(Journal):
    """A journal whose lines also say whence and for whom."""

    def __init__(self, path: Path, actor: str, always: dict[str, Any]) -> None:
        super().__init__(path, actor)
        self._always = {name: value for name, value in always.items() if value}

    def write(self, action: str, account: str, **facts: Any) -> None:
        super().write(action, account, **(self._always | facts))


class Service:
    """Answers requests. Thread-safe."""

    def __init__(self, tools: Tools) -> None:
        self.tools = tools
        self._locks: dict[str, tuple[threading.Lock, int]] = {}
        self._guard = threading.Lock()
        first_log_in = Enrolment(
            tools, Ways(self._tried, self._alone, self._refuse, self._renewed, self._holder, self._means)
        )
        self._does: dict[type[Any], Callable[[Act, Any], wire.Answer]] = {
            wire.Begin: first_log_in.begin,
            wire.Enrol: first_log_in.enrol,
            wire.Activate: first_log_in.activate,
            wire.Reset: self._reset,
            wire.RemindLogin: self._remind_login,
            wire.Change: self._change,
            wire.Prove: self._prove,
            wire.IssueCode: self._issue_code,
            wire.Block: self._block,
            wire.EndSessions: self._end_sessions,
            wire.SetClass: self._set_class,
            wire.SetRecovery: self._set_recovery,
            wire.ConfirmRecovery: self._confirm_recovery,
            wire.SetQuietHours: self._set_quiet_hours,
            wire.Devices: self._devices,
            wire.AddDevice: self._add_device,
            wire.RevokeDevice: self._revoke_device,
            wire.ShowAccount: self._show_account,
            wire.ShowJournal: self._show_journal,
            wire.Diagnose: self._diagnose,
        }
        shared = Shared(tools, self._begun, self._trial, self._tried, self._alone, self._refuse)
        factors = Factors(shared)
        self._does.update(factors.does)
        taken_back = hacked.Ways(
            self._tried, self._alone, self._refuse, self._holder, self._forgotten, self._acts, factors.changed
        )
        self._does.update(Hacked(tools, taken_back).does)
        ways = owned.Ways(self._alone, _in)
        self._does.update(Charges(tools, ways).does)
        self._does.update(Undelete(tools, _in).does)
        self._does.update(LogIns(tools, _in).does)
        self._does.update(SenderLists(tools, ways).does)
        self._does.update(OwnData(shared, _in).does)
        desk_ways = desk.Ways(
            self._alone, _said, self._reached, self._deliver, self._blocked, factors.changed, self._diagnosis
        )
        judge = Desk(tools, desk_ways)
        self._does.update(judge.does)
        self._does.update(DeskBoxes(tools, desk_ways, judge).does)

    def answer(self, request: wire.Request, client: str) -> wire.Answer:
        """Do what is asked. `client` is the calling service, for the journal. Never raises."""
        if isinstance(request, wire.Hello):
            return wire.Done()
        try:
            where = network(request.source)
        except ValueError:
            return wire.Refused(wire.ErrorCode.BAD_REQUEST, "source is no address")
        if isinstance(request, wire.Owned):
            return self._answer_owner(request, where, client)
        ask = self.tools.limits.log_in if request.cost is costs.LOG_IN else self.tools.limits.call
        wait = ask(self._counted(self._name(request), request), where)
        word, question = getattr(request, "once", ""), getattr(request, "question", "")
        wait = wait or (self.tools.limits.question(where) if question else 0.0)
        if wait:
            return wire.Refused(wire.ErrorCode.SLOW_DOWN, wait=_whole(wait))
        if (word or question) and not self.tools.limits.once("form", word or question, ONCE_SECONDS):
            return wire.Refused(wire.ErrorCode.REFUSED_VALUE, "this word was used before")
        if isinstance(request, wire.IssueCode | wire.RemindLogin):
            if request.channel not in ("mail", "sms"):
                return wire.Refused(wire.ErrorCode.REFUSED_VALUE, "a channel is mail or sms")
            self.tools.later(lambda: self._done(request, where, client))
            return wire.Done()
        return self._done(request, where, client)[0]

    def _answer_owner(self, request: wire.Owned, where: str, client: str) -> wire.Answer:
        """Do what an agent who is logged in asks. What changed nothing takes nothing of the budgets of acts."""
        if not self._is_owner(request, client):
            return wire.Refused(wire.ErrorCode.UNAUTHORISED, NO_LOG_IN)
        limits, uid = self.tools.limits, _known_as(request.uid)
        if request.cost is costs.PROTECT:
            answer, changed = self._done(request, where, client)
            if changed and limits.protected(client):
                wave.tell(client, limits.rates.protections, self.tools)
            return answer
        taken = Taken(wait=wait) if (wait := limits.look(uid)) else limits.take(request.cost, uid, client)
        if taken.wait:
            return wire.Refused(wire.ErrorCode.SLOW_DOWN, wait=_whole(taken.wait))
        answer, changed = self._done(request, where, client)
        if not changed:
            limits.give_back(taken)
        return answer

    def _done(self, request: Any, where: str, client: str) -> tuple[wire.Answer, bool]:
        """The answer, and whether anything changed: whatever did is in the journal."""
        begun: list[Act] = []
        answer = self._carried_out(request, where, client, begun)
        changed = isinstance(answer, wire.Done) and any(act.journal.lines for act in begun)
        if not changed:
            self.tools.limits.give_back(*(one for act in begun for one in act.taken))
        return answer, changed

    def _carried_out(self, request: Any, where: str, client: str, begun: list[Act]) -> wire.Answer:
        always = {
            "source": request.source,
            "by": request.uid if isinstance(request, wire.Owned) else getattr(request, "by", ""),
            "desk": isinstance(request, _DESK),
        }
        try:
            with self.tools.directory() as directory, _Noted(self.tools.journal, client, always) as journal:
                act = Act(directory, journal, self.tools.now(), request.source, where)
                begun.append(act)
                return self._does[type(request)](act, request)
        except (_SlowDownError, TooManyError) as error:
            return wire.Refused(wire.ErrorCode.SLOW_DOWN, wait=_whole(error.wait))
        except NotProvedError:
            return wire.Refused(wire.ErrorCode.NOT_PROVED)
        except RefusedPasswordError as error:
            broken = tuple(wire.Violation(one.code, dict(one.values)) for one in error.violations)
            return wire.Refused(wire.ErrorCode.REFUSED_PASSWORD, violations=broken)
        except (NotFoundError, NotManagedError, ForbiddenError) as error:
            forbidden = isinstance(error, ForbiddenError)
            return wire.Refused(wire.ErrorCode.FORBIDDEN if forbidden else wire.ErrorCode.NOT_FOUND, str(error))
        except DirectoryError as error:
            LOG.error("%s: %s", wire.NAMES[type(request)], f"{error.code}" if isinstance(error, Refused) else error)
            return wire.Refused(wire.ErrorCode.UNAVAILABLE, "the directory gives no answer")
        except MallepostError as error:
            return wire.Refused(wire.ErrorCode.REFUSED_VALUE, str(error))
        except Exception as error:  # noqa: BLE001  # one call's defect must not end the daemon; values stay out of the log
            place = traceback.extract_tb(error.__traceback__)[-1]
            LOG.error("defect: %s at %s:%s", type(error).__name__, place.filename, place.lineno)
            return wire.Refused(wire.ErrorCode.UNAVAILABLE, "a defect; the log of accountd has it")

    # --- who, and whether it is them ---

    def _is_owner(self, request: Any, client: str) -> bool:
        """Whether its token is that of a log-in of the account's owner."""
        try:
            return self.tools.proofs.uid(request.token) == _known_as(request.uid)
        except NoLogInError as error:
            LOG.warning("%s of %s refused: %s", wire.NAMES[type(request)], client, error)
            return False

    def _name(self, request: Any) -> str:
        """Return the name that limits count: as it was typed, known or not. Codes are counted apart from passwords."""
        if isinstance(request, wire.Enrol | wire.Activate | wire.Check):
            return f"ticket:{request.ticket}"
        if isinstance(request, wire.Begin | wire.Reset | wire.Recover | wire.RemindLogin):
            return _CODES + (getattr(request, "login", "") or self.tools.keys.digest("limit", request.numen))
        return str(getattr(request, "login", "") or _apart(request) + getattr(request, "uid", ""))

    def _counted(self, name: str, request: Any) -> str:
        """The name by which our own limits count: a browser that has succeeded before has a count of its own."""
        browser, throttle = getattr(request, "browser", ""), self.tools.throttle
        apart = browser and throttle and throttle.known(name, request.source, _client(request))
        # A name that was typed has none of what tells a browser apart.
        return Limits.apart(name, browser) if apart else name.replace("\0", " ")

    @contextlib.contextmanager
    def _alone(self, uid: str, what: str = "") -> Iterator[None]:
        """One act at a time on an account, and no other account waits for it.

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

    def _trial(self, act: Act, request: Any, uid: str, secret: str) -> _Trial:
        """A try as it counts: for the account, whatever name was typed; for the name if it means no account."""
        typed = self._name(request)
        name = _apart(request) + uid if uid else typed
        throttle = self.tools.throttle
        known_by = throttle.known_by(typed, secret) if throttle else ""
        return _Trial(self.tools, act, name, typed, self._counted(name, request), _client(request), secret, known_by)

    def _begun(self, act: Act, request: Any, uid: str, secret: str) -> _Trial:
        """A try that is let through. Raises _SlowDownError, or NotProvedError on what was wrong a moment ago."""
        trial, throttle = self._trial(act, request, uid, secret), self.tools.throttle
        wait, again = self.tools.limits.may_try(trial.counted, act.network, secret)
        if throttle and not (wait or again):
            # A digest of few bits may be that of another password: a match alone is no reason not to look.
            told = (trial.name, act.source, trial.known_by, trial.client)
            wait = throttle.judge(*told, again=True, bounded=not isinstance(request, _WITHOUT_SLAPD)).wait
        if again:
            raise NotProvedError("wrong a moment ago")
        if wait:
            raise _SlowDownError(wait)
        return trial

    @contextlib.contextmanager
    def _tried(self, act: Act, request: Any, uid: str, secret: str) -> Iterator[None]:
        """Around a proof: nothing is tried too often, what is wrong counts once, what is right starts afresh."""
        trial = self._begun(act, request, uid, secret)
        try:
            yield
        except NotProvedError:
            trial.wrong()
            raise
        except RefusedPasswordError:
            trial.known()
            raise
        except BaseException:
            trial.none()
            raise
        trial.right()

    def _refuse(self, act: Act, request: Any, uid: str) -> NotProvedError:
        """The one answer; the journal says of whose account somebody failed."""
        if uid:
            act.journal.write("refused", uid, call=wire.NAMES[type(request)])
        return NotProvedError("not recognised")

    def _renewed(self, act: Act, holder: Holder, before: State) -> wire.Done:
        """After a new password: remove old ones from every cache, and reset the counts of wrong ones."""
        self._forgotten(act, holder)
        return wire.Done(holder.uid, before.value, _until(holder), self._closed(act, holder.uid))

    def _forgotten(self, act: Act, holder: Holder) -> None:
        """Reset the counts of wrong passwords and codes; the new one opens from there, whatever strangers guess."""
        plain = dict.fromkeys((holder.uid, *holder.context.aliases, *holder.context.addresses))
        names = (*plain, *(_CODES + name for name in plain))
        self.tools.limits.forget(*names)
        if self.tools.throttle:
            self.tools.throttle.forget(*names)
            self.tools.throttle.admit(holder.uid, act.source)

    def _closed(self, act: Act, uid: str) -> tuple[str, ...]:
        """Sessions end, remembered passwords go. What could not be told is named."""
        self.tools.proofs.end(uid)
        left = close_all(self.tools.channels, uid)
        if left:
            act.journal.write("channels-open", uid, failures=[str(one) for one in left])
        return _left(left)

    def _acts(self, act: Act) -> acts.Tools[acts.Hosts]:
        passwords = Passwords(act.directory, act.journal, self.tools.policy)
        return acts.Tools[acts.Hosts](act.directory, act.journal, self.tools.channels, passwords, self.tools.hosts)

    # --- passwords and codes ---

    def _change(self, act: Act, request: wire.Change) -> wire.Answer:
        uid = look_up(act.directory, request.login)
        with self._tried(act, request, uid, request.old), self._alone(uid):
            holder = library.read(act.directory, uid) if uid else None
            passwords = Passwords(act.directory, act.journal, self.tools.policy)
            try:
                passwords.change(uid, request.old, request.new, act.now)
            except NotProvedError:
                raise self._refuse(act, request, uid) from None
            assert holder is not None
        return self._renewed(act, holder, holder.state)

    def _prove(self, act: Act, request: wire.Prove) -> wire.Answer:
        uid = look_up(act.directory, request.login)
        try:
            answer = self._proved(act, request, uid)
        except (NotProvedError, _SlowDownError) as error:
            self._noted(act, uid, record.WAIT if isinstance(error, _SlowDownError) else record.PASSWORD)
            raise
        if isinstance(answer, wire.Refused):
            self._noted(act, uid, record.EXPIRED)
        return answer

    def _noted(self, act: Act, uid: str, reason: str) -> None:
        """A log-in at the log-in page was refused. Names that mean no account are not recorded."""
        if uid:
            self.tools.note(LogIn(uid, False, record.PAGE, act.source, reason=reason))

    def _proved(self, act: Act, request: wire.Prove, uid: str) -> wire.Answer:
        with self._tried(act, request, uid, request.password):
            holder = library.read(act.directory, uid) if uid else None
            proof = Passwords(act.directory, act.journal, self.tools.policy).prove(uid, request.password)
            if holder is None or holder.state not in library.BY_OLD or not proof:
                raise self._refuse(act, request, uid)
        if proof is Proof.EXPIRED or holder.state is State.EXPIRED:
            return wire.Refused(wire.ErrorCode.MUST_RENEW)
        return wire.Done(holder.uid, holder.state.value)

    def _reset(self, act: Act, request: wire.Reset) -> wire.Answer:
        uid = self._holder(act.directory, request)
        with self._tried(act, request, uid, f"{request.numen}\0{request.code}"), self._alone(uid):
            holder = library.read(act.directory, uid or "-")
            held = holder.attributes if holder else {}
            right = codes.matches(self.tools.keys, uid, request.code, held, act.now)
            if holder is None or not right or holder.state not in library.BY_CODES:
                raise self._refuse(act, request, uid)
            if holder.state is State.PENDING:
                raise RefusedValueError("this account was never activated: it has a first log-in")
            passwords = Passwords(act.directory, act.journal, self.tools.policy)
            before = passwords.set_after_codes(uid, request.new, act.now)
        return self._renewed(act, holder, before)

    def _holder(self, directory: Directory, request: wire.Begin | wire.Reset | wire.Recover | wire.RemindLogin) -> str:
        """The uid of the NUMEN, if the log-in, where one is given, is the same agent's."""
        try:
            numen = cell.numen(request.numen)
        except cell.BadValueError:
            numen = ""
        uid = codes.holder(directory, self.tools.keys, numen)
        login = getattr(request, "login", "")
        named = look_up(directory, login) if login else uid
        return uid if uid == named else ""

    def _issue_code(self, act: Act, request: wire.IssueCode) -> wire.Answer:
        uid = look_up(act.directory, request.login)
        with self._alone(uid):
            holder = library.read(act.directory, uid) if uid else None
            if holder is None or holder.state not in _STATES_FOR_CODES:
                return wire.Done()
            entry = acts.entry(act.directory, uid)
            to = self._reached(entry, act, request.channel)
            many = codes.waits(entry.attributes, act.now, codes.Way.MAIL) >= codes.MOST_MAILED
            opens = codes.opens(act.directory, uid)
            if not to or not opens or many or self.tools.limits.code(uid, act.network, to):
                reason = "no NUMEN" if not opens else "too many" if to else "no means of recovery"
                act.journal.write("code", uid, sent=False, reason=reason)
                return wire.Done()
            days = self.tools.code_minutes / 1440
            issued, change = codes.renew(entry, self.tools.keys, act.now, days, way=codes.Way.MAIL)
            acts.make(act.directory, act.journal, [change])
        with _sending(act, "code", uid, request.channel):
            self._deliver(request.channel, to, issued)
        return wire.Done()

    def _deliver(self, channel: str, to: str, issued: codes.Issued) -> None:
        """Send a code. Raises OSError."""
        if channel == "sms" and self.tools.gateway:
            minutes = self.tools.code_minutes
            self.tools.gateway.send(
                to, f"Code INA : {issued.shown}, valable {minutes} minutes. Ne le donnez à personne."
            )
        else:
            self.tools.send(to, issued)

    def _reached(self, entry: Entry, act: Act, channel: str) -> str:
        """The address or number on file for a channel; empty where there is none, or no gateway."""
        usable = life.usable_recovery(entry, act.now)
        return usable.mail if channel == "mail" else usable.phone if self.tools.gateway else ""

    def _remind_login(self, act: Act, request: wire.RemindLogin) -> wire.Answer:
        uid = self._holder(act.directory, request)
        holder = library.read(act.directory, uid or "-")
        if holder is None or holder.state not in _STATES_FOR_CODES:
            return wire.Done()
        to = self._reached(acts.entry(act.directory, uid), act, request.channel)
        if not to or self.tools.limits.code(uid, act.network, to):
            act.journal.write("login-sent", uid, sent=False, reason="too many" if to else "no means of recovery")
            return wire.Done()
        with _sending(act, "login-sent", uid, request.channel):
            if request.channel == "sms" and self.tools.gateway:
                self.tools.gateway.send(to, f"Votre identifiant de messagerie académique : {uid}")
            else:
                self.tools.remind(to, uid, act.now)
        return wire.Done()

    # --- the life of an account ---

    def _block(self, act: Act, request: wire.Block) -> wire.Answer:
        return self._blocked(act, request.uid, _said(request.reason))

    def _blocked(self, act: Act, uid: str, reason: str) -> wire.Done:
        holder = _known(act, uid)
        self.tools.proofs.end(holder.uid)
        with self._alone(holder.uid):
            result = acts.block(self._acts(act), holder.uid, act.now, hours=self.tools.block_hours, note=reason)
        after = library.read(act.directory, holder.uid) or holder
        return wire.Done(holder.uid, holder.state.value, _until(after), _left(result.failures))

    def _end_sessions(self, act: Act, request: wire.EndSessions) -> wire.Answer:
        holder = _known(act, request.uid)
        self.tools.proofs.end(holder.uid)
        result = acts.end_sessions(self._acts(act), holder.uid)
        return wire.Done(holder.uid, holder.state.value, open=_left(result.failures))

    def _set_class(self, act: Act, request: wire.SetClass) -> wire.Answer:
        holder = _known(act, request.uid)
        if request.profile not in (known := self.tools.classes()):
            raise RefusedValueError(f"a class of service is {' or '.join(sorted(known))}")
        with self._alone(holder.uid, "class"):
            result = acts.set_class(self._acts(act), holder.uid, request.profile)
        return wire.Done(holder.uid, holder.state.value, open=_left(result.failures))

    # --- what an agent settles ---

    def _means(self, mail: str, phone: str) -> tuple[str, str]:
        """Means of recovery as they are kept; empty ones stay empty. Raises RefusedValueError."""
        try:
            address = cell.address(mail.translate(_MARKS)) if mail else ""
            number = cell.phone(phone.translate(_MARKS)) if phone else ""
        except cell.BadValueError as error:
            raise RefusedValueError(str(error)) from error
        domain = address.rpartition("@")[2].lower()
        if domain == self.tools.domain.lower() or domain.endswith(f".{self.tools.domain.lower()}"):
            raise RefusedValueError("an address of the academy cannot be read by an agent who cannot log in")
        return address, number

    def _set_recovery(self, act: Act, request: wire.SetRecovery) -> wire.Answer:
        if request.kind not in MEANS:
            raise RefusedValueError(f"a means of recovery is {' or '.join(MEANS)}")
        address, number = self._means(*((request.value, "") if request.kind == "mail" else ("", request.value)))
        uid = look_up(act.directory, request.login)
        with self._tried(act, request, uid, request.password), self._alone(uid):
            holder = library.read(act.directory, uid) if uid else None
            proof = Passwords(act.directory, act.journal, self.tools.policy).prove(uid, request.password)
            if holder is None or holder.state not in library.BY_OLD or not proof:
                raise self._refuse(act, request, uid)
            if not self._second_factor(act, request, uid):
                return wire.Refused(wire.ErrorCode.UNAUTHORISED, NO_LOG_IN)
        if address:
            return self._asked_to_confirm(act, uid, address)
        return self._recovers_by(act, holder, **{request.kind: number})

    def _asked_to_confirm(self, act: Act, uid: str, address: str) -> wire.Done:
        """Send a code to a new address. Nothing is changed."""
        if wait := self.tools.limits.code(uid, act.network, address):
            raise TooManyError(wait)
        ticket, issued = confirmation.ask(self.tools.keys, uid, address, act.now)
        try:
            self.tools.confirm(address, issued)
        except OSError as error:
            act.journal.write("confirm", uid, sent=False, reason=type(error).__name__)
            raise DirectoryError("mail cannot be sent") from error
        act.journal.write("confirm", uid, sent=True)
        return wire.Done(uid, ticket=ticket)

    def _confirm_recovery(self, act: Act, request: wire.ConfirmRecovery) -> wire.Answer:
        holder = _in(act, request.uid)
        address = confirmation.confirmed(self.tools.keys, holder.uid, request.ticket, request.code, act.now)
        if not address or not self.tools.limits.once(confirmation.PURPOSE, request.ticket, ONCE_SECONDS):
            raise RefusedValueError("the code is another one, or over")
        return self._recovers_by(act, holder, mail=address)

    def _recovers_by(self, act: Act, holder: Holder, *, mail: str | None = None, phone: str | None = None) -> wire.Done:
        """Change one of the means of recovery, and tell of it."""
        with self._alone(holder.uid):
            entry = acts.entry(act.directory, holder.uid)
            todo = life.ask_recovery(entry, act.now, mail=mail, phone=phone, hours=self.tools.recovery_hours)
            changed = acts.make(act.directory, act.journal, todo)
            waiting = life.next_recovery(acts.entry(act.directory, holder.uid))
        if changed:
            self._told_of_recovery(act, entry, waiting.at if waiting else act.now, mail or "")
        return wire.Done(holder.uid, holder.state.value, life.stamp(waiting.at) if waiting else "")

    def _told_of_recovery(self, act: Act, entry: Entry, at: datetime.datetime, new: str) -> None:
        """Tell the means of recovery, old and new, and the mailbox of a change. What cannot be told is not done."""
        uid, waited = entry.attributes["uid"][0], life.next_recovery(entry)
        old = life.usable_recovery(entry, act.now).mail
        to = dict.fromkeys((old, waited.mail if waited else "", new, next(iter(entry.attributes.get("mail", ())), "")))
        try:
            self.tools.tell([address for address in to if address], uid, at)
        except OSError as error:
            with self._alone(uid):
                _applied(act, _known(act, uid), {"mpRecoveryNext": list(entry.attributes.get("mpRecoveryNext", ()))})
            LOG.error("a change of means of recovery could not be told: %s", type(error).__name__)
            raise DirectoryError("mail cannot be sent: the means of recovery are unchanged") from error

    def _set_quiet_hours(self, act: Act, request: wire.SetQuietHours) -> wire.Answer:
        holder = _known(act, request.uid)
        if any(not _QUIET.fullmatch(one) for one in request.hours):
            raise RefusedValueError("quiet hours are written like `12345 18:30-07:45`, days 1 (Monday) to 7")
        with self._alone(holder.uid):
            _applied(act, holder, {"mpQuietHours": list(dict.fromkeys(request.hours))})
        return wire.Done(holder.uid, holder.state.value)

    # --- devices ---

    def _devices(self, act: Act, request: wire.Devices) -> wire.Answer:
        holder = _in(act, request.uid)
        found, known = follow.of(act.directory, holder.uid), self.tools.uses()
        last = known.of(one.ident for one in found) if known and found else {}
        told = tuple(_shown(latest(one, last.get(one.ident))) for one in found)
        return wire.Done(holder.uid, holder.state.value, devices=told)

    def _add_device(self, act: Act, request: wire.AddDevice) -> wire.Answer:
        expires = act.now + datetime.timedelta(days=request.days) if request.days else None
        wanted = devices.Wanted(request.name, request.scopes or form.SCOPES, expires)
        uid = look_up(act.directory, request.login)
        with self._tried(act, request, uid, request.password), self._alone(uid):
            holder = library.read(act.directory, uid) if uid else None
            proved = Passwords(act.directory, act.journal, self.tools.policy).prove(uid, request.password)
            if holder is None or holder.state is not State.ACTIVE or proved is not Proof.RIGHT:
                raise self._refuse(act, request, uid)
            if not self._second_factor(act, request, uid):
                # The password was right: this counts as no wrong one.
                return wire.Refused(wire.ErrorCode.UNAUTHORISED, NO_LOG_IN)
            made = devices.add(act.directory, act.journal, uid, wanted, act.now, most=self.tools.devices)
        # No block waits for the letter; one in between removes the device itself.
        if not self._told_of_device(act, holder, made.device, notice.made):
            # As with means of recovery: what its owner cannot be told is not done.
            follow.remove(act.directory, act.journal, made.device, "its owner could not be told")
            raise DirectoryError("mail cannot be sent: no device was made")
        return wire.Done(uid, holder.state.value, devices=(_shown(made.device),), secret=made.password)

    def _second_factor(self, act: Act, request: wire.AddDevice | wire.SetRecovery, uid: str) -> bool:
        """Whether the account has none, or its owner is logged in, for which the provider asked for it."""
        held = [one for one in act.directory.search("people", ["mpTwoFactor"], {"uid": uid}) if one.attributes]
        if not any(one.attributes.get("mpTwoFactor") for one in held):
            return True
        try:
            return self.tools.proofs.uid(request.token) == uid
        except NoLogInError:
            return False

    def _revoke_device(self, act: Act, request: wire.RevokeDevice) -> wire.Answer:
        holder = _in(act, request.uid)
        found = [one for one in follow.of(act.directory, holder.uid) if one.ident == request.device]
        if not found:
            raise NotFoundError("no such device")
        left = devices.revoke(act.directory, act.journal, self.tools.hosts, found[0])
        self._told_of_device(act, holder, found[0], notice.revoked)
        return wire.Done(holder.uid, holder.state.value, open=_left(left))

    # --- what an agent is shown ---

    def _show_account(self, act: Act, request: wire.ShowAccount) -> wire.Answer:
        holder = _in(act, request.uid)
        return wire.Done(holder.uid, holder.state.value, account=self._summary(act, holder.uid))

    def _summary(self, act: Act, uid: str) -> wire.Account:
        found = next(iter(act.directory.search("people", own.READ, {"uid": uid})))
        filters = None
        if self.tools.look is not None:
            try:
                filters = self.tools.look(uid)
            except (MallepostError, OSError) as error:
                LOG.error("the filters of an account could not be read: %s", error)
        return own.summary(found, filters, self.tools.policy, act.now)

    def _diagnose(self, act: Act, request: wire.Diagnose) -> wire.Answer:
        holder = _in(act, request.uid)
        account = self._summary(act, holder.uid)
        told = self._diagnosis(act, holder.uid, account.password_since)
        return wire.Done(holder.uid, holder.state.value, account=account, diagnosis=told)

    def _diagnosis(self, act: Act, uid: str, password_since: str, **options: Any) -> wire.Diagnosis:
        """The diagnosis of an account from what was recorded of late; `options` as of own.diagnosis."""
        try:
            kept, failures = self.tools.record(uid)
        except (MallepostError, OSError) as error:
            kept, failures = Kept(), [Failure("record", str(error))]
        for one in failures:
            LOG.error("the record of log-ins could not be read: %s", one.reason)
        names = {one.ident: one.name for one in follow.of(act.directory, uid)}
        return own.diagnosis(kept, names, when(password_since), looked=not failures, **options)

    def _show_journal(self, act: Act, request: wire.ShowJournal) -> wire.Answer:
        holder = _in(act, request.uid)
        lines = [*own.journal([self.tools.journal], holder.uid), *self.tools.lines(holder.uid)]
        return wire.Done(holder.uid, holder.state.value, journal=own.newest(lines))

    def _told_of_device(self, act: Act, holder: Holder, device: Device, letter: notice.Letter) -> bool:
        to = next(iter(holder.attributes.get("mail", ())), "")
        try:
            self.tools.post(letter(device, to, self.tools.facts(), act.now))
        except (OSError, ValueError, MallepostError) as error:
            LOG.error("a letter about a device could not be sent: %s", type(error).__name__)
            return False
        return True


@dataclass(frozen=True)
class _Trial:
    """A try of a secret, which one of these ends.

    It counts for `name`, in our own limits for `counted`; `typed` is the name as it was given, `client` says by what it
    came.
    """

    tools: Tools
    act: Act
    name: str
    typed: str
    counted: str
    client: str
    secret: str = field(repr=False)
    known_by: str = field(repr=False)

    def wrong(self) -> None:
        """Not the secret."""
        self.tools.limits.wrong(self.counted, self.act.network, self.secret)
        if self.tools.throttle:
            self.tools.throttle.failed(self.name, self.act.source, self.known_by, self.client)

    def known(self) -> None:
        """The secret is right, and what was asked for with it is not done."""
        if self.tools.throttle:
            self.tools.throttle.succeeded(self.name, self.act.source, self.client, self.known_by)
            if self.client != _CLIENT and self.typed != self.name:
                # The next call is counted before anybody looks up whom the name means.
                self.tools.throttle.succeeded(self.typed, self.act.source, self.client)

    def none(self) -> None:
        """Nobody could tell."""
        if self.tools.throttle:
            self.tools.throttle.undo(self.name, self.act.source, self.known_by, self.client)

    def right(self) -> None:
        """The secret."""
        self.tools.limits.forget(self.counted)
        self.known()


def _client(request: Any) -> str:
    """The client of a try as the throttle names it: our pages, and the browser where it is told."""
    browser = getattr(request, "browser", "")
    return BROWSER + browser if browser else _CLIENT


def _apart(request: Any) -> str:
    """The word before the name that counts: codes and second factors count apart from passwords."""
    if isinstance(request, wire.Begin | wire.Reset | wire.Recover):
        return _CODES
    return COUNTED if isinstance(request, wire.TryFactor | wire.FactorTried | wire.SpendCode) else ""


def _shown(device: Device) -> wire.Device:
    """A device as a client is told of it."""
    made, expires, used = (
        life.stamp(moment) if moment else "" for moment in (device.made, device.expires, device.used)
    )
    return wire.Device(device.ident, device.name, device.scopes, made, expires, used, device.place)


@contextlib.contextmanager
def _sending(act: Act, what: str, uid: str, channel: str) -> Iterator[None]:
    """Around what is sent: how it ended is in the journal, and nowhere else."""
    try:
        yield
    except OSError as error:
        act.journal.write(what, uid, sent=False, reason=sms.reason(error))
        LOG.error("%s could not be sent: %s", what, sms.reason(error))
    else:
        act.journal.write(what, uid, sent=True, channel=channel)


class _SlowDownError(Exception):
    def __init__(self, wait: float) -> None:
        super().__init__()
        self.wait = wait


def look_up(directory: Directory, login: str) -> str:
    """The uid of a log-in: a uid, another log-in or an address. Empty: no account. All three are always looked for."""
    name = login.strip().lower()
    if not name or len(name) > _LONGEST_LOGIN or not name.isprintable():
        name = "-"
    found = [
        uid
        for attribute in ("uid", "mpLoginAlias", "mailLocalAddress")
        for entry in directory.search("people", ["uid"], {attribute: name})
        for uid in entry.attributes.get("uid", [])
    ]
    return found[0] if found else ""


def _known_as(uid: str) -> str:
    return uid.strip().lower()


def _known(act: Act, uid: str) -> Holder:
    holder = library.read(act.directory, _known_as(uid) or "-")
    if holder is None:
        raise NotFoundError("no such account")
    return holder


def _in(act: Act, uid: str) -> Holder:
    """The account of an agent who is logged in: active, whatever its token says."""
    holder = _known(act, uid)
    if holder.state is not State.ACTIVE:
        raise NotProvedError("not active")
    return holder


def _until(holder: Holder) -> str:
    """Until when the account sends nothing, as the directory writes it; empty when it may send."""
    return next(iter(holder.attributes.get("mpBlockedUntil", ())), "")


def _left(failures: Iterable[Failure]) -> tuple[str, ...]:
    names = tuple(dict.fromkeys(one.channel for one in failures))
    if names:
        LOG.error("not told at once: %s", ", ".join(names))
    return names


def _said(reason: str) -> str:
    words = " ".join(reason.split())
    if not words or not words.isprintable():
        raise RefusedValueError("a reason is required")
    return words[:200]


def _whole(seconds: float) -> int:
    return max(1, int(-(-seconds // 1)))


def _applied(act: Act, holder: Holder, after: dict[str, list[str]]) -> None:
    """Change attributes of an account, as every other change is made: with the values before it, and in the journal."""
    held: dict[str, list[str]] = {}
    for entry in act.directory.search("people", sorted(after), {"uid": holder.uid}):
        held = entry.attributes
    before = {name: list(held.get(name, [])) for name in after}
    if all(sorted(before[name]) == sorted(after[name]) for name in after):
        return
    acts.make(act.directory, act.journal, [Change(Kind.MODIFY, holder.uid, holder.dn, before, after)])
