"""The file of published calendars, as Radicale's storage reads it."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import vobject


class Base:
    """A collection of Radicale's, as far as ours uses it."""

    tag = "VCALENDAR"

    def __init__(self, storage: Any, path: str, folder: Path) -> None:
        self._storage, self.path, self._filesystem_path, self.calls = storage, path, str(folder), list[str]()
        folder.mkdir(parents=True, exist_ok=True)

    def set_meta(self, _props: Any) -> None:
        self.calls.append("meta")

    def upload(self, href: str, item: Any) -> Any:
        Path(self._filesystem_path, href).write_text(item.serialize())
        return item


@pytest.fixture
def storage(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module, without Debian's Radicale, which is on hosts alone."""
    above, base = ModuleType("radicale.storage"), ModuleType("radicale.storage.multifilesystem")
    base.Collection, base.Storage = Base, type("Store", (), {})  # type: ignore[attr-defined]
    above.multifilesystem = base  # type: ignore[attr-defined]
    top, item = ModuleType("radicale"), ModuleType("radicale.item")
    item.check_and_sanitize_items = lambda items, **_: items.append("sanitized")  # type: ignore[attr-defined]
    top.item = item  # type: ignore[attr-defined]
    named = {"radicale": top, "radicale.item": item, "radicale.storage": above, base.__name__: base}
    for name, module in named.items():
        monkeypatch.setitem(sys.modules, name, module)
    monkeypatch.delitem(sys.modules, "malleposte.daemons.radicale_storage", raising=False)
    made = importlib.import_module("malleposte.daemons.radicale_storage")
    monkeypatch.delitem(sys.modules, "malleposte.daemons.radicale_storage")
    return made


def test_a_file_that_was_cut_off_stops_nobody_s_own_agendas(
    storage: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "shown.json"
    published = storage.Published(file)
    assert published.of("mdupond") == []
    file.write_text(json.dumps({"vacances": None, "conseils": ["mdupond"]}))
    assert (published.of("mdupond"), published.of("zoe")) == (["conseils", "vacances"], ["vacances"])
    for cut in ("{", "", "[]"):
        file.unlink()
        file.write_text(cut)
        assert published.of("mdupond") == ["conseils", "vacances"]
        assert "shown.json cannot be read" in caplog.text
    file.unlink()
    file.write_text("{}")
    assert published.of("mdupond") == []


def test_what_is_written_is_checked_before_radicale_walks_through_it(storage: Any) -> None:
    def item(rule: str) -> Any:
        return vobject.readOne(
            f"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nDTSTART:20261201T080000\r\nRRULE:{rule}\r\n"
            "END:VEVENT\r\nEND:VCALENDAR\r\n"
        )

    checked = storage.radicale.item.check_and_sanitize_items
    honest, dense = [item("FREQ=WEEKLY")], [item("FREQ=SECONDLY;COUNT=999999999")]
    checked(honest, is_collection=False, tag="VCALENDAR")
    assert honest[1:] == ["sanitized"]
    with pytest.raises(ValueError, match="each second"):
        checked(dense, is_collection=False, tag="VCALENDAR")
    assert len(dense) == 1
    checked(dense, tag="VCALENDAR")  # it lies in the store since before
    assert dense[1:] == ["sanitized"]


class Item:
    """An item of so many octets."""

    def __init__(self, octets: int) -> None:
        self.octets = octets

    def serialize(self) -> str:
        return "x" * self.octets


@pytest.fixture
def collection(storage: Any, tmp_path: Path) -> Any:
    """A collection of an agent whose room is 100 kB."""

    class Store:
        room = storage.room.Room(100_000)

        def home(self, _path: str) -> Path:
            return tmp_path / "anne"

    return storage.Collection(Store(), "anne/agenda", tmp_path / "anne/agenda")


def test_properties_beyond_their_octets_are_refused(collection: Any, storage: Any) -> None:
    collection.set_meta({"tag": "VCALENDAR", "D:displayname": "x" * 60_000})
    assert collection.calls == ["meta"]
    with pytest.raises(ValueError, match="Errno 28"):
        collection.set_meta({"tag": "VCALENDAR", "D:displayname": "é" * 33_000})


def test_a_full_home_takes_no_item_and_one_that_becomes_shorter(collection: Any) -> None:
    collection.upload("a.ics", Item(60_000))
    with pytest.raises(ValueError, match="Errno 28"):
        collection.upload("b.ics", Item(60_000))
    assert not Path(collection._filesystem_path, "b.ics").exists()
    collection.upload("a.ics", Item(50_000))
    with pytest.raises(ValueError, match="Errno 28"):
        collection.upload("a.ics", Item(120_000))
