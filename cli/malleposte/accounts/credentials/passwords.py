"""Passwords: proved, set, taken away. The only module that writes `userPassword`.

It writes as the directory's writer, who may set a password but not read one: slapd's policy (length, classes, names,
history) judges each. What slapd cannot know (common words, walks of keys) `policy.check` judges before. Nothing here
logs, keeps or repeats a password. After a change the caller closes the channels (`channels.close_all`).
"""

from __future__ import annotations

import datetime
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from malleposte.accounts.credentials import codes, enrolment
from malleposte.accounts.devices import follow
from malleposte.accounts.journal import Journal
from malleposte.core.errors import MallepostError
from malleposte.directory.control import PolicyErrorCode
from malleposte.directory.errors import PasswordRefused
from malleposte.directory.model import Attributes, State, first
from malleposte.directory.protocol import Directory
from malleposte.platform.times import stamp
from malleposte.policy import rules
from malleposte.policy.model import Policy

READ = (
    *("uid", "sn", "givenName", "mail", "mailLocalAddress", "mpLoginAlias", "mpState"),
    *(*codes.ATTRIBUTES, "mpBlockedUntil", enrolment.ATTRIBUTE),
)
"""The attributes to read of an account before its password is proved or set."""
BY_OLD = frozenset((State.ACTIVE, State.EXPIRED))
"""States in which the old password lets its owner choose a new one."""
BY_CODES = BY_OLD | {State.PENDING, State.BLOCKED}
"""States in which codes do."""
_SCRAMBLED = 64  # characters of a password that nobody knows
_PRINTABLE = re.compile(r"[ -~]+")
_SAID = {
    PolicyErrorCode.TOO_SHORT: "too_short",
    PolicyErrorCode.TOO_LONG: "too_long",
    PolicyErrorCode.IN_HISTORY: "in_history",
}


class Proof(Enum):
    """slapd's verdict on a password: wrong, right, or right but to be replaced (expired, or set by somebody else)."""

    WRONG = "wrong"
    RIGHT = "right"
    EXPIRED = "expired"

    def __bool__(self) -> bool:
        """Whether who gave it knows the password."""
        return self is not Proof.WRONG


class NotProvedError(MallepostError):
    """No such account, wrong password, wrong code, or a state that lets nobody in: one answer for all."""


class RefusedPasswordError(MallepostError):
    """A new password that the policy refuses, with the rules that it breaks."""

    def __init__(self, violations: list[rules.Violation]) -> None:
        super().__init__(" ".join(violation.message("en") for violation in violations))
        self.violations = tuple(violations)


@dataclass(frozen=True)
class Holder:
    """An account as far as its password is concerned."""

    uid: str
    dn: str
    state: State
    context: rules.Context
    attributes: Attributes = field(repr=False)


def read(directory: Directory, uid: str) -> Holder | None:
    """The account of a uid; None when there is none."""
    for entry in directory.search("people", READ, {"uid": uid}):
        attributes = entry.attributes
        return Holder(
            first(attributes, "uid"), entry.dn, State(first(attributes, "mpState")), context_of(attributes), attributes
        )
    return None


def context_of(attributes: Mapping[str, list[str]]) -> rules.Context:
    """Return the words that a password must not hold, from the attributes of an entry."""
    names = (first(attributes, "givenName"), first(attributes, "sn"))
    addresses = (*attributes.get("mail", ()), *attributes.get("mailLocalAddress", ()))
    return rules.Context(first(attributes, "uid"), tuple(attributes.get("mpLoginAlias", ())), names, addresses)


class Passwords:
    """Acts on one account each. One thread at a time, and one act at a time on an account: its codes are good once."""

    def __init__(self, directory: Directory, journal: Journal, policy: Policy | None = None) -> None:
        """`policy` is the academy's own; slapd has its projection."""
        self.directory, self.journal, self.policy = directory, journal, policy or Policy()

    def prove(self, uid: str, password: str) -> Proof:
        """Whether this is the account's password, by a bind of its own. Raises DirectoryError without the directory."""
        holder = read(self.directory, uid)
        return self._prove(holder, password) if holder else Proof.WRONG

    def _prove(self, holder: Holder, password: str) -> Proof:
        # Nothing else can have been set; and ldap3 takes no other.
        if len(password) > self.policy.max_length or not _PRINTABLE.fullmatch(password):
            return Proof.WRONG
        answer = self.directory.log_in(holder.dn, password)
        if answer.ok:
            reset = answer.policy.error is PolicyErrorCode.CHANGE_AFTER_RESET
            return Proof.EXPIRED if reset else Proof.RIGHT
        return Proof.EXPIRED if answer.policy.error is PolicyErrorCode.PASSWORD_EXPIRED else Proof.WRONG

    def change(self, uid: str, old: str, new: str, now: datetime.datetime) -> None:
        """A new password for an agent who knows the old one, also past its end; an expired account is active again.

        Raises NotProvedError, then RefusedPasswordError with every rule that the new one breaks.
        """
        holder = read(self.directory, uid)
        if holder is None or holder.state not in BY_OLD or not self._prove(holder, old):
            raise NotProvedError("the account and its password are not recognised")
        if new == old:
            raise RefusedPasswordError([rules.Violation("in_history")])
        self._set(holder, new, now, "password")

    def set_after_codes(self, uid: str, new: str, now: datetime.datetime, enrolment: Attributes | None = None) -> State:
        """A new password for an agent who has proved to be the owner by codes; what the account was before.

        Every code that waits is spent with it. A pending account takes the `enrolment` of its first log-in. A pending
        or expired account is active; a blocked one may be read again and still sends nothing until `mpBlockedUntil`.
        Raises NotProvedError, RefusedPasswordError.
        """
        holder = read(self.directory, uid)
        if holder is None or holder.state not in BY_CODES:
            raise NotProvedError("the account and its codes are not recognised")
        first = holder.state is State.PENDING
        enrolled = enrolment if first and enrolment else {}
        means = any(enrolled.get(name) for name in ("mpRecoveryMail", "mpRecoveryPhone"))
        changed = {"mpRecoveryChanged": [stamp(now)], "mpRecoveryNext": []} if means else {}
        self._set(holder, new, now, "activate" if first else "reset", {**enrolled, **changed})
        return holder.state

    def scramble(self, uid: str, now: datetime.datetime) -> bool:
        """Replace the password by one that nobody knows; codes that wait go with it. False: it had none.

        The old one is void at once and, being in the history, refused as the next one.
        """
        holder = read(self.directory, uid)
        if holder is None or holder.state is State.PENDING:
            return False
        unknown = rules.generate(holder.context, self.policy, _SCRAMBLED)
        self._write(holder, unknown, dict(codes.SPENT), now, "scramble")
        return True

    def _set(
        self, holder: Holder, new: str, now: datetime.datetime, action: str, more: Attributes | None = None
    ) -> None:
        broken = rules.check(new, holder.context, self.policy)
        if broken:
            raise RefusedPasswordError(broken)
        changes = dict(codes.SPENT) | (more or {})
        if holder.state is not State.ACTIVE:
            changes |= {"mpState": [State.ACTIVE.value], "mpStateChanged": [stamp(now)]}
        self._write(holder, new, changes, now, action)

    def _write(self, holder: Holder, new: str, changes: Attributes, now: datetime.datetime, action: str) -> None:
        try:
            self.directory.set_password(holder.dn, new, changes)
        except PasswordRefused as error:
            code = "refused" if error.said is None else _SAID.get(error.said, "refused")
            values = {"too_short": {"least": self.policy.min_length}, "too_long": {"most": self.policy.max_length}}
            raise RefusedPasswordError([rules.Violation(code, values.get(code, {}))]) from None
        state = changes.get("mpState")
        moved = {"before": {"mpState": [holder.state.value]}, "after": {"mpState": state}} if state else {}
        self.journal.write(action, holder.uid, dn=holder.dn, **moved)
        if state:
            follow.follow(self.directory, self.journal, holder.uid)
