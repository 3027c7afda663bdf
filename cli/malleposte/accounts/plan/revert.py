"""From a plan that was applied to the plan that takes it back.

What was changed gets its old values again where it is as the import left it. What was created goes without a trace, so
that its log-in and its address are free for the corrected file, unless somebody has used it since. All else is listed
and left alone.
"""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from malleposte.accounts.plan.changes import STORED, Change, Departures, Kind, Plan, differing
from malleposte.accounts.plan.current import FULL
from malleposte.accounts.plan.lines import Lines
from malleposte.directory.model import Attributes, State, first
from malleposte.directory.protocol import Branch, Directory
from malleposte.platform.times import local, when

Used = Callable[[Sequence[str]], Iterable[str]]
"""Those of some log-ins that have anything on a host: mail, an agenda, a log-in."""

OPPOSITE = {Kind.SUSPEND: Kind.RESUME, Kind.RESUME: Kind.SUSPEND}
CODE = ("mpInaCode", "mpInaDigest", "mpInaExpiry", "mpLetterAsked")
"""The code that a letter gives and its time: they die with the account."""
LATER = (
    *("pwdChangedTime", "mpRole", "mpQuota", "mpBlockedUntil", "mpArchived", "mpDelegate", "mpManager", "mpOpens"),
    *("mpLoginAlias", "mailHost", "mpHidden", "mpCharter", "mpRecoveryCode", "mpRecoveryNext", "mpRecoveryChanged"),
    *("mpEnrolment", "mpRecoveryMail", "mpRecoveryPhone", "mpReads"),
)
"""Attributes that no import gives to an entry it makes, or that its owner may add."""
NAMED_BY: Mapping[Branch, Sequence[str]] = {
    "people": ("mpDelegate", "mpOpens", "mpReads", "mpEstablishment"),
    "functional": ("mpDelegate", "mpManager", "mpReader", "mpEstablishment"),
    "lists": ("member", "mpMember", "mpManager", "mpPoster", "mpModerator"),
    "resources": ("mpBooker", "mpEstablishment"),
    "devices": ("mpDeviceOwner",),
}
"""Attributes by which an entry names another one: its log-in, its code, its address, or its whole name."""
NAMED = "is named by an entry that stays: a device, a box, a list, a delegation or the people of a school"


def revert(ident: str, plan: Plan, directory: Directory, used: Used, now: datetime.datetime) -> Plan:
    """Return the plan that takes `plan`, kept as `ident`, back; creations last."""
    return _Reversal(ident, plan, directory, used).plan(now)


def unfinished(before: Iterable[Plan], directory: Directory) -> Iterator[Change]:
    """Yield what earlier plans of this kind took away, where nobody has the name since: a host may hold of it still."""
    gone = {
        change.uid: change for plan in before if plan.reverts for change in plan.changes
        if change.kind == Kind.WITHDRAW and change.branch in STORED
    }  # fmt: skip
    branches: tuple[Branch, ...] = ("people", "functional", "resources", "tombstones")
    entries = (entry for branch in branches for entry in directory.search(branch, ["uid"]) if gone)
    uids = {first(entry.attributes, "uid").lower() for entry in entries}
    yield from (change for uid, change in gone.items() if uid.lower() not in uids)


@dataclass
class _Reversal:
    ident: str
    imported: Plan
    directory: Directory
    used: Used
    left_alone: dict[str, str] = field(default_factory=dict)
    unchanged: int = 0

    def plan(self, now: datetime.datetime) -> Plan:
        numbers = range(len(self.imported.changes))[::-1]
        news = {number: self.imported.changes[number].is_new for number in numbers}
        entries = self._entries()
        back = Lines.of(
            itertools.chain(
                self._changed_back((self.imported.changes[one] for one in numbers if not news[one]), entries),
                self._withdrawn([self.imported.changes[one] for one in numbers if news[one]], entries),
            )
        )
        leaving = sum(change.kind == Kind.SUSPEND for change in back)
        return Plan(
            domain=self.imported.domain,
            feed=f"{self.imported.feed}, applied as {self.ident}, taken back",
            feed_sha256=self.imported.feed_sha256,
            made=now.astimezone(datetime.UTC).isoformat(timespec="seconds"),
            changes=back,
            departures=Departures(leaving, leaving),
            unchanged=self.unchanged,
            reverts=self.ident,
            left_alone=self.left_alone,
        )

    def _entries(self) -> dict[str, Attributes]:
        """Return the entries that the plan made or changed, as they are now, by their whole names."""
        branches: dict[Branch, set[str]] = {}
        entry_names: set[str] = set()
        for change in self.imported.changes:
            branches.setdefault(change.branch, set()).update(change.before, change.after)
            entry_names.add(change.dn.lower())
        return {
            entry.dn.lower(): entry.attributes
            for branch, names in branches.items()
            for entry in self.directory.search(branch, sorted({*names, *FULL, *LATER, *CODE, "objectClass"}))
            if entry.dn.lower() in entry_names
        }

    def _changed_back(self, changes: Iterable[Change], entries: Mapping[str, Attributes]) -> Iterator[Change]:
        for change in changes:
            attributes = entries.get(change.dn.lower())
            if attributes is None:
                self.left_alone[change.uid] = "is no longer there"
            elif change.before and not differing(attributes, change.before):
                self.unchanged += 1
            elif moved := differing(attributes, change.after):
                self.left_alone[change.uid] = f"{', '.join(moved)} changed since the import"
            else:
                before = {name: list(change.before.get(name, [])) for name in change.after}
                kind = OPPOSITE.get(change.kind, change.kind)
                yield Change(kind, change.uid, change.dn, dict(change.after), before, change.line, name=change.name)

    def _withdrawn(self, changes: Sequence[Change], entries: Mapping[str, Attributes]) -> Iterator[Change]:
        """Yield the removals of entries that nobody has used."""
        there = [change for change in changes if change.dn.lower() in entries]
        self.unchanged += len(changes) - len(there)
        stored = [change.uid for change in there if change.branch in STORED]
        used = set(self.used(stored)) if stored else set()
        leaving = dict[str, Change]()
        for change in there:
            if reason := _taken_up(change, entries[change.dn.lower()]) or _in_use(change, used):
                self.left_alone[change.uid] = reason
            else:
                leaving[change.dn.lower()] = change
        for dn in self._named(leaving, entries):
            self.left_alone[leaving.pop(dn).uid] = NAMED
        for dn, change in leaving.items():
            whole = {name: list(values) for name, values in entries[dn].items() if values}
            yield Change(Kind.WITHDRAW, change.uid, change.dn, whole, {}, change.line, name=change.name)

    def _named(self, leaving: Mapping[str, Change], entries: Mapping[str, Attributes]) -> Iterator[str]:
        """Yield those leaving that an entry names which stays: also one that stays for being named itself."""
        names = {dn: _names(change, entries[dn]) for dn, change in leaving.items()}
        naming = list(self._naming()) if leaving else []
        stay = set[str]()
        while True:
            by_others = {name for dn, values in naming if dn not in leaving or dn in stay for name in values}
            more = [dn for dn, own in names.items() if dn not in stay and own & by_others]
            if not more:
                return
            stay.update(more)
            yield from more

    def _naming(self) -> Iterator[tuple[str, set[str]]]:
        """Yield each entry that names others: its whole name, and theirs as it has them, in small letters."""
        for branch, attributes in NAMED_BY.items():
            for entry in self.directory.search(branch, attributes):
                values = {value.lower() for name in attributes for value in entry.attributes.get(name, [])}
                if values:
                    yield entry.dn.lower(), values


def _taken_up(change: Change, attributes: Attributes) -> str:
    """Return why an entry is no longer as an import made it; empty where it is."""
    if change.branch == "people" and (activated := when(first(attributes, "pwdChangedTime"))):
        return f"was activated on {local(activated)}"
    if change.branch == "people" and first(attributes, "mpState") != State.PENDING:
        return f"is {first(attributes, 'mpState')}"
    moved = differing(attributes, change.after)
    moved += [name for name in LATER if attributes.get(name) and name not in change.after]
    return f"{', '.join(dict.fromkeys(moved))} changed since the import" if moved else ""


def _in_use(change: Change, used: set[str]) -> str:
    return "has mail, an agenda or a log-in" if change.uid in used else ""


def _names(change: Change, attributes: Attributes) -> set[str]:
    """Return all by which an entry may be named: log-in or code, whole name, addresses."""
    addresses = (value.lower() for name in ("mail", "mailLocalAddress") for value in attributes.get(name, []))
    return {change.uid.lower(), change.dn.lower(), *addresses}
