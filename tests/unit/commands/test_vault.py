"""`malleposte vault`: what an act wrote is printed from a file, whenever journald takes it in."""

from collections.abc import Callable
from pathlib import Path

import pytest
from malleposte.backup.vault import maintenance
from malleposte.commands import vault
from malleposte.core.errors import MallepostError


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> maintenance.Settings:
    """Those of a vault whose unit runs."""
    made = maintenance.Settings(tmp_path / "root", tmp_path, {})
    monkeypatch.setattr(maintenance.Settings, "read", lambda: made)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    monkeypatch.setenv("INVOCATION_ID", "a1")
    return made


def acting(monkeypatch: pytest.MonkeyPatch, *faults: str) -> None:
    def done(_name: str, _settings: maintenance.Settings, say: Callable[[str], None]) -> list[str]:
        say("mail1/system: 2 archives")
        return list(faults)

    monkeypatch.setattr(maintenance, "act", done)


def test_a_run_leaves_its_lines_and_its_faults(settings: maintenance.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    acting(monkeypatch)
    assert vault.act("watch") == 0
    assert vault.written(vault.output(settings, "watch"), "a1") == "mail1/system: 2 archives"
    acting(monkeypatch, "mail1/system: gone")
    with pytest.raises(MallepostError, match="1 of this vault's repositories need attention"):
        vault.act("watch")
    assert vault.written(vault.output(settings, "watch"), "a1").splitlines() == [
        "mail1/system: 2 archives", "mail1/system: gone", "1 of this vault's repositories need attention",
    ]  # fmt: skip


def test_lines_of_another_run_are_not_shown(settings: maintenance.Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    assert vault.written(vault.output(settings, "watch"), "a1") == ""
    acting(monkeypatch)
    vault.act("watch")
    assert vault.written(vault.output(settings, "watch"), "b2") == ""
