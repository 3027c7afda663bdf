"""The connections of one address at a port are far fewer than the daemon takes of everybody."""

from typing import Any

import pytest
import yaml
from malleposte.core.paths import ROOT

MANIFEST = yaml.load((ROOT / "playbooks/group_vars/all/services.yml").read_text("utf-8"), yaml.CSafeLoader)[
    "malleposte_services"
]


def defaults(role: str) -> dict[str, int]:
    """The variables of a role, of which the numbers are read here."""
    found: dict[str, int] = yaml.safe_load((ROOT / "roles" / role / "defaults/main.yml").read_text("utf-8"))
    return found


def most(port: int) -> int:
    """Connections that the daemon of a port serves at the same time."""
    postfix, dovecot, nginx = defaults("postfix"), defaults("dovecot"), defaults("nginx")
    log_in = dovecot["dovecot_login_processes"] * 2000
    return {
        25: postfix["postfix_smtp_processes"],
        465: postfix["postfix_submission_processes"],
        587: postfix["postfix_submission_processes"],
        143: dovecot["dovecot_imap_processes"],
        993: dovecot["dovecot_imap_processes"],
        4190: log_in * 2,
        # Half of them for one processor: the other half leads to what is behind.
        80: nginx["nginx_worker_connections"] // 2,
        443: nginx["nginx_worker_connections"],
    }[port]


OPEN = [one for service in MANIFEST.values() for one in service.get("listen", ()) if "any" in one.get("from", ())]


@pytest.mark.parametrize("listen", OPEN, ids=lambda one: str(one["port"]))
def test_one_address_holds_a_fourth_at_most_and_a_school_less_than_all(listen: dict[str, Any]) -> None:
    pool = most(listen["port"])
    assert listen["connections"] * 4 <= pool
    assert listen.get("school_connections", 0) <= pool * 3 / 4
