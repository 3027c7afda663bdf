"""A TLS report (RFC 8460, section 4)."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime
from typing import Annotated

import msgspec

from malleposte.reports.model import (
    COUNT,
    ROWS,
    TEXT,
    TLS,
    Head,
    RefusedError,
    Sessions,
    TlsReport,
    below,
    period,
    plain,
)
from malleposte.reports.model import domain as domain_of

UNNAMED = "unspecified"
"""The failure of sessions that a report counts and does not explain."""
POLICIES = 200
Text = Annotated[str, msgspec.Meta(min_length=1, max_length=TEXT)]
Word = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_-]{1,60}$")]
Count = Annotated[int, msgspec.Meta(ge=0, le=COUNT)]


class _Form(msgspec.Struct, frozen=True, rename="kebab"):
    """Names of JSON have hyphens. What is not read is passed over."""


class _Period(_Form, frozen=True, rename="kebab"):
    start_datetime: datetime
    end_datetime: datetime


class _Policy(_Form, frozen=True, rename="kebab"):
    policy_type: Word
    policy_domain: str


class _Summary(_Form, frozen=True, rename="kebab"):
    total_successful_session_count: Count
    total_failure_session_count: Count


class _Failure(_Form, frozen=True, rename="kebab"):
    result_type: Word
    failed_session_count: Count
    receiving_mx_hostname: str = ""


class _Entry(_Form, frozen=True, rename="kebab"):
    policy: _Policy
    summary: _Summary
    failure_details: Annotated[list[_Failure], msgspec.Meta(max_length=ROWS)] = []


class _Report(_Form, frozen=True, rename="kebab"):
    organization_name: Text
    date_range: _Period
    report_id: Text
    policies: Annotated[list[_Entry], msgspec.Meta(min_length=1, max_length=POLICIES)]


class _Claims(_Form, frozen=True, rename="kebab"):
    organization_name: str = ""
    report_id: str = ""


def read(document: bytes, own: str, now: float, days: int) -> TlsReport:
    """Read a report about our domain (`own`) at a time (seconds since 1970). Raises RefusedError."""
    try:
        return _report(msgspec.json.decode(document, type=_Report), own, now, days)
    except RefusedError as error:
        reason = error.reason
    except RecursionError:
        reason = "it has too many values one within the other"
    except (msgspec.MsgspecError, ValueError) as error:
        reason = f"it is no TLS report ({plain(str(error), 120)})"
    claims = _claims(document)
    raise RefusedError(reason, plain(claims.organization_name), plain(claims.report_id))


def _claims(document: bytes) -> _Claims:
    try:
        return msgspec.json.decode(document, type=_Claims)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return _Claims()


def _report(document: _Report, own: str, now: float, days: int) -> TlsReport:
    begin, end = (_seconds(one) for one in (document.date_range.start_datetime, document.date_range.end_datetime))
    period(begin, end, now, days)
    organisation, report = plain(document.organization_name), plain(document.report_id)
    if not organisation or not report:
        raise RefusedError("organization-name or report-id is empty")
    sessions: Counter[Sessions] = Counter()
    rows = 0
    for entry in document.policies:
        domain = domain_of(entry.policy.policy_domain)
        if not below(domain, own):
            raise RefusedError(f"it is about {domain or 'no domain'}")
        rows += 1 + len(entry.failure_details)
        if rows > ROWS:
            raise RefusedError(f"it has more than {ROWS} rows")
        policy = entry.policy.policy_type.lower()
        sessions[Sessions(policy, "", "")] += entry.summary.total_successful_session_count
        explained = 0
        for failure in entry.failure_details:
            server = domain_of(failure.receiving_mx_hostname)
            sessions[Sessions(policy, failure.result_type.lower(), server)] += failure.failed_session_count
            explained += failure.failed_session_count
        rest = entry.summary.total_failure_session_count - explained
        if rest > 0:
            sessions[Sessions(policy, UNNAMED, "")] += rest
    head = Head(TLS, organisation, report, own, begin, end)
    return TlsReport(head, {one: count for one, count in sessions.items() if count})


def _seconds(when: datetime) -> int:
    """A time without its zone is UTC's."""
    return int((when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp())
