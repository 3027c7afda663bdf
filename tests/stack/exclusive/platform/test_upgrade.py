"""`malleposte upgrade`: a new package is used only after it passes, and a failure states its step.

The new packages are the installed one under a higher version, from a repository on the host itself. One story, whose
later part, with the command as it is typed and its whole probe, runs with `--full`.
"""

import io
import json
import os
import subprocess
import sys

import pytest
from malleposte.core.errors import MallepostError
from malleposte.core.paths import ROOT
from malleposte.core.progress import Progress
from malleposte.fleet.site import Site as Inventory
from malleposte.probe import facts, ship
from malleposte.upgrade import plan, run

PACKAGE, UNIT = "fail2ban", "fail2ban.service"
SCRIPT = ROOT / "tests/stack/support/apt/newer.sh"


@pytest.fixture(scope="module")
def offer(site):
    """Offers a newer package: (number, kind). In the end the old one is back and the rest of this story gone."""
    old = installed(site)
    text = SCRIPT.read_text()

    def newer(number: int, kind: str) -> str:
        site.run("mail1", f"sh -s {PACKAGE} {number} {kind}", given=text)
        return f"{old}+malleposte{number}"

    yield newer
    site.run("mail1", f"sh -s {PACKAGE} 0 none", given=text, timeout=300)
    plan.Journal(site.inventory).clear()
    if run_snapshot(site):
        site.lab.forget("before-upgrade", ["mail1"])
    assert installed(site) == old


def run_snapshot(site) -> bool:
    return "mail1" in site.lab.snapshots().get("before-upgrade", [])


def installed(site) -> str:
    return site.run("mail1", f"dpkg-query -Wf '${{Version}}' {PACKAGE}")


def process(site) -> str:
    return site.run("mail1", f"systemctl show -P MainPID -P ActiveState -P ActiveEnterTimestampMonotonic {UNIT}")


def command(site, *words: str) -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "PYTHONPATH": str(ROOT / "cli")}
    argv = [sys.executable, "-m", "malleposte", "upgrade", "-i", str(site.inventory), *words]
    return subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, env=env, timeout=1500)


def upgrade(site, *paths: str, said: io.StringIO | None = None) -> run.Upgrade:
    """One that keeps nothing and walks these paths of the probe alone; `said` takes its progress."""

    def walk():
        known = facts.site(site.inventory)
        return list(ship.run(known.ssh, {"plan": known.plan, "only": list(paths)}))

    progress = Progress(said, quiet=said is None)
    return run.Upgrade(site.inventory, progress, lambda host: f"put {host} back", walk, to_stderr=True)


def steps(site) -> list[plan.Step]:
    return plan.steps(Inventory(site.inventory), "mail1")


def test_what_there_is_to_upgrade(site, offer):
    candidate = offer(1, "refusing")
    done = command(site, "--list", "--json", "--detailed-exitcode")
    assert done.returncode == 10, done.stderr
    hosts = json.loads(done.stdout)["hosts"]
    row = {"name": PACKAGE, "installed": installed(site), "candidate": candidate}
    assert row in hosts["mail1"]["packages"]
    assert list(hosts)[-1] == "mail1", "the host that all depend on comes last"


@pytest.mark.full
def test_a_program_that_refuses_its_configuration_is_not_taken_into_use(site, offer):
    before = process(site)
    with pytest.raises(MallepostError, match=r"new program refuses.*goes on with mail1.*put mail1 back"):
        upgrade(site, "submit-587").run(steps(site))
    assert process(site) == before, "the daemon was restarted"
    assert site.run("mail1", "test -e /usr/sbin/policy-rc.d || echo gone").strip() == "gone"
    assert plan.Journal(site.inventory).read()["host"] == "mail1"


@pytest.mark.full
def test_run_again_it_goes_on_with_the_newest_package(site, offer):
    candidate = offer(2, "good")
    site.run("mail1", "systemctl stop accountd.service")  # it rests: its socket starts it when it is asked
    before, said = process(site), io.StringIO()
    done = upgrade(site, "submit-587", said=said).run(steps(site))
    assert list(done.hosts) == ["mail1"]
    assert "mail1: an earlier run stopped here; going on" in said.getvalue()
    assert installed(site) == candidate
    assert process(site) != before
    assert process(site).split()[1] == "active"
    assert plan.Journal(site.inventory).read() is None


@pytest.mark.full
def test_a_snapshot_comes_first_and_the_probe_last(site, offer):
    candidate = offer(3, "good")
    done = command(site, "--limit", "mail1")
    assert done.returncode == 0, done.stderr
    told = [line.partition("] ")[2] for line in done.stderr.splitlines()]
    wanted = [f"mail1: {what}" for what in ("a way back", "packages", "converge", "probe")]
    assert [line for line in told if line in wanted] == wanted
    assert run_snapshot(site)
    assert installed(site) == candidate


@pytest.mark.full
def test_a_probe_that_fails_ends_it(site, offer):
    offer(4, "breaking")
    with pytest.raises(MallepostError, match=r"mail1 is upgraded and its probe fails: submit-587; mend it"):
        upgrade(site, "submit-587").run(steps(site))
    assert plan.Journal(site.inventory).read()["back"] == "put mail1 back"


@pytest.mark.full
def test_nothing_begins_while_the_probe_fails(site, offer):
    plan.Journal(site.inventory).clear()
    before = offer(5, "good")
    with pytest.raises(MallepostError, match="before anything is touched, the probe fails: submit-587"):
        upgrade(site, "submit-587").run(steps(site))
    assert installed(site) != before
