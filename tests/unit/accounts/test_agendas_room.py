"""The room of agendas in Radicale's store: counted once in a while, refused beyond it, states of devices bounded."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest
from malleposte.accounts.agendas import room
from malleposte.accounts.agendas.room import COUNTED, FULL, Room, blocks, forget_states


class Clock:
    """A clock by hand."""

    now = 1000.0

    def __call__(self) -> float:
        return self.now


def put(home: Path, name: str, size: int) -> None:
    (home / "agenda").mkdir(parents=True, exist_ok=True)
    (home / "agenda" / name).write_bytes(b"x" * size)


def test_a_home_takes_what_its_files_take_and_is_refused_beyond_its_room(tmp_path: Path) -> None:
    home, other, clock = tmp_path / "anne", tmp_path / "bruno", Clock()
    put(home, "a.ics", 40_000)
    rooms = Room(60_000, clock)
    rooms.take(home, 10_000)
    with pytest.raises(ValueError, match=rf"\[Errno {errno.ENOSPC}\] the agendas and address books of anne take"):
        rooms.take(home, 20_000)
    rooms.take(other, 50_000)


def test_a_home_is_counted_again_after_a_while_and_sooner_where_it_is_full(tmp_path: Path) -> None:
    home, clock = tmp_path / "anne", Clock()
    rooms = Room(60_000, clock)
    rooms.take(home, 10_000)
    put(home, "a.ics", 40_000)  # by another program
    rooms.take(home, 40_000)
    clock.now += COUNTED
    with pytest.raises(ValueError, match="Errno"):
        rooms.take(home, 40_000)
    (home / "agenda/a.ics").unlink()
    clock.now += FULL - 1
    with pytest.raises(ValueError, match="Errno"):
        rooms.take(home, 40_000)
    clock.now += 2
    rooms.take(home, 40_000)


def test_so_many_homes_are_remembered(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "HOMES", 2)
    rooms = Room(60_000, Clock())
    for name in ("anne", "bruno", "chloe"):
        rooms.take(tmp_path / name, 50_000)
    put(tmp_path / "anne", "a.ics", 1)
    rooms.take(tmp_path / "anne", 50_000)  # counted anew
    with pytest.raises(ValueError, match="Errno"):
        rooms.take(tmp_path / "chloe", 50_000)


def test_a_file_takes_whole_blocks_and_one_for_its_history() -> None:
    assert [blocks(size) for size in (1, 4096, 4097)] == [8192, 8192, 12_288]


def test_the_oldest_states_are_forgotten_and_the_newest_stays(tmp_path: Path) -> None:
    forget_states(tmp_path / "none")
    for number in range(4):
        file = tmp_path / f"{number}"
        file.write_bytes(b"x" * 100)
        os.utime(file, (number, number))
    forget_states(tmp_path, 250)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["2", "3"]
    forget_states(tmp_path, 10)
    assert [one.name for one in tmp_path.iterdir()] == ["3"]


def test_states_of_one_moment_are_no_fault(tmp_path: Path) -> None:
    for name in "abc":
        (tmp_path / name).write_bytes(b"x" * 100)
        os.utime(tmp_path / name, (1, 1))
    forget_states(tmp_path, 250)
    assert len(list(tmp_path.iterdir())) == 2
