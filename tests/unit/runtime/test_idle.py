"""Connections that wait: used again while the other side is there, ended otherwise."""

import socket
from collections.abc import Iterator

import pytest
from malleposte.runtime.idle import Idle


class Pair:
    """A connection, with its other side."""

    def __init__(self) -> None:
        self.here, self.there = socket.socketpair()

    def fileno(self) -> int:
        return self.here.fileno()

    def close(self) -> None:
        self.here.close()
        self.there.close()


PAIRS: list[Pair] = []


def pair() -> Pair:
    PAIRS.append(Pair())
    return PAIRS[-1]


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    yield
    while PAIRS:
        PAIRS.pop().close()


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def idle(now: list[float]) -> Idle[Pair]:
    return Idle(2, 30.0, lambda: now[0])


def test_the_last_one_is_used_first(idle: Idle[Pair]) -> None:
    first, second = pair(), pair()
    idle.put(first)
    idle.put(second)
    assert idle.take() is second and idle.take() is first and idle.take() is None
    assert first.fileno() >= 0


def test_no_more_than_so_many_wait(idle: Idle[Pair]) -> None:
    pairs = [pair() for _ in range(3)]
    for one in pairs:
        idle.put(one)
    assert [one.fileno() >= 0 for one in pairs] == [False, True, True]


def test_none_waits_for_too_long(idle: Idle[Pair], now: list[float]) -> None:
    old, new = pair(), pair()
    idle.put(old)
    now[0] += 30
    assert idle.take() is old
    idle.put(old)
    now[0] += 31
    idle.put(new)
    assert old.fileno() == -1
    assert idle.take() is new
    idle.put(new)
    now[0] += 31
    assert idle.take() is None and new.fileno() == -1


@pytest.mark.parametrize("end", ["closed here", "closed there", "answer to no question"])
def test_one_that_is_of_no_use_is_ended(idle: Idle[Pair], end: str) -> None:
    one = pair()
    idle.put(one)
    {
        "closed here": one.here.close, "closed there": one.there.close,
        "answer to no question": lambda: one.there.sendall(b"late\n"),
    }[end]()  # fmt: skip
    assert idle.take() is None and one.fileno() == -1
