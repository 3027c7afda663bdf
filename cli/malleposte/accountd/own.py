"""An account as its owner and the help desk see it: a summary, and what may be wrong with it."""

from __future__ import annotations

import datetime
import logging
from collections.abc import Iterable, Mapping

from msgspec import structs

from malleposte.accountd.context import Context
from malleposte.accountd.message import MOST_ITEMS, Message, fitting
from malleposte.accounts import life, roles
from malleposte.accounts.channels import Failure
from malleposte.accounts.devices import follow
from malleposte.accounts.mailbox import filters as scripts
from malleposte.accounts.mailbox.filters import Filters
from malleposte.core.errors import MallepostError
from malleposte.directory.model import Attributes, first
from malleposte.directory.protocol import Entry
from malleposte.platform.times import iso, when
from malleposte.policy.model import Policy
from malleposte.throttle.record import model
from malleposte.throttle.record.model import Kept, Seen

LOG = logging.getLogger("accountd")
READ = (
    *("uid", "cn", "mail", "mpProfile", "mpState", "mpQuota", "mpBlockedUntil", "pwdChangedTime"),
    *("mpRecoveryMail", "mpRecoveryPhone", "mpRecoveryChanged", "mpRecoveryNext", "mpRole"),
)
"""The attributes that the summary is made of."""
COMPUTED = "${}"
"""A forward to an address that the filter computes."""


class Account(Message, frozen=True):
    """An account as its owner sees it. Times as the directory writes them, empty for none.

    `recovery_mail` and `recovery_phone` are masked: a session may be somebody else's. Those that wait count from
    `recovery_next` on. `quota_mb` is 0 where the class of service says it. `forwards` and `filters` take mail away;
    with `discards` they refuse or delete some of it.
    """

    name: str = ""
    mail: str = ""
    profile: str = ""
    state: str = ""
    quota_mb: int = 0
    password_since: str = ""
    password_until: str = ""
    blocked_until: str = ""
    recovery_mail: str = ""
    recovery_phone: str = ""
    recovery_next: str = ""
    forwards: tuple[str, ...] = ()
    filters: str = ""
    absence: bool = False
    looked: bool = False
    discards: bool = False
    desk: bool = False
    """Whether its owner is of a help desk."""
    dsi: bool = False
    convokes: bool = False
    """Whether its owner may convoke for an office."""
    """Whether its owner is of the DSI."""
    level: str = ""
    """The level of antispam: `normal`, `strict`; how many senders are allowed and blocked."""
    allowed: int = 0
    blocked: int = 0
    waits: bool = False
    """Whether mail that comes now waits for the agent's hours, and until when (ISO 8601)."""
    waits_until: str = ""
    recalled: int = 0
    """Messages in the folders of « Rappeler plus tard »."""
    unsent: int = 0
    """Messages in « À envoyer »."""


class LogIn(Message, frozen=True):
    """Log-ins of one kind: the last time (ISO 8601), how often, by which service, from which address, by what.

    `service` is `page` (the log-in page), `dav` or Dovecot's name of a protocol; `program` what the client called
    itself; `device` the name of a device with a password of its own. `reason` is of those that were refused:
    `password`, `wait`, `closed`, `expired`, `network`. `old`: a program that seems to use the password of before a
    change.
    """

    time: str
    accepted: bool
    service: str
    place: str = ""
    program: str = ""
    device: str = ""
    reason: str = ""
    count: int = 1
    old: bool = False


class RefusedMail(Message, frozen=True):
    """Messages that the filter refused or held: the last time, how often, `in` or `out`, the other's address, why.

    `reason`: `virus`, `attachment`, `forged`, `dmarc`, `many`, `structure`, `spam`.
    """

    time: str
    way: str
    other: str
    reason: str
    count: int = 1


class Diagnosis(Message, frozen=True):
    """Log-ins and refused mail of late, newest first; the room of the box and of the agendas in MB, 0 if not known.

    `looked`: whether every host answered.
    """

    logins: tuple[LogIn, ...] = ()
    refused: tuple[RefusedMail, ...] = ()
    used_mb: int = 0
    quota_mb: int = 0
    looked: bool = False
    agendas_mb: int = 0
    agendas_room_mb: int = 0


def masked(value: str) -> str:
    """An address or a number of which its owner knows the rest: `ma…@exemple.test`, `…78`."""
    local, at, domain = value.partition("@")
    return f"{local[:2]}…@{domain}" if at else f"…{value[-2:]}" if value else ""


def masked_forward(address: str) -> str:
    """A forward as the help desk is shown it."""
    return address if address == COMPUTED else masked(address)


def read(context: Context, uid: str) -> Account:
    """Return the summary of an account that there is."""
    entry = next(iter(context.directory.search("people", READ, {"uid": uid})))
    return summary(entry, filters(context, uid), context.tools.policy, context.now)


def filters(context: Context, uid: str) -> Filters | None:
    """Return the filters of an account; None where the host of its mailbox gives no answer."""
    try:
        return context.tools.hosts.look(uid)
    except (MallepostError, OSError) as error:
        LOG.error("the filters of an account could not be read: %s", error)
        return None


def summary(entry: Entry, filters: Filters | None, policy: Policy, now: datetime.datetime) -> Account:
    """The summary. `filters` is None where the host of the mailbox gives no answer."""
    attributes = entry.attributes
    means, waiting = life.usable_recovery(entry, now), life.next_recovery(entry)
    since = when(first(attributes, "pwdChangedTime"))
    until = since + datetime.timedelta(days=policy.renewal_days) if since and policy.renewal_days else None
    return Account(
        name=first(attributes, "cn"),
        mail=first(attributes, "mail"),
        profile=first(attributes, "mpProfile"),
        state=first(attributes, "mpState"),
        quota_mb=int(first(attributes, "mpQuota") or 0),
        password_since=first(attributes, "pwdChangedTime"),
        password_until=life.stamp(until) if until else "",
        blocked_until=_ahead(attributes, now),
        recovery_mail=masked(means.mail),
        recovery_phone=masked(means.phone),
        recovery_next=life.stamp(waiting.at) if waiting and waiting.at > now else "",
        forwards=tuple(dict.fromkeys(map(forward, filters.forwards)))[:MOST_ITEMS] if filters else (),
        filters=filters.active if filters else "",
        absence=bool(filters and filters.absence),
        looked=filters is not None,
        discards=bool(filters and (filters.refuses or filters.discards)),
        desk=bool(roles.reach(attributes.get(roles.ATTRIBUTE, []))),
        dsi=roles.is_dsi(attributes.get(roles.ATTRIBUTE, [])),
        convokes=roles.may_convoke(attributes.get(roles.ATTRIBUTE, [])),
        level=filters.level if filters else "",
        allowed=filters.allowed if filters else 0,
        blocked=filters.blocked if filters else 0,
        waits=bool(filters and filters.waits),
        waits_until=_zoned(filters.waits_until) if filters else "",
        recalled=filters.recalled if filters else 0,
        unsent=filters.unsent if filters else 0,
    )


def _zoned(text: str) -> str:
    """A moment of the platform's zone with its offset; empty for none."""
    return datetime.datetime.fromisoformat(text).astimezone().isoformat() if text else ""


def forward(address: str) -> str:
    """A forward as its owner is told it: the text that computes one says nothing."""
    return COMPUTED if address.endswith(scripts.COMPUTED) else address


def _ahead(attributes: Attributes, now: datetime.datetime) -> str:
    until = first(attributes, "mpBlockedUntil")
    moment = when(until)
    return until if moment and moment > now else ""


ROOM = 10_000
"""Bytes of a diagnosis in an answer."""
OFTEN = 5
"""Wrong passwords of one program, from one place, after which nobody is typing them."""
PROGRAMS = frozenset(("imap", "smtp", "sieve", "dav"))
"""The services of programs that keep a password; at the log-in page a person types it."""


def by_password(record: Kept) -> Kept:
    """The programs and phones that entered with the main password, each by the last of its log-ins."""
    latest: dict[tuple[str, str], Seen[model.LogIn]] = {}
    for one in record.logins:
        event = one.event
        if event.accepted and event.service in PROGRAMS and not event.device and event.program != model.WEBMAIL:
            latest.setdefault((event.service, event.program), one)
    return Kept(tuple(latest.values()))


def diagnosed(context: Context, uid: str, account: Account, room: int = ROOM) -> Diagnosis:
    """Return the diagnosis of an account from what was recorded of late; `room` as of `diagnosis`."""
    try:
        record, failures = context.tools.hosts.record(uid)
    except (MallepostError, OSError) as error:
        record, failures = Kept(), [Failure("record", str(error))]
    for one in failures:
        LOG.error("the record of log-ins could not be read: %s", one.reason)
    names = {one.ident: one.name for one in follow.of(context.directory, uid)}
    answer = diagnosis(record, names, when(account.password_since), looked=not failures, room=room)
    try:
        agendas = context.tools.hosts.agenda_room(uid, account.profile)
    except (MallepostError, OSError) as error:
        LOG.error("the room of agendas could not be read: %s", error)
        return structs.replace(answer, looked=False)
    return structs.replace(answer, agendas_mb=agendas.used_mb, agendas_room_mb=agendas.most_mb)


def diagnosis(
    record: Kept, names: Mapping[str, str], since: datetime.datetime | None, *, looked: bool, room: int = ROOM
) -> Diagnosis:
    """The record as it is told, as much of the newest as has room in so many bytes of an answer.

    `names` of devices by identifier; `since` when the account has its password. `looked`: whether all hosts answered.
    """
    changed = since.timestamp() if since else None
    logins = [
        LogIn(
            iso(one.last), one.event.accepted, one.event.service, one.event.place, one.event.program,
            names.get(one.event.device, ""), one.event.reason, one.count, old(one, record.logins, changed),
        )
        for one in record.logins
    ]  # fmt: skip
    refused = [
        RefusedMail(iso(one.last), one.event.way, one.event.other, one.event.reason, one.count)
        for one in record.refusals
    ]
    parts = (
        ([one for one in logins if not one.accepted], room * 2 // 5),
        ([one for one in logins if one.accepted], room // 5),
    )
    newest = [one for rows, room in parts for one in fitting(rows, room)]
    return Diagnosis(
        tuple(sorted(newest, key=lambda one: one.time, reverse=True)), fitting(refused, room * 2 // 5), record.used_mb,
        record.quota_mb, looked,
    )  # fmt: skip


def old(one: Seen[model.LogIn], others: Iterable[Seen[model.LogIn]], changed: float | None) -> bool:
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
