"""The timer on the controller: its units, and their removal. No systemd is asked."""

import shlex
from collections.abc import Sequence
from pathlib import Path

import pytest
from malleposte.core.errors import InputError
from malleposte.rotation.timer import Timer


@pytest.fixture
def asked() -> list[Sequence[str]]:
    return []


@pytest.fixture
def timer(tmp_path: Path, asked: list[Sequence[str]]) -> Timer:
    inventory, units = tmp_path / "mon école 100%", tmp_path / "units"
    inventory.mkdir()
    units.mkdir()
    return Timer(inventory, "coffre.txt", units, asked.append)


def test_it_changes_what_is_due_each_night(timer: Timer, asked: list[Sequence[str]]) -> None:
    timer.install()
    service = (timer.units / f"{timer.name}.service").read_text()
    (line,) = [line for line in service.splitlines() if line.startswith("ExecStart=")]
    words = shlex.split(line.removeprefix("ExecStart="))
    assert Path(words[0]).name == "malleposte"
    assert words[1:5] == ["secrets", "rotate", "--due", "--yes"]
    assert words[6] == str(timer.inventory).replace("%", "%%"), "systemd takes % for its own"
    assert words[8] == str(Path("coffre.txt").resolve())
    assert "Persistent=true" in (timer.units / f"{timer.name}.timer").read_text()
    assert list(asked) == [["daemon-reload"], ["enable", "--now", f"{timer.name}.timer"]]


def test_it_is_removed_and_only_where_it_is(timer: Timer, asked: list[Sequence[str]]) -> None:
    with pytest.raises(InputError, match="there is no"):
        timer.remove()
    timer.install()
    timer.remove()
    assert list(timer.units.iterdir()) == []
    assert ["disable", "--now", f"{timer.name}.timer"] in asked


def test_inventories_have_a_timer_each(timer: Timer, tmp_path: Path) -> None:
    (tmp_path / "autre").mkdir()
    assert timer.name == "malleposte-secrets-mon-cole-100-"
    assert Timer(tmp_path / "autre").name == "malleposte-secrets-autre"
