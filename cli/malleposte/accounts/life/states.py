"""The states of an account, and the ways between them.

A block has two ends. Reading returns with a new password (`credentials.passwords`). Sending returns when
`mpBlockedUntil` is taken away: every place that lets mail out looks whether the attribute is there, not what time it
says. So a block that nobody lifts goes on; `lift`, by a timer, is what ends it in time.
"""

from __future__ import annotations

import datetime

from malleposte.accounts.life.base import change, uid_of
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.core.errors import InputError
from malleposte.directory.model import Attributes, State, first
from malleposte.directory.protocol import Entry
from malleposte.platform.times import stamp, when

BLOCK_HOURS = 48.0
_NO_CODE: Attributes = {"mpInaCode": [], "mpInaDigest": [], "mpInaExpiry": []}


def state_of(entry: Entry) -> str:
    """The account's state."""
    return first(entry.attributes, "mpState")


def _to(state: State, now: datetime.datetime) -> Attributes:
    return {"mpState": [state.value], "mpStateChanged": [stamp(now)]}


def block(entry: Entry, now: datetime.datetime, hours: float = BLOCK_HOURS) -> list[Change]:
    """No log-in before a new password, nothing sent for `hours`; codes and means of recovery that wait are void.

    An account that is blocked already keeps its end: nobody has used it since. Never shortens a block.
    """
    if state_of(entry) == State.SUSPENDED:
        raise InputError(f"{uid_of(entry)} is suspended: nobody can log in or send there", "resume it first")
    if state_of(entry) != State.BLOCKED:
        return change(Kind.BLOCK, entry, _barred(entry, now, hours) | _to(State.BLOCKED, now))
    return change(Kind.BLOCK, entry, _barred(entry, now, 0 if barred_until(entry, now) else hours))


def bar(entry: Entry, now: datetime.datetime, hours: float = BLOCK_HOURS) -> list[Change]:
    """The same for an account whose owner has a new password already: log-ins go on, nothing is sent for `hours`."""
    return change(Kind.MODIFY, entry, _barred(entry, now, hours))


def _barred(entry: Entry, now: datetime.datetime, hours: float) -> Attributes:
    until = now + datetime.timedelta(hours=hours)
    current_end = when(first(entry.attributes, "mpBlockedUntil"))
    # Whoever had the password may have made the recovery codes, and asked for other means of recovery.
    void: Attributes = dict(_NO_CODE) | {"mpRecoveryNext": [], "mpRecoveryCode": []}
    return void | {"mpBlockedUntil": [stamp(max(until, current_end) if current_end else until)]}


def unblock(entry: Entry) -> list[Change]:
    """Sending is let through again. Reading is not touched: it returns with the new password."""
    return change(Kind.UNBLOCK, entry, {"mpBlockedUntil": []})


def lift(entry: Entry, now: datetime.datetime) -> list[Change]:
    """The end of a block, when its time has come."""
    until = when(first(entry.attributes, "mpBlockedUntil"))
    return unblock(entry) if until is not None and until <= now else []


def barred_until(entry: Entry, now: datetime.datetime) -> datetime.datetime | None:
    """Until when an account sends nothing; None when that is over or never was."""
    until = when(first(entry.attributes, "mpBlockedUntil"))
    return until if until is not None and until > now else None


def suspend(entry: Entry, now: datetime.datetime) -> list[Change]:
    """Neither log-in nor mail."""
    if state_of(entry) == State.SUSPENDED:
        return []
    return change(Kind.SUSPEND, entry, dict(_NO_CODE) | _to(State.SUSPENDED, now))


def resume(entry: Entry, now: datetime.datetime) -> list[Change]:
    """Back from suspension or expiry, with the password as it was; without one, to be activated."""
    state = state_of(entry)
    if state == State.BLOCKED:
        raise InputError(
            f"{uid_of(entry)} is blocked: it returns with a new password", "see accounts unblock and reset"
        )
    if state not in (State.SUSPENDED, State.EXPIRED):
        return []
    back = State.ACTIVE if first(entry.attributes, "pwdChangedTime") else State.PENDING
    return change(Kind.RESUME, entry, {"mpArchived": []} | _to(back, now))


def expire(entry: Entry, now: datetime.datetime) -> list[Change]:
    """No log-in until the password is renewed; mail still arrives."""
    state = state_of(entry)
    if state not in (State.ACTIVE, State.EXPIRED):
        raise InputError(f"{uid_of(entry)} is {state}: only an active account expires")
    return [] if state == State.EXPIRED else change(Kind.EXPIRE, entry, _to(State.EXPIRED, now))
