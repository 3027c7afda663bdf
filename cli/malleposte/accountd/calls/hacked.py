"""« J'ai été piraté »: NUMEN and INA code take an account back, then its owner checks what a thief left.

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
from dataclasses import dataclass, field, replace
from email.message import EmailMessage

from msgspec import structs

from malleposte.accountd import own
from malleposte.accountd.call import Counts, call
from malleposte.accountd.calls.factors import factor_removed
from malleposte.accountd.calls.log_in_page import INA, OPENS
from malleposte.accountd.calls.passwords import uid_of_numen
from malleposte.accountd.context import Context
from malleposte.accountd.message import Done, Message, Request, Secret, Text, Texts
from malleposte.accounts import acts, life
from malleposte.accounts.channels import Failure
from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials import passwords as library
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.credentials.passwords import NotProvedError
from malleposte.accounts.devices import follow
from malleposte.accounts.life.base import change
from malleposte.accounts.life.recovery import DOUBT_DAYS
from malleposte.accounts.meetings.polls import last_begin
from malleposte.accounts.plan.changes import Kind
from malleposte.accounts.traces import identities, model, notice
from malleposte.accounts.traces.model import OTHERS
from malleposte.accounts.traces.model import Kind as Trail
from malleposte.core.errors import MallepostError
from malleposte.directory.model import State, first
from malleposte.directory.protocol import Entry
from malleposte.platform import signature
from malleposte.platform.times import stamp, when

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
WORDS: Mapping[str, str] = {
    Trail.FORWARD: "renvoi", Trail.DISCARD: "filtre qui supprime", Trail.ANSWER: "réponse automatique",
    Trail.FOLDER: "dossier partagé", Trail.AGENDA: "agenda ou contacts partagés", Trail.DELEGATE: "délégation",
    Trail.SENDERS: "expéditeurs autorisés ou bloqués", Trail.SIGNATURE: "signature",
    Trail.SENDER: "nom d’expéditeur", Trail.REPLY: "adresse de réponse", Trail.COPY: "copie cachée",
    Trail.TOOL: "règle d’un outil", Trail.MEETING: "réunion", Trail.POLL: "sondage",
    Trail.FACTOR: "second facteur", Trail.RECOVERY: "moyen de secours",
}  # fmt: skip
"""The kinds in the journal, for the account's owner."""
BY_NAME = (Trail.TOOL, Trail.MEETING, Trail.POLL)
"""The kinds whose `who` is a name of the platform's."""


class Trace(Message, frozen=True):
    """A setting that somebody else may have left; `kind`, `what` and `who` as in `malleposte.accounts.traces.model`.

    `made` is when it came, where that is known. What is `kept` cannot be removed here; so are the kinds that others
    opened to the account (OTHERS there), in which `who` is a name.
    """

    ident: str
    kind: str
    what: str = ""
    who: str = ""
    made: str = ""
    kept: bool = False


class Recovered(Done, frozen=True):
    """`ticket` opens `Check`, `devices` are the names of those whose passwords went."""

    ticket: Secret = ""
    devices: tuple[str, ...] = ()


class Traces(Done, frozen=True):
    """Settings that may be somebody else's.

    `open` names what could not be looked at, or not be removed: `traces`, `factors`.
    """

    traces: tuple[Trace, ...] = ()


class Recover(Request[Recovered], frozen=True):
    """As `passwords.Reset`, for an account that somebody else has used: every way in closes.

    For a while it sends nothing: `Done.until` says until when.
    """

    source: Text
    numen: Secret
    code: Secret
    new: Secret
    once: Text = ""
    question: Text = ""


class Check(Request[Traces], frozen=True):
    """List settings that somebody else may have left, once those in `remove` (identifiers) are gone."""

    source: Text
    ticket: Secret
    remove: Texts = ()


# --- the account is taken back ---


@call(paced=True, counts=Counts.CODES, asks_slapd=False)
def recover(context: Context, request: Recover) -> Recovered:
    """Close every way in, and tell the owner."""
    uid, keys = uid_of_numen(context, request.numen), context.tools.keys
    with context.tried(request, uid, f"{request.numen}\0{request.code}"), context.alone(uid):
        holder = library.read(context.directory, uid or "-")
        attributes = holder.attributes if holder else {}
        code = codes.find_waiting(keys, uid, request.code, attributes, context.now)
        if holder is None or code is None or holder.state not in library.BY_CODES:
            raise context.refuse(request, uid)
        if holder.state is State.PENDING:
            raise MallepostError("this account was never activated: nobody has used it")
        means = acts.entry(context.directory, uid).attributes
        # First what may be refused: a password that breaks a rule changes nothing.
        before = context.passwords.set_after_codes(uid, request.new, context.now)
        context.tools.proofs.end(uid)
        context.tools.copies.end(uid)  # whoever has the password may have asked for it
        devices = tuple(one.name for one in follow.of(context.directory, uid))
        result = acts.recover(context.acts, uid, context.now, hours=context.tools.rules.block_hours, note=NOTE)
    context.forget_guesses(holder)
    until = first(acts.entry(context.directory, uid).attributes, "mpBlockedUntil")
    _tell(context, uid, means, devices, until)
    end = stamp(context.now + datetime.timedelta(minutes=TICKET_MINUTES))
    closed = tuple(dict.fromkeys(one.channel for one in result.failures))
    ticket = f"{end}.{code.way}.{uid}.{_mac(keys, uid, end, code.way, until)}"
    return Recovered(uid, before.value, until, closed, ticket=ticket, devices=devices)


def _tell(context: Context, uid: str, means: Mapping[str, Sequence[str]], devices: Sequence[str], until: str) -> None:
    """Tell the mailbox and the means of recovery on file. What cannot be told is in the journal."""
    tools, facts, end = context.tools, context.tools.facts(), when(until) or context.now

    def post(make: Callable[[], EmailMessage]) -> None:
        tools.letters.post(make())

    sends: list[Callable[[], object]] = [
        functools.partial(post, functools.partial(notice.recovered, uid, devices, end, one, facts, context.now))
        for one in dict.fromkeys([*means.get("mpRecoveryMail", ()), *means.get("mail", ())])
    ]
    if tools.gateway:
        text = notice.text(uid, facts.phone)
        sends += [functools.partial(tools.gateway.send, one, text) for one in means.get("mpRecoveryPhone", ())]
    for send in sends:
        try:
            send()
        except (OSError, ValueError, MallepostError) as error:
            context.journal.write("told", uid, sent=False, reason=type(error).__name__)
            LOG.error("that an account was taken back could not be told: %s", type(error).__name__)


# --- the ticket ---


def _mac(keys: Keyring, uid: str, end: str, way: str, until: str, name: str | None = None) -> str:
    return keys.digest("hacked", "\0".join((uid, end, way, until)), name)


def _read_ticket(context: Context, ticket: str) -> tuple[Entry, str]:
    """Return the account of a ticket, and the way of the code by which it came. Raises NotProvedError.

    It is over with its hour, with the next block and with a state that lets nobody in.
    """
    end, _dot, rest = ticket.partition(".")
    way, _dot, rest = rest.partition(".")
    uid, _dot, mac = rest.rpartition(".")
    holder = library.read(context.directory, uid or "-")
    if holder is None or holder.state is not State.ACTIVE:
        raise NotProvedError("the ticket is over")
    entry, keys = acts.entry(context.directory, holder.uid), context.tools.keys
    until = first(entry.attributes, "mpBlockedUntil")
    right = [hmac.compare_digest(_mac(keys, uid, end, way, until, one).encode(), mac.encode()) for one in keys.keys]
    if not any(right) or not until or end <= stamp(context.now):
        raise NotProvedError("the ticket is over")
    return entry, way


# --- what was left ---


@dataclass(frozen=True)
class _Search:
    """All traces; those of the hosts by identifier; what could not be looked at."""

    shown: list[Trace] = field(default_factory=list)
    on_hosts: dict[str, model.Trace] = field(default_factory=dict)
    failures: list[Failure] = field(default_factory=list)


@call(counts=Counts.TICKET)
def check(context: Context, request: Check) -> Traces:
    """Remove those that are named, and list the others."""
    entry, way = _read_ticket(context, request.ticket)
    uid = first(entry.attributes, "uid")
    with context.alone(uid, "traces"):
        search = _search(context, entry, way)
        failures = search.failures
        for one in [each for each in search.shown if each.ident in request.remove and not each.kept]:
            failures += _remove(context, entry, one, search.on_hosts, request.source)
        if request.remove:
            search = _search(context, acts.entry(context.directory, uid), way)
            failures += search.failures
    until = first(entry.attributes, "mpBlockedUntil")
    for failure in failures:
        LOG.error("traces: %s", failure)
    left = [one for one in search.shown if one.kind not in OTHERS][:MOST]
    others = [one for one in search.shown if one.kind in OTHERS][:MOST_OTHERS]
    names = tuple(dict.fromkeys(one.channel for one in failures))
    return Traces(uid, State.ACTIVE.value, until, names, traces=(*left, *others))


def _search(context: Context, entry: Entry, way: str) -> _Search:
    """Look for all traces."""
    uid, search, traces = first(entry.attributes, "uid"), _Search(), list[model.Trace]()
    try:
        everything, failures = context.tools.hosts.traces(uid)
        search.failures.extend(failures)
        traces += [one for one in everything if not _is_usual(context, entry, one)]
        search.on_hosts.update({one.ident: one for one in traces if one.kind not in OTHERS})
        search.shown.extend(map(_shown, search.on_hosts.values()))
    except (MallepostError, OSError) as error:
        search.failures.append(Failure("traces", str(error)))
    try:
        search.shown.extend(_factors(context, uid, way))
    except (MallepostError, OSError) as error:
        search.failures.append(Failure("factors", str(error)))
    try:
        search.shown.extend(_called(context, uid))
    except (MallepostError, OSError) as error:
        search.failures.append(Failure("traces", str(error)))
    others = (structs.replace(_shown(one), kept=True) for one in acts.others(context.directory, uid, traces))
    search.shown.extend((*_means(entry, context.now), *others))
    return search


def _factors(context: Context, uid: str, way: str) -> Iterator[Trace]:
    """Yield second factors. The last one stays where the code was sent on anybody's request (ADR 36)."""
    factors = context.tools.hosts.factors(uid)
    stays = len(factors) == 1 and way not in OPENS[INA]
    for one in factors:
        enrolled = one.made.isoformat(timespec="seconds") if one.made else ""
        trace = _shown(model.Trace(Trail.FACTOR, one.ident, one.name))
        yield structs.replace(trace, what=one.kind, made=enrolled, kept=stays)


def _called(context: Context, uid: str) -> Iterator[Trace]:
    """Yield the meetings and polls in the agent's name that are to come."""
    for meeting in context.tools.hosts.my_meetings(uid):
        if not meeting.off:
            yield _shown(model.Trace(Trail.MEETING, meeting.event.title, meeting.ident))
    for poll in context.tools.hosts.my_polls(uid):
        if poll.open and last_begin(poll.slots) > context.now.timestamp():
            yield _shown(model.Trace(Trail.POLL, poll.title, poll.ident))


def _remove(
    context: Context, entry: Entry, gone: Trace, traces: Mapping[str, model.Trace], source: str
) -> list[Failure]:
    """Remove one; return what failed."""
    uid = first(entry.attributes, "uid")
    try:
        if gone.kind == Trail.FACTOR:
            _remove_factor(context, uid, gone, source)
        elif gone.kind == Trail.RECOVERY:
            _remove_means(context, entry, gone.what)
        elif gone.kind == Trail.MEETING:
            context.tools.hosts.call_off_meeting(uid, gone.who)
        elif gone.kind == Trail.POLL:
            context.tools.hosts.end_poll(uid, gone.who)
        else:
            trace = traces[gone.ident]
            if gone.kind == Trail.SENDER:
                trace = replace(trace, who=_names(context, entry, trace.what)[0])
            failures = context.tools.hosts.untrace(uid, trace)
            if failures:
                return list(failures)
    except (MallepostError, OSError) as error:
        return [Failure("factors" if gone.kind == Trail.FACTOR else "traces", str(error))]
    about = gone.what if gone.kind in BY_NAME else gone.who or gone.what
    note = ": ".join(one for one in (WORDS[gone.kind], about) if one)
    context.journal.write("trace-removed", uid, note=note)
    context.journal.sync()
    return []


def _remove_factor(context: Context, uid: str, gone: Trace, source: str) -> None:
    factors = context.tools.hosts.factors(uid)
    factor = next((one for one in factors if model.Trace(Trail.FACTOR, one.ident, one.name).ident == gone.ident), None)
    if factor is None:
        raise MallepostError("no such factor")
    context.tools.hosts.unfactor(uid, factor.ident)
    factor_removed(context, source, uid, factor, factors, reason=NOTE)


def _remove_means(context: Context, entry: Entry, kind: str) -> None:
    """Take a means of recovery away that changed of late; an address hears of it."""
    name = ATTRIBUTES[kind]
    acts.make(context.directory, context.journal, change(Kind.MODIFY, entry, {name: []}), NOTE)
    uid, old = first(entry.attributes, "uid"), first(entry.attributes, name)
    if kind == "mail" and old:
        try:
            context.tools.letters.tell([old], uid, context.now)
        except OSError as error:
            context.journal.write("told", uid, sent=False, reason=type(error).__name__)


def _is_usual(context: Context, entry: Entry, one: model.Trace) -> bool:
    """Whether an identity says what the platform itself writes there: the name, or the academy's signature."""
    if one.kind == Trail.SENDER:
        return one.who in _names(context, entry, one.what)
    return one.kind == Trail.SIGNATURE and one.who == _signature(context, entry)


def _signature(context: Context, entry: Entry) -> str:
    """Return the academy's signature of an agent, as its trace would say it."""
    code = first(entry.attributes, "mpEstablishment")
    schools = context.directory.search("establishments", ("o",), {"mpEstablishment": code}) if code else ()
    school = next((first(one.attributes, "o") for one in schools), "")
    text = signature.filled(context.tools.facts().signature, signature.values(entry.attributes, school))
    return " ".join(text.split())[: identities.LONGEST]


def _names(context: Context, entry: Entry, mail: str) -> tuple[str, ...]:
    """Return the names under which an agent may send from an address, the usual one first."""
    uid, read = first(entry.attributes, "uid"), ("cn", "displayName", "mpDelegate")
    boxes = context.directory.search("functional", read, {"mailLocalAddress": mail.lower()})
    opened = (one for one in boxes if uid.lower() in map(str.lower, one.attributes.get("mpDelegate", ())))
    attributes = next(opened, entry).attributes
    return tuple(one for one in (first(attributes, "displayName"), first(attributes, "cn"), uid) if one)


def _shown(one: model.Trace) -> Trace:
    who = own.forward(one.who) if one.kind == Trail.FORWARD else one.who
    return Trace(one.ident, one.kind, one.what[:LONGEST], who[:LONGEST])


def _means(entry: Entry, now: datetime.datetime) -> Iterable[Trace]:
    """Yield the means of recovery, masked, where they changed of late."""
    changed = when(first(entry.attributes, "mpRecoveryChanged"))
    if changed is None or changed <= now - datetime.timedelta(days=DOUBT_DAYS):
        return
    for kind, name in ATTRIBUTES.items():
        value = first(entry.attributes, name)
        if value:
            ident = model.Trace(Trail.RECOVERY, kind, value).ident
            yield Trace(ident, Trail.RECOVERY, kind, own.masked(value), life.stamp(changed))
