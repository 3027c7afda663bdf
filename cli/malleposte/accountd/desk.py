"""The calls of a help desk: acts of a person who is logged in, on somebody else's account.

All is decided here, by the provider's token and the directory: who acts, that a second factor was shown for this
log-in, whose accounts are in reach. Nobody acts on oneself, nor on an account that has a role. Each act has a reason;
the journal has it with both names, and the owner of the account is shown it. Nobody unblocks through accountd.
"""

from __future__ import annotations

import datetime
import functools
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from msgspec import structs

from malleposte.accountd import own, sms, wire
from malleposte.accountd.call import OF
from malleposte.accountd.calls import factors, passwords
from malleposte.accountd.message import MOST_ITEMS, Done
from malleposte.accountd.wire import Forbidden
from malleposte.accounts import acts, life, roles, search
from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials.factors import notice
from malleposte.accounts.credentials.passwords import NotProvedError
from malleposte.accounts.devices import follow
from malleposte.accounts.feed import values
from malleposte.accounts.mailbox.filters import Filters
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.core.errors import MallepostError
from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import Attributes, State, first
from malleposte.directory.protocol import Entry
from malleposte.directory.query import All, AnyOf, Equal, Not, Present, Query, UpTo
from malleposte.platform import identity
from malleposte.policy.model import Policy

if TYPE_CHECKING:
    from malleposte.accountd.context import Context, Tools

LOG = logging.getLogger("accountd")
ALOUD_MINUTES = 60
"""For which a code that was read aloud is good."""
IDLE_DAYS = 90
"""Without a log-in, after which an account counts as idle."""
MOST = 40
"""People in an answer, which has a longest line."""
ROOM = 6_000
"""Bytes of the diagnosis in an answer, beside the sheet."""
RECORDS = 200
"""Agents of whom the record is asked for a list of the idle."""
PATIENCE = 20.0
"""Seconds for such a list: the portal gives up after 30."""
LOOKED_AT = 2000
"""Entries that a search looks through for those in reach."""
_ROLE_HELD = ("uid", "mpState", roles.ATTRIBUTE, "mpFunction", "mpEstablishment")
_LINE = ("uid", "cn", "mail", "mpState", "mpEstablishment", "pwdAccountLockedTime", "mpBlockedUntil",
         "pwdChangedTime", "pwdLastSuccess")  # fmt: skip
_SINCE = {
    "locked": "pwdAccountLockedTime",
    "blocked": "mpBlockedUntil",
    "expired": "pwdChangedTime",
    "idle": "pwdLastSuccess",
}
"""The time that a list gives of each agent."""
_READ = tuple(dict.fromkeys((*own.READ, *_ROLE_HELD, *_LINE, *codes.ATTRIBUTES, "mpNumenDigest", "mpLetterAsked")))
_WITHOUT_CODES = (State.SUSPENDED,)


class ForbiddenError(Exception):
    """The help desk may not do this: `word` says why."""

    def __init__(self, word: Forbidden) -> None:
        super().__init__(word.value)
        self.word = word


@dataclass(frozen=True)
class Ways:
    """The service's own ways: one act at a time on an account, a reason judged, a code sent, a block, a factor gone,
    the diagnosis."""

    alone: Callable[[str], AbstractContextManager[None]]
    said: Callable[[str], str]
    blocked: Callable[[Context, str, str], Done]
    factor_gone: Callable[[Context, factors.FactorChanged], Done]
    diagnosis: Callable[..., wire.Diagnosis]


@dataclass(frozen=True)
class Actor:
    """The person who acts, and the reach."""

    uid: str
    reach: roles.Reach
    department: Callable[[str], str]

    def covers(self, schools: Iterable[str]) -> bool:
        """Whether an agent of these schools is in reach."""
        return self.reach.covers(schools, self.department)


class Desk:
    """Does the calls."""

    def __init__(self, tools: Tools, ways: Ways) -> None:
        self._tools, self._ways = tools, ways

    @property
    def does(self) -> Mapping[type[Any], Callable[[Context, Any], wire.Answer]]:
        """Each call, and what does it."""
        calls: Mapping[type[Any], Callable[[Context, Any], wire.Answer]] = {
            wire.DeskReach: self._reach,
            wire.DeskFind: self._find,
            wire.DeskList: self._list,
            wire.DeskShow: self._show,
            wire.DeskCode: self._code,
            wire.DeskBlock: self._block,
            wire.DeskRemoveFactor: self._remove_factor,
        }
        return {kind: functools.partial(noted, call) for kind, call in calls.items()}

    # --- who, and on whom ---

    def actor(self, act: Context, request: Any) -> Actor:
        """The person who acts. Raises ForbiddenError, NotProvedError."""
        proved = self._tools.proofs.proved(request.token)
        entry = next(iter(act.directory.search("people", _ROLE_HELD, {"uid": proved.uid})), None)
        if entry is None or first(entry.attributes, "mpState") != State.ACTIVE:
            raise NotProvedError("not active")
        reach = roles.reach(entry.attributes.get(roles.ATTRIBUTE, []))
        if not reach:
            raise ForbiddenError(Forbidden.ROLE)
        if not proved.by_factor:
            raise ForbiddenError(Forbidden.FACTOR)
        return Actor(first(entry.attributes, "uid").lower(), reach, roles.departments(act.directory))

    def target(self, act: Context, actor: Actor, target: str, *, anywhere: bool = False) -> Entry:
        """The account that is acted on; `anywhere`: of whatever school. Raises ForbiddenError."""
        uid = target.strip().lower()
        if uid == actor.uid:
            raise ForbiddenError(Forbidden.ONESELF)
        entry = next(iter(act.directory.search("people", _READ, {"uid": uid or "-"})), None)
        if entry is None or not (anywhere or actor.covers(entry.attributes.get("mpEstablishment", []))):
            raise ForbiddenError(Forbidden.REACH)
        if self._protected(entry.attributes):
            raise ForbiddenError(Forbidden.PROTECTED)
        return entry

    def _protected(self, held: Attributes) -> bool:
        begins = tuple(one.casefold() for one in self._tools.desk.protected)
        return bool(held.get(roles.ATTRIBUTE)) or any(
            one.strip().casefold().startswith(begins) for one in held.get("mpFunction", [])
        )

    def _begun(self, act: Context, request: Any) -> tuple[Actor, Entry, str]:
        """An act that may be done: by whom, on whom, why. It counts. Raises ForbiddenError, RefusedValueError."""
        actor = self.actor(act, request)
        reason = self._ways.said(request.reason)
        return actor, self.target(act, actor, request.target), reason

    def count(self, act: Context, actor: Actor, kind: str, most: int) -> None:
        """Count an act of today. Raises ForbiddenError."""
        taken = self._tools.limits.day(actor.uid, kind, most)
        if taken.wait:
            raise ForbiddenError(Forbidden.CAP)
        act.taken.append(taken)

    # --- what is looked at ---

    def _reach(self, act: Context, request: wire.DeskReach) -> wire.Answer:
        actor = self.actor(act, request)
        return wire.Done(actor.uid, reach=actor.reach.words[:MOST])

    def _find(self, act: Context, request: wire.DeskFind) -> wire.Answer:
        actor = self.actor(act, request)
        found = act.directory.search("people", _LINE, search.wanted(request.text))
        return _people(actor, found, "")

    def _list(self, act: Context, request: wire.DeskList) -> wire.Answer:
        actor = self.actor(act, request)
        uai = school(actor, request.school)
        if request.state not in wire.LISTS:
            raise MallepostError(f"a list is one of {', '.join(wire.LISTS)}")
        query = All((Equal("mpEstablishment", uai), listed(request.state, self._tools.policy, act.now)))
        found: Iterable[Entry] = act.directory.search("people", _LINE, query)
        if request.state != "idle":
            return _people(actor, found, request.state)
        unseen, cut = self._unseen(act, found)
        answer = _people(actor, unseen, request.state)
        return structs.replace(answer, more=answer.more or cut)

    def _unseen(self, act: Context, found: Iterable[Entry]) -> tuple[list[Entry], bool]:
        """Those who have not entered by a device password or a token either; whether there may be others.

        slapd notes the log-ins that it proves itself. A device's last use is in the directory, other log-ins of late
        are on record.
        """
        since, kept = act.now - datetime.timedelta(days=IDLE_DAYS), list[Entry]()
        end = time.monotonic() + PATIENCE
        for number, entry in enumerate(found):
            if len(kept) > MOST or number >= RECORDS or time.monotonic() > end:
                return kept, True
            uid = first(entry.attributes, "uid")
            if any(one.used and one.used > since for one in follow.of(act.directory, uid)):
                continue
            last = self._last_log_in(uid)
            if last is None or last < since.timestamp():
                kept.append(entry)
        return kept, False

    def _last_log_in(self, uid: str) -> int | None:
        """The last log-in on record (seconds since 1970), or None."""
        try:
            kept, _failures = self._tools.record(uid)
        except (MallepostError, OSError) as error:
            LOG.error("the record of log-ins could not be read: %s", error)
            return None
        found = kept.last_log_in()
        return found.last if found else None

    def _show(self, act: Context, request: wire.DeskShow) -> wire.Answer:
        entry = self.target(act, self.actor(act, request), request.target)
        uid, held = first(entry.attributes, "uid"), entry.attributes
        account = own.summary(entry, self._filters(uid), self._tools.policy, act.now)
        account = structs.replace(account, forwards=tuple(map(own.masked_forward, account.forwards)))
        found, known = self._factors(uid)
        waiting = [one for one in codes.waiting(held) if one.end > life.stamp(act.now)]
        sheet = wire.Sheet(
            function=first(held, "mpFunction"),
            schools=tuple(held.get("mpEstablishment", [])[:MOST_ITEMS]),
            locked=first(held, "pwdAccountLockedTime"),
            seen=first(held, "pwdLastSuccess"),
            letter=first(held, "mpLetterAsked"),
            codes=tuple(f"{one.way} {one.end}" for one in waiting[:MOST_ITEMS]),
            ways=tuple(way for way in wire.CODE_WAYS if not self._hinders(act, entry, way)),
            factors=tuple(found[:MOST_ITEMS]),
            factors_known=known,
        )
        told = self._ways.diagnosis(act, uid, account.password_since, room=ROOM)
        others = tuple(structs.replace(one, other=own.masked(one.other)) for one in told.refused)
        act.journal.write("desk-show", uid)
        return wire.Done(
            uid,
            first(held, "mpState"),
            account=account,
            sheet=sheet,
            diagnosis=structs.replace(told, refused=others),
        )

    def _filters(self, uid: str) -> Filters | None:
        try:
            return self._tools.look(uid) if self._tools.look else None
        except (MallepostError, OSError) as error:
            LOG.error("the filters of an account could not be read: %s", error)
            return None

    def _factors(self, uid: str) -> tuple[list[wire.Factor], bool]:
        """The second factors of an account, and whether they are known."""
        try:
            found = self._tools.hosts.factors(uid)
        except (MallepostError, OSError) as error:
            LOG.error("the second factors of an account could not be read: %s", error)
            return [], False
        told = (one.as_dict() for one in found)
        return [wire.Factor(one["id"], one["kind"], one["name"], one["made"]) for one in told], True

    # --- what is done ---

    def _hinders(self, act: Context, entry: Entry, way: str) -> Forbidden | None:
        """The reason against a code by this way, whoever asks; None when there is none."""
        held = entry.attributes
        state = first(held, "mpState")
        if state in _WITHOUT_CODES or ((way == "letter") is not (state == State.PENDING) and way != "aloud"):
            return Forbidden.STATE
        if not held.get("mpNumenDigest"):
            return Forbidden.NUMEN
        if way == "aloud":
            return None if self._tools.desk.read_aloud else Forbidden.ALOUD
        return None if way == "letter" or passwords.means_of(act, entry, way) else Forbidden.MEANS

    def _code(self, act: Context, request: wire.DeskCode) -> wire.Answer:
        actor, entry, reason = self._begun(act, request)
        if request.way not in wire.CODE_WAYS:
            raise MallepostError(f"a way is one of {', '.join(wire.CODE_WAYS)}")
        hindered = self._hinders(act, entry, request.way)
        if hindered is None and request.way == "aloud" and not request.called_back:
            hindered = Forbidden.CALL_BACK
        if hindered is not None:
            raise ForbiddenError(hindered)
        self.count(act, actor, "acts", self._tools.desk.acts_a_day)
        uid = first(entry.attributes, "uid")
        with self._ways.alone(uid):
            entry = acts.entry(act.directory, uid)
            if request.way == "letter":
                return self._letter(act, entry, reason)
            if request.way == "aloud":
                return self._aloud(act, actor, entry, reason)
            return self._sent(act, entry, request.way, reason)

    def _letter(self, act: Context, entry: Entry, reason: str) -> wire.Answer:
        """The academy prints it (`malleposte accounts letters --asked`), with a new code that nobody here sees."""
        uid, now = first(entry.attributes, "uid"), [life.stamp(act.now)]
        change = Change(Kind.MODIFY, uid, entry.dn, {"mpLetterAsked": entry.attributes.get("mpLetterAsked", [])},
                        {"mpLetterAsked": now})  # fmt: skip
        acts.make(act.directory, act.journal, [change], reason)
        act.journal.write("desk-letter", uid, note=reason)
        return wire.Done(uid, first(entry.attributes, "mpState"))

    def _sent(self, act: Context, entry: Entry, way: str, reason: str) -> wire.Answer:
        uid, to = first(entry.attributes, "uid"), passwords.means_of(act, entry, way)
        if not to:
            raise ForbiddenError(Forbidden.MEANS)
        if self._tools.limits.code(uid, act.network, to):
            raise ForbiddenError(Forbidden.CAP)
        days = self._tools.code_minutes / 1440
        issued, change = codes.renew(entry, self._tools.keys, act.now, days, reason, way=codes.Way.MAIL)
        acts.make(act.directory, act.journal, [change])
        try:
            passwords.send_code(act, way, to, issued)
        except OSError as error:
            act.journal.write(f"desk-{way}", uid, sent=False, note=reason)
            LOG.error("a code could not be sent: %s", sms.reason(error))
            raise DirectoryError("the code could not be sent") from error
        act.journal.write(f"desk-{way}", uid, sent=True, note=reason)
        return wire.Done(uid, first(entry.attributes, "mpState"), life.stamp(issued.expires))

    def _aloud(self, act: Context, actor: Actor, entry: Entry, reason: str) -> wire.Answer:
        """A code that the help desk sees: it ends all others, and the owner is told before it is shown."""
        self.count(act, actor, "aloud", self._tools.desk.read_aloud_a_day)
        uid, held = first(entry.attributes, "uid"), entry.attributes
        if not self._told(held, functools.partial(notice.read_aloud, uid)):
            raise DirectoryError("mail cannot be sent: no code was made")
        issued, change = codes.renew(entry, self._tools.keys, act.now, ALOUD_MINUTES / 1440, reason)
        acts.make(act.directory, act.journal, [change])
        act.journal.write("desk-aloud", uid, called_back=True, note=reason)
        act.journal.sync()
        return wire.Done(uid, first(held, "mpState"), life.stamp(issued.expires), secret=issued.shown)

    def _block(self, act: Context, request: wire.DeskBlock) -> wire.Answer:
        actor, entry, reason = self._begun(act, request)
        self.count(act, actor, "acts", self._tools.desk.acts_a_day)
        uid = first(entry.attributes, "uid")
        if first(entry.attributes, "mpState") == State.SUSPENDED:
            raise ForbiddenError(Forbidden.STATE)
        act.journal.write("desk-block", uid, note=reason)
        return self._ways.blocked(act, uid, reason)

    def _remove_factor(self, act: Context, request: wire.DeskRemoveFactor) -> wire.Answer:
        actor, entry, reason = self._begun(act, request)
        uid, unfactor = first(entry.attributes, "uid"), self._tools.hosts.unfactor
        if first(entry.attributes, "mpState") != State.ACTIVE or unfactor is None:
            raise ForbiddenError(Forbidden.STATE)
        self.count(act, actor, "acts", self._tools.desk.acts_a_day)
        held = self._tools.hosts.factors(uid)
        gone = next((one for one in held if one.ident == request.factor), None)
        if gone is None:
            raise MallepostError("no such factor")
        unfactor(uid, gone.ident)
        act.journal.write("desk-factor", uid, kind=gone.kind, note=reason)
        kinds = tuple(sorted({one.kind for one in held if one is not gone}))
        told = factors.FactorChanged(
            request.source, uid, gone.kind, gone.name, added=False, kinds=kinds, by=actor.uid, reason=reason
        )
        return self._ways.factor_gone(act, told)

    def _told(self, held: Attributes, letter: Callable[..., Any]) -> bool:
        try:
            self._tools.post(letter(first(held, "mail"), self._tools.facts(), self._tools.now()))
        except (OSError, ValueError, MallepostError) as error:
            LOG.error("a letter about the help desk could not be sent: %s", type(error).__name__)
            return False
        return True


def noted(call: Callable[[Context, Any], wire.Answer], act: Context, request: Any) -> wire.Answer:
    """Do it; what is refused on somebody's account is in the journal too."""
    try:
        return call(act, request)
    except ForbiddenError as error:
        target = str(getattr(request, "target", "")).strip().lower()
        if target:
            about = target if identity.is_uid(target) else request.uid
            act.journal.write("desk-refused", about, call=OF[type(request)].name, why=error.word.value)
        raise


def school(actor: Actor, typed: str) -> str:
    """The code of a school in reach. Raises ForbiddenError, MallepostError."""
    try:
        code = values.uai(typed)
    except values.BadValueError as error:
        raise MallepostError(str(error)) from error
    if not actor.covers([code]):
        raise ForbiddenError(Forbidden.REACH)
    return code


def listed(state: str, policy: Policy, now: datetime.datetime) -> Query:
    """The query of a list of `wire.LISTS`."""

    def ago(days: int) -> str:
        return life.stamp(now - datetime.timedelta(days=days))

    in_state = functools.partial(Equal, "mpState")
    if state == "locked":
        return Present("pwdAccountLockedTime")
    if state == "blocked":
        return AnyOf((in_state(State.BLOCKED.value), Present("mpBlockedUntil")))
    if state == "pending":
        return in_state(State.PENDING.value)
    if state == "idle":
        unseen = AnyOf((Not(Present("pwdLastSuccess")), UpTo("pwdLastSuccess", ago(IDLE_DAYS))))
        return All((in_state(State.ACTIVE.value), unseen))
    old = All((in_state(State.ACTIVE.value), UpTo("pwdChangedTime", ago(policy.renewal_days))))
    return AnyOf((in_state(State.EXPIRED.value), *((old,) if policy.renewal_days else ())))


def _people(actor: Actor, found: Iterable[Entry], state: str) -> wire.Done:
    """Those in reach, by name, as many as an answer has room for."""
    kept: list[wire.Person] = []
    more = False
    for number, entry in enumerate(found, 1):
        if len(kept) > MOST or number > LOOKED_AT:
            more = True
            break
        if actor.covers(entry.attributes.get("mpEstablishment", [])):
            kept.append(_person(entry.attributes, state))
    shown = own.fitting(sorted(kept[:MOST], key=lambda one: (one.name, one.uid)))
    return wire.Done(actor.uid, people=shown, more=more or len(shown) < len(kept))


def _person(held: Attributes, state: str) -> wire.Person:
    since = first(held, _SINCE[state]) if state in _SINCE else ""
    schools = tuple(held.get("mpEstablishment", [])[:MOST_ITEMS])
    return wire.Person(
        first(held, "uid"), first(held, "cn"), first(held, "mail"), first(held, "mpState"), schools, since
    )
