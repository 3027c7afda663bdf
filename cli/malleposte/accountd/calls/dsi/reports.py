"""Suspect messages that agents reported, for the DSI: joined, looked up in the index of deliveries, answered."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterable

from malleposte.accountd.call import Who, call
from malleposte.accountd.calls.dsi.officer import officer
from malleposte.accountd.context import Context, RefusedValueError, look_up, reached
from malleposte.accountd.message import Done, Message, Owned, Text, fitting
from malleposte.accounts.retraction import note, owners
from malleposte.accounts.retraction.reported import Report
from malleposte.core.errors import MallepostError
from malleposte.deliveries.model import Message as Delivery
from malleposte.deliveries.model import Query
from malleposte.directory.errors import DirectoryError
from malleposte.directory.model import first
from malleposte.throttle import costs

LOG = logging.getLogger("accountd")
SHOWN = 15
"""Groups that are shown and looked up."""
NAMED = 5
"""Agents of a group that are named."""


class ReportedMessage(Message, frozen=True):
    """Reports of the same author and subject: `many`, of which `by` are the first agents. `last` as Dovecot writes it.

    `key` names the group. `author` and `subject` are the message's own words; `sender` is the author as the index of
    deliveries has it, empty where no agent of the group got such a message: then the report is forged, or older than
    the index.
    """

    key: str
    many: int
    by: tuple[str, ...]
    last: str
    author: str = ""
    subject: str = ""
    sender: str = ""
    message_id: str = ""


class ReportsShown(Done, frozen=True):
    """The reports that nobody has answered, the latest first. `here`: whether a box of ours takes reports."""

    reports: tuple[ReportedMessage, ...] = ()
    more: bool = False
    here: bool = False


class DsiReports(Owned[ReportsShown], frozen=True):
    """List the reports of 30 days that nobody has answered."""


class DsiAnswerReports(Owned[ReportsShown], frozen=True):
    """Write to the agents of a group that their message is harmless."""

    key: Text


@call(who=Who.DSI, cost=costs.LOOK, slow=True)
def dsi_reports(context: Context, request: DsiReports) -> ReportsShown:
    """Read them in the box, and look the messages up."""
    return _listed(context, officer(context, request))


@call(who=Who.DSI, slow=True)
def dsi_answer_reports(context: Context, request: DsiAnswerReports) -> ReportsShown:
    """Write to them, and mark the reports as answered."""
    uid = officer(context, request)
    with context.alone("reports", "reports"):
        box, groups = _groups(context)
        group = groups.get(request.key)
        if group is None:
            raise RefusedValueError("no such reports")
        done = [report.ident for report in group if _thanked(context, report)]
        with reached(what="the host of the box"):
            failures = context.tools.hosts.answer_reports(box, tuple(done))
        if failures:
            raise DirectoryError(f"the host of the box gives no answer: {failures[0]}")
        context.journal.write("dsi-reports", uid, many=len(done), note=group[0].subject)
    return _listed(context, uid)


def _thanked(context: Context, report: Report) -> bool:
    """Write to the agent who reported; whether nothing is left to write."""
    entry = next(iter(context.directory.search("people", ("uid", "mail"), {"uid": _agent(context, report)})), None)
    if entry is None:
        return True
    uid, facts = first(entry.attributes, "uid"), context.tools.facts()
    return context.tell(entry, lambda to: note.thanks(uid, report.subject, to, facts, context.now, harmless=True))


def _listed(context: Context, uid: str) -> ReportsShown:
    box, groups = _groups(context)
    rows = [_row(context, key, group) for key, group in list(groups.items())[:SHOWN]]
    shown = fitting(rows)
    return ReportsShown(uid, reports=shown, more=len(shown) < len(groups), here=bool(box))


def _groups(context: Context) -> tuple[str, dict[str, list[Report]]]:
    """Return the uid of the box, and the reports of the same author and subject by the key of their group."""
    box = owners.report_box(context.directory, context.tools.facts())
    if not box:
        return "", {}
    with reached(what="the host of the box"):
        reports, failures = context.tools.hosts.reports_of(box)
    if failures and not reports:
        raise DirectoryError(f"the host of the box gives no answer: {failures[0]}")
    groups: dict[str, list[Report]] = {}
    for report in reports:
        key = hashlib.sha256(f"{report.author}\0{report.subject}".encode()).hexdigest()[:32]
        groups.setdefault(key, []).append(report)
    return box, groups


def _row(context: Context, key: str, group: list[Report]) -> ReportedMessage:
    latest = group[0]
    message = _delivered(context, group)
    agents = tuple(dict.fromkeys(report.by for report in group))
    return ReportedMessage(
        key, len(agents), agents[:NAMED], latest.time, latest.author, latest.subject,
        (message.author or message.sender) if message else "", message.message_id if message else "",
    )  # fmt: skip


def _delivered(context: Context, group: Iterable[Report]) -> Delivery | None:
    """Return a message of the index that an agent of the group got, and reported."""
    for report in list(group)[:NAMED]:
        if not all(report.sign):
            continue
        try:
            answer, _failures = context.tools.hosts.trace(Query(queue=report.queue, message_id=report.message_id))
        except (MallepostError, OSError) as error:
            LOG.error("an index of deliveries could not be asked: %s", error)
            return None
        uid = _agent(context, report)
        for message in answer.messages:
            if owners.got(uid, report, (message,)):
                return message
    return None


def _agent(context: Context, report: Report) -> str:
    """Return the uid of the agent who reported; `-` for none."""
    return look_up(context.directory, report.by) or "-"
