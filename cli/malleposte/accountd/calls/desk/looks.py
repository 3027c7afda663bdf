"""The help desk looks at agents of its schools: finds them, lists them by state, sees an account's sheet."""

from __future__ import annotations

import datetime
import functools
import logging
import time
from collections.abc import Iterable

import msgspec
from msgspec import structs

from malleposte.accountd import own
from malleposte.accountd.call import Who, call
from malleposte.accountd.calls.factors import Factor, shown
from malleposte.accountd.context import Context
from malleposte.accountd.desk import LINE, Actor, actor, noted, school, target
from malleposte.accountd.message import MOST_ITEMS, Done, Forbidden, Message, Owned, Text, fitting
from malleposte.accounts import life, search
from malleposte.accounts.credentials import codes
from malleposte.accounts.devices import follow
from malleposte.core.errors import MallepostError
from malleposte.directory.model import Attributes, State, first
from malleposte.directory.protocol import Entry
from malleposte.directory.query import All, AnyOf, Equal, Not, Present, Query, UpTo
from malleposte.policy.model import Policy
from malleposte.throttle import costs

LOG = logging.getLogger("accountd")
LISTS = ("locked", "blocked", "expired", "pending", "idle")
"""Lists of a school: locked after wrong passwords, blocked as hacked, password at its end, never activated, idle."""
CODE_WAYS = ("mail", "sms", "letter", "aloud")
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
_SINCE = {
    "locked": "pwdAccountLockedTime",
    "blocked": "mpBlockedUntil",
    "expired": "pwdChangedTime",
    "idle": "pwdLastSuccess",
}
"""The time that a list gives of each agent."""


class Person(Message, frozen=True):
    """An agent in a line of the help desk. `since` is of the list's own: locked, blocked until, password of, log-in."""

    uid: str
    name: str = ""
    mail: str = ""
    state: str = ""
    schools: tuple[str, ...] = ()
    since: str = ""


class Sheet(Message, frozen=True):
    """An account as the help desk sees it, beside its `Account`. Times as the directory writes them, empty for none.

    `codes` are those that wait, each its way and its end, and `ways` those by which a new one may go. Without
    `factors_known` the log-in page gave no answer.
    """

    function: str = ""
    schools: tuple[str, ...] = ()
    locked: str = ""
    seen: str = ""
    letter: str = ""
    codes: tuple[str, ...] = ()
    ways: tuple[str, ...] = ()
    factors: tuple[Factor, ...] = ()
    factors_known: bool = False


class DeskReached(Done, frozen=True):
    """The schools and départements of a help desk."""

    reach: tuple[str, ...] = ()


class People(Done, frozen=True):
    """Agents; `more`: and others."""

    people: tuple[Person, ...] = ()
    more: bool = False


class SheetShown(Done, frozen=True):
    """The state of an account."""

    account: own.Account = msgspec.field(default_factory=own.Account)
    sheet: Sheet = msgspec.field(default_factory=Sheet)
    diagnosis: own.Diagnosis = msgspec.field(default_factory=own.Diagnosis)


class DeskReach(Owned[DeskReached], frozen=True):
    """The schools and départements whose agents the help desk's `uid` may act on.

    The calls of a help desk are a person's own, who has the role `helpdesk` and has logged in by a second factor,
    on somebody else (`target`) of these schools. What is refused is `forbidden`, with a word of `Forbidden`.
    """


class DeskFind(Owned[People], frozen=True):
    """Find agents by a part of a name, a log-in, an address or a school's code."""

    text: Text


class DeskList(Owned[People], frozen=True):
    """List the agents of a school in a state of `LISTS`."""

    school: Text
    state: Text


class DeskShow(Owned[SheetShown], frozen=True):
    """Show the state of an account, no secret of it."""

    target: Text


@call(who=Who.DESK, cost=costs.LOOK)
def desk_reach(context: Context, request: DeskReach) -> DeskReached:
    """Say what the reach is."""
    person = actor(context, request)
    return DeskReached(person.uid, reach=person.reach.words[:MOST])


@call(who=Who.DESK, cost=costs.LOOK)
def desk_find(context: Context, request: DeskFind) -> People:
    """Find those in reach."""
    person = actor(context, request)
    return _people(person, context.directory.search("people", LINE, search.query_of(request.text)), "")


@call(who=Who.DESK, cost=costs.LOOK, slow=True)
def desk_list(context: Context, request: DeskList) -> People:
    """List those of one school."""
    person = actor(context, request)
    uai = school(person, request.school)
    if request.state not in LISTS:
        raise MallepostError(f"a list is one of {', '.join(LISTS)}")
    query = All((Equal("mpEstablishment", uai), listed(request.state, context.tools.policy, context.now)))
    entries: Iterable[Entry] = context.directory.search("people", LINE, query)
    if request.state != "idle":
        return _people(person, entries, request.state)
    unseen, cut = _unseen(context, entries)
    answer = _people(person, unseen, request.state)
    return structs.replace(answer, more=answer.more or cut)


@call(who=Who.DESK, cost=costs.LOOK)
@noted
def desk_show(context: Context, request: DeskShow) -> SheetShown:
    """Show one; the journal has that it was looked at."""
    entry = target(context, actor(context, request), request.target)
    uid, attributes = first(entry.attributes, "uid"), entry.attributes
    account = own.summary(entry, own.filters(context, uid), context.tools.policy, context.now)
    account = structs.replace(account, forwards=tuple(map(own.masked_forward, account.forwards)))
    factors, factors_known = _factors(context, uid)
    waiting = [one for one in codes.waiting(attributes) if one.end > life.stamp(context.now)]
    sheet = Sheet(
        function=first(attributes, "mpFunction"),
        schools=tuple(attributes.get("mpEstablishment", [])[:MOST_ITEMS]),
        locked=first(attributes, "pwdAccountLockedTime"),
        seen=first(attributes, "pwdLastSuccess"),
        letter=first(attributes, "mpLetterAsked"),
        codes=tuple(f"{one.way} {one.end}" for one in waiting[:MOST_ITEMS]),
        ways=tuple(way for way in CODE_WAYS if not hindrance(context, entry, way)),
        factors=tuple(factors[:MOST_ITEMS]),
        factors_known=factors_known,
    )
    diagnosis = own.diagnosed(context, uid, account, room=ROOM)
    others = tuple(structs.replace(one, other=own.masked(one.other)) for one in diagnosis.refused)
    context.journal.write("desk-show", uid)
    state = first(attributes, "mpState")
    return SheetShown(
        uid, state, account=account, sheet=sheet, diagnosis=structs.replace(diagnosis, refused=others)
    )  # fmt: skip


def hindrance(context: Context, entry: Entry, way: str) -> Forbidden | None:
    """Return the reason against a code by a way, whoever asks; None when there is none."""
    state = first(entry.attributes, "mpState")
    if state == State.SUSPENDED or ((way == "letter") is not (state == State.PENDING) and way != "aloud"):
        return Forbidden.STATE
    if not entry.attributes.get("mpNumenDigest"):
        return Forbidden.NUMEN
    if way == "aloud":
        return None if context.tools.rules.desk.read_aloud else Forbidden.ALOUD
    return None if way == "letter" or context.recovery_of(entry, way) else Forbidden.MEANS


def _unseen(context: Context, entries: Iterable[Entry]) -> tuple[list[Entry], bool]:
    """Those who have not entered by a device password or a token either; whether there may be others.

    slapd notes the log-ins that it proves itself. A device's last use is in the directory, other log-ins of late
    are on record.
    """
    since, unseen = context.now - datetime.timedelta(days=IDLE_DAYS), list[Entry]()
    end = time.monotonic() + PATIENCE
    for number, entry in enumerate(entries):
        if len(unseen) > MOST or number >= RECORDS or time.monotonic() > end:
            return unseen, True
        uid = first(entry.attributes, "uid")
        if any(one.used and one.used > since for one in follow.of(context.directory, uid)):
            continue
        last = _last_log_in(context, uid)
        if last is None or last < since.timestamp():
            unseen.append(entry)
    return unseen, False


def _last_log_in(context: Context, uid: str) -> int | None:
    """The last log-in on record (seconds since 1970), or None."""
    try:
        record, _failures = context.tools.hosts.record(uid)
    except (MallepostError, OSError) as error:
        LOG.error("the record of log-ins could not be read: %s", error)
        return None
    seen = record.last_log_in()
    return seen.last if seen else None


def _factors(context: Context, uid: str) -> tuple[list[Factor], bool]:
    """The second factors of an account, and whether they are known."""
    try:
        return list(map(shown, context.tools.hosts.factors(uid))), True
    except (MallepostError, OSError) as error:
        LOG.error("the second factors of an account could not be read: %s", error)
        return [], False


def listed(state: str, policy: Policy, now: datetime.datetime) -> Query:
    """Return the query of a list of `LISTS`."""

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


def _people(actor: Actor, entries: Iterable[Entry], state: str) -> People:
    """Those in reach, by name, as many as an answer has room for."""
    people: list[Person] = []
    more = False
    for number, entry in enumerate(entries, 1):
        if len(people) > MOST or number > LOOKED_AT:
            more = True
            break
        if actor.covers(entry.attributes.get("mpEstablishment", [])):
            people.append(_person(entry.attributes, state))
    shown = fitting(sorted(people[:MOST], key=lambda one: (one.name, one.uid)))
    return People(actor.uid, people=shown, more=more or len(shown) < len(people))


def _person(attributes: Attributes, state: str) -> Person:
    since = first(attributes, _SINCE[state]) if state in _SINCE else ""
    schools = tuple(attributes.get("mpEstablishment", [])[:MOST_ITEMS])
    uid, name, mail, now = (first(attributes, attribute) for attribute in ("uid", "cn", "mail", "mpState"))
    return Person(uid, name, mail, now, schools, since)
