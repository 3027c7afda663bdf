"""From agents to files of letters: for each part, codes are issued, then printed, before the next part begins."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.journal import Journal
from malleposte.accounts.plan.apply import Outcome, apply
from malleposte.accounts.plan.changes import Change, Kind, Plan
from malleposte.accounts.print.choose import LETTER_ASKED, Part, Reader, School
from malleposte.core.errors import InputError
from malleposte.directory.protocol import Directory

FEED = "letters"
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Letter:
    """One page: for whom, where, the code as it is printed."""

    reader: Reader
    school: School
    code: str = field(repr=False)


@dataclass(frozen=True)
class Validity:
    """From the morning of a day for a number of days; the last one is printed."""

    start: datetime.datetime
    days: float
    last: datetime.date

    @classmethod
    def of(cls, begin: datetime.date, days: int, now: datetime.datetime) -> Validity:
        """In the host's own time zone. Raises InputError for one that is over."""
        start, end = _morning(begin), _morning(begin + datetime.timedelta(days=days))
        if end <= now:
            raise InputError(f"codes from {begin} for {days} days would be of no use today", "give a later --from")
        return cls(start, (end - start).total_seconds() / 86400, begin + datetime.timedelta(days=days - 1))


def _morning(day: datetime.date) -> datetime.datetime:
    return datetime.datetime.combine(day, datetime.time()).astimezone()


@dataclass
class Tally:
    """The result: letters, files, valid codes that were withdrawn, agents left out and the reasons."""

    letters: int = 0
    files: int = 0
    revoked: int = 0
    skipped: list[tuple[str, str]] = field(default_factory=list)


@dataclass
class Issuer:
    """Writes codes into the directory."""

    directory: Directory
    journal: Journal
    keys: Keyring
    domain: str
    validity: Validity
    now: datetime.datetime
    tally: Tally = field(default_factory=Tally)

    def letters(self, part: Part) -> list[Letter]:
        """The letters of a part, their codes issued; whoever changed meanwhile is left out and told."""
        shown: dict[str, str] = {}
        changes = []
        for reader in part.readers:
            days, start = self.validity.days, self.validity.start
            issued = codes.issue(self.keys, reader.uid, self.now, days, way=codes.Way.LETTER, start=start)
            shown[reader.uid] = issued.shown
            after = codes.beside(reader.before, issued, self.now)
            after |= {LETTER_ASKED: []} if reader.before.get(LETTER_ASKED) else {}
            before = {name: reader.before[name] for name in after}
            changes.append(Change(Kind.CODE, reader.uid, reader.dn, before, after))
        outcome = self._applied(changes)
        missing = {one.change.uid for one in outcome.skipped}
        self.tally.skipped += [(one.change.uid, one.reason) for one in outcome.skipped]
        letters = [
            Letter(reader, part.school, shown[reader.uid]) for reader in part.readers if reader.uid not in missing
        ]
        self.tally.letters += len(letters)
        self.tally.revoked += sum(codes.waits(one.reader.before, self.now, codes.Way.LETTER) for one in letters)
        return letters

    def _applied(self, changes: Iterable[Change]) -> Outcome:
        time = self.now.isoformat(timespec="seconds")
        plan = Plan(self.domain, FEED, "", time, tuple(changes))
        return apply(plan, self.directory, self.journal)


def files(
    issuer: Issuer, parts: Iterable[Part], whole: int, page: Callable[[list[Letter]], bytes],
    table: Callable[[Iterable[Letter]], bytes], progress: Progress = lambda done, whole: None,
) -> Iterator[tuple[str, bytes]]:  # fmt: skip
    """(name, content) of each file as it is made; the table of all letters comes last."""
    all_of_them: list[Letter] = []
    for part in parts:
        letters = issuer.letters(part)
        if letters:
            issuer.tally.files += 1
            yield f"{part.name}.pdf", page(letters)
            all_of_them += letters
        progress(len(all_of_them) + len(issuer.tally.skipped), whole)
    if all_of_them:
        yield "courriers.csv", table(all_of_them)
