"""All that is known of a service is in the manifest: a list of units by hand beside it is refused.

Such a list is a literal of two units or more, or one that a condition or a name chooses. A program that works on one
unit names it (ADR 31).
"""

import re
from pathlib import Path

import pytest
import yaml
from malleposte.check import platform
from malleposte.fleet.site import PLATFORM

from .conftest import ROOT

MANIFEST = ROOT / "playbooks/group_vars/all/services.yml"
WIRING = ROOT / "playbooks/group_vars/all/wiring.yml"
LEFT = {
    "calendars_jobs": "the jobs of two roles that one job of a third starts: no property of a service",
    "nftables_local_before": "units whose users the firewall names: they start after it",
}
"""Variables of the wiring that list units, each with the reason why it is no key of the manifest."""
UNIT = r"[a-z][a-z0-9@._-]*\.(?:service|socket|timer)"


def lists(text: str) -> list[str]:
    """Lines of Python that list units: two or more side by side, or units by a name."""
    pattern = rf'"{UNIT}",\s*"{UNIT}"|[\[(]"{UNIT}",?[\])]|: \("{UNIT}'
    return [line.strip() for line in text.splitlines() if re.search(pattern, line)]


def wired(text: str) -> set[str]:
    """Variables of the wiring that name units."""
    return {name for name, value in yaml.safe_load(text).items() if re.search(rf"\b{UNIT}\b", str(value))}


def test_the_wiring_lists_no_units() -> None:
    assert wired(WIRING.read_text("utf-8")) == set(LEFT)


@pytest.mark.parametrize("folder", ["cli/malleposte/backup", "cli/malleposte/commands", "cli/malleposte/upgrade"])
def test_no_program_lists_units(folder: str) -> None:
    found = {str(path.relative_to(ROOT)): lists(path.read_text("utf-8")) for path in (ROOT / folder).rglob("*.py")}
    assert {name: lines for name, lines in found.items() if lines} == {}


def test_no_program_names_the_databases_of_services() -> None:
    services = yaml.safe_load(MANIFEST.read_text("utf-8"))["malleposte_services"]
    counted = [one["database"]["users"] for one in services.values() if "users" in one.get("database", {})]
    assert counted
    text = "\n".join(path.read_text("utf-8") for path in Path(ROOT / "cli/malleposte/backup").rglob("*.py"))
    assert [query for query in counted if query in text] == []


@pytest.mark.parametrize(
    "line",
    [
        'FOLLOWERS = {"sogo": ("memcached.service", "sogo.service")}',
        'DOVECOT = ("dovecot.service",)',
        'units = ["slapd.service"] if here else []',
    ],
)
def test_a_list_is_found(line: str) -> None:
    assert lists(line) == [line]
    assert wired("x_units: \"{{ ['slapd.service'] if here else [] }}\"\ny: slapd\n") == {"x_units"}


def test_one_unit_is_no_list() -> None:
    assert lists('self._run("systemctl", "stop", "slapd.service")') == []


def test_every_group_says_whether_it_may_have_several_hosts() -> None:
    entries = yaml.safe_load(MANIFEST.read_text("utf-8"))["malleposte_services"].values()
    groups = {group for one in entries for group in ([one["group"]] if isinstance(one["group"], str) else one["group"])}
    assert (
        groups - {PLATFORM} == {*platform.ONE, *platform.SEVERAL} and not platform.ONE.keys() & platform.SEVERAL.keys()
    )


def test_every_service_says_what_is_watched_of_it_or_why_nothing_is() -> None:
    services = yaml.safe_load(MANIFEST.read_text("utf-8"))["malleposte_services"]
    assert [name for name, service in services.items() if not service.get("watch")] == []
