"""The probe tests every path, leaves nothing behind, and notices a service that is stopped."""

import json
import subprocess
import sys

import pytest
from malleposte.core.paths import ROOT
from malleposte.probe import facts, ship, updates
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
        "security-updates",
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
        pytest.param("postfix.service", "submit-465", marks=pytest.mark.full),
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


@pytest.mark.full
def test_a_host_whose_security_suite_was_removed_is_seen(site):
    """By the probe and by `check`, each of which names the host; with it, both have nothing to say."""

    def checked() -> list[str]:
        words = [sys.executable, "-m", "malleposte", "check", "-i", str(site.inventory), "--json"]
        env = {"PYTHONPATH": "cli", "PATH": "/usr/bin:/bin"}
        done = subprocess.run(words, cwd=ROOT, env=env, capture_output=True, text=True, check=False)
        document = json.loads(done.stdout)
        return [one["host"] for one in document["findings"] if "no security updates" in one["message"]]

    assert updates.walk(site.inventory).status is Status.OK
    assert checked() == []
    away = "/root/security-suite"
    site.run("pia1", f"mkdir {away} && grep -l -r trixie-security /etc/apt/sources.list* | xargs -I F mv F {away}/")
    site.run("pia1", f"cat {away}/* | sed 's/trixie-security/trixie/' >/etc/apt/sources.list.d/only-main.sources")
    try:
        found = updates.walk(site.inventory)
        named = checked()
    finally:
        back = f"rm /etc/apt/sources.list.d/only-main.sources; mv {away}/* /etc/apt/sources.list.d/; rmdir {away}"
        site.run("pia1", back)
    assert found.status is Status.FAILED and found.detail.startswith("pia1: no security updates: no suite")
    assert "mail1" not in found.detail and named == ["pia1"]
