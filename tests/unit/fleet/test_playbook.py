"""One run at a time on an inventory, and no run that waits for another inventory's."""

from pathlib import Path

import pytest
from malleposte.core.errors import MallepostError
from malleposte.core.run import Finished
from malleposte.fleet import playbook


@pytest.fixture
def labs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The inventories of two labs: folders of one name."""
    monkeypatch.setattr(playbook, "VAR", tmp_path / "var")
    made = (tmp_path / "mpa" / "inventory", tmp_path / "mpb" / "inventory")
    for folder in made:
        folder.mkdir(parents=True)
        (folder / "hosts.yml").write_text("---\nall: {}\n", encoding="utf-8")
    return made


def test_inventories_of_one_name_do_not_wait_for_each_other(labs: tuple[Path, Path]) -> None:
    first, second = labs
    with playbook.only_one(first), playbook.only_one(second):
        assert playbook.lock_of(first).is_file()
        assert playbook.lock_of(first).name.startswith("deploy-inventory-")


@pytest.mark.parametrize("spelt", [".", "hosts.yml", "../inventory"])
def test_one_inventory_has_one_run_however_it_is_named(labs: tuple[Path, Path], spelt: str) -> None:
    first, _ = labs
    with (
        playbook.only_one(first),
        pytest.raises(MallepostError, match=r"mpa/inventory.* is under way"),
        playbook.only_one(first / spelt),
    ):
        pass
    with playbook.only_one(first / spelt):
        pass


def test_a_command_that_holds_an_inventory_from_its_beginning_runs_on_it(
    labs: tuple[Path, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It begins before the hosts are asked; its own runs do not wait for it, another's is refused at once."""
    first, _ = labs

    def ran(_words: object, screen: Path, **_given: object) -> Finished:
        screen.touch()
        return Finished(0, ())

    monkeypatch.setattr(playbook, "stream", ran)
    monkeypatch.setattr(playbook, "new_log", lambda name: first / f"{name}.log")
    with playbook.holding(first):
        assert playbook.run(playbook.Options(first)).code == 0
        with pytest.raises(MallepostError, match="is under way"), playbook.holding(first):
            pass
    with playbook.only_one(first), pytest.raises(MallepostError, match="is under way"):
        playbook.run(playbook.Options(first))
