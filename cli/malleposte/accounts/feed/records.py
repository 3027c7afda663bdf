"""Rows judged: a person, a school or a list each, or every reason why not. A bad row never stops the good ones.

A cell that a row can do without is left out when it is bad, and the row is taken. Of lists and rooms no cell is left
out: a rule, a poster or a booker less would open them to others.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from malleposte.accounts.feed import columns as known
from malleposte.accounts.feed import recase as recasing
from malleposte.accounts.feed import table, values
from malleposte.accounts.feed.columns import Columns
from malleposte.accounts.feed.table import Line
from malleposte.platform.classes import Classes


@dataclass(frozen=True, slots=True)
class Problem:
    """The fault of one cell, in French; `column` is the file's own title."""

    column: str
    cause: str


@dataclass(frozen=True, slots=True)
class Reject:
    """A row that is refused: where it stands, its cells as they came, all that is wrong with it.

    With `taken`, only the cells that are named were left out.
    """

    line: int
    cells: tuple[str, ...] = field(repr=False)
    problems: tuple[Problem, ...]
    taken: bool = False

    @property
    def reason(self) -> str:
        """The problems in one line."""
        return " ; ".join(f"{problem.column} : {problem.cause}" for problem in self.problems)


@dataclass(frozen=True, slots=True)
class Person:
    """An agent as the HR system knows him or her. The NUMEN is in memory only, never shown."""

    line: int
    numen: str = field(repr=False)
    surname: str
    given_name: str
    establishments: tuple[str, ...] = ()
    corps: str = ""
    discipline: str = ""
    function: str = ""
    profile: str = ""
    recovery_mail: str = ""
    recovery_phone: str = ""
    begin: str = ""
    end: str = ""
    left_out: frozenset[str] = frozenset()
    """Columns whose cell was bad: they decide nothing, what the account has stays."""


@dataclass(frozen=True)
class School:
    """A school or an office."""

    line: int
    uai: str
    name: str
    town: str = ""
    postal_code: str = ""
    department: str = ""
    agenda: bool | None = None
    """Whether the delegates of its box share an agenda; None: the feed does not say."""


@dataclass(frozen=True)
class ListRow:
    """A distribution list in an operator's words, none looked up in the directory; `cells` are the row as it came."""

    line: int
    cells: tuple[str, ...] = field(repr=False)
    name: str
    title: str = ""
    rules: tuple[str, ...] = ()
    members: tuple[str, ...] = ()
    posters: tuple[str, ...] = ()
    moderators: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()
    max_kb: int | None = None
    rate: int | None = None
    hidden: bool = False


@dataclass(frozen=True)
class RoomRow:
    """A room or equipment in an operator's words, none looked up in the directory; `cells` are the row as it came."""

    line: int
    cells: tuple[str, ...] = field(repr=False)
    uid: str
    title: str = ""
    schools: tuple[str, ...] = ()
    equipment: bool = False
    bookings: int = 1
    bookers: tuple[str, ...] = ()


@dataclass(frozen=True)
class Feed:
    """A file, read: who is in it, what was refused or left out, and the digest of its bytes."""

    name: str
    kind: str
    sha256: str
    encoding: str
    header: tuple[str, ...]
    columns: Columns
    people: tuple[Person, ...]
    schools: tuple[School, ...]
    rejects: tuple[Reject, ...]
    lists: tuple[ListRow, ...] = ()
    rooms: tuple[RoomRow, ...] = ()
    warnings: tuple[Reject, ...] = ()

    @property
    def left_out(self) -> int:
        """Cells that were left out of rows that were taken."""
        return sum(len(warning.problems) for warning in self.warnings)


_WHOLE = (known.LIST, known.ROOM)
"""Kinds of which no cell is left out."""
type _Judges = Mapping[str, tuple[str, Callable[[str], object]]]
"""By column: the field that it fills, and what judges its text."""
_PERSON: _Judges = {
    "numen": ("numen", values.numen),
    "nom": ("surname", values.person_name),
    "prenom": ("given_name", values.person_name),
    "uai": ("establishments", values.uais),
    "corps": ("corps", values.label),
    "discipline": ("discipline", values.label),
    "fonction": ("function", values.label),
    "profil": ("profile", values.plain),  # `read` judges it by the classes that the platform has
    "mel_secours": ("recovery_mail", values.address),
    "tel_secours": ("recovery_phone", values.phone),
    "debut": ("begin", values.date),
    "fin": ("end", values.date),
}
_SCHOOL: _Judges = {
    "uai": ("uai", values.uai),
    "denomination": ("name", values.label),
    "commune": ("town", values.label),
    "code_postal": ("postal_code", values.postal_code),
    "departement": ("department", values.department),
    "agenda": ("agenda", values.flag),
}
_LIST: _Judges = {
    "liste": ("name", values.list_name),
    "intitule": ("title", values.label),
    "regle": ("rules", values.rules),
    "membres": ("members", values.words),
    "emetteurs": ("posters", values.words),
    "moderateurs": ("moderators", values.words),
    "responsables": ("managers", values.words),
    "taille": ("max_kb", values.number),
    "debit": ("rate", values.number),
    "masquee": ("hidden", values.flag),
}
_ROOM: _Judges = {
    "ressource": ("uid", values.list_name),
    "intitule": ("title", values.label),
    "uai": ("schools", values.uais),
    "type": ("equipment", values.equipment),
    "reservations": ("bookings", values.bookings),
    "reservable": ("bookers", values.bookers),
}
_KINDS: Mapping[str, tuple[str, type[Any], _Judges, str]] = {
    known.AGENT: ("people", Person, _PERSON, "numen"),
    known.SCHOOL: ("schools", School, _SCHOOL, "uai"),
    known.LIST: ("lists", ListRow, _LIST, "liste"),
    known.ROOM: ("rooms", RoomRow, _ROOM, "ressource"),
}
"""By kind: the field of `Feed`, the class and the judges of its rows, and the column that no two rows share."""


def read(
    content: bytes, name: str, mapping: Mapping[str, str] | None = None, *, classes: Classes, recase: bool = False
) -> Feed:
    """Read a feed. Raises InputError when the file as a whole cannot be used: then nothing of it is.

    `classes`: those of service that a row may name. `recase`: names in capitals are written as French does.
    """
    cells = table.read(content, name)
    columns = known.recognise(cells.header.cells, name, mapping)
    kind, make, judges, key = _KINDS[columns.kind]
    checks = {column: check for column, (_field, check) in judges.items()}
    if columns.kind == known.AGENT:
        checks["profil"] = functools.cache(functools.partial(values.profile, classes=classes))
    rows = _Rows(columns, _recased(checks) if recase else checks, key)
    records = []
    for line in cells.lines:
        if (judged := rows.judge(line)) is not None:
            parsed, left_out = judged
            more: dict[str, Any] = {judges[column][0]: value for column, value in parsed.items()}
            if columns.kind == known.AGENT:
                more["left_out"] = left_out
            elif columns.kind in _WHOLE:
                more["cells"] = line.cells
            records.append(make(line=line.number, **more))
    every: dict[str, Any] = {"people": (), "schools": ()} | {kind: tuple(records)}
    return Feed(
        name=name,
        kind=columns.kind,
        sha256=hashlib.sha256(content).hexdigest(),
        encoding=cells.encoding,
        header=cells.header.cells,
        columns=columns,
        rejects=tuple(rows.rejects),
        warnings=tuple(rows.warnings),
        **every,
    )


def _recased(checks: Mapping[str, Callable[[str], object]]) -> Mapping[str, Callable[[str], object]]:
    """The same, names of persons out of capitals."""
    return {
        name: (lambda text: recasing.name(values.person_name(text))) if check is values.person_name else check
        for name, check in checks.items()
    }


class _Rows:
    """Judges rows one after the other, and notes the first row of each person."""

    def __init__(self, columns: Columns, checks: Mapping[str, Callable[[str], object]], key: str) -> None:
        self.columns, self.key = columns, key
        self.checks = [(name, columns.places[name], check) for name, check in checks.items() if name in columns.places]
        self.width = len(columns.places) + len(columns.ignored)
        self.needed = known.NEEDED[columns.kind]
        self.may_be_left_out = set[str]() if columns.kind in _WHOLE else {*columns.places} - {*self.needed}
        self.first: dict[object, int] = {}
        self.rejects: list[Reject] = []
        self.warnings: list[Reject] = []

    def judge(self, line: Line) -> tuple[dict[str, object], frozenset[str]] | None:
        """The row's canonical values by column, and the columns that were left out; None where it is refused."""
        parsed: dict[str, object] = {}
        problems: dict[str, Problem] = {}
        cells = line.cells
        if len(cells) > self.width and any(cell.strip() for cell in cells[self.width :]):
            problems[""] = Problem("ligne", f"{len(cells)} cellules, plus que de colonnes")
        for name, place, check in self.checks:
            text = cells[place].strip() if place < len(cells) else ""
            if not text and name not in self.needed:
                continue
            try:
                parsed[name] = check(text)
            except values.BadValueError as error:
                problems[name] = Problem(self.columns.titles[name], error.french)
        problems |= self._whole(parsed)
        if problems:
            taken = set(problems) <= self.may_be_left_out
            reports = self.warnings if taken else self.rejects
            reports.append(Reject(line.number, line.cells, tuple(problems.values()), taken=taken))
            if not taken:
                return None
        self.first[parsed[self.key]] = line.number
        return {name: value for name, value in parsed.items() if name not in problems}, frozenset(problems)

    def _whole(self, parsed: Mapping[str, object]) -> dict[str, Problem]:
        """The fault of the row as a whole."""
        problems = {}
        before = self.first.get(parsed.get(self.key))
        if before is not None:
            problems[self.key] = Problem(self.columns.titles[self.key], f"déjà à la ligne {before}")
        begin, end = str(parsed.get("debut", "")), str(parsed.get("fin", ""))
        if begin and end and end < begin:
            problems["fin"] = Problem(self.columns.titles["fin"], f"se termine ({end}) avant de commencer ({begin})")
        return problems
