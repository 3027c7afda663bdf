"""The vaults watch: they read the hosts' measures, their users read nothing else, and the pager tells people once."""

from __future__ import annotations

import json
import secrets
from typing import Any

import pytest
import yaml

from tests.stack.support import watching
from tests.stack.support.mail import wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Site
from tests.support import watch

UNITS = {
    "prometheus.service": 2.0,
    "prometheus-alertmanager.service": 2.0,
    "prometheus-blackbox-exporter.service": 3.0,
    "malleposte-pager.service": 2.0,
    "malleposte-probe.service": 3.0,
}
"""Units of a vault, and the exposure that each has at most (systemd-analyze(1))."""
DAEMONS = [unit for unit in UNITS if unit != "malleposte-probe.service"]


@pytest.fixture(scope="module")
def vaults(site: Site) -> list[str]:
    return site.hosts_of("vault")


def test_each_vault_reads_each_host(site: Site, vaults: list[str]) -> None:
    hosts = {host.split(".")[0] for host in site.hosts_of("malleposte")}
    for vault in vaults:

        def all_up(vault: str = vault) -> bool:
            found = watching.query(site, vault, "up")
            nodes = {one["metric"]["instance"] for one in found if one["metric"].get("source") == "node"}
            return nodes == hosts and all(one["value"][1] == "1" for one in found)

        wait_for(all_up, 180, f"every target of {vault}")
        (unit,) = watching.query(
            site, vault, 'malleposte_unit_active{instance="mail1", name="rspamd.service", rings="page"}'
        )
        assert unit["value"][1] == "1"
        assert watching.query(site, vault, "probe_success == 1")


def test_the_rules_on_a_vault_are_those_that_are_tested(site: Site, vaults: list[str]) -> None:
    assert yaml.safe_load(site.run(vaults[0], "cat /etc/prometheus/rules.yml"))["groups"] == watch.groups()


def test_each_alarm_rings_is_silent_and_misses_its_measure_as_its_cases_say(site: Site, vaults: list[str]) -> None:
    folder = site.run(vaults[0], "mktemp -d").strip()
    try:
        given = json.dumps(dict(watch.documents()))
        unpack = "import json, pathlib, sys; [pathlib.Path(n).write_text(t) for n, t in json.load(sys.stdin).items()]"
        site.run(vaults[0], f"cd {folder} && python3 -c '{unpack}'", given=given)
        site.run(vaults[0], f"cd {folder} && promtool test rules *.test.yml", timeout=300)
    finally:
        site.run(vaults[0], f"rm -r {folder}")


@pytest.mark.parametrize("unit", UNITS)
def test_a_unit_is_little_exposed(site: Site, vaults: list[str], unit: str) -> None:
    line = site.run(vaults[0], f"systemd-analyze security {unit} --no-pager | tail -1")
    assert float(line.split(":")[1].split()[0]) < UNITS[unit], line


def test_no_user_of_the_watch_reads_a_repository(site: Site, vaults: list[str]) -> None:
    vault = vaults[0]
    folder = "/srv/borg/mail1"
    assert "lock" in site.run(vault, f"ls {folder}"), "root reads it"
    users = set()
    for unit in DAEMONS:
        pid = site.run(vault, f"systemctl show -P MainPID {unit}").strip()
        user, group = site.run(vault, f"stat -c '%u %g' /proc/{pid}").split()
        users.add(user)
        become = f"setpriv --reuid={user} --regid={group} --clear-groups"
        for way in (become, f"nsenter -t {pid} -m {become}", f"nsenter -t {pid} -m"):
            asked = site.run(vault, f"{way} ls {folder} 2>&1 && echo read || true")
            assert "read" not in asked.split(), f"{unit}: {way}: {asked}"
    assert len(users) == len(DAEMONS) and "0" not in users


def test_only_the_pager_listens_outside_the_loopback(site: Site, vaults: list[str]) -> None:
    for line in site.run(vaults[0], "ss -Hltnp").splitlines():
        place = line.split()[3]
        if "prometheus" in line or place.endswith((":9090", ":9093", ":9094", ":9096", ":9115")):
            assert place.startswith("127.0.0.1:"), line


def test_what_a_host_says_is_limited(site: Site, vaults: list[str]) -> None:
    config = yaml.safe_load(site.run(vaults[0], "curl -sS http://127.0.0.1:9090/api/v1/status/config"))
    limits = yaml.safe_load(config["data"]["yaml"])["global"]
    wanted = ("sample_limit", "label_limit", "label_value_length_limit", "label_name_length_limit", "body_size_limit")
    assert all(limits.get(name) for name in wanted)
    command = site.run(vaults[0], "tr '\\0' ' ' < /proc/$(systemctl show -P MainPID prometheus)/cmdline")
    assert "--storage.tsdb.retention.size=" in command
    assert "--storage.tsdb.retention.time=" in command


def post(site: Site, vault: str, way: str, key: str, summary: str) -> None:
    """Hand a notification to the pager of a vault, as Alertmanager does."""
    alert: dict[str, Any] = {
        "status": "firing", "fingerprint": key, "startsAt": "2026-01-01T00:00:00Z", "labels": {"alertname": "Test"},
        "annotations": {"summary": summary, "runbook": "docs/watch.md#watchdog"},
    }  # fmt: skip
    words = f"curl -sSf -m 90 -H 'Content-Type: application/json' --data-binary @- http://127.0.0.1:9096/{way}"
    site.run(vault, words, given=json.dumps({"alerts": [alert]}))


def test_a_page_goes_out_both_ways_and_two_vaults_call_once(site: Site, vaults: list[str]) -> None:
    key, summary = secrets.token_hex(8), f"test {secrets.token_hex(6)}"
    post(site, vaults[0], "page", key, summary)
    text, mail = watching.told(site, summary)
    assert text.endswith("docs/watch.md#watchdog")
    assert "To: astreinte@lointain.test" in mail
    post(site, vaults[1], "page", key, summary)
    assert len(wait_for(lambda: found if len(found := watching.mails(site, summary)) == 2 else None)) == 2
    assert len(watching.messages(site, summary)) == 1
    post(site, vaults[0], "page", key, summary)
    assert len(watching.mails(site, summary)) == 2


def test_a_ticket_goes_by_mail_alone(site: Site, vaults: list[str]) -> None:
    summary = f"test {secrets.token_hex(6)}"
    post(site, vaults[0], "ticket", secrets.token_hex(8), summary)
    assert wait_for(lambda: watching.mails(site, summary))
    assert watching.messages(site, summary) == []


TRY = """
import json, smtplib, ssl, sys
plan = json.load(open("/etc/malleposte/keys/probe.json"))["plan"]
first, second = plan["accounts"]
other = sys.argv[1]
with smtplib.SMTP(plan["mail"], 587, timeout=60) as session:
    session.starttls(context=ssl.create_default_context())
    session.login(first["uid"], first["password"])
    answers = []
    for recipient in (second["mail"], other, "test@lointain.test"):
        session.mail(first["mail"])
        answers.append(session.rcpt(recipient)[0])
        session.rset()
print(json.dumps(answers))
"""


def test_an_account_of_the_probe_writes_to_the_other_one_alone_and_from_the_vault_alone(
    site: Site, vaults: list[str], people: People
) -> None:
    other = people.agent().mail
    assert json.loads(site.run(vaults[0], f"python3 - {other}", given=TRY)) == [250, 554, 554]
    plan = site.run(vaults[0], "cat /etc/malleposte/keys/probe.json")
    away = TRY.replace('open("/etc/malleposte/keys/probe.json")', f"__import__('io').StringIO({plan!r})")
    refused = site.run("world", f"python3 - {other} 2>&1 || true", given=away)
    assert "535" in refused, refused


def test_the_probe_of_a_vault_ends_well_and_writes_its_measures(site: Site, vaults: list[str]) -> None:
    site.run_job(vaults[0], "malleposte-probe.service")
    lines = site.run(vaults[0], "cat /var/lib/prometheus/node-exporter/malleposte-probe.prom").splitlines()
    failed = [line for line in lines if line.startswith("malleposte_probe_ok") and line.endswith(" 0")]
    assert failed == []
    assert any(line.startswith('malleposte_probe_ok{path="colleague-587"} 1') for line in lines)
