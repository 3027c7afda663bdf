"""A lab is that of one inventory, whose secrets its hosts have."""

from __future__ import annotations

import re
from ipaddress import IPv4Network
from pathlib import Path

import pytest
from malleposte.core.paths import ROOT
from malleposte.dev.lab.claim import claim, other_maker, sign
from malleposte.dev.lab.errors import LabUsageError
from malleposte.dev.lab.settings import Settings


def test_the_first_inventory_has_it_and_keeps_it(tmp_path: Path) -> None:
    record, inventory = tmp_path / "deployed-from", tmp_path / "one"
    inventory.mkdir()
    for _ in range(2):
        claim(record, inventory)
        assert record.read_text(encoding="utf-8") == f"{inventory}\n"


def test_another_is_told_whose_it_is_and_what_to_do(tmp_path: Path) -> None:
    record, first, second = tmp_path / "deployed-from", tmp_path / "one", tmp_path / "two"
    for folder in (first, second):
        folder.mkdir()
    claim(record, first)
    with pytest.raises(LabUsageError, match=f"is that of {re.escape(str(first))}: .*`malleposte lab down` removes it"):
        claim(record, second)
    assert record.read_text(encoding="utf-8") == f"{first}\n"
    first.rmdir()
    with pytest.raises(LabUsageError, match=f"{re.escape(str(first))}, which is no more: "):
        claim(record, second)


def test_a_way_through_a_link_is_the_same_folder(tmp_path: Path) -> None:
    record, inventory, link = tmp_path / "deployed-from", tmp_path / "one", tmp_path / "link"
    inventory.mkdir()
    link.symlink_to(inventory)
    claim(record, inventory)
    claim(record, link)


def test_a_lab_names_the_checkout_that_made_it(tmp_path: Path) -> None:
    settings = Settings("t", IPv4Network("10.213.9.0/24"), tmp_path)
    assert other_maker(settings) == ""
    settings.state.mkdir()
    sign(settings.maker)
    assert settings.maker.read_text(encoding="utf-8") == f"{ROOT}\n"
    assert other_maker(settings) == ""
    settings.maker.write_text("/srv/another\n", encoding="utf-8")
    sign(settings.maker)
    assert other_maker(settings) == "/srv/another"


def test_an_older_lab_is_that_of_the_folder_it_was_deployed_from(tmp_path: Path) -> None:
    settings = Settings("t", IPv4Network("10.213.9.0/24"), tmp_path)
    settings.state.mkdir()
    for folder, other in ((settings.inventory, ""), (tmp_path / "two/inventories/lab", "two/inventories/lab")):
        settings.claim.unlink(missing_ok=True)
        claim(settings.claim, folder)
        assert other_maker(settings) == (str(tmp_path / other) if other else "")
