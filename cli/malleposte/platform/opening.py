"""The hours of the help desk in words, from its days and times (fact `malleposte_support.opening`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import time
from typing import Any

DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
ENGLISH_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
"""Names of days in the fact, as Python counts them."""


def clock(moment: time, *, french: bool) -> str:
    """An hour: `8 h`, `8 h 30`; in English `08:30`."""
    if french:
        return f"{moment.hour}\u00a0h" + (f"\u00a0{moment.minute:02}" if moment.minute else "")
    return f"{moment:%H:%M}"


def phrases(opening: Sequence[Mapping[str, Any]], *, french: bool) -> list[str]:
    """A phrase for each set of days: `du lundi au vendredi, de 8 h à 12 h et de 14 h à 17 h`."""
    spans: dict[tuple[int, ...], list[str]] = {}
    for one in opening:
        begin, end = (clock(time.fromisoformat(one[name]), french=french) for name in ("from", "to"))
        span = f"de {begin} à {end}" if french else f"{begin} to {end}"
        spans.setdefault(tuple(sorted(map(ENGLISH_DAYS.index, one["days"]))), []).append(span)
    joined = " et " if french else " and "
    return [f"{_days(days, french=french)}, {joined.join(times)}" for days, times in spans.items()]


def _days(numbers: Sequence[int], *, french: bool) -> str:
    names = DAYS if french else [name.capitalize() for name in ENGLISH_DAYS]
    if len(numbers) > 2 and list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
        first, last = names[numbers[0]], names[numbers[-1]]
        return f"du {first} au {last}" if french else f"{first} to {last}"
    return ", ".join(names[number] for number in numbers)


def hours(support: Mapping[str, Any]) -> tuple[str, str]:
    """The hours for letters, in French and in English: from `opening`, else the words of `hours` and `hours_en`."""
    opening = support.get("opening") or []
    if opening:
        return "\u00a0; ".join(phrases(opening, french=True)), "; ".join(phrases(opening, french=False))
    words = str(support.get("hours", ""))
    return words, str(support.get("hours_en") or words)
