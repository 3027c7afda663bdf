"""The lines of the reports for an operator."""

import pytest
from malleposte.reports import text
from malleposte.reports.store import Refusal
from malleposte.reports.summary import Detail, Source, Summary, TlsSessions

from tests.support.reports import DOMAIN, NOW

WHEN = int(NOW)


def source(kind: str, aligned: int, dkim: int = 0, name: str = "", address: str = "192.0.2.10") -> Source:
    return Source(address, kind, name, 100, aligned, dkim, aligned, 0, 100 - aligned, 2, WHEN, (DOMAIN,))


@pytest.mark.parametrize(
    ("one", "advice"),
    [
        (source("ours", 99, 99, "mail1"), ""),
        (source("ours", 40, 40, "mail1"), "a host of ours sends mail that fails"),
        (source("relay", 97, name="Région"), ""),
        (source("relay", 10, name="Région"), "ask Région to sign"),
        (source("unknown", 100, 100), "forwards our signed mail"),
        (source("unknown", 100, 0), "allowed by our SPF record"),
        (source("unknown", 0, 0), "without right"),
    ],
)
def test_what_to_do_about_a_source(one, advice):
    assert text.to_do(one).startswith(advice) if advice == "" else advice in text.to_do(one)
    assert bool(text.to_do(one)) == bool(advice)


def test_sources_are_shown_with_their_shares_and_whose_they_are():
    shown = Summary(
        7,
        reports={"dmarc": 3},
        last={"dmarc": WHEN},
        sources=(source("ours", 99, 99, "mail1"), source("unknown", 0, address="203.0.113.66")),
        sources_left_out=2,
        outcomes={"refused": 4, "dropped": 1},
        refusals=(Refusal(WHEN, "recepteur.test", "recepteur.test", "r9", "count is '-1'"),),
    )
    lines = list(text.lines(shown))
    assert lines[0].startswith("DMARC: 3 reports of the last 7 days, the last came on 2026-11-30")
    assert lines[1] == "TLS: 0 reports of the last 7 days"
    assert lines[2].startswith("4 were refused, 1 dropped unread")
    assert any(line.split()[:4] == ["192.0.2.10", "100", "99", "%"] and "ours (mail1)" in line for line in lines)
    assert any(line.startswith("203.0.113.66") and line.endswith("unknown") for line in lines)
    assert "… and 2 sources with fewer messages (--json has 2)" in lines
    assert [line for line in lines if line.startswith("  203.0.113.66: ")]
    assert lines[-1].endswith("from recepteur.test, organisation recepteur.test, report r9: count is '-1'")


def test_a_source_is_shown_with_the_reports_about_it():
    details = (Detail(WHEN, "recepteur.test", DOMAIN, "reject", dkim=False, spf=True, messages=4),)
    lines = list(text.lines(Summary(7, {"dmarc": 1}, {"dmarc": WHEN}, (source("relay", 0),), details=details)))
    assert lines[-1].split() == ["2026-11-30", "recepteur.test", DOMAIN, "4", "fail", "pass", "reject"]


def test_sessions_are_shown_with_what_to_do():
    sessions = (
        TlsSessions("sts", "", "", 120, 2),
        TlsSessions("sts", "certificate-expired", "mail.ac-exemple.test", 3, 1),
        TlsSessions("sts", "a-failure-of-tomorrow", "", 1, 1),
    )
    lines = list(text.lines(Summary(30, {"tls": 2}, {"tls": WHEN}, sessions=sessions)))
    assert any(line.split() == ["sts", "120", "well"] for line in lines)
    assert any(line.endswith("certificate-expired at mail.ac-exemple.test") for line in lines)
    assert any(line.endswith("a-failure-of-tomorrow") for line in lines)
    assert [line for line in lines if line.startswith("  certificate-expired: ")] == [lines[-1]]


def test_without_a_report_the_published_address_is_doubted():
    assert "dns check" in "\n".join(text.lines(Summary(30)))
