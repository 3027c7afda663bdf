"""Every source of certificates can be deployed: what the end of a deploy asks of a host follows from its source."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from malleposte.core.paths import ROOT
from malleposte.fleet.site import Site

from tests.support.inventories import FACTS, copied, edited, with_hosts

ROLE = ROOT / "roles/acme"
RENEW, WATCH = "malleposte-tls-renew.timer", "malleposte-tls-check.timer"
UNITS = "{{ malleposte_services | academie.malleposte.manifest_units(group_names) + __wiring_tunnel_units }}"
SOURCES: dict[str, dict[str, Any]] = {
    "acme": {"source": "acme"},
    "internal_ca": {"source": "internal_ca"},
    "files": {"source": "files"},
    "a vault in internal_hosts": {"source": "acme", "internal_hosts": ["vault1"]},
}


@pytest.fixture(params=SOURCES)
def site(request: pytest.FixtureRequest, tmp_path: Path) -> Site:
    """An inventory with one host and a vault, by each source."""
    folder = with_hosts(copied(tmp_path / "mine"), "vault", vault1="192.0.2.20")
    edited(folder / FACTS, lambda facts: facts.update(malleposte_tls=SOURCES[request.param]))
    return Site(folder)


def test_the_end_asks_for_the_timer_that_the_source_starts_and_no_other(site: Site) -> None:
    """The role starts the renewal for `acme` and stops it for the others (tasks/wait.yml)."""
    for host in ("mail1", "vault1"):
        units = site.template(host, UNITS)
        by_acme = site.template(host, "{{ acme_source }}") == "acme"
        assert (RENEW in units) is by_acme, host
        assert WATCH in units


def test_the_ports_that_must_show_the_certificate_follow_from_the_manifest(site: Site) -> None:
    ports = {one["port"]: (one["tls"], one["unit"]) for one in site.template("mail1", "{{ acme_ports }}")}
    assert ports[993] == ("direct", "dovecot.service")
    assert ports[25] == ("smtp", "postfix.service")
    assert ports[443] == ("direct", "nginx.service")
    assert not {22, 80} & set(ports)
    assert {one["port"] for one in site.template("vault1", "{{ acme_ports }}")} == {7450, 9443}


def _tasks(name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = yaml.safe_load((ROLE / f"tasks/{name}.yml").read_text("utf-8"))
    return found


def test_programs_that_judge_a_pair_are_there_before_the_first_pair() -> None:
    """With the source `files` the first pair comes with the key, plays before the other programs and units."""
    tasks = [task["name"] for task in _tasks("key")]
    laid = tasks.index("Lay the programs that judge a pair and tell of it")
    assert laid < tasks.index("Install the operator's own pair")
    variables = yaml.safe_load((ROLE / "vars/main.yml").read_text("utf-8"))
    programs = {one["src"] for one in variables["__acme_programs"]}
    handler = next(
        one for one in yaml.safe_load((ROLE / "handlers/main.yml").read_text("utf-8")) if "hooks" in one["name"]
    )
    assert f"{handler['ansible.builtin.command'].removeprefix('/')}.j2" in programs
    judges = next(task for task in _tasks("files") if "academie.malleposte.config_set" in task)
    assert "tls-match" in judges["academie.malleposte.config_set"]["validate"]
    assert "usr/local/lib/malleposte/tls-match.j2" in programs
