"""The client of PostgreSQL that is called."""

from pathlib import Path

import pytest
from malleposte.adapters import postgresql


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(postgresql, "PROGRAMS", tmp_path)
    monkeypatch.setattr(postgresql, "psql", postgresql.psql.__wrapped__)
    return tmp_path


def test_the_newest_version_is_called(programs: Path) -> None:
    for version in ("9", "17", "15", "common"):
        (programs / version / "bin").mkdir(parents=True)
        (programs / version / "bin" / "psql").touch()
    (programs / "18").mkdir()
    assert postgresql.psql() == str(programs / "17" / "bin" / "psql")


def test_a_host_of_another_layout_finds_it_by_its_path(programs: Path) -> None:
    assert postgresql.psql() == "psql"
