"""TLS reports: each refusal beside the same thing accepted."""

import json

import pytest
from malleposte.reports import tlsrpt
from malleposte.reports.model import ROWS, RefusedError, Sessions

from tests.support import reports
from tests.support.reports import DOMAIN, NOW


def read(document: bytes):
    return tlsrpt.read(document, DOMAIN, NOW, 400)


def failure(**more):
    return {"result-type": "certificate-expired", "failed-session-count": 1, **more}


def test_a_report_is_read():
    report = read(reports.tls())
    assert (report.head.kind, report.head.organisation, report.head.report) == ("tls", "Recepteur", "t1")
    assert report.sessions == {
        Sessions("sts", "", ""): 120,
        Sessions("sts", "certificate-expired", "mx.test"): 3,
        Sessions("sts", tlsrpt.UNNAMED, ""): 2,
    }


def test_a_report_without_failures_is_read():
    document = json.loads(reports.tls(failed=0, failures=[]))
    del document["policies"][0]["failure-details"]
    document["a-field-of-tomorrow"] = {"a": [1, 2]}
    assert read(json.dumps(document).encode()).sessions == {Sessions("sts", "", ""): 120}


@pytest.mark.parametrize("end", ["2026-11-28T23:59:59Z", "2026-11-29T00:59:59+01:00", "2026-11-28T23:59:59"])
def test_times_have_a_zone_or_are_those_of_utc(end):
    assert read(reports.tls(end=end)).head.end == 1_795_910_399


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (reports.tls(succeeded=-1), "no TLS report"),
        (reports.tls(failed=10**12), "no TLS report"),
        (reports.tls(succeeded="12"), "no TLS report"),
        (reports.tls(failures=[failure(**{"failed-session-count": -3})]), "no TLS report"),
        (reports.tls(failures=[failure(**{"result-type": "a b\n"})]), "no TLS report"),
        (reports.tls(failures=[failure()] * (ROWS + 1)), "no TLS report"),
        (reports.tls(failures=[failure(**{"receiving-mx-hostname": "a b"})]), "is no domain"),
        (reports.tls(end="2026-02-30T00:00:00Z"), "no TLS report"),
        (reports.tls(end="2026-11-27T00:00:00Z"), "ends before it begins"),
        (reports.tls(end="2027-11-28T00:00:00Z"), "longer than"),
        (reports.tls(domain="ailleurs.test"), "it is about ailleurs.test"),
        (reports.tls(domain=""), "it is about no domain"),
        (reports.tls(policies=[]), "no TLS report"),
        (reports.tls(organisation="x" * 300), "no TLS report"),
        (reports.tls(organisation=" "), "is empty"),
        (reports.tls(report=""), "no TLS report"),
        (b'{"organization-name": "R"}', "no TLS report"),
        (b"{" * 10_000, "no TLS report"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "one within the other|no TLS report"),
        (reports.tls()[:-3], "no TLS report"),
        (b"\xff\xfe", "no TLS report"),
    ],
)
def test_what_cannot_be_is_refused(document, reason):
    with pytest.raises(RefusedError) as caught:
        read(document)
    assert any(part in caught.value.reason for part in reason.split("|"))


def test_a_refusal_names_whose_report_it_claims_to_be():
    with pytest.raises(RefusedError) as caught:
        read(reports.tls(organisation="Recepteur", report="t-9", succeeded=-1))
    assert (caught.value.organisation, caught.value.report) == ("Recepteur", "t-9")
