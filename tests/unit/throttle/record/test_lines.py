"""The journal of single events beside the record."""

import json
import os
from pathlib import Path

from malleposte.throttle.record.lines import WAITING, Lines
from malleposte.throttle.record.model import LogIn, Refusal

ONE = LogIn("mdupond", True, "imap", "192.0.2.7")


def test_each_event_is_a_line_and_nothing_is_written_before_its_time(tmp_path: Path) -> None:
    lines = Lines(tmp_path / "events.jsonl", 2)
    lines.add(ONE, 1_796_000_000)
    lines.add(Refusal("mdupond", "in", "paul@lointain.test", "virus"), 1_796_000_001)
    assert not lines.path.exists()
    lines.write()
    lines.write()
    first, second = (json.loads(line) for line in lines.path.read_text("utf-8").splitlines())
    assert (first["time"], first["account"], first["service"]) == (1_796_000_000, "mdupond", "imap")
    assert (second["way"], second["reason"]) == ("in", "virus")
    assert lines.path.stat().st_mode & 0o777 == 0o600


def test_its_room_and_what_waits_are_bounded(tmp_path: Path) -> None:
    lines = Lines(tmp_path / "events.jsonl", 1)
    for _turn in range(4):
        for _number in range(WAITING + 50):
            lines.add(ONE, 1_796_000_000)
        lines.write()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["events.jsonl", "events.jsonl.1"]
    assert len(lines.path.read_text("utf-8").splitlines()) == WAITING


def test_the_lines_of_a_day_are_gone_after_the_next(tmp_path: Path) -> None:
    lines = Lines(tmp_path / "events.jsonl", 10)
    for day in range(3):
        now = 1_796_000_000 + day * 86_400
        lines.add(ONE, now)
        lines.write()
        os.utime(lines.path, (now, now))
    times = [json.loads(path.read_text("utf-8"))["time"] for path in sorted(tmp_path.iterdir())]
    assert times == [1_796_172_800, 1_796_086_400]


def test_a_disk_that_takes_nothing_ends_nothing(tmp_path: Path) -> None:
    lines = Lines(tmp_path / "nowhere" / "events.jsonl", 1)
    lines.add(ONE, 1_796_000_000)
    lines.write()
    assert not lines.path.exists()
