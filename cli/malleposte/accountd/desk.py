"""The rights of a help desk: who acts, on whom, how often. Its calls are in `calls.desk` and beside.

All is decided here, by the provider's token and the directory: who acts, that a second factor was shown for this
log-in, whose accounts are in reach. Nobody acts on oneself, nor on an account that has a role. Each act has a reason;
the journal has it with both names, and the owner of the account is shown it. Nobody unblocks through accountd.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from malleposte.accountd import own
from malleposte.accountd.call import OF
from malleposte.accountd.context import Context, ForbiddenError, reason_of
from malleposte.accountd.message import Forbidden
from malleposte.accounts import roles
from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials.passwords import NotProvedError
from malleposte.accounts.feed import values
from malleposte.core.errors import MallepostError
from malleposte.directory.model import Attributes, State, first
from malleposte.directory.protocol import Entry
from malleposte.platform import identity

LINE = ("uid", "cn", "mail", "mpState", "mpEstablishment", "pwdAccountLockedTime", "mpBlockedUntil",
        "pwdChangedTime", "pwdLastSuccess")  # fmt: skip
"""The attributes of an agent in a list."""
_ROLE = ("uid", "mpState", roles.ATTRIBUTE, "mpFunction", "mpEstablishment")
_READ = tuple(dict.fromkeys((*own.READ, *_ROLE, *LINE, *codes.ATTRIBUTES, "mpNumenDigest", "mpLetterAsked")))


@dataclass(frozen=True)
class Actor:
    """The person who acts, and the reach."""

    uid: str
    reach: roles.Reach
    department: Callable[[str], str]

    def covers(self, schools: Iterable[str]) -> bool:
        """Whether an agent of these schools is in reach."""
        return self.reach.covers(schools, self.department)


def actor(context: Context, request: Any) -> Actor:
    """Return the person who acts. Raises ForbiddenError, NotProvedError."""
    proved = context.tools.proofs.proved(request.token)
    entry = next(iter(context.directory.search("people", _ROLE, {"uid": proved.uid})), None)
    if entry is None or first(entry.attributes, "mpState") != State.ACTIVE:
        raise NotProvedError("not active")
    reach = roles.reach(entry.attributes.get(roles.ATTRIBUTE, []))
    if not reach:
        raise ForbiddenError(Forbidden.ROLE)
    if not proved.by_factor:
        raise ForbiddenError(Forbidden.FACTOR)
    return Actor(first(entry.attributes, "uid").lower(), reach, roles.departments(context.directory))


def target(context: Context, actor: Actor, typed: str, *, anywhere: bool = False) -> Entry:
    """Return the account that is acted on; `anywhere`: of whatever school. Raises ForbiddenError."""
    uid = typed.strip().lower()
    if uid == actor.uid:
        raise ForbiddenError(Forbidden.ONESELF)
    entry = next(iter(context.directory.search("people", _READ, {"uid": uid or "-"})), None)
    if entry is None or not (anywhere or actor.covers(entry.attributes.get("mpEstablishment", []))):
        raise ForbiddenError(Forbidden.REACH)
    if _is_protected(context, entry.attributes):
        raise ForbiddenError(Forbidden.PROTECTED)
    return entry


def _is_protected(context: Context, attributes: Attributes) -> bool:
    begins = tuple(one.casefold() for one in context.tools.rules.desk.protected)
    return bool(attributes.get(roles.ATTRIBUTE)) or any(
        one.strip().casefold().startswith(begins) for one in attributes.get("mpFunction", [])
    )


def begun(context: Context, request: Any) -> tuple[Actor, Entry, str]:
    """Return who acts, on whom and why, of an act that may be done. Raises ForbiddenError, RefusedValueError."""
    person = actor(context, request)
    reason = reason_of(request.reason)
    return person, target(context, person, request.target), reason


def count(context: Context, actor: Actor, kind: str, most: int) -> None:
    """Count an act of today. Raises ForbiddenError."""
    taken = context.tools.limits.day(actor.uid, kind, most)
    if taken.wait:
        raise ForbiddenError(Forbidden.CAP)
    context.taken.append(taken)


def count_act(context: Context, actor: Actor) -> None:
    """Count one of the acts of today. Raises ForbiddenError."""
    count(context, actor, "acts", context.tools.rules.desk.acts_a_day)


def school(actor: Actor, typed: str) -> str:
    """Return the code of a school in reach. Raises ForbiddenError, MallepostError."""
    try:
        code = values.uai(typed)
    except values.BadValueError as error:
        raise MallepostError(str(error)) from error
    if not actor.covers([code]):
        raise ForbiddenError(Forbidden.REACH)
    return code


def noted[R, A](handler: Callable[[Context, R], A]) -> Callable[[Context, R], A]:
    """Have what a handler refuses on somebody's account in the journal too."""

    @functools.wraps(handler)
    def carried_out(context: Context, request: R) -> A:
        try:
            return handler(context, request)
        except ForbiddenError as error:
            name = str(getattr(request, "target", "")).strip().lower()
            if name:
                about = name if identity.is_uid(name) else str(getattr(request, "uid", ""))
                context.journal.write("desk-refused", about, call=OF[type(request)].name, why=error.word.value)
            raise

    return carried_out
