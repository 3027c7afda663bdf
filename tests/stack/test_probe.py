"""The probe against the lab: all is well, and it says so when something is broken."""

import json
import subprocess
import sys
from datetime import datetime, timedelta

import pytest
from malleposte.paths import ROOT
from malleposte.probe import backups, facts, ship
from malleposte.probe.model import Status
from malleposte.probe.walker.plan import Plan
from malleposte.probe.walker.walk import choose


def walk(site, *only: str):
    found = facts.site(site.inventory)
    return {result.name: result for result in ship.run(found.ssh, {"plan": found.plan, "only": list(only)})}


def test_every_path_is_ok(site):
    words = [sys.executable, "-m", "malleposte", "probe", "-i", str(site.inventory), "--json"]
    done = subprocess.run(
        words, cwd=ROOT, env={"PYTHONPATH": "cli", "PATH": "/usr/bin:/bin"}, capture_output=True, text=True, check=False
    )
    document = json.loads(done.stdout)
    wrong = [result for result in document["results"] if result["status"] != "ok"]
    assert not wrong, wrong
    assert {result["name"] for result in document["results"]} == {
        *choose(Plan.parse(facts.site(site.inventory).plan), []),
        "clean-up",
        "backup-vault1",
        "backup-vault2",
    }
    assert done.returncode == document["exit_code"] == 0


def test_it_leaves_nothing_behind(site, mail):
    walk(site, "sieve-filter", "submit-587")
    for uid in ("probe1", "probe2"):
        assert mail.count(uid, "Malleposte probe") == 0
        assert "malleposte-probe" not in mail.sieve(uid).scripts()
    assert not site.run("world", "grep -rl 'Malleposte probe' /srv/world-mail", check=False)


@pytest.mark.parametrize(
    ("unit", "path"),
    [
        ("dovecot.service", "certificate-993"),
        ("postfix.service", "submit-465"),
    ],
)
def test_a_stopped_service_is_seen(site, unit, path):
    site.run("mail1", "systemctl", "stop", unit)
    try:
        result = walk(site, path)[path]
    finally:
        site.run("mail1", "systemctl", "start", unit)
    assert result.status is Status.FAILED
    assert "refused" in result.detail


def test_an_archive_that_is_too_old_is_seen(site):
    site.run("mail1", "malleposte backup run --source ldap", timeout=300)
    state = "/var/lib/malleposte/backup/last.json"
    known = site.run("mail1", "cat", state)
    aged = json.loads(known)
    made = aged["vaults"]["vault1"]["sources"]["ldap"]["success"]
    made["start"] = (datetime.fromisoformat(made["start"]) - timedelta(hours=40)).isoformat()
    site.run("mail1", f"cat >{state}", given=json.dumps(aged))
    try:
        found = {result.name: result for result in backups.walk(site.inventory)}
        patient = {result.name: result for result in backups.walk(site.inventory, limits=backups.Limits(hours=50))}
    finally:
        site.run("mail1", f"cat >{state}", given=known)
    assert found["backup-vault1"].status is Status.FAILED
    assert "mail1: ldap: last archive 40 h old (limit 30)" in found["backup-vault1"].detail
    assert "ldap" not in found["backup-vault2"].detail
    assert "ldap" not in patient["backup-vault1"].detail


def test_without_the_vantage_the_outside_is_not_tested(site):
    found = facts.site(site.inventory)
    plan = {
        **found.plan,
        "vantage": None,
        "timeout": 5,
        "deadline": 1,
        "addresses": {found.plan["mail"]: site.address("mail1")},
        "nameservers": ["127.0.0.1#1"],
    }
    statuses = {result.name: result.status for result in ship.run(None, {"plan": plan, "only": ["gtube", "relay"]})}
    assert statuses["gtube"] is statuses["relay"] is Status.NOT_TESTED
