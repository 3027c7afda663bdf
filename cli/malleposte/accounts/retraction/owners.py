"""The owners of boxes are told of a retraction: in their journal, and by a letter where they had read a copy."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable
from email.message import EmailMessage
from typing import Any

from malleposte.accounts import boxes, search
from malleposte.accounts.acts import Tools
from malleposte.accounts.life import renewal
from malleposte.accounts.retraction import note
from malleposte.accounts.retraction.acts import Keep
from malleposte.accounts.retraction.model import Retraction
from malleposte.accounts.retraction.reported import Report
from malleposte.core.errors import InputError
from malleposte.core.loops import named
from malleposte.deliveries.model import Message
from malleposte.directory.model import first
from malleposte.directory.protocol import Directory
from malleposte.platform import letters

Send = Callable[[EmailMessage], object]


def journal(tools: Tools[Any], one: Retraction, action: str) -> None:
    """Write an act into the journal of each owner, with the reason and the persons of the DSI who decided."""
    by = {"by": list(one.agreement.persons)} if one.agreement else {}
    for uid in one.holders:
        tools.journal.write(action, uid, note=one.reason, retraction=one.ident, **by)


def write(tools: Tools[Any], one: Retraction, keep: Keep, now: datetime.datetime, send: Send = letters.queue) -> None:
    """Write to those who had read a copy, once each. Whom no letter reaches stands in the failures. Raises OSError."""
    readers = sorted(set(one.readers) - set(one.told))
    if not readers:
        return
    facts = renewal.Facts.read()
    for uid in readers:
        with named(one.failures.append, f"{uid}: no letter"):
            message = next(m for m in one.messages if any(to.account == uid for to in m.recipients))
            address = first(search.by_any_name(tools.directory, uid).attributes, "mail")
            send(note.letter(uid, message, address, facts, now))
            one.told.append(uid)
            keep(one)


def report_box(directory: Directory, facts: renewal.Facts) -> str:
    """Return the uid of the box that takes reports; nothing where it is none of ours."""
    try:
        return first(boxes.find(directory, facts.report_mail).attributes, "uid") if facts.report_mail else ""
    except InputError:
        return ""


def thank(tools: Tools[Any], one: Retraction, now: datetime.datetime, send: Send = letters.queue) -> None:
    """Write to the agents who had reported one of the messages, and mark their reports as answered."""
    facts = renewal.Facts.read()
    box = report_box(tools.directory, facts)
    if not box:
        return
    reports, failures = tools.hosts.reports_of(box)
    one.failures += map(str, failures)
    done = list[str]()
    for report in reports:
        if not any((message.queue, message.message_id) == report.sign for message in one.messages):
            continue
        with named(one.failures.append, f"{report.by}: no letter"):
            uid = first(search.by_any_name(tools.directory, report.by).attributes, "uid").lower()
            if got(uid, report, one.messages):
                send(note.thanks(uid, report.subject, report.by, facts, now))
                done.append(report.ident)
    if done:
        one.failures += map(str, tools.hosts.answer_reports(box, tuple(done)))


def got(uid: str, report: Report, messages: Iterable[Message]) -> bool:
    """Return whether a report is of a message that its agent got: a forged one is of nobody's, or somebody else's."""
    return any(
        (message.queue, message.message_id) == report.sign and any(to.account == uid for to in message.recipients)
        for message in messages
    )
