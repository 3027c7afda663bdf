"""A backup server that is down does not stop the backups to the others."""

import json
import time
from collections.abc import Iterator

import pytest
from testinfra.host import Host

from tests.stack.support.site import Site


def listed(mail1, vault, source):
    return json.loads(mail1.check_output(f"malleposte backup list --json --vault {vault} --source {source}"))[
        "archives"
    ]


@pytest.fixture(scope="module")
def without_vault2(site: Site) -> Iterator[None]:
    """A backup server is dead; back again, it gets what it lacks."""
    site.lab.kill(["vault2"])
    yield
    site.lab.start(["vault2"])
    site.run("mail1", "malleposte backup run --source ldap --vault vault2", timeout=300)


@pytest.mark.usefixtures("without_vault2")
def test_a_dead_vault_stops_no_other(mail1: Host) -> None:
    begun = time.time()
    done = mail1.run("malleposte backup run --source ldap")
    assert done.rc == 1
    assert "vault2 lacks ldap: cannot be reached" in done.stderr
    (newest, *_older) = listed(mail1, "vault1", "ldap")
    assert newest["start"] >= time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(begun - 2))


@pytest.mark.full
@pytest.mark.usefixtures("without_vault2")
def test_the_timer_s_run_fails_and_names_it(mail1: Host) -> None:
    mail1.run("systemctl start malleposte-backup.service")
    try:
        assert mail1.check_output("systemctl show -p Result --value malleposte-backup.service") == "exit-code"
        assert "vault2" in mail1.check_output("journalctl -u malleposte-backup -o cat -n 5")
    finally:
        mail1.run("systemctl reset-failed malleposte-backup.service")
