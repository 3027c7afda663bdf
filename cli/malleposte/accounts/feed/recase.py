"""Names in capitals, written as French does: `DE LA TOUR` is `de La Tour`, `JEAN-PIERRE` is `Jean-Pierre`.

Only words that are all capitals are touched; who wrote `McDonald` or `Le GOFF` meant what is not in capitals. An accent
that the file leaves out is not made up: `ELODIE` becomes `Elodie`.

As French typography has it, the particle (de, d', du, des) is small, and the article (Le, La, L') is not.
"""

from __future__ import annotations

import re

PARTICLES = frozenset(("de", "du", "des", "d", "von", "zu", "zur", "zum"))
"""Small before another word."""
_INNER = frozenset(("der", "den", "und"))
"""Small between two words (van der Meer)."""
_WORD = re.compile(r"[^\W\d_]+")
_APOSTROPHES = ("'", "’", "ʼ")
_MC = 3
"""Letters beyond which a word in Mc is of two parts."""


def name(text: str) -> str:
    """A name in capitals in the way French writes it; any other as it is."""
    words = list(_WORD.finditer(text))
    parts: list[str] = []
    end = 0
    for place, word in enumerate(words):
        parts.append(text[end : word.start()])
        parts.append(_word(word[0], text[word.end() :], first=place == 0, last=place == len(words) - 1))
        end = word.end()
    return "".join(parts) + text[end:]


def _word(word: str, rest: str, *, first: bool, last: bool) -> str:
    elided = word == "D" and rest.startswith(_APOSTROPHES)
    if not word.isupper() or (len(word) == 1 and not elided):
        return word
    # The Turkish I with a dot has two signs when it is small.
    small = word.lower().replace("i\N{COMBINING DOT ABOVE}", "i")
    if not last and (small in PARTICLES or (small in _INNER and not first)):
        return small
    whole = word[0] + small[1:]
    return f"Mc{whole[2].upper()}{whole[3:]}" if whole.startswith("Mc") and len(whole) > _MC else whole
