"""The ledger of a repository on the backup server, out of its client's reach, and the conclusions drawn from it.

A client whose key is stolen may write: append-only, its deletions only add transactions, which the next compaction
would make real. So the vault notes every archive when it first sees it, by the vault's own clock, and thins out by
those dates: a client that gives an archive a false date pushes no other archive out.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path

from malleposte.runtime import durable

CLAIMED = 60
"""Days for which a client tells what it made."""
REMEMBERED = 2 * CLAIMED
"""Days for which the ledger keeps removed archives."""
PERIODS = {"daily": "%Y-%m-%d", "weekly": "%G-W%V", "monthly": "%Y-%m"}


@dataclass
class Entry:
    """An archive: its name, when the vault first saw it (UTC, ISO 8601), whether the vault itself is removing it."""

    name: str
    seen: str
    leaving: bool = False

    @property
    def source(self) -> str:
        """The series that it belongs to."""
        return self.name.rpartition("@")[0]


@dataclass(frozen=True)
class Claim:
    """An archive that a client says it made: its repository, its name, when its making began (UTC, ISO 8601)."""

    repository: str
    name: str
    start: str


@dataclass
class Ledger:
    """One repository: its archives by borg's id, its last transaction that was found right, its id and its key."""

    archives: dict[str, Entry] = field(default_factory=dict)
    transaction: int = -1
    identity: dict[str, str] = field(default_factory=dict)
    removed: dict[str, str] = field(default_factory=dict)
    """Archives that the vault itself removed, and when: the client may still say that it made them."""
    excused: str = ""
    """Archives that the client made before this moment are not asked for: they were taken back, or given up."""
    accepted: str = ""
    """Archives that were seen before this moment and have gone are given up."""

    @classmethod
    def read(cls, path: Path) -> Ledger | None:
        """The ledger; None where there is none yet. A damaged one raises: without it nothing may be thinned out."""
        try:
            data = json.loads(path.read_text("utf-8"))
        except FileNotFoundError:
            return None
        archives = {key: Entry(**entry) for key, entry in data["archives"].items()}
        more = {name: data[name] for name in ("removed", "excused", "accepted") if name in data}
        return cls(archives, data["transaction"], data["identity"], **more)

    def write(self, path: Path) -> None:
        """Replace it, on disk before this returns."""
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        durable.write(path, json.dumps(asdict(self), indent=1))

    def gone(self, present: Mapping[str, str]) -> list[Entry]:
        """Archives that were seen, that the vault did not remove, and that are no more; `present` is id to name."""
        return [
            entry
            for key, entry in self.archives.items()
            if key not in present and not entry.leaving and entry.seen >= self.accepted
        ]

    def never_seen(self, present: Mapping[str, str], claims: Mapping[str, Claim]) -> list[Claim]:
        """Archives that the client says it made, that are not there, and that this vault never saw nor removed."""
        return [
            one
            for key, one in claims.items()
            if key not in present
            and key not in self.archives
            and key not in self.removed
            and one.start[:19] >= self.excused[:19]
        ]

    def note(self, present: Mapping[str, str], moment: datetime) -> None:
        """Add what is new, drop what the vault removed."""
        for key, name in present.items():
            # An archive that is still there does not leave: if it goes later, somebody else has removed it.
            self.archives.setdefault(key, Entry(name, moment.isoformat(timespec="seconds"))).leaving = False
        gone = dict.fromkeys((key for key in self.archives if key not in present), moment.isoformat(timespec="seconds"))
        oldest = (moment - timedelta(days=REMEMBERED)).isoformat(timespec="seconds")
        self.removed = {key: when for key, when in (self.removed | gone).items() if when >= oldest}
        self.archives = {key: entry for key, entry in self.archives.items() if key in present}

    def surplus(self, rules: Mapping[str, int]) -> dict[str, Entry]:
        """The archives that no rule keeps, each series by itself.

        A rule such as `daily: 14` keeps the newest archive of each of the last 14 days that have one. Without any rule
        nothing is surplus.
        """
        if not any(rules.values()):
            return {}
        series: dict[str, list[str]] = {}
        for key, entry in self.archives.items():
            series.setdefault(entry.source, []).append(key)
        retained = {key for keys in series.values() for key in self._retained(keys, rules)}
        return {key: entry for key, entry in self.archives.items() if key not in retained}

    def _retained(self, keys: Iterable[str], rules: Mapping[str, int]) -> set[str]:
        newest_first = sorted(keys, key=lambda key: (self.archives[key].seen, self.archives[key].name), reverse=True)
        retained: set[str] = set()
        for rule, number in rules.items():
            periods: dict[str, str] = {}
            for key in newest_first:
                periods.setdefault(f"{datetime.fromisoformat(self.archives[key].seen):{PERIODS[rule]}}", key)
            retained |= set(list(periods.values())[:number])
        return retained
