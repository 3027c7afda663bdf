"""The sizes at which the platform is measured, and the shapes of boxes and messages."""

from collections.abc import Sequence
from dataclasses import dataclass

Table = Sequence[tuple[float, int, int]]
"""Rows of a share (they add up to 1), a least and a most: a value is drawn evenly between the two."""

BOXES: Table = ((0.93, 100, 100), (0.05, 100, 200), (0.015, 200, 400), (0.0045, 500, 1500), (0.0005, 5000, 5000))
"""Messages of a box: most are kept small, a few are never tidied."""
BODIES: Table = ((0.70, 2_000, 10_000), (0.20, 10_000, 30_000), (0.09, 30_000, 170_000), (0.01, 300_000, 1_300_000))
"""Bytes of a message: words, words with markup, a document, a presentation."""
WITH_AGENDA = 3
"""One agent in so many keeps an agenda."""
EVENTS = 20
"""Events of an agenda: one in ten repeats each week, one in ten has a reminder by mail."""


@dataclass(frozen=True)
class Scale:
    """Numbers of things; `sessions` are IMAP sessions that are held open."""

    agents: int
    schools: int
    bodies: int
    sessions: int
    readers: int
    """Members that each of the largest lists has at least."""


ACADEMY = Scale(agents=30_000, schools=1_600, bodies=300_000, sessions=2_000, readers=10_000)
SMALL = Scale(agents=600, schools=32, bodies=6_000, sessions=100, readers=200)
"""A trial of the measurement itself, a fiftieth (a twentieth of the sessions)."""
