"""The probe against the lab: all paths pass, and it reports a broken one."""

import json
from datetime import datetime, timedelta

import pytest
from malleposte.probe import backups, facts, ship
from malleposte.probe.model import Status

# Of the runs of backups on a host, one goes at a time.
pytestmark = pytest.mark.together("backup")


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
