"""Tools around and owners of mail: their daemons are there where the academy allows them, and nowhere else."""

from pathlib import Path

import pytest

from tests.unit.roles.test_reports import Facts, Host, given

ALLOWED = [{"name": "trello", "hosts": ["api.trello.com"]}]


@pytest.mark.parametrize("allowed", [[], ALLOWED], ids=["none", "one"])
def test_the_daemons_are_there_where_a_tool_is_allowed(tmp_path: Path, allowed: list[Facts]) -> None:
    def edit(facts: Facts) -> None:
        facts["malleposte_linked_tools"] = allowed

    host = Host(given(tmp_path / "inventory", edit, ("dovecot",)))
    assert host.value("malleposte_services.tools.present | bool") is bool(allowed)
    assert bool(host.value("dovecot_tools_key")) is bool(allowed)
    assert ("tools-labels" in host.file("dovecot", "dovecot/dovecot.conf")) is bool(allowed)


@pytest.mark.parametrize("allowed", [False, True])
def test_owners_are_kept_where_boxes_may_have_them(tmp_path: Path, allowed: bool) -> None:
    def edit(facts: Facts) -> None:
        facts["malleposte_box_owners"] = allowed

    host = Host(given(tmp_path / "inventory", edit, ("dovecot",)))
    assert host.value("malleposte_services.owners.present | bool") is allowed
    assert ("sieve_script owners" in host.file("dovecot", "dovecot/dovecot.conf")) is allowed
