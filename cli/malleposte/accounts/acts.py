"""The acts on an account, whole: the change in the directory with its journal, then channels, queue and filters.

The command line (as root on a host) and accountd (as its own user, by hostd) call the same. The order is that
of safety: first the directory refuses, then sessions end, then what was sent before is held.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Protocol

from malleposte.accounts import life
from malleposte.accounts.agendas import Moved
from malleposte.accounts.channels import Channel, Failure, close_all, close_many, demand_all, forget_all, noted
from malleposte.accounts.devices import follow
from malleposte.accounts.hosts.acts.unused import MOST
from malleposte.accounts.hosts.methods import ForAccountd, ForRoot
from malleposte.accounts.journal import Journal
from malleposte.accounts.life.base import ASKED
from malleposte.accounts.life.states import barred_until
from malleposte.accounts.mailbox.filters import Filters
from malleposte.accounts.plan.apply import IN_A_ROW, Progress, apply
from malleposte.accounts.plan.changes import STORED, Change, Kind, Plan
from malleposte.accounts.traces.model import OTHERS, Trace
from malleposte.accounts.traces.model import Kind as Trail
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.model import State, first
from malleposte.directory.protocol import Branch, Directory, Entry
from malleposte.directory.query import AnyOf, Equal
from malleposte.platform.times import local
from malleposte.throttle.record.model import Kept

Hosts = ForAccountd
"""All hosts, as accountd and root have them."""


class Scrambler(Protocol):
    """The part of `accounts.passwords` that may set passwords."""

    def scramble(self, uid: str, now: datetime.datetime) -> bool:
        """Set a password that nobody knows; False where the account has none."""


@dataclass(frozen=True)
class Tools[H: Hosts = ForRoot]:
    """The tools of the acts."""

    directory: Directory
    journal: Journal
    channels: Sequence[Channel]
    passwords: Scrambler
    hosts: H


@dataclass
class Result:
    """The result of an act: changes, failed channels, queue ids held, filters carried, agendas and contacts moved."""

    changed: bool = False
    failures: list[Failure] = field(default_factory=list)
    held: list[str] = field(default_factory=list)
    carried: str = ""
    moved: Moved = field(default_factory=Moved)

    @property
    def whole(self) -> bool:
        """Whether everything was done."""
        return not self.failures


def entry(directory: Directory, uid: str, branch: Branch = "people") -> Entry:
    """An account's entry by its uid. Raises InputError when there is none."""
    match = next(iter(directory.search(branch, ASKED, {"uid": uid})), None)
    if match is None:
        raise InputError(f"no account {uid}", "accounts find looks for names and addresses too")
    return match


def make(directory: Directory, journal: Journal, changes: Iterable[Change], note: str = "") -> bool:
    """Make changes at once, with the journal; whether anything changed.

    Raises MallepostError when one is refused: those after it are not made.
    """
    todo = tuple(replace(change, note=note) if note else change for change in changes)
    if not todo:
        return False
    outcome = apply(Plan("", "", "", "", todo), directory, journal, together=True)
    journal.sync()
    if outcome.skipped:
        raise MallepostError(f"{todo[0].uid}: {outcome.skipped[0].reason}", "run this again")
    return bool(outcome.done)


def look(tools: Tools, uid: str, result: Result) -> Filters:
    """The account's filters; where their host does not answer, none, and a failure of the result."""
    try:
        return tools.hosts.look(uid)
    except (MallepostError, OSError) as error:
        result.failures.append(Failure("filters", str(error)))
        return Filters()


def record(tools: Tools, uid: str, result: Result) -> Kept:
    """The account's log-ins and refused mail; hosts that do not answer are failures of the result."""
    activity, failures = tools.hosts.record(uid)
    result.failures += failures
    return activity


def others(directory: Directory, uid: str, traces: Iterable[Trace]) -> list[Trace]:
    """The boxes, folders and agendas of others that are open to an account; owners by their names.

    What is no agent's is left out: published calendars, books of schools and rooms, which are open to many.
    """
    opens = AnyOf((Equal("mpDelegate", uid), Equal("mpReader", uid)))
    boxes = directory.search("functional", ("cn", "mail"), opens)
    traces_of_others = [Trace(Trail.BOX, first(one.attributes, "mail"), first(one.attributes, "cn")) for one in boxes]
    for one in traces:
        if one.kind in OTHERS:
            owners = directory.search("people", ("cn",), {"uid": one.who})
            traces_of_others += [replace(one, who=first(owner.attributes, "cn")) for owner in owners]
    return sorted(traces_of_others, key=lambda one: (one.kind, one.who, one.what))


def opened(tools: Tools, uid: str, result: Result) -> list[Trace]:
    """The same of every host; those that do not answer are failures of the result."""
    traces, failures = tools.hosts.traces(uid)
    result.failures += failures
    return others(tools.directory, uid, traces)


def block(tools: Tools[Any], uid: str, now: datetime.datetime, *, hours: float = 48.0, note: str = "") -> Result:
    """A hacked account: nobody enters before a new password, nothing leaves for `hours`. Can be run again."""
    account = entry(tools.directory, uid)
    result = Result(make(tools.directory, tools.journal, life.block(account, now, hours), note))
    follow.follow(tools.directory, tools.journal, uid)
    if tools.passwords.scramble(uid, now):
        tools.journal.write("scramble", uid)
    result.failures += close_all(tools.channels, uid)
    _hold(tools, uid, result)
    return _journal_result(tools, "blocked", uid, result)


def recover(tools: Tools[Any], uid: str, now: datetime.datetime, *, hours: float = 48.0, note: str = "") -> Result:
    """A hacked account whose owner has just chosen a new password: what else a thief could enter by is closed.

    Sessions, trusted browsers, devices and recovery codes end, and nothing leaves for `hours`. Can be run again.
    """
    account = entry(tools.directory, uid)
    result = Result(make(tools.directory, tools.journal, life.bar(account, now, hours), note))
    follow.remove_all(tools.directory, tools.journal, uid, note)
    result.failures += close_all(tools.channels, uid)
    _hold(tools, uid, result)
    return _journal_result(tools, "recovered", uid, result)


def _hold(tools: Tools[Any], uid: str, result: Result) -> None:
    """Hold what was sent before."""
    with noted(result.failures, "queue"):
        result.held, failures = tools.hosts.hold(uid)
        result.failures += failures


def unblock(tools: Tools[Any], uid: str, now: datetime.datetime, *, override: str = "") -> Result:
    """Sending is let through again: once the time is over, or before it for a reason.

    Who may give one is for the caller to judge. Raises InputError while the time runs and there is no reason.
    """
    account = entry(tools.directory, uid)
    until = barred_until(account, now)
    if until is not None and not override.strip():
        raise InputError(f"{uid} sends nothing until {local(until)}", "earlier needs --override REASON")
    note = f"before its time: {override.strip()}" if until is not None else ""
    result = Result(make(tools.directory, tools.journal, life.unblock(account), note))
    result.failures += forget_all(tools.channels, uid)
    return result


def suspend(tools: Tools[Any], uid: str, now: datetime.datetime, *, note: str = "") -> Result:
    """Neither log-in nor mail, at once."""
    result = Result(make(tools.directory, tools.journal, life.suspend(entry(tools.directory, uid), now), note))
    result.failures += close_all(tools.channels, uid)
    return _journal_result(tools, "channels-closed", uid, result)


def expire(tools: Tools[Any], uid: str, now: datetime.datetime, *, note: str = "") -> Result:
    """No log-in until the password is renewed, at once."""
    result = Result(make(tools.directory, tools.journal, life.expire(entry(tools.directory, uid), now), note))
    result.failures += close_all(tools.channels, uid)
    return _journal_result(tools, "channels-closed", uid, result)


def resume(tools: Tools[Any], uid: str, now: datetime.datetime, *, note: str = "") -> Result:
    """Resume an account after suspension or expiry. The channels clear their cached refusals."""
    result = Result(make(tools.directory, tools.journal, life.resume(entry(tools.directory, uid), now), note))
    result.failures += forget_all(tools.channels, uid)
    return result


def end_sessions(tools: Tools[Any], uid: str) -> Result:
    """End every session; the password stays good."""
    entry(tools.directory, uid)
    return _journal_result(tools, "sessions-ended", uid, Result(True, close_all(tools.channels, uid)))


def set_class(tools: Tools[Any], uid: str, profile: str, *, note: str = "") -> Result:
    """Another class of service; filters stay in force, agendas and contacts follow. Sessions end first."""
    account = entry(tools.directory, uid)
    if first(account.attributes, "mpState") == State.SUSPENDED:
        raise InputError(f"{uid} is suspended", "resume it first")
    result = Result(make(tools.directory, tools.journal, life.profile(account, profile), note))
    _follow_class(tools, uid, profile, result)
    return _journal_result(tools, "class-changed", uid, result)


def settle(tools: Tools[Any], uid: str, profile: str) -> Result:
    """Bring agendas and contacts to where the account's class keeps them: what a change of class could not finish."""
    result = Result()
    _settle(tools, uid, profile, result)
    result.changed = bool(result.moved.agenda or result.moved.contacts)
    return _journal_result(tools, "agendas-moved", uid, result) if result.changed or result.failures else result


def _follow_class(tools: Tools[Any], uid: str, profile: str, result: Result) -> None:
    """Do the work of a change of class outside the directory. Agendas last: nobody writes to the old ones any more."""
    with noted(result.failures, "filters"):
        result.carried = tools.hosts.carry(uid, profile)
    result.failures += close_all(tools.channels, uid)
    _settle(tools, uid, profile, result)


def _settle(tools: Tools[Any], uid: str, profile: str, result: Result) -> None:
    with noted(result.failures, "agendas"):
        result.moved = tools.hosts.settle(uid, profile)


def follow_up(
    tools: Tools[Any], changes: Iterable[Change], progress: Progress = lambda done, whole: None
) -> list[Failure]:
    """Do the work of a feed's changes outside the directory: end sessions of the departed, move filters and agendas.

    For changes done now or by a run before; it can be run again. Sessions end for many accounts at once, and none is
    looked for of an account that was never activated. Returns what failed: a channel once, the rest with its account.
    """
    changes = list(changes)
    classes = {one.uid: one.after["mpProfile"][0] for one in changes if _changes_class(one)}
    resumed = [one.uid for one in changes if one.kind == Kind.RESUME and one.uid not in classes]
    departed = [one.uid for one in changes if one.kind == Kind.SUSPEND and _could_log_in(one)]
    withdrawn = [one for one in changes if one.kind == Kind.WITHDRAW and one.branch in STORED]
    failures, done = list[Failure](), 0
    closing = [*classes, *(uid for uid in departed if uid not in classes)]
    whole = 2 * len(classes) + len(closing) + len(resumed) + len(withdrawn)

    def more(count: int) -> None:
        nonlocal done
        done += count
        progress(done, whole)

    failures += _one_by_one("filters", classes, lambda uid: tools.hosts.carry(uid, classes[uid]), more)
    failures += close_many(tools.channels, closing, more)
    failures += _one_by_one("sessions", resumed, lambda uid: demand_all(forget_all(tools.channels, uid)), more)
    # Agendas last: nobody writes to the old ones any more.
    failures += _one_by_one("agendas", classes, lambda uid: tools.hosts.settle(uid, classes[uid]), more)
    for batch in itertools.batched(withdrawn, MOST, strict=False):
        failures += _clear(tools, batch)
        more(len(batch))
    return failures


def _one_by_one(
    what: str, uids: Collection[str], act: Callable[[str], object], more: Callable[[int], None]
) -> list[Failure]:
    """Do an act on each account; return the failures. After IN_A_ROW of one reason the others are not tried.

    A host that is away would be waited for at each of them.
    """
    failures = list[Failure]()
    for number, uid in enumerate(uids):
        with noted(failures, f"{uid}: {what}"):
            act(uid)
        more(1)
        last = failures[-IN_A_ROW:]
        if len(last) == IN_A_ROW and len({one.reason for one in last}) == 1 and number + 1 < len(uids):
            left = len(uids) - number - 1
            failures.append(Failure(what, f"{left} more accounts were not tried: type this again"))
            more(left)
            break
    return failures


def _changes_class(change: Change) -> bool:
    return bool(change.before.get("mpProfile") and change.after.get("mpProfile"))


def _could_log_in(change: Change) -> bool:
    return change.before.get("mpState") != [State.PENDING.value]


def _clear(tools: Tools[Any], withdrawn: Sequence[Change]) -> list[Failure]:
    """Remove what hosts hold of entries that were taken away; one that got mail meanwhile comes back.

    Mail is refused once the entry is gone, so nothing is delivered after the look.
    """
    failures = list[Failure]()
    with noted(failures, "stores"):
        used, failed = tools.hosts.clear(tuple(change.uid for change in withdrawn))
        failures += failed
        for change in (one for one in withdrawn if one.uid in used):
            tools.directory.add(change.dn, change.before)
            tools.journal.write(str(Kind.CREATE), change.uid, dn=change.dn, note="was used while it was taken back")
            failures.append(Failure(change.uid, "was used while it was taken back: it is there again"))
    return failures


def _journal_result(tools: Tools[Any], action: str, uid: str, result: Result) -> Result:
    """Journal the result for sessions and queue too."""
    facts: dict[str, object] = {"held": result.held} if result.held else {}
    facts |= {"carried": result.carried} if result.carried else {}
    facts |= {"moved": asdict(result.moved)} if result.moved else {}
    facts |= {"failures": [str(failure) for failure in result.failures]} if result.failures else {}
    tools.journal.write(action, uid, **facts)
    tools.journal.sync()
    return result
