"""An account as its owner sees it, once a token has proved who that is: a summary, and what was done to it."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

import msgspec

from malleposte.accountd import wire
from malleposte.accountd.message import MOST_ITEMS
from malleposte.accounts import life, roles
from malleposte.accounts.disclosure import terms as disclosure
from malleposte.accounts.disclosure.export import journal_lines
from malleposte.accounts.mailbox.filters import COMPUTED, Filters
from malleposte.directory.model import Attributes, first
from malleposte.directory.protocol import Entry
from malleposte.platform.times import when
from malleposte.policy.model import Policy
from malleposte.throttle.record import model
from malleposte.throttle.record.model import Kept, LogIn, Seen

READ = (
    *("uid", "cn", "mail", "mpProfile", "mpState", "mpQuota", "mpBlockedUntil", "pwdChangedTime"),
    *("mpRecoveryMail", "mpRecoveryPhone", "mpRecoveryChanged", "mpRecoveryNext", "mpRole"),
)
"""The attributes that the summary is made of."""
Diagnosis = wire.Diagnosis
MOST_BYTES = 12_000
"""Of the rows of an answer, as far as it holds one list."""
LONGEST_NOTE = 120
"""Characters of a reason."""


def masked(value: str) -> str:
    """An address or a number of which its owner knows the rest: `ma…@exemple.test`, `…78`."""
    local, at, domain = value.partition("@")
    return f"{local[:2]}…@{domain}" if at else f"…{value[-2:]}" if value else ""


def masked_forward(address: str) -> str:
    """A forward as the help desk is shown it."""
    return address if address == wire.COMPUTED else masked(address)


def summary(entry: Entry, filters: Filters | None, policy: Policy, now: datetime.datetime) -> wire.Account:
    """The summary. `filters` is None where the host of the mailbox gives no answer."""
    held = entry.attributes
    means, waiting = life.usable_recovery(entry, now), life.next_recovery(entry)
    since = when(first(held, "pwdChangedTime"))
    until = since + datetime.timedelta(days=policy.renewal_days) if since and policy.renewal_days else None
    return wire.Account(
        name=first(held, "cn"),
        mail=first(held, "mail"),
        profile=first(held, "mpProfile"),
        state=first(held, "mpState"),
        quota_mb=int(first(held, "mpQuota") or 0),
        password_since=first(held, "pwdChangedTime"),
        password_until=life.stamp(until) if until else "",
        blocked_until=_ahead(held, now),
        recovery_mail=masked(means.mail),
        recovery_phone=masked(means.phone),
        recovery_next=life.stamp(waiting.at) if waiting and waiting.at > now else "",
        forwards=tuple(dict.fromkeys(map(forward, filters.forwards)))[:MOST_ITEMS] if filters else (),
        filters=filters.active if filters else "",
        absence=bool(filters and filters.absence),
        looked=filters is not None,
        discards=bool(filters and (filters.refuses or filters.discards)),
        desk=bool(roles.reach(held.get(roles.ATTRIBUTE, []))),
        level=filters.level if filters else "",
        allowed=filters.allowed if filters else 0,
        blocked=filters.blocked if filters else 0,
    )


def forward(address: str) -> str:
    """A forward as its owner is told it: the text that computes one says nothing."""
    return wire.COMPUTED if address.endswith(COMPUTED) else address


def _ahead(held: Attributes, now: datetime.datetime) -> str:
    until = first(held, "mpBlockedUntil")
    moment = when(until)
    return until if moment and moment > now else ""


OFTEN = 5
"""Wrong passwords of one program, from one place, after which nobody is typing them."""
PROGRAMS = frozenset(("imap", "smtp", "sieve", "dav"))
"""The services of programs that keep a password; at the log-in page a person types it."""


def by_password(kept: Kept) -> Kept:
    """The programs and phones that entered with the main password, each by the last of its log-ins."""
    found: dict[tuple[str, str], Seen[LogIn]] = {}
    for one in kept.logins:
        event = one.event
        if event.accepted and event.service in PROGRAMS and not event.device and event.program != model.WEBMAIL:
            found.setdefault((event.service, event.program), one)
    return Kept(tuple(found.values()))


def diagnosis(
    kept: Kept, names: Mapping[str, str], since: datetime.datetime | None, *, looked: bool, room: int = 10_000
) -> wire.Diagnosis:
    """The record as it is told, as much of the newest as has room in so many bytes of an answer.

    `names` of devices by identifier; `since` when the account has its password. `looked`: whether all hosts answered.
    """
    changed = since.timestamp() if since else None
    logins = [
        wire.LogIn(
            _iso(one.last), one.event.accepted, one.event.service, one.event.place, one.event.program,
            names.get(one.event.device, ""), one.event.reason, one.count, old(one, kept.logins, changed),
        )
        for one in kept.logins
    ]  # fmt: skip
    refused = [
        wire.RefusedMail(_iso(one.last), one.event.way, one.event.other, one.event.reason, one.count)
        for one in kept.refusals
    ]
    parts = (
        ([one for one in logins if not one.accepted], room * 2 // 5),
        ([one for one in logins if one.accepted], room // 5),
    )
    told = [one for rows, room in parts for one in fitting(rows, room)]
    return wire.Diagnosis(
        tuple(sorted(told, key=lambda one: one.time, reverse=True)), fitting(refused, room * 2 // 5), kept.used_mb,
        kept.quota_mb, looked,
    )  # fmt: skip


def old(one: Seen[LogIn], others: Iterable[Seen[LogIn]], changed: float | None) -> bool:
    """Whether a program seems to use the password of before a change (`changed`, seconds since 1970).

    Its password is wrong since, and the same program entered last before it; or it is wrong so often that nobody can be
    typing it.
    """
    event = one.event
    if event.reason != model.PASSWORD or event.service not in PROGRAMS or changed is None or one.last < changed:
        return False
    entered = [
        other.last
        for other in others
        if other.event.accepted and (other.event.service, other.event.program) == (event.service, event.program)
        and (event.program or other.event.place == event.place)
    ]  # fmt: skip
    if entered:
        return max(entered) < changed
    return one.count >= OFTEN


def _iso(moment: int) -> str:
    return datetime.datetime.fromtimestamp(moment, datetime.UTC).isoformat(timespec="seconds")


def fitting[T: wire.LogIn | wire.RefusedMail | wire.Person | wire.Line | wire.Deleted | wire.Sender | wire.OpenLogIn](
    rows: Iterable[T], room: int = MOST_BYTES
) -> tuple[T, ...]:
    """The first rows, as many as take so many bytes in an answer, which has a longest line."""
    kept: list[T] = []
    for one in rows:
        room -= len(msgspec.json.encode(one))
        if room < 0:
            break
        kept.append(one)
    return tuple(kept)


def line(raw: str) -> wire.Line | None:
    """A line of a journal for the account's owner; None for one of the machinery. Raises ValueError on what is none.

    `by` is `desk` for an act of the help desk, `portal` for what else was done through accountd, `operators` for the
    rest: names of people are not told.
    """
    held = json.loads(raw)
    if held.get("action") in disclosure.SILENT:
        return None
    note = " ".join(str(held.get("note") or "").split())[:LONGEST_NOTE]
    by = "portal" if str(held.get("who", "")).startswith("accountd:") else "operators"
    by = "desk" if held.get("desk") is True else by
    return wire.Line(str(held.get("time", "")), disclosure.act(held), by, note)


def journal(paths: Sequence[Path], uid: str) -> Iterator[wire.Line]:
    """The lines about an account of journals on this host, each one's oldest first. Raises OSError."""
    for path in paths:
        for raw in journal_lines(path, uid):
            found = line(raw)
            if found is not None:
                yield found


def newest(lines: Iterable[wire.Line]) -> tuple[wire.Line, ...]:
    """As many of the newest as an answer has room for, newest first."""
    return fitting(sorted(lines, key=lambda line: line.time, reverse=True))
