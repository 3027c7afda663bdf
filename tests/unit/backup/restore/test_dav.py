"""Collections of Radicale back: exchanged, newer items kept, or beside under another name."""

import json
import shutil
from pathlib import Path

import pytest
from malleposte.backup.restore import dav as restoring
from malleposte.core.errors import InputError

from tests.support.vault import FolderVault


@pytest.fixture
def store(tmp_path: Path) -> restoring.Store:
    found = restoring.Store(tmp_path / "collections")
    agenda(found.collections / "anne/agenda", one="today", new="since")
    agenda(tmp_path / "archive" / str(found.collections).lstrip("/") / "anne/agenda", one="then", gone="then")
    (tmp_path / "archive" / str(found.collections).lstrip("/") / "anne/agenda/.Radicale.cache").mkdir()
    return found


def agenda(folder: Path, **items: str) -> None:
    folder.mkdir(parents=True)
    (folder / ".Radicale.props").write_text(json.dumps({"tag": "VCALENDAR", "D:displayname": "Agenda"}))
    for name, text in items.items():
        (folder / f"{name}.ics").write_text(text)


def content(folder: Path) -> dict[str, str]:
    return {path.stem: path.read_text() for path in folder.glob("*.ics")}


@pytest.mark.parametrize("name", ["agenda", ""])
def test_into_place(tmp_path, store, name):
    done = restoring.restore("anne", name, FolderVault(tmp_path / "archive"), store, say=lambda _: None)
    base = store.collections / "anne"
    assert content(base / "agenda") == {"one": "then", "gone": "then", "new": "since"}
    assert not (base / "agenda/.Radicale.cache").exists()
    assert done.counts == {"collections": 1, "items": 2, "newer kept": 1}
    assert content(Path(done.aside) / "agenda") == {"one": "today", "new": "since"}
    assert not store.work.exists()


def test_of_an_agent_who_has_none_today(tmp_path, store):
    shutil.rmtree(store.collections / "anne")
    done = restoring.restore("anne", "", FolderVault(tmp_path / "archive"), store, say=lambda _: None)
    assert content(store.collections / "anne/agenda") == {"one": "then", "gone": "then"}
    assert done.aside == ""


def test_beside_leaves_today_alone_and_bears_the_date(tmp_path, store):
    restoring.restore("anne", "agenda", FolderVault(tmp_path / "archive"), store, beside=True, say=lambda _: None)
    assert content(store.collections / "anne/agenda") == {"one": "today", "new": "since"}
    beside = store.collections / "anne/agenda-20260314"
    assert content(beside) == {"one": "then", "gone": "then"}
    assert (
        json.loads((beside / ".Radicale.props").read_text())["D:displayname"] == "Agenda (restauration du 14/03/2026)"
    )


def test_an_unknown_collection_changes_nothing(tmp_path, store):
    with pytest.raises(InputError, match="account anne: no collection 'jamais' in mail-a0-af@1"):
        restoring.restore("anne", "jamais", FolderVault(tmp_path / "archive"), store, say=lambda _: None)
    assert content(store.collections / "anne/agenda") == {"one": "today", "new": "since"}
