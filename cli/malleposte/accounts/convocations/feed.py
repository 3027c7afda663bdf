"""The file of a convocation: a row an invitation. CSV or XLSX, read as feeds are (`accounts.feed.table`).

Hours stand in `Début` and `Fin` with their day, or alone beside a column `Date`.
"""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Callable

from malleposte.accounts.convocations.model import LONGEST_TEXT, Event, Refusal, Row
from malleposte.accounts.feed import table, values
from malleposte.accounts.feed.columns import bare
from malleposte.accounts.feed.table import Line
from malleposte.core.errors import InputError

NAMES: dict[str, tuple[str, ...]] = {
    "agent": ("agent", "identifiant", "adresse", "numen", "login", "mel", "courriel"),
    "title": ("titre", "objet", "intitule", "convocation"),
    "day": ("date", "jour"),
    "begin": ("debut", "date de debut", "heure de debut", "heure debut"),
    "end": ("fin", "date de fin", "heure de fin", "heure fin"),
    "place": ("lieu", "salle", "adresse du lieu"),
    "text": ("texte", "consignes", "message"),
    "substitutes": ("remplacants", "remplacant", "suppleants", "suppleant"),
    "reference": ("reference", "ref", "numero"),
}
"""The columns by the titles that they may have, which are compared without accents, case, spaces and signs."""
NEEDED = ("agent", "title", "begin", "end")
MOST_SUBSTITUTES = 5
LONGEST_DAYS = 31
_KNOWN = {bare(title): key for key, titles in NAMES.items() for title in titles}
_HOUR = re.compile(r"(\d{1,2})\s?[hH:]\s?(\d{2})?(?::\d{2})?")


def read(content: bytes, name: str) -> tuple[list[Row], list[Refusal]]:
    """Return the rows of a file, and those that are refused. Raises InputError for a file that cannot be used."""
    whole = table.read(content, name)
    places = _places(whole.header.cells, name)
    rows, refused = list[Row](), list[Refusal]()
    for line in whole.lines:
        try:
            rows.append(_row(line, places))
        except values.BadValueError as error:
            refused.append(Refusal(line.number, str(error), error.french))
    return rows, refused


def _places(header: tuple[str, ...], name: str) -> dict[str, int]:
    places: dict[str, int] = {}
    for place, title in enumerate(header):
        key = _KNOWN.get(bare(title))
        if key in places:
            first, second = values.shown(header[places[key]]), values.shown(title)
            raise InputError(f"{name}:1: columns « {first} » and « {second} » are both {key}", "leave one out")
        if key:
            places[key] = place
    missing = [
        NAMES[key][0] for key in NEEDED if key not in places and not (key in ("begin", "end") and "day" in places)
    ]
    if missing:
        raise InputError(
            f"{name}:1: no column for {', '.join(missing)}",
            "`malleposte convoke --help` names the columns",
        )
    return places


def _row(line: Line, places: dict[str, int]) -> Row:
    """Raises BadValueError."""

    def cell(key: str) -> str:
        place = places.get(key)
        return line.cells[place].strip() if place is not None and place < len(line.cells) else ""

    return judged(line.number, cell)


def judged(line: int, cell: Callable[[str], str]) -> Row:
    """Return the row of these cells, which are known by the keys of NAMES. Raises BadValueError."""
    who = values.plain(cell("agent"))
    if not who:
        raise values.BadValueError("no agent", "aucun agent")
    title = values.label(cell("title"))
    if not title:
        raise values.BadValueError("no title", "aucun titre")
    begin, end = _times(cell("day"), cell("begin"), cell("end"))
    text = _text(cell("text"))
    substitutes = values.words(cell("substitutes"))
    if len(substitutes) > MOST_SUBSTITUTES:
        raise values.BadValueError(
            f"{len(substitutes)} substitutes, {MOST_SUBSTITUTES} at most",
            f"{len(substitutes)} remplaçants, {MOST_SUBSTITUTES} au plus",
        )
    event = Event(title, begin, end, values.label(cell("place")), text)
    return Row(line, who, event, substitutes, values.label(cell("reference")))


def _text(typed: str) -> str:
    """Return a text of several lines, each plain. Raises BadValueError."""
    values.plain(typed, LONGEST_TEXT)
    lines = (" ".join(line.split()) for line in unicodedata.normalize("NFC", typed).splitlines())
    return "\n".join(filter(None, lines))


def _times(day: str, begin: str, end: str) -> tuple[str, str]:
    """Return beginning and end as ISO 8601. Raises BadValueError."""
    first, hour = _moment(begin, values.date(day) if day else "")
    last, until = _moment(end, first)
    if bool(hour) is not bool(until):
        raise values.BadValueError("an hour at one end alone", "une heure à un seul bout")
    if hour:
        first, last = f"{first}T{hour}", f"{last}T{until}"
    if last < first or (hour and last == first):
        raise values.BadValueError("the end is not after the beginning", "la fin n’est pas après le début")
    days = datetime.datetime.fromisoformat(last) - datetime.datetime.fromisoformat(first)
    if days.days > LONGEST_DAYS:
        raise values.BadValueError(f"more than {LONGEST_DAYS} days", f"plus de {LONGEST_DAYS} jours")
    return first, last


def _moment(typed: str, day: str) -> tuple[str, str]:
    """Return a day and an hour, which may be empty. Raises BadValueError."""
    words = values.plain(typed).replace(" à ", " ")
    if not words and day:
        return day, ""
    if hour := _HOUR.fullmatch(words):
        if not day:
            raise values.BadValueError(f"{words!r}: an hour without a day", f"{words!r} : une heure sans jour")
        return day, _hour(hour)
    date, _space, rest = words.replace("T", " ", 1).partition(" ")
    if not rest:
        return values.date(date), ""
    hour = _HOUR.fullmatch(rest.strip())
    if not hour:
        raise values.BadValueError(
            f"{words[:20]!r} is no moment (15/06/2026 08:00)", f"{words[:20]!r} n’est pas un moment (15/06/2026 08:00)"
        )
    return values.date(date), _hour(hour)


def _hour(match: re.Match[str]) -> str:
    hour, minute = int(match[1]), int(match[2] or 0)
    if hour > 23 or minute > 59:
        raise values.BadValueError(f"{match[0]!r} is no hour", f"{match[0]!r} n’est pas une heure")
    return f"{hour:02d}:{minute:02d}"
