"""Test the paths: read a plan (JSON) from a stream, run paths side by side, write one JSON line for each."""

from __future__ import annotations

import concurrent.futures
import imaplib
import json
import smtplib
import ssl
import time
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, TextIO

from . import resolver
from .mailbox import clean_account, clean_vantage
from .paths import certificates, dav, elsewhere, factor, flows, records, refusals, sso, web
from .plan import NotTestedError, PathError, Plan
from .sieve import SieveError

Path = Callable[[Plan], str]
WORKERS = 8
SEED, ENROLMENT = "seed", "enrolment"
"""Lines that are told of an enrolment; the first holds a secret, for the controller alone."""
FAULTS = (
    *(PathError, SieveError, resolver.DnsError, OSError, EOFError, smtplib.SMTPException, imaplib.IMAP4.error),
    *(ValueError, LookupError, TypeError, AttributeError),
)
"""Errors that end one path and not the others; the last four are a server's odd answers."""

PATHS: dict[str, Path] = {
    "foreign-to-agent": flows.foreign_to_agent,
    "submit-587": partial(flows.submit, service="submission"),
    "submit-465": partial(flows.submit, service="submissions"),
    "sieve-filter": flows.sieve_filter,
    "gtube": refusals.gtube,
    "virus": refusals.virus,
    "forged-envelope": refusals.forged_envelope,
    "forged-header": refusals.forged_header,
    "forged-inbound": refusals.forged_inbound,
    "relay": refusals.relay,
    "cleartext-imap": refusals.cleartext_imap,
    "cleartext-smtp": refusals.cleartext_smtp,
    "cleartext-sieve": refusals.cleartext_sieve,
    "certificate-25": partial(certificates.certificate, service="smtp"),
    "certificate-465": partial(certificates.certificate, service="submissions"),
    "certificate-587": partial(certificates.certificate, service="submission"),
    "certificate-143": partial(certificates.certificate, service="imap"),
    "certificate-993": partial(certificates.certificate, service="imaps"),
    "certificate-4190": partial(certificates.certificate, service="sieve"),
    "certificate-443": partial(certificates.certificate, service="https"),
    "portal": web.portal,
    "sso": sso.log_in_page,
    "signing-key": sso.signing_key,
    "second-factor": factor.log_in,
    "provider": elsewhere.provider,
    "roundcube": web.roundcube,
    "sogo": web.sogo,
    "caldav": partial(dav.walk, kind=dav.CALDAV),
    "carddav": partial(dav.walk, kind=dav.CARDDAV),
    "mta-sts": web.mta_sts,
    "autoconfig": web.autoconfig,
    "autodiscover": web.autodiscover,
    "dns-address": records.address,
    "dns-mx": records.mx,
    "dns-spf": records.spf,
    "dns-dkim": records.dkim,
    "dns-dmarc": records.dmarc,
    "dns-tlsa": certificates.tlsa,
}
WATCHED: dict[str, Path] = {
    "colleague-587": partial(flows.to_colleague, service="submission"),
    "colleague-465": partial(flows.to_colleague, service="submissions"),
    **{
        name: path
        for name, path in PATHS.items()
        if name.startswith(("forged-e", "forged-h", "cleartext-", "certificate-", "dns-"))
        or name in ("portal", "caldav", "carddav", "mta-sts", "autoconfig", "autodiscover")
    },
}
"""The paths that a backup server walks again and again: with passwords of devices, which open no page."""


def explain(error: Exception) -> str:
    """An exception on one line, for the operator."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"certificate: {error.verify_message}"
    text = " ".join(str(error).split())[:300]
    return text if isinstance(error, (PathError, SieveError)) else f"{type(error).__name__}: {text}"


def walk_one(name: str, path: Path, plan: Plan) -> dict[str, Any]:
    """Test one path; never raises."""
    start = time.monotonic()
    try:
        status, detail = "ok", path(plan)
    except NotTestedError as error:
        status, detail = "not tested", str(error)
    except FAULTS as error:
        status, detail = "failed", explain(error)
    return {"name": name, "status": status, "ms": int((time.monotonic() - start) * 1000), "detail": detail}


def clean(plan: Plan) -> dict[str, Any]:
    """Remove the run's messages from mailboxes, as one more line: it must work, too."""

    def sweep(_: Plan) -> str:
        gone = sum(clean_account(plan, account) for account in plan.accounts) + clean_vantage(plan)
        return f"{gone} messages removed"

    return walk_one("clean-up", sweep, plan)


def choose(plan: Plan, only: Iterable[str]) -> dict[str, Path]:
    """The paths that are named, or else all but those of a part that the platform has turned off."""
    named = {name: path for name, path in PATHS.items() if name in set(only)}
    off = {
        *(() if plan.antivirus else ("virus",)),
        *(() if plan.factor else ("second-factor",)),
        *(("sso", "signing-key", "second-factor") if plan.provider else ("provider",)),
    }
    return named or {name: path for name, path in PATHS.items() if name not in off}


def walk(plan: Plan, only: Iterable[str]) -> Iterable[dict[str, Any]]:
    """Test the paths (all, or those named) and yield results as they end; then clean up."""
    return side_by_side(plan, choose(plan, only))


def side_by_side(plan: Plan, chosen: Mapping[str, Path]) -> Iterable[dict[str, Any]]:
    """Test these paths and yield results as they end; then clean up."""
    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        tasks = [pool.submit(walk_one, name, path, plan) for name, path in chosen.items()]
        for task in concurrent.futures.as_completed(tasks):
            yield task.result()
    yield clean(plan)


def enrol(plan: Plan, tell: Callable[[dict[str, Any]], None]) -> None:
    """Enrol the probe's second factor: tell its seed (`SEED`), then how it went."""
    tell(
        walk_one(
            ENROLMENT,
            lambda one: factor.enrol(one, lambda seed: tell({"name": SEED, "status": "ok", "ms": 0, "detail": seed})),
            plan,
        )
    )


def main(source: TextIO, target: TextIO) -> None:
    """Read the request, write one JSON line a path as it ends."""
    request = json.load(source)

    def tell(result: dict[str, Any]) -> None:
        target.write(json.dumps(result) + "\n")
        target.flush()

    if request.get("enrol"):
        enrol(Plan.parse(request["plan"]), tell)
        return
    for result in walk(Plan.parse(request["plan"]), request.get("only", [])):
        tell(result)
