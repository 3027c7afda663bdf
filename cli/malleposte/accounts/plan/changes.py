"""The content of a plan: changes of entries, each with the old values of its attributes. To a file and back."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol, runtime_checkable

from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.model import Attributes
from malleposte.directory.protocol import Branch

VERSION = 1
MOST_BYTES = 256 << 20
"""A larger file is no plan: 100,000 new agents take about 130 MB."""


_BRANCHES: tuple[Branch, ...] = ("people", "functional", "resources", "lists", "establishments", "tombstones")

STORED = frozenset(("people", "functional", "resources"))
"""The branches whose entries have mail or an agenda on a host."""
PURGED = ("mpState", "mpStateChanged", "mpArchived")
"""The attributes of an account that must be as its plan saw them when it is removed for good."""


class Kind(StrEnum):
    """The kinds of a change to an account."""

    CREATE = "create"
    MODIFY = "modify"
    SUSPEND = "suspend"
    RESUME = "resume"
    SCHOOL = "school"
    BOX = "box"
    AGENDA = "agenda"
    ROOM = "room"
    CODE = "code"
    LIST = "list"
    RENAME = "rename"
    MOVE = "move"
    PROFILE = "profile"
    QUOTA = "quota"
    BLOCK = "block"
    UNBLOCK = "unblock"
    EXPIRE = "expire"
    ARCHIVE = "archive"
    PURGE = "purge"
    TOMBSTONE = "tombstone"
    WITHDRAW = "withdraw"
    """An entry that an import made and nobody used goes without a trace."""


@dataclass(frozen=True)
class Change:
    """One entry: attributes before (empty for a new entry) and after, only those that change. `line` is the feed's."""

    kind: Kind
    uid: str
    dn: str
    before: Attributes = field(default_factory=dict)
    after: Attributes = field(default_factory=dict)
    line: int = 0
    note: str = ""
    name: str = ""
    """The name of the person, the school, the box: for whoever reads the plan."""

    @property
    def is_new(self) -> bool:
        """Whether it makes an entry."""
        return "objectClass" in self.after

    @property
    def branch(self) -> Branch:
        """The branch of the entry. Raises MallepostError for one that no plan may change."""
        for branch in _BRANCHES:
            if f",ou={branch}," in self.dn.lower():
                return branch
        raise MallepostError(f"{self.dn}: in no branch that a plan may change")

    def as_json(self) -> dict[str, Any]:
        """The object of the file."""
        whole = {"kind": str(self.kind), "uid": self.uid, "dn": self.dn, "before": self.before, "after": self.after}
        more = {"line": self.line, "note": self.note, "name": self.name}
        return whole | {key: value for key, value in more.items() if value}

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Change:
        """Read the object of the file. Raises KeyError, ValueError or TypeError when it is none."""
        before, after = _attributes(raw["before"]), _attributes(raw["after"])
        return cls(
            Kind(raw["kind"]), str(raw["uid"]), str(raw["dn"]), before, after, int(raw.get("line", 0)),
            str(raw.get("note", "")), str(raw.get("name", "")),
        )  # fmt: skip


def differing(attributes: Attributes, new: Attributes) -> list[str]:
    """Return the names of attributes that an entry has with other values, whatever their order."""
    return [name for name, values in new.items() if sorted(attributes.get(name, [])) != sorted(values)]


def _attributes(raw: dict[str, Any]) -> Attributes:
    """The attributes themselves."""
    for name, values in raw.items():
        if not isinstance(values, list):
            raise TypeError(name)
        if name.lower() in ("userpassword", "pwdhistory"):
            raise ValueError(f"{name} is never part of a plan")
        for value in values:
            if not isinstance(value, str):
                raise TypeError(name)
            if not value.isascii():
                value.encode()  # half a surrogate pair is JSON, and no text
    return raw


@runtime_checkable
class Written(Protocol):
    """Changes that are lines of a plan already (`accounts.lines`)."""

    def texts(self) -> Iterator[str]:
        """Each as it is written."""


def as_line(change: Change) -> str:
    """A change as a line of a plan's file."""
    return json.dumps(change.as_json(), ensure_ascii=False)


@dataclass(frozen=True)
class Departures:
    """The number of agents of earlier feeds that the new one lacks, of how many."""

    leaving: int = 0
    known: int = 0


@dataclass(frozen=True)
class Plan:
    """Changes in the order in which they are to be applied."""

    domain: str
    feed: str
    feed_sha256: str
    made: str
    changes: Sequence[Change]
    departures: Departures = field(default_factory=Departures)
    unchanged: int = 0
    rejected: int = 0
    left_out: int = 0
    """Cells that were bad, of rows that were taken without them."""
    held_back: tuple[str, ...] = ()
    """Log-ins that would have been suspended, but for a row that was refused and may be theirs."""
    reverts: str = ""
    """The id of the plan that this one takes back."""
    left_alone: Mapping[str, str] = field(default_factory=dict)
    """Entries that were meant and are not touched, and why, by uid or name."""

    def counts(self) -> dict[str, int]:
        """Number of changes by kind."""
        return dict(sorted(Counter(str(change.kind) for change in self.changes).items()))

    def pieces(self) -> Iterator[str]:
        """The file, piece by piece: one JSON document, a change a line. It holds names and addresses: mode 0600."""
        head = {
            "version": VERSION, "domain": self.domain, "feed": self.feed, "feed_sha256": self.feed_sha256,
            "made": self.made, "unchanged": self.unchanged, "rejected": self.rejected,
            "left_out": self.left_out, "held_back": list(self.held_back),
            "departures": {"leaving": self.departures.leaving, "known": self.departures.known},
            "counts": self.counts(),
        }  # fmt: skip
        head |= {"reverts": self.reverts} if self.reverts else {}
        head |= {"left_alone": dict(self.left_alone)} if self.left_alone else {}
        yield json.dumps(head, ensure_ascii=False, indent=1)[:-2] + ',\n "changes": [\n'
        written = self.changes.texts() if isinstance(self.changes, Written) else map(as_line, self.changes)
        for number, line in enumerate(written):
            yield (",\n" if number else "") + line
        yield "\n]\n}\n"

    def render(self) -> str:
        """The whole file."""
        return "".join(self.pieces())


def read(raw: Any, where: str, changes: Sequence[Change] | None = None) -> Plan:
    """Read a plan's document; `changes`, where they were left out of it. Raises InputError."""
    try:
        if raw["version"] != VERSION:
            raise InputError(f"{where}: a plan of version {raw['version']}, {VERSION} is known", "plan again")
        return Plan(
            domain=str(raw["domain"]),
            feed=str(raw["feed"]),
            feed_sha256=str(raw["feed_sha256"]),
            made=str(raw["made"]),
            changes=tuple(_parsed(raw["changes"], where)) if changes is None else changes,
            departures=_departures(raw["departures"]),
            unchanged=int(raw["unchanged"]),
            rejected=int(raw["rejected"]),
            left_out=int(raw.get("left_out", 0)),
            held_back=tuple(str(uid) for uid in raw["held_back"]),
            reverts=str(raw.get("reverts", "")),
            left_alone={str(uid): str(reason) for uid, reason in raw.get("left_alone", {}).items()},
        )
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{where}: not a plan of this program ({error})", "make it with `malleposte accounts plan`"
        ) from error


def _departures(raw: Mapping[str, Any]) -> Departures:
    departures = Departures(int(raw["leaving"]), int(raw["known"]))
    if not 0 <= departures.leaving <= departures.known:
        raise ValueError("an impossible number of departures")
    return departures


def _parsed(raw: list[Any], where: str) -> Iterable[Change]:
    if not isinstance(raw, list):
        raise TypeError("changes")
    for number, item in enumerate(raw, 1):
        try:
            yield Change.parse(item)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise damaged(where, number, error) from error


def damaged(where: str, number: int, error: Exception) -> InputError:
    """The error of a change that cannot be read."""
    return InputError(f"{where}: change {number} is damaged ({error})", "plan again")
