"""The calls of « J'ai été piraté »: NUMEN and INA code take an account back, then its owner checks what a thief left.

The first call closes at once every way in: the password is another one, sessions, devices, trusted browsers and
recovery codes end, nothing is sent for as long as the policy says. Its ticket opens the second, which lists settings
that may be the thief's and removes those that the owner names. Nothing else is removed.
"""

from __future__ import annotations

import datetime
import functools
import hmac
import logging
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from email.message import EmailMessage
from typing import TYPE_CHECKING, Any

from msgspec import structs

from malleposte.accountd import own, wire
from malleposte.accountd.calls.devices import Device
from malleposte.accountd.factors import INA, OPENS
from malleposte.accounts import acts, life
from malleposte.accounts.channels import Failure
from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials import passwords as library
from malleposte.accounts.credentials.passwords import Holder, NotProvedError, Passwords
from malleposte.accounts.devices import follow
from malleposte.accounts.life.base import change
from malleposte.accounts.life.recovery import DOUBT_DAYS
from malleposte.accounts.plan.changes import Kind
from malleposte.accounts.traces import notice
from malleposte.accounts.traces.model import OTHERS, Trace
from malleposte.accounts.traces.model import Kind as Trail
from malleposte.core.errors import MallepostError
from malleposte.directory.model import State, first
from malleposte.directory.protocol import Entry
from malleposte.platform.times import stamp, when

if TYPE_CHECKING:
    from malleposte.accountd.context import Context, Tools

LOG = logging.getLogger("accountd")
TICKET_MINUTES = 60.0
MOST = 30
"""Traces in an answer; once some are gone, others come."""
MOST_OTHERS = 20
"""Boxes, folders and agendas of others in one."""
LONGEST = 120
"""Characters of a name in one."""
NOTE = "après un piratage"
ATTRIBUTES: Mapping[str, str] = {"mail": "mpRecoveryMail", "phone": "mpRecoveryPhone"}


@dataclass(frozen=True)
class Ways:
    """The parts of the service that these calls use (see `accountd.service.Service`)."""

    tried: Callable[[Context, Any, str, str], AbstractContextManager[None]]
    alone: Callable[..., AbstractContextManager[None]]
    refuse: Callable[[Context, Any, str], NotProvedError]
    holder: Callable[[Any, Any], str]
    forgotten: Callable[[Context, Holder], None]
    """Resets the counts of wrong passwords and codes."""
    acts: Callable[[Context], acts.Tools[acts.Hosts]]
    factor_gone: Callable[[Context, wire.FactorChanged], wire.Answer]


class Hacked:
    """Does the calls."""

    def __init__(self, tools: Tools, ways: Ways) -> None:
        self._tools, self._ways = tools, ways

    @property
    def does(self) -> Mapping[type[Any], Callable[[Context, Any], wire.Answer]]:
        """Each call, and what does it."""
        return {wire.Recover: self._recover, wire.Check: self._check}

    # --- the account is taken back ---

    def _recover(self, act: Context, request: wire.Recover) -> wire.Answer:
        uid = self._ways.holder(act.directory, request)
        with self._ways.tried(act, request, uid, f"{request.numen}\0{request.code}"), self._ways.alone(uid):
            holder = library.read(act.directory, uid or "-")
            held = holder.attributes if holder else {}
            code = codes.found(self._tools.keys, uid, request.code, held, act.now)
            if holder is None or code is None or holder.state not in library.BY_CODES:
                raise self._ways.refuse(act, request, uid)
            if holder.state is State.PENDING:
                raise MallepostError("this account was never activated: nobody has used it")
            means = acts.entry(act.directory, uid).attributes
            # First what may be refused: a password that breaks a rule changes nothing.
            before = Passwords(act.directory, act.journal, self._tools.policy).set_after_codes(
                uid, request.new, act.now
            )
            self._tools.proofs.end(uid)
            self._tools.copies.end(uid)  # whoever has the password may have asked for it
            devices = follow.of(act.directory, uid)
            hours = self._tools.block_hours
            result = acts.recover(self._ways.acts(act), uid, act.now, hours=hours, note=NOTE)
        self._ways.forgotten(act, holder)
        until = first(acts.entry(act.directory, uid).attributes, "mpBlockedUntil")
        self._tell(act, uid, means, [one.name for one in devices], until)
        end = stamp(act.now + datetime.timedelta(minutes=TICKET_MINUTES))
        opened = tuple(dict.fromkeys(one.channel for one in result.failures))
        return wire.Done(
            uid, before.value, until, opened, ticket=self._ticket(uid, end, code.way, until),
            devices=tuple(Device(one.ident, one.name, one.scopes) for one in devices),
        )  # fmt: skip

    def _tell(
        self, act: Context, uid: str, means: Mapping[str, Sequence[str]], devices: Sequence[str], until: str
    ) -> None:
        """Tell the mailbox and the means of recovery on file. What cannot be told is in the journal."""
        facts, end = self._tools.facts(), when(until) or act.now
        to = [*means.get("mpRecoveryMail", ()), *means.get("mail", ())]
        phones = means.get("mpRecoveryPhone", ()) if self._tools.gateway else ()
        letters: list[Callable[[], object]] = [
            functools.partial(self._letter, functools.partial(notice.recovered, uid, devices, end, one, facts, act.now))
            for one in dict.fromkeys(to)
        ]
        if self._tools.gateway:
            send = self._tools.gateway.send
            letters += [functools.partial(send, one, notice.text(uid, facts.phone)) for one in phones]
        for letter in letters:
            try:
                letter()
            except (OSError, ValueError, MallepostError) as error:
                act.journal.write("told", uid, sent=False, reason=type(error).__name__)
                LOG.error("that an account was taken back could not be told: %s", type(error).__name__)

    def _letter(self, made: Callable[[], EmailMessage]) -> None:
        self._tools.post(made())

    # --- the ticket ---

    def _ticket(self, uid: str, end: str, way: str, until: str) -> str:
        return f"{end}.{way}.{uid}.{self._mac(uid, end, way, until)}"

    def _mac(self, uid: str, end: str, way: str, until: str, name: str | None = None) -> str:
        return self._tools.keys.digest("hacked", "\0".join((uid, end, way, until)), name)

    def _shown(self, act: Context, ticket: str) -> tuple[Entry, str]:
        """The account of a ticket, and the way of the code by which it came. Raises NotProvedError.

        It is over with its hour, with the next block and with a state that lets nobody in.
        """
        end, _dot, rest = ticket.partition(".")
        way, _dot, rest = rest.partition(".")
        uid, _dot, mac = rest.rpartition(".")
        holder = library.read(act.directory, uid or "-")
        if holder is None or holder.state is not State.ACTIVE:
            raise NotProvedError("the ticket is over")
        entry = acts.entry(act.directory, holder.uid)
        until = first(entry.attributes, "mpBlockedUntil")
        names = self._tools.keys.keys
        right = [hmac.compare_digest(self._mac(uid, end, way, until, one).encode(), mac.encode()) for one in names]
        if not any(right) or not until or end <= stamp(act.now):
            raise NotProvedError("the ticket is over")
        return entry, way

    # --- what was left ---

    def _check(self, act: Context, request: wire.Check) -> wire.Answer:
        entry, way = self._shown(act, request.ticket)
        uid = first(entry.attributes, "uid")
        with self._ways.alone(uid, "traces"):
            found, traces, away = self._found(act, entry, way)
            for one in [each for each in found if each.ident in request.remove and not each.kept]:
                away += self._removed(act, entry, one, traces, request.source)
            if request.remove:
                found, _traces, more = self._found(act, acts.entry(act.directory, uid), way)
                away += more
        until = first(entry.attributes, "mpBlockedUntil")
        told = tuple(dict.fromkeys(one.channel for one in away))
        for failure in away:
            LOG.error("traces: %s", failure)
        left = [one for one in found if one.kind not in OTHERS][:MOST]
        others = [one for one in found if one.kind in OTHERS][:MOST_OTHERS]
        return wire.Done(uid, State.ACTIVE.value, until, told, traces=(*left, *others))

    def _found(
        self, act: Context, entry: Entry, way: str
    ) -> tuple[list[wire.Trace], Mapping[str, Trace], list[Failure]]:
        """All traces, those of the hosts by identifier, and what could not be looked at."""
        uid = first(entry.attributes, "uid")
        found, away, known, traces = list[wire.Trace](), list[Failure](), dict[str, Trace](), list[Trace]()
        try:
            held, failures = self._tools.traces(uid)
            away += failures
            traces = [one for one in held if one.kind != Trail.SENDER or one.who not in _names(act, entry, one.what)]
            known = {one.ident: one for one in traces if one.kind not in OTHERS}
            found += [_told(one) for one in known.values()]
        except (MallepostError, OSError) as error:
            away.append(Failure("traces", str(error)))
        try:
            found += self._factors(uid, way)
        except (MallepostError, OSError) as error:
            away.append(Failure("factors", str(error)))
        others = (structs.replace(_told(one), kept=True) for one in acts.others(act.directory, uid, traces))
        return [*found, *_means(entry, act.now), *others], known, away

    def _factors(self, uid: str, way: str) -> Iterator[wire.Trace]:
        """Second factors. The last one stays where the code was sent on anybody's request (ADR 36)."""
        held = self._tools.factors(uid)
        kept = len(held) == 1 and way not in OPENS[INA]
        for one in held:
            made = one.made.isoformat(timespec="seconds") if one.made else ""
            yield structs.replace(_told(Trace(Trail.FACTOR, one.ident, one.name)), what=one.kind, made=made, kept=kept)

    def _removed(
        self, act: Context, entry: Entry, gone: wire.Trace, traces: Mapping[str, Trace], source: str
    ) -> list[Failure]:
        """Remove one; what failed."""
        uid = first(entry.attributes, "uid")
        try:
            if gone.kind == Trail.FACTOR:
                self._without_factor(act, uid, gone, source)
            elif gone.kind == Trail.RECOVERY:
                self._without_means(act, entry, gone.what)
            else:
                trace = traces[gone.ident]
                if gone.kind == Trail.SENDER:
                    trace = replace(trace, who=_names(act, entry, trace.what)[0])
                failures = self._tools.untrace(uid, trace) if self._tools.untrace else []
                if failures:
                    return list(failures)
        except (MallepostError, OSError) as error:
            return [Failure("factors" if gone.kind == Trail.FACTOR else "traces", str(error))]
        note = ": ".join(one for one in (WORDS[gone.kind], gone.who or gone.what) if one)
        act.journal.write("trace-removed", uid, note=note)
        act.journal.sync()
        return []

    def _without_factor(self, act: Context, uid: str, gone: wire.Trace, source: str) -> None:
        held = self._tools.factors(uid)
        factor = next((one for one in held if Trace(Trail.FACTOR, one.ident, one.name).ident == gone.ident), None)
        if factor is None or self._tools.unfactor is None:
            raise MallepostError("no such factor")
        self._tools.unfactor(uid, factor.ident)
        kinds = tuple(sorted({one.kind for one in held if one is not factor}))
        changed = wire.FactorChanged(source, uid, factor.kind, factor.name, False, kinds, reason=NOTE)
        self._ways.factor_gone(act, changed)

    def _without_means(self, act: Context, entry: Entry, kind: str) -> None:
        """Take one away that changed of late; an address hears of it."""
        name = ATTRIBUTES[kind]
        acts.make(act.directory, act.journal, change(Kind.MODIFY, entry, {name: []}), NOTE)
        uid, old = first(entry.attributes, "uid"), first(entry.attributes, name)
        if kind == "mail" and old:
            try:
                self._tools.tell([old], uid, act.now)
            except OSError as error:
                act.journal.write("told", uid, sent=False, reason=type(error).__name__)


WORDS: Mapping[str, str] = {
    Trail.FORWARD: "renvoi", Trail.DISCARD: "filtre qui supprime", Trail.ANSWER: "réponse automatique",
    Trail.FOLDER: "dossier partagé", Trail.AGENDA: "agenda ou contacts partagés", Trail.DELEGATE: "délégation",
    Trail.SENDERS: "expéditeurs autorisés ou bloqués", Trail.SIGNATURE: "signature",
    Trail.SENDER: "nom d’expéditeur", Trail.REPLY: "adresse de réponse", Trail.COPY: "copie cachée",
    Trail.FACTOR: "second facteur", Trail.RECOVERY: "moyen de secours",
}  # fmt: skip
"""The kinds in the journal, for the account's owner."""


def _names(act: Context, entry: Entry, mail: str) -> tuple[str, ...]:
    """The names under which an agent may send from an address, the usual one first."""
    uid = first(entry.attributes, "uid")
    found = act.directory.search("functional", ("cn", "displayName", "mpDelegate"), {"mailLocalAddress": mail.lower()})
    opened = (one for one in found if uid.lower() in map(str.lower, one.attributes.get("mpDelegate", ())))
    held = next(opened, entry).attributes
    return tuple(one for one in (first(held, "displayName"), first(held, "cn"), uid) if one)


def _told(one: Trace) -> wire.Trace:
    who = own.forward(one.who) if one.kind == Trail.FORWARD else one.who
    return wire.Trace(one.ident, one.kind, one.what[:LONGEST], who[:LONGEST])


def _means(entry: Entry, now: datetime.datetime) -> Iterable[wire.Trace]:
    """The means of recovery, masked, where they changed of late."""
    changed = when(first(entry.attributes, "mpRecoveryChanged"))
    if changed is None or changed <= now - datetime.timedelta(days=DOUBT_DAYS):
        return
    for kind, name in ATTRIBUTES.items():
        held = first(entry.attributes, name)
        if held:
            ident = Trace(Trail.RECOVERY, kind, held).ident
            yield wire.Trace(ident, Trail.RECOVERY, kind, own.masked(held), life.stamp(changed))
