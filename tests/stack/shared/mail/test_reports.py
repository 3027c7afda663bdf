"""Reports of other mail servers, from port 25 through the filter to the operator's command; hostile ones are named."""

from __future__ import annotations

import ipaddress
import json
import secrets
import shlex
import time
from typing import Any

import pytest
from malleposte.reports.sources import network_of

from tests.stack.support.accounts_cli import Cli, document
from tests.stack.support.mail import FOREIGN, Mail, compose, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Site
from tests.support import reports
from tests.support.reports import DAY, packed, row, zipped

pytestmark = pytest.mark.scattered
HOST, UNIT = "mail1", "malleposte-reports.service"
SENDER = f"noreply@{FOREIGN}"


def source() -> str:
    """An address that no other test reports about."""
    return str(ipaddress.IPv6Address(int(ipaddress.IPv6Address("2001:db8:7::")) + secrets.randbits(64)))


def report(rows: str, name: str, **more: Any) -> bytes:
    """An aggregate report of yesterday."""
    begin = (int(time.time()) // DAY - 1) * DAY
    return reports.dmarc(rows, organisation=FOREIGN, report=name, begin=begin, end=begin + DAY - 1, **more)


def shown(site: Site, address: str) -> dict[str, Any]:
    """The host's answer about a source."""
    return dict(json.loads(site.run(HOST, f"malleposte reports --source {address} --json")))


def seen(site: Site, address: str) -> Any:
    """The source, once its report is read."""
    found = wait_for(lambda: shown(site, address)["sources"], 120, f"a report about {address}")
    return found[0]


def said(site: Site, word: str) -> str:
    """The daemon's line that holds a word."""
    line = f"journalctl -u {UNIT} -n 2000 -o cat | grep -F -- {shlex.quote(word)}"
    return str(wait_for(lambda: site.run(HOST, line, check=False), 120, f"a line about {word}"))


@pytest.mark.parametrize(
    ("form", "suffix", "kind"), [(zipped, "zip", "application/zip"), (packed, "xml.gz", "application/gzip")]
)
def test_a_report_that_another_server_sends_is_shown_by_its_source_once(
    site: Site, mail: Mail, form: Any, suffix: str, kind: str
) -> None:
    address, name, to = source(), token(), site.platform["dmarc"]["reports"]
    rows = row(address, 7, dkim="fail", disposition="reject") + row(address, 3)
    for _again in range(2):
        file = {"name": f"{FOREIGN}!ac-exemple.test!1!2.{suffix}", "kind": kind}
        mail.foreign(SENDER, to, reports.mail(form(report(rows, name)), **file))
    one = seen(site, address)
    assert (one["kind"], one["messages"], one["aligned"], one["rejected"]) == ("unknown", 10, 3, 7)
    # The second of them is there already; whichever was read first, nothing is counted twice.
    mail.foreign(SENDER, to, reports.mail(report(row(address), f"{name}-last")))
    wait_for(lambda: shown(site, address)["sources"][0]["messages"] == 13, 120)
    assert {row_["organisation"] for row_ in shown(site, address)["details"]} == {FOREIGN}


def test_the_platform_s_own_hosts_have_their_name(site: Site, mail: Mail) -> None:
    address, name = site.address(HOST), token()
    mail.foreign(SENDER, site.platform["dmarc"]["reports"], reports.mail(report(row(address, 2), name)))
    assert (seen(site, address)["kind"], seen(site, address)["name"]) == ("ours", HOST)


def test_a_tls_report_is_shown_by_its_failure_as_the_controller_asks(site: Site, mail: Mail) -> None:
    failure, when = f"x-{token()}", time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() - DAY))
    details = [{"result-type": failure, "failed-session-count": 4, "receiving-mx-hostname": "mail.ac-exemple.test"}]
    body = reports.tls(report=token(), failures=details, failed=4, begin=when, end=when)
    mail.foreign(
        SENDER, site.platform["mta_sts"]["reports"], reports.mail(packed(body), kind="application/tlsrpt+gzip")
    )

    def sessions() -> list[Any]:
        told = document(Cli(site).typed("--json", group="reports"))["hosts"][HOST]
        return [one for one in told["sessions"] if one["failure"] == failure]

    (one,) = wait_for(sessions, 120)
    assert (one["policy"], one["sessions"], one["server"]) == ("sts", 4, "mail.ac-exemple.test")
    assert "to do" in (text := Cli(site).typed("--days", 2, group="reports").stdout) and failure in text


def test_what_is_hostile_is_taken_named_and_shown_nowhere(site: Site, mail: Mail) -> None:
    address, name, to = source(), token(), site.platform["dmarc"]["reports"]
    hostile = [
        report(row(address, -5_000_000_000), f"{name}-count"),
        report(row(address), f"{name}-dtd", before='<!DOCTYPE feedback [<!ENTITY x SYSTEM "file:///etc/passwd">]>'),
        report(row(address), f"{name}-domain", domain="ailleurs.test"),
        zipped(report(row(address), f"{name}-two"), b"x"),
    ]
    for body in hostile:
        mail.foreign(SENDER, to, reports.mail(body, name="rapport.zip"))
    # rspamd takes it for an archive in an archive under the name of a zip, and greylists its sender.
    mail.foreign(SENDER, to, reports.mail(packed(b"<?xml " + b" " * (30 * 1024**2)), name="rapport.xml.gz"))
    assert "count is '-5000000000'" in said(site, f"{name}-count")
    assert f"organisation '{FOREIGN}'" in said(site, f"{name}-count")
    assert "it is about ailleurs.test" in said(site, f"{name}-domain")
    said(site, "DOCTYPE")
    said(site, "the zip holds 2 files")
    said(site, "larger than 20 MB")
    mail.foreign(SENDER, to, reports.mail(report(row(address, 2), f"{name}-good")))
    assert seen(site, address)["messages"] == 2, "the daemon goes on"
    assert to not in site.run(HOST, "postqueue -j"), "nothing waits, and nobody is answered"


def test_mail_of_a_person_is_taken_and_reaches_no_mailbox(site: Site, mail: Mail, people: People) -> None:
    agent, subject, to = people.agent(), token(), site.platform["dmarc"]["reports"]
    assert mail.submit(agent, agent.mail, to, compose(agent.mail, to, subject)).accepted
    said(site, "no report is in it")
    assert mail.count(agent, subject) == 0, "no answer"
    assert site.run(HOST, f"doveadm search -u dmarc mailbox '*' header subject {subject}", check=False) == ""
    # Nobody names the daemon's own address.
    refused = mail.submit(agent, agent.mail, "reports@reports.stores.invalid", compose(agent.mail, to, subject))
    assert (refused.step, refused.code) == ("RCPT", 554)


def test_a_budget_is_counted_by_the_network_that_sent(site: Site, mail: Mail) -> None:
    address = source()
    mail.foreign(SENDER, site.platform["dmarc"]["reports"], reports.mail(report(row(address), token())))
    seen(site, address)
    ask = (
        'import sqlite3; link = sqlite3.connect(\\"/var/lib/malleposte-reports/reports.sqlite\\"); '
        'print([row[0] for row in link.execute(\\"SELECT network FROM spent\\")])'
    )
    networks = site.run(HOST, f'runuser -u malleposte-reports -- python3 -c "{ask}"')
    assert network_of(site.address("world")) in networks


def test_the_daemon_may_do_little(site: Site, mail1: Any) -> None:
    for name, user in (("lmtp", "postfix"), ("asked", "root")):
        found = mail1.file(f"/run/malleposte-reports/{name}.sock")
        assert (found.user, found.mode) == (user, 0o600)
    folder = mail1.file("/var/lib/malleposte-reports")
    assert (folder.user, folder.mode) == ("malleposte-reports", 0o700)
    owner = site.run(HOST, f"ps -o user:32= -p $(systemctl show -P MainPID {UNIT})").strip()
    assert owner == "malleposte-reports"
    line = site.run(HOST, f"systemd-analyze security --no-pager {UNIT} | tail -n1")
    assert float(line.split(":")[1].split()[0]) < 3, line
    wait_for(lambda: mail1.file("/var/lib/malleposte-reports/copy/reports.sqlite").exists, 120)
