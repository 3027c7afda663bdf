"""DMARC aggregate reports: each refusal beside the same thing accepted."""

import pytest
from malleposte.reports import dmarc
from malleposte.reports.model import DEPTH, ROWS, RefusedError, Result

from tests.support import reports
from tests.support.reports import BEGIN, DAY, DOMAIN, NOW, row


def read(document: bytes, **more):
    return dmarc.read(document, **{"own": DOMAIN, "now": NOW, "days": 400, **more})


def refused(document: bytes) -> RefusedError:
    with pytest.raises(RefusedError) as caught:
        read(document)
    return caught.value


@pytest.mark.parametrize("namespace", ["", "http://dmarc.org/dmarc-xml/0.1", "urn:ietf:params:xml:ns:dmarc-2.0"])
def test_a_report_is_read_with_and_without_a_namespace(namespace):
    rows = row() + row("2001:DB8::1", 7, dkim="fail", spf="fail", disposition="reject") + row(count=4)
    report = read(reports.dmarc(rows, namespace=namespace))
    assert (report.head.organisation, report.head.report, report.head.domain) == ("recepteur.test", "r1", DOMAIN)
    assert (report.head.begin, report.head.end) == (BEGIN, BEGIN + DAY - 1)
    assert report.results == {
        Result("192.0.2.10", "none", dkim=True, spf=False, header_from=DOMAIN): 7,
        Result("2001:db8::1", "reject", dkim=False, spf=False, header_from=DOMAIN): 7,
    }


def test_what_is_of_another_namespace_is_passed_over():
    other = '<x:count xmlns:x="urn:example:other">9</x:count>'
    assert sum(read(reports.dmarc(row().replace("<count>", f"{other}<count>"))).results.values()) == 3
    assert "root" in refused(b'<feedback xmlns="urn:example:other"/>').reason


def test_the_successor_s_words_are_read():
    found = read(reports.dmarc(row(disposition="pass") + row(disposition="Quarantine", dkim="PASS")))
    assert {(one.disposition, one.dkim) for one in found.results} == {("none", True), ("quarantine", True)}


def test_a_report_about_a_domain_below_ours_is_read():
    assert read(reports.dmarc(domain=f"Lycee.{DOMAIN}.")).head.domain == f"lycee.{DOMAIN}"


@pytest.mark.parametrize(
    "before",
    [
        "<!DOCTYPE feedback>",
        '<!DOCTYPE feedback [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;">]>',
        '<!DOCTYPE feedback SYSTEM "file:///etc/passwd">',
        '<!DOCTYPE feedback [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        '<!DOCTYPE feedback [<!ENTITY % x SYSTEM "http://192.0.2.1/x"> %x;]>',
    ],
)
def test_a_doctype_or_an_entity_is_refused(before):
    assert "DOCTYPE" in refused(reports.dmarc(before=before)).reason
    assert read(reports.dmarc(before="<!-- rien -->")).results


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        (reports.dmarc(row(count=-5_000_000_000)), "count is '-5000000000'"),
        (reports.dmarc(row(count=0)), "count is '0'"),
        (reports.dmarc(row(count=100_000_001)), "count is"),
        (reports.dmarc(row(count="9" * 40)), "count is"),
        (reports.dmarc(row(count="1e3")), "count is"),
        (reports.dmarc(row(count="٣")), "count is"),
        (reports.dmarc(row("192.0.2.300")), "source_ip is"),
        (reports.dmarc(row("fe80::1%eth0")), "source_ip is"),
        (reports.dmarc(row("")), "source_ip is"),
        (reports.dmarc(row(disposition="discard")), "disposition is 'discard'"),
        (reports.dmarc(row(header_from="a b")), "no domain"),
        (reports.dmarc(row(header_from="x" * 300)), "more than 255 characters"),
        (reports.dmarc(begin="demain"), "begin is 'demain'"),
        (reports.dmarc(begin=BEGIN, end=BEGIN - 1), "ends before it begins"),
        (reports.dmarc(begin=BEGIN - 60 * DAY), "longer than 40 days"),
        (reports.dmarc(end=int(NOW) + 9 * DAY), "in the future"),
        (reports.dmarc(begin=86_400, end=172_800), "more than 400 days ago"),
        (reports.dmarc(end=99_999_999_999_999), "end is"),
        (reports.dmarc(domain="ailleurs.test"), "it is about ailleurs.test"),
        (reports.dmarc(domain=f"faux{DOMAIN}"), "it is about"),
        (reports.dmarc(""), "it has no row"),
        (reports.dmarc(organisation="x" * 300), "more than 255 characters"),
        (reports.dmarc(organisation=""), "org_name is missing"),
        (reports.dmarc(report=""), "report_id is missing"),
        (reports.dmarc().replace(b"<adkim>", b"<domain>x.test</domain><adkim>"), "domain stands twice"),
        (reports.dmarc(row().replace("<count>3", "<count>3</count><count>4")), "count stands twice"),
        (reports.dmarc(row().replace("<count>3", "<count><b/>3")), "count has elements"),
        (reports.dmarc(row(header_from="&x;")), "it is no XML"),
        (reports.dmarc()[:-20], "it is no XML"),
        (b"<?xml version='1.0'?><html/>", "its root is 'html'"),
        (b"<?xml version='1.0' encoding='klingon'?><feedback/>", "klingon|no XML"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_refused(document, reason):
    error = refused(document)
    assert reason.split("|")[0] in error.reason or reason.split("|")[-1] in error.reason


@pytest.mark.parametrize("number", [1, 100_000_000])
def test_counts_that_can_be_are_read(number):
    assert list(read(reports.dmarc(row(count=number))).results.values()) == [number]


def test_a_refusal_names_whose_report_it_claims_to_be():
    error = refused(reports.dmarc(row(count=-1), organisation="recepteur.test", report="r-77"))
    assert (error.organisation, error.report) == ("recepteur.test", "r-77")
    assert refused(b"<?xml").organisation == ""


def test_depth_is_bounded():
    def deep(levels: int) -> bytes:
        # feedback is the first.
        inner = "<a>" * (levels - 1) + "</a>" * (levels - 1)
        return reports.dmarc().replace(b"<version>", f"{inner}<version>".encode())

    assert read(deep(DEPTH)).results
    assert f"more than {DEPTH} elements" in refused(deep(DEPTH + 1)).reason
    assert f"more than {DEPTH} elements" in refused(b"<feedback>" + b"<a>" * 200_000).reason


def test_rows_and_elements_are_bounded():
    assert sum(read(reports.dmarc(row() * ROWS)).results.values()) == 3 * ROWS
    assert f"more than {ROWS} rows" in refused(reports.dmarc(row() * (ROWS + 1))).reason
    assert "elements" in refused(b"<feedback>" + b"<a/>" * (dmarc.ELEMENTS + 1) + b"</feedback>").reason


def test_a_tag_is_bounded_and_a_long_text_is_none():
    attributes = b"".join(b'a%d="" ' % number for number in range(300_000))
    assert "a tag is longer than 1 MB" in refused(b"<feedback " + attributes + b">").reason
    few = reports.dmarc().replace(b"<adkim>", b"<adkim " + attributes[:40_000].rpartition(b" ")[0] + b">")
    assert read(few.replace(b"<email>", b"<error>" + b"x" * 3_000_000 + b"</error><email>")).results


def test_a_long_text_that_is_not_read_is_passed_over():
    report = reports.dmarc().replace(
        b"<email>", b"<extra_contact_info>" + b"x" * 5000 + b"</extra_contact_info><email>"
    )
    assert read(report).results


def test_control_characters_of_a_text_are_left_out():
    assert read(reports.dmarc(organisation="re\u202ecep&#9;teur")).head.organisation == "re cep teur"
