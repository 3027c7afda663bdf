"""Addresses that guess anywhere are told once on each host."""

import json
from pathlib import Path

import pytest
from malleposte.adapters.valkey import Unavailable
from malleposte.daemons import guesses
from malleposte.daemons.guesses import Teller


class Store:
    """A sorted set; silent while it is `away`."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, float]] = []
        self.away = False

    def since(self, key: str, moment: float) -> list[tuple[str, float]]:
        if self.away:
            raise Unavailable("no answer")
        return [row for row in self.rows if row[1] > moment]


def test_each_address_is_told_once_also_after_a_restart(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store()
    teller = Teller(store, tmp_path / "last")
    teller.turn()
    store.rows = [("192.0.2.7", 1764137000.000001), ("2001:db8::1", 1764137000.000002)]
    teller.turn()
    teller.turn()
    assert capsys.readouterr().err.splitlines() == ["guesses: rip=192.0.2.7", "guesses: rip=2001:db8::1"]
    store.rows.append(("192.0.2.8", 1764137000.000003))
    Teller(store, tmp_path / "last").turn()
    assert capsys.readouterr().err.splitlines() == ["guesses: rip=192.0.2.8"]


def test_a_silent_valkey_is_said_once_and_nothing_is_missed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    store = Store()
    teller = Teller(store, tmp_path / "last")
    store.away = True
    teller.turn()
    teller.turn()
    store.rows.append(("192.0.2.7", 1.5))
    store.away = False
    teller.turn()
    first, second, third = capsys.readouterr().err.splitlines()
    assert "nobody is banned" in first
    assert ("answers again" in second, third) == (True, "guesses: rip=192.0.2.7")


@pytest.mark.parametrize(
    ("given", "code"),
    [({"server": "unix:///x", "username": "a", "password": "b"}, 0), ({"server": "unix:///x"}, 1), ("text", 1)],
)
def test_settings_are_judged(tmp_path: Path, capsys: pytest.CaptureFixture[str], given: object, code: int) -> None:
    path = tmp_path / "guesses.json"
    path.write_text(json.dumps(given), "utf-8")
    assert guesses.main([str(path), "--check"]) == code
    assert (str(path) in capsys.readouterr().err) == bool(code)


@pytest.mark.parametrize("cut", ["", "1764137000.0000", "{", "\x00\x00"])
def test_a_note_that_was_cut_off_is_set_aside_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], cut: str
) -> None:
    note = tmp_path / "last"
    note.write_text(cut)
    store = Store()
    store.rows = [("192.0.2.7", 1764137000.000001)]
    Teller(store, note).turn()
    told = capsys.readouterr().err.splitlines()
    assert told[-1] == "guesses: rip=192.0.2.7" and float(note.read_text()) == 1764137000.000001
    broken = list(tmp_path.glob("last.broken-*"))
    if cut.startswith("17"):
        assert len(told) == 1 and not broken, "a whole one is read"
    else:
        assert told[0].startswith(f"<4>{note} cannot be read") and [one.read_text() for one in broken] == [cut]
