"""Lines of a graph as SVG draws them (SVG 2, section 10.6). Nothing here knows what is drawn."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

WIDTH, HEIGHT = 600, 120
"""Of the drawing, in its own units."""
EDGE = 4
"""Free room above and below."""


def lines(values: Sequence[float | None], top: float) -> list[str]:
    """Return the points of a polyline for each stretch of values that were measured; `top` is drawn uppermost.

    The first value stands at the left edge, the last one at the right.
    """
    step = WIDTH / max(len(values) - 1, 1)
    lines = []
    for start, stretch in _stretches(values):
        points = [f"{(start + place) * step:.1f},{_height(value, top):.1f}" for place, value in enumerate(stretch)]
        # One value alone would be no line.
        lines.append(" ".join(points if len(points) > 1 else points * 2))
    return lines


def _height(value: float, top: float) -> float:
    share = min(max(value / top, 0.0), 1.0) if top > 0 else 0.0
    return HEIGHT - EDGE - share * (HEIGHT - 2 * EDGE)


def _stretches(values: Sequence[float | None]) -> Iterator[tuple[int, list[float]]]:
    """Each run of values without a gap, with the place of its first."""
    stretch: list[float] = []
    for place, value in enumerate([*values, None]):
        if value is not None:
            stretch.append(value)
        elif stretch:
            yield place - len(stretch), stretch
            stretch = []
