"""The records that the command line wants published are those that the DNS of the academy has."""

import json
import subprocess
import sys

import pytest
from malleposte.core.paths import ROOT

from tests.stack.support.accounts_cli import ENVIRONMENT
from tests.stack.support.site import Site


def dns(site: Site, *words: str) -> subprocess.CompletedProcess[str]:
    argv = [sys.executable, "-m", "malleposte", "dns", *words, "-i", str(site.inventory)]
    return subprocess.run(argv, cwd=ROOT, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=600)


def test_what_is_to_be_published_is_there(site: Site) -> None:
    shown = dns(site, "show")
    assert shown.returncode == 0, shown.stderr
    records = [line.split("\t") for line in shown.stdout.splitlines() if line.count("\t") == 4]
    assert {"A", "CAA", "MX", "SRV", "TLSA", "TXT"} <= {record[3] for record in records}
    checked = dns(site, "check", "--json")
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert json.loads(checked.stdout)


@pytest.mark.full
def test_a_server_that_does_not_answer_is_told(site: Site) -> None:
    away = dns(site, "check", "--resolver", site.address("pia1"))
    assert away.returncode == 1, away.stdout
    assert "0 of " in away.stdout.splitlines()[-1]
