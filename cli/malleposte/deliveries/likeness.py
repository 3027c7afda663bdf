"""Messages that are like another: the shingles of their texts, by MinHash, or an equal part where a text has none.

A text has 32 shingles. The share of those that are equal in the same place is about the share of the words in a row
that both texts have. Some of them are marks of the index, so that no question reads all messages.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from malleposte.deliveries.model import Likeness

PRINT = "print"
"""The kind of marks that are shingles."""
COMPARED, LEAST = 32, 16
"""Shingles of a text; as many must be equal."""
MOST_READ = 20_000
"""Messages that one question compares, so that it ends within a second."""
_SIZE, _STEP = 8, 4
"""Bytes of a shingle; one in so many is a mark: with half of all equal, one of eight marks is so in 99.6 of 100."""


def whole(prints: bytes) -> bytes:
    """Return all shingles of a text, or none where some are lacking."""
    return prints if len(prints) == COMPARED * _SIZE else b""


def marks(prints: bytes) -> list[bytes]:
    """Return those that are marks, each with its place."""
    return [bytes((place,)) + part for place, part in enumerate(_parts(prints)) if place % _STEP == 0]


def alike(prints: bytes, like: Likeness) -> int:
    """Return how many shingles are equal to those of the nearest of these texts; 0 where there are none."""
    own = _parts(prints)
    return max((sum(a == b for a, b in zip(own, _parts(one), strict=False)) for one in like.prints), default=0)


def fits(prints: bytes, like: Likeness) -> bool:
    """Return whether a message with a mark of these is like one of them: by its text, or as one without any."""
    return not prints or alike(prints, like) >= LEAST


def marks_of(like: Likeness, part: str) -> list[tuple[str, Any]]:
    """Return the marks of which a message that is like these has one, each with its kind. `part` is that of parts."""
    texts = (mark for one in like.prints for mark in marks(one))
    return [*((PRINT, one) for one in dict.fromkeys(texts)), *((part, one) for one in like.parts)]


def of(messages: Iterable[tuple[bytes, tuple[str, ...]]]) -> Likeness:
    """Return the likeness of messages, each with its shingles and the digests of its parts."""
    return first_of(Likeness((prints,)) if whole(prints) else Likeness(parts=parts) for prints, parts in messages)


def first_of(several: Iterable[Likeness]) -> Likeness:
    """Return several as one: of a few texts and parts, the first."""
    prints, parts = dict[bytes, None](), dict[str, None]()
    for one in several:
        prints |= dict.fromkeys(one.prints)
        parts |= dict.fromkeys(one.parts)
    return Likeness(tuple(prints)[: Likeness.MOST_TEXTS], tuple(parts)[: Likeness.MOST_PARTS])


def _parts(prints: bytes) -> list[bytes]:
    return [prints[start : start + _SIZE] for start in range(0, len(prints), _SIZE)]
