"""Messages that bring reports: what is kept, counted, refused, dropped, and shown."""

import sqlite3

import pytest
from malleposte.reports import dmarc
from malleposte.reports.intake import TAKEN, Intake
from malleposte.reports.sources import OURS, RELAY, UNKNOWN, NamedSources, network_of
from malleposte.reports.store import DROPPED, KEPT, KNOWN, REFUSALS, REFUSED, Budget, Store
from malleposte.reports.summary import figures, summary
from malleposte.runtime.servers import LATER, Envelope

from tests.support import reports
from tests.support.reports import BEGIN, DAY, DOMAIN, NOW, mail, packed, row, zipped

NAMES = NamedSources.of({"mail1": ["192.0.2.10"]}, {"Relais de la région": ["198.51.100.0/24", "2001:db8:5::/48"]})


class Here:
    """A store with what takes mail for it."""

    def __init__(self, **more):
        self.store, self.now, self.lines = Store(":memory:"), NOW, []
        self.intake = Intake(self.store, DOMAIN, 400, self.lines.append, lambda: self.now, **more)

    def take(self, message: bytes, client: str = "203.0.113.5", sender: str = "noreply@recepteur.test") -> str:
        return self.intake.taken(Envelope(sender, f"dmarc@{DOMAIN}", client), message)

    def shown(self, days: int = 30, source: str = ""):
        return summary(self.store, NAMES, self.now, days, source)


@pytest.fixture
def here():
    made = Here()
    yield made
    made.store.close()


def test_a_report_is_kept_once_and_shown_by_source(here):
    rows = (
        row("192.0.2.10", 90)
        + row("192.0.2.10", 10, dkim="fail")
        + row("198.51.100.7", 5, dkim="fail", spf="pass", header_from=f"lycee.{DOMAIN}")
        + row("203.0.113.66", 40, dkim="fail", disposition="reject")
    )
    for form in (zipped, packed, bytes):
        assert here.take(mail(form(reports.dmarc(rows)))) == TAKEN
    shown = here.shown()
    assert shown.reports == {"dmarc": 1} and shown.outcomes == {KEPT: 1, KNOWN: 2}
    assert [(one.address, one.kind, one.name, one.messages, one.aligned) for one in shown.sources] == [
        ("192.0.2.10", OURS, "mail1", 100, 90),
        ("203.0.113.66", UNKNOWN, "", 40, 0),
        ("198.51.100.7", RELAY, "Relais de la région", 5, 5),
    ]
    assert (shown.sources[1].rejected, shown.sources[2].spf, shown.sources[2].dkim) == (40, 5, 0)
    assert shown.sources[2].header_from == (f"lycee.{DOMAIN}",)
    assert here.lines == []


def test_the_key_is_kind_organisation_and_report_id(here):
    for organisation, report in (("a.test", "1"), ("b.test", "1"), ("a.test", "2"), ("a.test", "1")):
        here.take(mail(reports.dmarc(organisation=organisation, report=report)))
    here.take(mail(reports.tls(organisation="a.test", report="1")))
    assert here.shown().reports == {"dmarc": 3, "tls": 1}
    assert here.shown().sources[0].organisations == 2


def test_the_store_itself_keeps_a_key_once(here):
    report = dmarc.read(reports.dmarc(), DOMAIN, NOW, 400)
    assert (here.store.has(report.head), here.store.add(report, NOW)) == (False, True)
    assert (here.store.has(report.head), here.store.add(report, NOW)) == (True, False)
    assert here.shown().sources[0].messages == 3


def test_tls_sessions_are_shown_by_policy_and_failure(here):
    here.take(mail(packed(reports.tls())))
    here.take(mail(packed(reports.tls(organisation="Autre", report="t2", failures=[]))))
    assert [(one.policy, one.failure, one.sessions, one.organisations) for one in here.shown().sessions] == [
        ("sts", "", 240, 2),
        ("sts", "unspecified", 7, 2),
        ("sts", "certificate-expired", 3, 1),
    ]


def test_a_source_is_shown_with_its_reports(here):
    here.take(mail(reports.dmarc(row("2001:db8:5::9", 6, dkim="fail") + row())))
    shown = here.shown(source="2001:db8:5::9")
    assert [(one.address, one.kind, one.messages) for one in shown.sources] == [("2001:db8:5::9", RELAY, 6)]
    assert [(one.organisation, one.messages, one.dkim) for one in shown.details] == [("recepteur.test", 6, False)]
    assert here.shown(source="192.0.2.99").sources == ()


def test_old_reports_are_not_shown_and_then_removed(here):
    here.take(mail(reports.dmarc(begin=BEGIN - 100 * DAY, end=BEGIN - 99 * DAY, report="old")))
    here.take(mail(reports.dmarc()))
    assert here.shown(30).reports == {"dmarc": 1} and here.shown(400).reports == {"dmarc": 2}
    assert here.store.prune(here.now, 400) == 0
    assert here.store.prune(here.now + 320 * DAY, 400) == 1
    assert here.shown(400).reports == {"dmarc": 1} and len(here.shown(400).sources) == 1


def test_of_too_many_rows_the_oldest_reports_go():
    here = Here()
    here.store.most = 5
    for age in range(4):
        rows = "".join(row(f"192.0.2.{number}") for number in range(2))
        here.take(mail(reports.dmarc(rows, report=str(age), begin=BEGIN - age * DAY, end=BEGIN - age * DAY + 60)))
    assert here.store.prune(here.now, 400) == 2
    kept = here.store.link.execute("SELECT report FROM reports ORDER BY report").fetchall()
    assert kept == [("0",), ("1",)]
    assert here.store.link.execute("SELECT count(*) FROM results").fetchone() == (4,)
    here.store.close()


def test_a_refused_report_is_said_in_one_line_and_counted(here):
    bad = mail(reports.dmarc(row(count=-1), organisation="re\ncep\u202eteur", report="r 9"), zipped(b"x", b"y"))
    assert here.take(bad) == TAKEN
    assert here.take(mail(text="Bonjour"), sender="marie@ac-exemple.test") == TAKEN
    assert here.take(b"\r\n" * 400_000, sender="") == TAKEN
    assert here.lines == [
        "refused: from recepteur.test, organisation 're cep teur', report 'r 9': count is '-1'",
        "refused: from recepteur.test, organisation '', report '': the zip holds 2 files",
        "refused: from ac-exemple.test, organisation '', report '': no report is in it",
        "refused: from <>, organisation '', report '': the message has too many lines or parts",
    ]
    shown = here.shown()
    assert shown.outcomes == {REFUSED: 4} and len(shown.refusals) == 4
    assert shown.refusals[-1].report == "r 9" and shown.refusals[-1].received == int(NOW)
    assert "marie" not in str(shown)


def test_what_is_wrong_with_one_file_keeps_no_other_from_being_read(here):
    here.take(mail(reports.dmarc(row(count=0)), reports.dmarc(report="good"), reports.tls()))
    assert here.shown().outcomes == {REFUSED: 1, KEPT: 2}


def test_refusals_that_are_kept_are_few(here):
    for _ in range(REFUSALS + 20):
        here.take(mail(text="x"))
    assert here.store.link.execute("SELECT count(*) FROM refusals").fetchone() == (REFUSALS,)
    assert here.shown().outcomes == {REFUSED: REFUSALS + 20}


def test_a_network_that_floods_spends_its_own_part_and_leaves_the_rest_to_others():
    here = Here(whole=Budget(40, 10**9, 10**6), each=Budget(10, 10**9, 10**6))
    for number in range(100):
        assert here.take(mail(text="x"), client=f"203.0.113.{number}") == TAKEN
    assert here.shown().outcomes == {REFUSED: 10, DROPPED: 90}
    assert [line for line in here.lines if line.startswith("<4>")] == [
        "<4>dropped: from 203.0.113.0/24: today's budget is spent; what follows is counted alone"
    ]
    here.take(mail(reports.dmarc()), client="198.18.0.9")
    assert here.shown().reports == {"dmarc": 1}
    here.now += DAY
    here.take(mail(reports.dmarc(report="r2")), client="203.0.113.7")
    assert here.shown().reports == {"dmarc": 2}
    here.store.close()


@pytest.mark.parametrize(
    ("whole", "kept"),
    [
        (Budget(3, 10**9, 10**6), 3),
        (Budget(100, 3000, 10**6), 1),
        (Budget(100, 10**9, 4), 4),
        (Budget(9, 10**9, 99), 6),
    ],
)
def test_messages_bytes_and_rows_of_a_day_have_a_bound_in_all(whole, kept):
    here = Here(whole=whole, each=Budget(10**6, 10**9, 10**6))
    for number in range(6):
        here.take(mail(reports.dmarc(report=str(number)), text="x" * 60), client=f"203.0.{number}.1")
    outcomes = here.shown().outcomes
    assert outcomes[KEPT] == kept and outcomes.get(DROPPED, 0) == 6 - kept
    here.store.close()


def test_while_the_disk_takes_nothing_the_message_waits(here, monkeypatch):
    def full(*_words):
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(here.store, "spend", full)
    assert here.take(mail(reports.dmarc())) == LATER
    assert here.lines == ["<3>nothing can be kept: database or disk is full"]


@pytest.mark.parametrize(
    ("client", "network"),
    [
        ("203.0.113.77", "203.0.113.0/24"),
        ("2001:db8:1:2::3", "2001:db8:1::/48"),
        ("::ffff:203.0.113.7", "203.0.113.0/24"),
        ("", ""),
        ("unknown", ""),
    ],
)
def test_budgets_are_counted_by_network(client, network):
    assert network_of(client) == network


def test_sources_are_told_apart_without_asking_anybody():
    assert NAMES.of_source("192.0.2.10") == (OURS, "mail1")
    assert NAMES.of_source("2001:db8:5:1::1") == (RELAY, "Relais de la région")
    assert NAMES.of_source("192.0.2.11") == (UNKNOWN, "")
    with pytest.raises(ValueError, match="300"):
        NamedSources.of({}, {"x": ["192.0.2.300"]})


def test_figures_for_the_watch(here):
    here.take(mail(reports.dmarc(row("203.0.113.8") + row("203.0.113.9") + row("192.0.2.10"))))
    here.take(mail(reports.dmarc(row("203.0.113.9"), report="older", begin=BEGIN - 9 * DAY, end=BEGIN - 8 * DAY)))
    here.take(mail(text="x"))
    found = figures(here.store, NAMES, here.now)
    assert (found.refused, found.dropped, found.unknown) == (1, 0, 2)
    assert found.last == {"dmarc": int(NOW)}
