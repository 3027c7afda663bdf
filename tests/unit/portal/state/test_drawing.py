"""Lines of a graph: where points stand, and gaps."""

from __future__ import annotations

import pytest
from malleposte_portal.state.drawing import EDGE, HEIGHT, WIDTH, lines


def points(line: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in (point.split(",") for point in line.split())]


def test_the_highest_value_stands_above_and_nought_below() -> None:
    (line,) = lines([0.0, 5.0, 10.0], 10.0)
    assert points(line) == [(0.0, HEIGHT - EDGE), (WIDTH / 2, HEIGHT / 2), (WIDTH, EDGE)]


def test_what_was_not_measured_is_a_gap() -> None:
    first, last = lines([1.0, 2.0, None, None, 3.0], 3.0)
    assert [x for x, _y in points(first)] == [0.0, 150.0]
    assert points(last) == [(600.0, EDGE)] * 2, "one value alone is a point"


@pytest.mark.parametrize("values", [[], [None, None]])
def test_nothing_measured_is_no_line(values: list[float | None]) -> None:
    assert lines(values, 1.0) == []


@pytest.mark.parametrize("top", [0.0, -1.0, 5.0])
def test_no_value_leaves_the_drawing(top: float) -> None:
    (line,) = lines([-3.0, 1e12, 0.0], top)
    assert all(0 <= y <= HEIGHT for _x, y in points(line))
