"""Events that were told lately."""

from __future__ import annotations

from malleposte.paging import doubles
from malleposte.paging.doubles import Told


def test_an_event_is_a_double_for_ten_minutes() -> None:
    told = Told()
    told.add(["a", "b"], 0)
    assert told.among(["a", "b", "c"], doubles.SECONDS - 1) == ["a", "b"]
    assert told.among(["a"], doubles.SECONDS) == []
    told.forget(["b", "c"])
    assert told.among(["b"], 1) == []


def test_a_flood_forgets_the_oldest() -> None:
    told = Told()
    told.add((str(number) for number in range(doubles.MOST + 1)), 0)
    assert told.among(["0", "1"], 0) == ["1"]
