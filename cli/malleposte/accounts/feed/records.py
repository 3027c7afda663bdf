"""Rows judged: a person, a school or a list each, or every reason why not. A bad row never stops the good ones.

A cell that a row can do without is left out when it is bad, and the row is taken. Of lists and rooms no cell is left
out: a rule, a poster or a booker less would open them to others.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from malleposte.accounts.feed import columns as known
from malleposte.accounts.feed import recase as recasing
from malleposte.accounts.feed import table, values
from malleposte.accounts.feed.columns import Columns
from malleposte.accounts.feed.table import Line
from malleposte.platform.classes import Classes


@dataclass(frozen=True)
class Problem:
    """The fault of one cell, in French; `column` is the file's own title."""

    column: str
    cause: str


@dataclass(frozen=True)
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


@dataclass(frozen=True)
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


LEFT_OUT = ""
"""Among a row's values: the columns that were left out."""
_PERSON: dict[str, Callable[[str], object]] = {
    "numen": values.numen,
    "nom": values.person_name,
    "prenom": values.person_name,
    "uai": values.uais,
    "corps": values.label,
    "discipline": values.label,
    "fonction": values.label,
    "profil": values.plain,  # `read` judges it by the classes that the platform has
    "mel_secours": values.address,
    "tel_secours": values.phone,
    "debut": values.date,
    "fin": values.date,
}
_SCHOOL: dict[str, Callable[[str], object]] = {
    "uai": values.uai,
    "denomination": values.label,
    "commune": values.label,
    "code_postal": values.postal_code,
    "departement": values.department,
    "agenda": values.flag,
}
_LIST: dict[str, Callable[[str], object]] = {
    "liste": values.list_name,
    "intitule": values.label,
    "regle": values.rules,
    "membres": values.words,
    "emetteurs": values.words,
    "moderateurs": values.words,
    "responsables": values.words,
    "taille": values.number,
    "debit": values.number,
    "masquee": values.flag,
}
_ROOM: dict[str, Callable[[str], object]] = {
    "ressource": values.list_name,
    "intitule": values.label,
    "uai": values.uais,
    "type": values.equipment,
    "reservations": values.bookings,
    "reservable": values.bookers,
}
_KINDS = {
    known.AGENT: (_PERSON, "numen"),
    known.SCHOOL: (_SCHOOL, "uai"),
    known.LIST: (_LIST, "liste"),
    known.ROOM: (_ROOM, "ressource"),
}
"""The judge of the rows of each kind, and the column that no two rows share."""


def read(
    content: bytes, name: str, mapping: Mapping[str, str] | None = None, *, classes: Classes, recase: bool = False
) -> Feed:
    """Read a feed. Raises InputError when the file as a whole cannot be used: then nothing of it is.

    `classes`: those of service that a row may name. `recase`: names in capitals are written as French does.
    """
    cells = table.read(content, name)
    columns = known.recognise(cells.header.cells, name, mapping)
    checks, key = _KINDS[columns.kind]
    if columns.kind == known.AGENT:
        checks = {**checks, "profil": functools.partial(values.profile, classes=classes)}
    rows = _Rows(columns, _recased(checks) if recase else checks, key)
    found = [(line, parsed) for line in cells.lines if (parsed := rows.judge(line)) is not None]
    return Feed(
        name=name,
        kind=columns.kind,
        sha256=hashlib.sha256(content).hexdigest(),
        encoding=cells.encoding,
        header=cells.header.cells,
        columns=columns,
        people=tuple(_person(line.number, one) for line, one in found if columns.kind == known.AGENT),
        schools=tuple(_school(line.number, one) for line, one in found if columns.kind == known.SCHOOL),
        rejects=tuple(rows.rejects),
        lists=tuple(_list(line, one) for line, one in found if columns.kind == known.LIST),
        rooms=tuple(_room(line, one) for line, one in found if columns.kind == known.ROOM),
        warnings=tuple(rows.warnings),
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
        self.checks = {name: check for name, check in checks.items() if name in columns.places}
        self.needed = known.NEEDED[columns.kind]
        self.may_be_left_out = (
            set[str]() if columns.kind in (known.LIST, known.ROOM) else set(self.checks) - set(self.needed)
        )
        self.first: dict[object, int] = {}
        self.rejects: list[Reject] = []
        self.warnings: list[Reject] = []

    def judge(self, line: Line) -> dict[str, object] | None:
        """The row's canonical values, or None when it went to the rejects."""
        parsed: dict[str, object] = {}
        problems: dict[str, Problem] = {}
        width = len(self.columns.places) + len(self.columns.ignored)
        if any(cell.strip() for cell in line.cells[width:]):
            problems[""] = Problem("ligne", f"{len(line.cells)} cellules, plus que de colonnes")
        for name, check in self.checks.items():
            text = self.columns.cell(line.cells, name)
            if not text and name not in self.needed:
                continue
            try:
                parsed[name] = check(text)
            except values.BadValueError as error:
                problems[name] = Problem(self.columns.titles[name], error.french)
        problems |= self._whole(parsed)
        if problems:
            taken = set(problems) <= self.may_be_left_out
            kept = self.warnings if taken else self.rejects
            kept.append(Reject(line.number, line.cells, tuple(problems.values()), taken=taken))
            if not taken:
                return None
        self.first[parsed[self.key]] = line.number
        return {name: value for name, value in parsed.items() if name not in problems} | {LEFT_OUT: frozenset(problems)}

    def _whole(self, parsed: Mapping[str, object]) -> dict[str, Problem]:
        """The fault of the row as a whole."""
        found = {}
        before = self.first.get(parsed.get(self.key))
        if before is not None:
            found[self.key] = Problem(self.columns.titles[self.key], f"déjà à la ligne {before}")
        begin, end = str(parsed.get("debut", "")), str(parsed.get("fin", ""))
        if begin and end and end < begin:
            found["fin"] = Problem(self.columns.titles["fin"], f"se termine ({end}) avant de commencer ({begin})")
        return found


def _words(parsed: Mapping[str, object], name: str) -> str:
    return str(parsed.get(name, ""))


def _person(line: int, parsed: Mapping[str, object]) -> Person:
    schools, left_out = parsed.get("uai", ()), parsed[LEFT_OUT]
    return Person(
        line=line,
        numen=_words(parsed, "numen"),
        surname=_words(parsed, "nom"),
        given_name=_words(parsed, "prenom"),
        establishments=schools if isinstance(schools, tuple) else (),
        corps=_words(parsed, "corps"),
        discipline=_words(parsed, "discipline"),
        function=_words(parsed, "fonction"),
        profile=_words(parsed, "profil"),
        recovery_mail=_words(parsed, "mel_secours"),
        recovery_phone=_words(parsed, "tel_secours"),
        begin=_words(parsed, "debut"),
        end=_words(parsed, "fin"),
        left_out=left_out if isinstance(left_out, frozenset) else frozenset(),
    )


def _school(line: int, parsed: Mapping[str, object]) -> School:
    return School(
        line=line,
        uai=_words(parsed, "uai"),
        name=_words(parsed, "denomination"),
        town=_words(parsed, "commune"),
        postal_code=_words(parsed, "code_postal"),
        department=_words(parsed, "departement"),
        agenda=_flag(parsed, "agenda"),
    )


def _several(parsed: Mapping[str, object], name: str) -> tuple[str, ...]:
    found = parsed.get(name, ())
    return found if isinstance(found, tuple) else ()


def _count(parsed: Mapping[str, object], name: str) -> int | None:
    found = parsed.get(name)
    return found if isinstance(found, int) else None


def _flag(parsed: Mapping[str, object], name: str) -> bool | None:
    found = parsed.get(name)
    return found if isinstance(found, bool) else None


def _list(line: Line, parsed: Mapping[str, object]) -> ListRow:
    return ListRow(
        line=line.number,
        cells=line.cells,
        name=_words(parsed, "liste"),
        title=_words(parsed, "intitule"),
        rules=_several(parsed, "regle"),
        members=_several(parsed, "membres"),
        posters=_several(parsed, "emetteurs"),
        moderators=_several(parsed, "moderateurs"),
        managers=_several(parsed, "responsables"),
        max_kb=_count(parsed, "taille"),
        rate=_count(parsed, "debit"),
        hidden=bool(parsed.get("masquee")),
    )


def _room(line: Line, parsed: Mapping[str, object]) -> RoomRow:
    return RoomRow(
        line=line.number,
        cells=line.cells,
        uid=_words(parsed, "ressource"),
        title=_words(parsed, "intitule"),
        schools=_several(parsed, "uai"),
        equipment=bool(parsed.get("type")),
        bookings=_count(parsed, "reservations") or 1,
        bookers=_several(parsed, "reservable"),
    )
