"""The calls about second factors, which the log-in page makes for an agent whose password it has had proved.

The factors lie with the log-in page, which alone checks their codes. Here is what must hold wherever one logs in: wrong
codes wait as wrong passwords do, by account and network; a code serves once; recovery codes and codes of the desk are
proved and spent; the agent is told what changes.
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import structs

from malleposte.accountd import own, wire
from malleposte.accountd.message import Done
from malleposte.accounts import acts, life, roles
from malleposte.accounts.channels import forget_all
from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials.factors import notice, recovery
from malleposte.accounts.credentials.passwords import NotProvedError, Passwords, Proof
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.adapters.lemonldap import Factor
from malleposte.core.errors import MallepostError
from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import State, first
from malleposte.directory.protocol import Entry
from malleposte.platform.times import when
from malleposte.throttle.record.model import PAGE, Kept, LogIn

if TYPE_CHECKING:
    from malleposte.accountd.context import Context, Tools

LOG = logging.getLogger("accountd")
ONCE = 300
"""Seconds for which a code is remembered: longer than any one-time password is good."""
KNOWN = 90 * 86_400
"""Seconds for which the place of a log-in is known."""
COUNTED = "2f:"
"""Before the name under which tries count: a right password forgets no wrong codes."""
RECOVERY, INA, MAIL = "recovery", "ina", "mail"
OPENS: Mapping[str, Sequence[codes.Way]] = {
    INA: (codes.Way.DESK, codes.Way.LETTER),
    MAIL: (codes.Way.FACTOR,),
}
"""By kind, the codes that let somebody enrol a factor: none that is mailed on anybody's request."""
_READ = ("uid", "mail", "mpState", "mpTwoFactor", recovery.ATTRIBUTE, *codes.ATTRIBUTES)


class Trial(Protocol):
    """A try that was let through; exactly one of these ends it."""

    def right(self) -> None:
        """Right."""

    def wrong(self) -> None:
        """Wrong."""


@dataclass(frozen=True)
class Shared:
    """The service's own ways: a try that is counted, one act at a time on an account, a refusal that is written down.

    `begun` raises where the try must wait or was wrong a moment ago; `known` is a try that was let through before.
    """

    tools: Tools
    begun: Callable[[Context, Any, str, str], Trial]
    known: Callable[[Context, Any, str, str], Trial]
    tried: Callable[[Context, Any, str, str], AbstractContextManager[None]]
    alone: Callable[..., AbstractContextManager[None]]
    refuse: Callable[[Context, Any, str], NotProvedError]


class Factors:
    """Does the calls."""

    def __init__(self, shared: Shared) -> None:
        self._it, self._tools = shared, shared.tools

    @property
    def does(self) -> Mapping[type[Any], Callable[[Context, Any], wire.Answer]]:
        """Each call, and what does it."""
        return {
            wire.TryFactor: self._try,
            wire.FactorTried: self._told,
            wire.SpendCode: self._spend,
            wire.MailFactorCode: self._mail_code,
            wire.FactorChanged: self.changed,
            wire.MakeRecoveryCodes: self._codes,
            wire.Entered: self._entered,
            wire.SessionsEnded: self._ended,
            wire.ShowFactors: self._show,
            wire.RemoveFactor: self._remove,
        }

    def _try(self, act: Context, request: wire.TryFactor) -> wire.Answer:
        entry = _active(act, request.uid)
        uid = entry.attributes["uid"][0]
        code = _typed(request.code)
        trial = self._it.begun(act, request, uid, code)
        throttle = self._tools.throttle
        fresh = self._tools.limits.once(COUNTED + uid, code, ONCE)
        if throttle and not throttle.once(COUNTED + uid, code, ONCE):
            fresh = False
        if not fresh:
            trial.wrong()
            raise self._it.refuse(act, request, uid)
        return wire.Done(uid, first(entry.attributes, "mpState"))

    def _told(self, act: Context, request: wire.FactorTried) -> wire.Answer:
        entry = _active(act, request.uid)
        uid = entry.attributes["uid"][0]
        trial = self._it.known(act, request, uid, _typed(request.code))
        if request.right:
            trial.right()
        else:
            trial.wrong()
            self._it.refuse(act, request, uid)
        return wire.Done(uid, first(entry.attributes, "mpState"))

    def _spend(self, act: Context, request: wire.SpendCode) -> wire.Answer:
        uid = _active(act, request.uid).attributes["uid"][0]
        code = _typed(request.code)
        with self._it.tried(act, request, uid, code), self._it.alone(uid):
            entry = _active(act, uid)
            held = entry.attributes
            if request.kind == RECOVERY and (value := recovery.matching(self._tools.keys, uid, code, held)):
                before = list(held[recovery.ATTRIBUTE])
                left = [one for one in before if one != value]
                change = Change(Kind.MODIFY, uid, entry.dn, {recovery.ATTRIBUTE: before}, {recovery.ATTRIBUTE: left})
            elif codes.matches(self._tools.keys, uid, code, held, act.now, OPENS.get(request.kind, ())):
                gone = {name: list(held.get(name, [])) for name in codes.SPENT}
                left = []
                change = Change(Kind.MODIFY, uid, entry.dn, gone, dict(codes.SPENT))
            else:
                raise self._it.refuse(act, request, uid)
            acts.make(act.directory, act.journal, [change], f"a {request.kind} code was spent at the log-in page")
        if request.kind == RECOVERY:
            self._tell(entry, lambda to: notice.spent(len(left), uid, to, self._tools.facts(), act.now))
        elif request.kind == MAIL:
            self._tell(entry, lambda to: notice.by_mail(uid, to, self._tools.facts(), act.now))
        return wire.Done(uid, first(held, "mpState"))

    def _mail_code(self, act: Context, request: wire.MailFactorCode) -> wire.Answer:
        uid = _active(act, request.uid).attributes["uid"][0]
        minutes = self._tools.code_minutes
        with self._it.alone(uid):
            entry = acts.entry(act.directory, uid)
            to = life.usable_recovery(entry, act.now).mail
            hindered = self._hindered(act, entry, to)
            if hindered:
                act.journal.write("factor-code", uid, sent=False, reason=hindered)
                return wire.Done(uid, first(entry.attributes, "mpState"))
            issued, change = codes.renew(entry, self._tools.keys, act.now, minutes / 1440, way=codes.Way.FACTOR)
            acts.make(act.directory, act.journal, [change])
        try:
            self._tools.post(notice.code(issued, uid, to, self._tools.facts(), act.now))
        except (OSError, ValueError, MallepostError) as error:
            LOG.error("a code could not be sent: %s", type(error).__name__)
            act.journal.write("factor-code", uid, sent=False, reason=type(error).__name__)
        else:
            act.journal.write("factor-code", uid, sent=True)
        return wire.Done(uid, first(entry.attributes, "mpState"))

    def _hindered(self, act: Context, entry: Entry, to: str) -> str:
        """Return the reason for which no code goes to a recovery address; empty when one does."""
        held = entry.attributes
        if held.get(roles.ATTRIBUTE):
            # Whoever acts on other accounts goes to the desk.
            return "has a role"
        if not to:
            return "no means of recovery"
        since = when(first(held, "pwdChangedTime"))
        if since and since + datetime.timedelta(hours=self._tools.recovery_hours) > act.now:
            # The same other mailbox may have given the password: it must not give both.
            return "new password"
        return "too many" if self._tools.limits.code(first(held, "uid"), act.network, to) else ""

    def changed(self, act: Context, request: wire.FactorChanged) -> wire.Done:
        """A factor came or went: take it down, and tell its owner. Raises NotProvedError, DirectoryError."""
        uid = _active(act, request.uid).attributes["uid"][0]
        with self._it.alone(uid):
            entry = _active(act, uid)
            act.journal.write(
                "factor-add" if request.added else "factor-remove", uid, kind=request.kind, name=request.name,
                **({"note": request.reason} if request.reason else {}),
            )  # fmt: skip
            held, kinds = sorted(entry.attributes.get("mpTwoFactor", ())), sorted(set(request.kinds))
            if self._tools.factors_close and held != kinds:
                change = Change(Kind.MODIFY, uid, entry.dn, {"mpTwoFactor": held}, {"mpTwoFactor": kinds})
                acts.make(act.directory, act.journal, [change])
                # Dovecot remembers whose main password opens a device.
                forget_all(self._tools.channels, uid)
            closed = None
            if self._tools.factors_close and request.added and not held:
                closed = [one.event.program or one.event.service for one in self._open(uid)[0].logins]
            told = self._tell(
                entry,
                lambda to: notice.factor(
                    request.kind, request.name, added=request.added, login=uid, to=to, facts=self._tools.facts(),
                    now=act.now, closed=closed,
                ),
            )  # fmt: skip
        if request.added and not told:
            # As with devices: what its owner cannot be told is not done.
            raise DirectoryError("mail cannot be sent: no factor was added")
        return wire.Done(uid, first(entry.attributes, "mpState"))

    def _codes(self, act: Context, request: wire.MakeRecoveryCodes) -> wire.Answer:
        uid = _active(act, request.uid).attributes["uid"][0]
        with self._it.alone(uid):
            entry = _active(act, uid)
            made = recovery.make(self._tools.keys, uid)
            before = list(entry.attributes.get(recovery.ATTRIBUTE, ()))
            change = Change(Kind.MODIFY, uid, entry.dn, {recovery.ATTRIBUTE: before}, {recovery.ATTRIBUTE: made.values})
            acts.make(act.directory, act.journal, [change], "new recovery codes")
        self._tell(entry, lambda to: notice.codes(uid, to, self._tools.facts(), act.now))
        return wire.Done(uid, first(entry.attributes, "mpState"), codes=made.shown)

    def _entered(self, act: Context, request: wire.Entered) -> wire.Answer:
        entry = _active(act, request.uid)
        uid, throttle = entry.attributes["uid"][0], self._tools.throttle
        self._tools.note(LogIn(uid, True, PAGE, act.source))
        if throttle and throttle.place(uid, act.network, KNOWN):
            act.journal.write("new-place", uid, how=request.how)
            self._tell(entry, lambda to: notice.place(request.source, uid, to, self._tools.facts(), act.now))
        return wire.Done(uid, first(entry.attributes, "mpState"))

    def _show(self, act: Context, request: wire.ShowFactors) -> wire.Answer:
        uid = _active(act, request.uid).attributes["uid"][0]
        held = tuple(map(_shown, self._held(uid)))
        if held or not self._tools.factors_close:
            return wire.Done(uid, factors=held)
        kept, looked = self._open(uid)
        return wire.Done(uid, closes=True, diagnosis=own.diagnosis(kept, {}, None, looked=looked))

    def _open(self, uid: str) -> tuple[Kept, bool]:
        """The programs and phones that enter with the main password, and whether every host was asked."""
        try:
            kept, failures = self._tools.hosts.record(uid)
        except (MallepostError, OSError) as error:
            LOG.error("the record of log-ins could not be read: %s", error)
            return Kept(), False
        return own.by_password(kept), not failures

    def _remove(self, act: Context, request: wire.RemoveFactor) -> wire.Answer:
        uid = _active(act, request.uid).attributes["uid"][0]
        with self._it.tried(act, request, uid, request.password), self._it.alone(uid):
            proof = Passwords(act.directory, act.journal, self._tools.policy).prove(uid, request.password)
            if proof is not Proof.RIGHT:
                raise self._it.refuse(act, request, uid)
            held = self._held(uid)
            gone = next((one for one in held if one.ident == request.factor), None)
            if gone is None or self._tools.unfactor is None:
                raise MallepostError("no such factor")
            if len(held) == 1:
                # Whoever has the password and a session would else open the account to the password alone.
                raise MallepostError("the last factor is removed on the log-in page or by the help desk")
            self._tools.unfactor(uid, gone.ident)
        left = tuple(sorted({one.kind for one in held if one is not gone}))
        told = self.changed(act, wire.FactorChanged(request.source, uid, gone.kind, gone.name, False, left))
        return structs.replace(told, factors=(_shown(gone),)) if isinstance(told, Done) else told

    def _held(self, uid: str) -> Sequence[Factor]:
        """The factors of an account. Raises DirectoryError where the log-in page gives no answer."""
        try:
            return self._tools.factors(uid)
        except (MallepostError, OSError) as error:
            LOG.error("second factors could not be read: %s", error)
            raise DirectoryError("the log-in page gives no answer") from error

    def _ended(self, act: Context, request: wire.SessionsEnded) -> wire.Answer:
        uid = request.uid.strip().lower()
        act.journal.write("sso-end", uid, sessions=request.many, note=request.reason)
        return wire.Done(uid)

    def _tell(self, entry: Entry, letter: Callable[[str], EmailMessage]) -> bool:
        try:
            self._tools.post(letter(first(entry.attributes, "mail")))
        except (OSError, ValueError, MallepostError) as error:
            LOG.error("a letter about log-ins could not be sent: %s", type(error).__name__)
            return False
        return True


def _shown(factor: Factor) -> wire.Factor:
    """A factor as its owner is told of it."""
    made = factor.made.isoformat(timespec="seconds") if factor.made else ""
    return wire.Factor(factor.ident, factor.kind, factor.name, made)


def _typed(code: str) -> str:
    """A code as it counts: blanks and hyphens, which some applications show, make no other one of it."""
    return codes.normalise(code)


def _entries(act: Context, uid: str) -> Iterator[Entry]:
    yield from act.directory.search("people", _READ, {"uid": uid.strip().lower() or "-"})


def _active(act: Context, uid: str) -> Entry:
    """The entry of an account that may log in. Raises NotProvedError."""
    entry = next(_entries(act, uid), None)
    if entry is None or first(entry.attributes, "mpState") != State.ACTIVE:
        raise NotProvedError("not recognised")
    return entry
