"""Events that were told lately."""

from __future__ import annotations

from malleposte.paging import doubles
from malleposte.paging.doubles import RecentEvents


def test_an_event_is_a_double_for_ten_minutes() -> None:
    recent = RecentEvents()
    recent.add(["a", "b"], 0)
    assert recent.among(["a", "b", "c"], doubles.SECONDS - 1) == ["a", "b"]
    assert recent.among(["a"], doubles.SECONDS) == []
    recent.forget(["b", "c"])
    assert recent.among(["b"], 1) == []


def test_a_flood_forgets_the_oldest() -> None:
    recent = RecentEvents()
    recent.add((str(number) for number in range(doubles.MOST + 1)), 0)
    assert recent.among(["0", "1"], 0) == ["1"]
