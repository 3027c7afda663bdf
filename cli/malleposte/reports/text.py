"""The summary of the reports in lines for an operator: each source, and what to do where something is to be done."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from malleposte.reports.model import DMARC, TLS
from malleposte.reports.sources import OURS, RELAY, UNKNOWN
from malleposte.reports.store import DROPPED, REFUSED
from malleposte.reports.summary import Source, Summary

SHOWN = 40
"""Sources in the table; JSON has more."""
FEW = 0.95
"""Share of aligned messages below which something is to be done."""
_KINDS = {OURS: "ours", RELAY: "known relay", UNKNOWN: "unknown"}
_FAILURES = {
    "starttls-not-supported": "the server offered no STARTTLS: a device in between, or port 25 of another host",
    "certificate-expired": "`malleposte status` shows it; on the host `journalctl -u malleposte-tls-renew`",
    "certificate-host-mismatch": "the certificate lacks the name of the MX: deploy, or see malleposte_hostnames",
    "certificate-not-trusted": "others do not trust the authority of the certificate: see malleposte_tls.source",
    "tlsa-invalid": "the TLSA record is not the key's: `malleposte dns check`",
    "dnssec-invalid": "the zone is signed wrongly: its operator; `malleposte dns check`",
    "dane-required": "a sender asks for DANE and found none: `malleposte dns check`",
    "sts-policy-fetch-error": "the MTA-STS policy was not reached: its site, port 443, and its certificate",
    "sts-policy-invalid": "the MTA-STS policy is wrong: `malleposte dns check`",
    "sts-webpki-invalid": "the certificate of the MTA-STS site is not good: `malleposte dns check`",
    "validation-failure": "the sender gives no reason: look at the same day's journal of Postfix",
}
"""Failures of RFC 8460, section 4.3, and what to do about each."""


def lines(shown: Summary) -> Iterator[str]:
    """A summary in lines."""
    yield from _head(shown)
    if shown.sources:
        yield ""
        yield from _sources(shown)
    if shown.details:
        yield ""
        yield from _details(shown)
    if shown.sessions:
        yield ""
        yield from _sessions(shown)
    if shown.refusals:
        yield ""
        yield "refused, the last:"
        for one in shown.refusals:
            yield (
                f"  {_day(one.received)}  from {one.sender or '<>'}, organisation {one.organisation or '?'}, "
                f"report {one.report or '?'}: {one.reason}"
            )


def _head(shown: Summary) -> Iterator[str]:
    for kind, title in ((DMARC, "DMARC"), (TLS, "TLS")):
        count = shown.reports.get(kind, 0)
        last = f", the last came on {_day(shown.last[kind])}" if kind in shown.last else ""
        yield f"{title}: {count} {'report' if count == 1 else 'reports'} of the last {shown.days} days{last}"
    if not shown.reports:
        yield "none came: do others find the address? `malleposte dns check` compares the published records"
    refused, dropped = (shown.outcomes.get(outcome, 0) for outcome in (REFUSED, DROPPED))
    if refused or dropped:
        yield f"{refused} were refused, {dropped} dropped unread (journalctl -u malleposte-reports)"


def _sources(shown: Summary) -> Iterator[str]:
    yield f"{'source':<40} {'messages':>9} {'aligned':>8} {'DKIM':>6} {'SPF':>6} {'refused':>8}  whose"
    for one in shown.sources[:SHOWN]:
        yield (
            f"{one.address:<40} {one.messages:>9} {_share(one.aligned, one):>8} {_share(one.dkim, one):>6} "
            f"{_share(one.spf, one):>6} {one.quarantined + one.rejected:>8}  {_whose(one)}"
        )
    left = len(shown.sources[SHOWN:]) + shown.sources_left_out
    if left:
        yield f"… and {left} sources with fewer messages (--json has {len(shown.sources)})"
    todo = [f"  {one.address}: {advice}" for one in shown.sources[:SHOWN] if (advice := to_do(one))]
    if todo:
        yield ""
        yield "to do:"
        yield from todo


def to_do(one: Source) -> str:
    """Return the advice about a source; empty where nothing is to be done."""
    if one.kind == UNKNOWN:
        if one.dkim >= FEW * one.messages:
            return "forwards our signed mail, as lists elsewhere do: nothing, or name it in malleposte_reports.relays"
        if one.aligned >= FEW * one.messages:
            return "is allowed by our SPF record: name it in malleposte_reports.relays, or take it out of the record"
        return (
            "sends under our name without right, or is a service that an office uses: find whose the address is; "
            "a service has to sign with a key of the domain, or send through the platform"
        )
    if one.aligned >= FEW * one.messages:
        return ""
    if one.kind == OURS:
        return "a host of ours sends mail that fails: `malleposte dns check` compares keys with what is published"
    return f"ask {one.name} to sign with a key of the domain, or not to change mail that it carries on"


def _details(shown: Summary) -> Iterator[str]:
    yield f"{'end of period':<12}  {'organisation':<24} {'sender':<30} {'messages':>9}  DKIM  SPF   done"
    for one in shown.details:
        passed = f"{'pass' if one.dkim else 'fail'}  {'pass' if one.spf else 'fail'}"
        yield (
            f"{_day(one.end):<12}   {one.organisation[:24]:<24} {one.header_from[:30]:<30} {one.messages:>9}  "
            f"{passed}  {one.disposition}"
        )


def _sessions(shown: Summary) -> Iterator[str]:
    yield f"{'TLS policy':<16} {'sessions':>9}  ended"
    for one in shown.sessions:
        server = f" at {one.server}" if one.server else ""
        yield f"{one.policy:<16} {one.sessions:>9}  {f'{one.failure}{server}' if one.failure else 'well'}"
    failures = dict.fromkeys(one.failure for one in shown.sessions if one.failure in _FAILURES)
    if failures:
        yield ""
        yield "to do:"
        for failure in failures:
            yield f"  {failure}: {_FAILURES[failure]}"


def _whose(one: Source) -> str:
    return f"{_KINDS[one.kind]}{f' ({one.name})' if one.name else ''}"


def _share(part: int, one: Source) -> str:
    """A share in per cent, of which 100 means all of them."""
    share = 100 * part // one.messages if one.messages else 0
    return f"{share} %"


def _day(when: int) -> str:
    return datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d")
