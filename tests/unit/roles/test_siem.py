"""Lines for a SIEM, from the facts to the daemon's settings and its unit."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from malleposte.core.paths import ROOT
from malleposte.fleet.site import Site
from malleposte.siem import daemon
from malleposte.siem.ecs import ACTS, EVENTS

from tests.support import inventories


def host(folder: Path, siem: dict[str, Any] | None) -> tuple[Site, str]:
    """The shipped inventory of one host with this fact, and the roles' own variables below the wiring."""
    inventories.copied(folder)
    if siem is not None:
        inventories.edited(folder / inventories.FACTS, lambda facts: facts.update(malleposte_siem=siem))
    (folder / "group_vars/all").mkdir(exist_ok=True)
    for role in ("record", "siem"):
        for part in ("defaults", "vars"):
            shutil.copy(ROOT / f"roles/{role}/{part}/main.yml", folder / f"group_vars/all/{role}-{part}.yml")
    site = Site(folder)
    (name,) = site.members("malleposte")
    return site, name


def value(given: tuple[Site, str], text: str) -> Any:
    return given[0].template(given[1], f"{{{{ {text} }}}}")


def unit(given: tuple[Site, str]) -> str:
    path = ROOT / "roles/siem/templates/etc/systemd/system/malleposte-siem.service.j2"
    return str(value(given, f"lookup('ansible.builtin.template', '{path}')"))


def test_nothing_is_sent_and_no_line_is_kept_by_default(tmp_path: Path) -> None:
    given = host(tmp_path / "inventory", None)
    assert value(given, "siem_host") == "" and not value(given, "malleposte_services.siem.present | bool")
    assert int(value(given, "__record_settings.lines_mb")) == 0
    assert value(given, "siem_uid_key") == ""
    units = value(given, "malleposte_services | academie.malleposte.manifest_units(group_names)")
    assert "malleposte-siem.service" not in units


@pytest.mark.parametrize("uid", ["clear", "keyed"])
def test_a_siem_of_the_facts_gets_the_journals_of_the_host(tmp_path: Path, uid: str) -> None:
    siem = {"host": "siem.exemple.fr", "networks": ["198.51.100.0/28"], "uid": uid}
    given = host(tmp_path / "inventory", siem)
    path = tmp_path / "siem.json"
    path.write_text(json.dumps(value(given, "__siem_settings")))
    settings = daemon.read(path)
    assert (settings.host, settings.port, settings.keyed) == ("siem.exemple.fr", 6514, uid == "keyed")
    assert [str(one) for one in settings.journals[EVENTS]] == ["/var/lib/malleposte-record/events.jsonl"]
    assert len(settings.journals[ACTS]) == 2
    assert int(value(given, "__record_settings.lines_mb")) == 32
    text = unit(given)
    assert "\nIPAddressDeny=any\nIPAddressAllow=localhost 198.51.100.0/28\n" in text
    assert ("LoadCredential=uid-key:" in text) == (uid == "keyed")
    for folder in {one.parent for each in settings.journals.values() for one in each}:
        assert f"-{folder}" in text, "it sees the folder"
    if uid == "keyed":
        key = str(value(given, "siem_uid_key"))
        assert len(key) >= 16 and key not in text and key not in path.read_text()
