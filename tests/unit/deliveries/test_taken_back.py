"""The messages that were taken back, as a host of mail keeps them for restores."""

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from malleposte.core.errors import MallepostError
from malleposte.deliveries import taken_back
from malleposte.deliveries.retracted import Box, Sign

DAY = 86_400
FIRST, SECOND = Box("a", (Sign("4dLpz91CxGz9rxQ", "Vague@x.test"),)), Box("b", (Sign("4dLpz91CxGz9rxR", ""),))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "waves" / "taken-back.json"


def test_messages_are_noted_once_and_forgotten_when_they_are_given_back(path: Path) -> None:
    assert taken_back.by_queue(path) == {}
    taken_back.note([FIRST, SECOND, FIRST], path)
    changed = path.stat().st_mtime_ns
    taken_back.note([SECOND], path)
    assert path.stat().st_mtime_ns == changed, "nothing new is not written"
    assert stat.S_IMODE(path.stat().st_mode) == 0o644, "the user of the store reads it"
    expected = {"4dLpz91CxGz9rxQ": {"vague@x.test"}, "4dLpz91CxGz9rxR": {""}}
    assert taken_back.by_queue(path) == expected
    taken_back.forget([FIRST], path)
    assert set(taken_back.by_queue(path)) == {"4dLpz91CxGz9rxR"}
    taken_back.forget([FIRST, SECOND], path)
    assert taken_back.by_queue(path) == {}


def test_old_ones_go_and_their_number_is_bounded(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    taken_back.note([FIRST], path, now=0)
    taken_back.note([SECOND], path, now=taken_back.DAYS * DAY - 1)
    assert len(taken_back.by_queue(path)) == 2
    taken_back.note([Box("c", (Sign("Q3"),))], path, now=taken_back.DAYS * DAY)
    assert set(taken_back.by_queue(path)) == {"4dLpz91CxGz9rxR", "Q3"}
    monkeypatch.setattr(taken_back, "MOST", 3)
    taken_back.note([Box("d", tuple(Sign(f"Q{number}") for number in range(4, 6)))], path, now=taken_back.DAYS * DAY)
    assert set(taken_back.by_queue(path)) == {"Q3", "Q4", "Q5"}


def test_two_retractions_at_once_both_stand(path: Path) -> None:
    def one(number: int) -> None:
        taken_back.note([Box("a", (Sign(f"Q{number:06}"),))], path)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(one, range(40)))
    assert len(taken_back.by_queue(path)) == 40


def test_a_list_that_cannot_be_read_is_said_and_nothing_is_restored_meanwhile(path: Path) -> None:
    taken_back.note([FIRST], path)
    path.write_text("[{")
    for act in (lambda: taken_back.by_queue(path), lambda: taken_back.note([SECOND], path)):
        with pytest.raises(MallepostError, match="not a list of messages"):
            act()


@pytest.mark.parametrize(
    ("message_id", "piece"),
    [
        ("vague@x.test", "vague@x.test"),
        ("<vague@x.test>", "vague@x.test"),
        ("x" * 200, "x" * 200),
        ("a b\tvague@x.test c", "vague@x.test"),
        ("é" * 40, ""),
        ("vague?@x.test>?", "@x.test"),
        ("(a) <vague@x.test", "vague@x.test"),
        ("=?utf-8?q?vague=40x?=", ""),
        ("a b", ""),
        ("", ""),
    ],
)
def test_the_piece_of_a_message_id_that_is_looked_for(message_id: str, piece: str) -> None:
    assert Sign("Q1", message_id).piece == piece
