"""Apply a plan: each change only where the entry still is as the plan saw it; what is done already is recognised.

So an `apply` that was killed is simply run again: it ends in the same state.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from malleposte.accounts.devices import follow
from malleposte.accounts.journal import Journal, shown
from malleposte.accounts.plan.changes import Change, Kind, Plan, differing
from malleposte.core.errors import MallepostError
from malleposte.directory.errors import DirectoryError, Refused
from malleposte.directory.model import Attributes
from malleposte.directory.protocol import Answer, Directory, Entry

Progress = Callable[[int, int], None]
"""Called with the number of changes handled so far, and of all."""
Remove = Callable[[Change], object]
"""Removes an account for good. Raises MallepostError, with the entry as it was, where a store does not let go."""


IN_A_ROW = 3
"""Failures of one reason, one after the other, by which a host is taken to be away."""
_MANY = 200
"""From so many changes on, new entries that are there are looked for at once."""


@dataclass(frozen=True)
class Skipped:
    """A change that was left out, and why."""

    change: Change
    reason: str


@dataclass
class Outcome:
    """The result of a plan's changes."""

    done: int = 0
    already: int = 0
    skipped: list[Skipped] = field(default_factory=list)
    kinds: set[Kind] = field(default_factory=set)
    """The kinds of all changes that were handled."""

    @property
    def whole(self) -> bool:
        """Whether the directory now is as the plan wants it."""
        return not self.skipped


def _no_removal(_change: Change) -> None:
    raise MallepostError("this plan removes nothing for good")


def apply(
    plan: Plan, directory: Directory, journal: Journal, *, progress: Progress = lambda done, whole: None,
    remove: Remove = _no_removal, together: bool = False,
) -> Outcome:  # fmt: skip
    """Apply all changes, departures last. `remove` takes an account away for good, with its line of the journal.

    `together`: the changes are one act, of which nothing is done after a change that is skipped. Their order is that
    of safety: a right that the first of them should have founded is not given by the next.
    """
    return _Application(plan, directory, journal, progress, remove, together=together).run()


class _Application:
    def __init__(
        self, plan: Plan, directory: Directory, journal: Journal, progress: Progress, remove: Remove, *, together: bool
    ) -> None:  # fmt: skip
        self.plan, self.directory, self.journal, self.progress = plan, directory, journal, progress
        self.remove, self.together = remove, together
        self.failed: list[str] = []
        self.outcome = Outcome()
        self.handled = 0

    def run(self) -> Outcome:
        """New entries in one stream, the others one by one, in the plan's order."""
        try:
            for are_new, run in itertools.groupby(self.plan.changes, key=lambda change: change.is_new):
                if are_new:
                    self._add(run)
                else:
                    for change in run:
                        self._one(change)
                        if self._ended:
                            break
                if self._ended:
                    break
        except DirectoryError as error:
            whole = len(self.plan.changes)
            if whole == 1:
                raise
            raise DirectoryError(
                f"{error}, after {self.handled} of {whole} changes", "run the same again: changes made are recognised"
            ) from error
        return self.outcome

    @property
    def _ended(self) -> bool:
        return self.together and not self.outcome.whole

    def _one(self, change: Change) -> None:
        match change.kind:
            case Kind.WITHDRAW:
                self._withdraw(change)
            case Kind.PURGE:
                self._purge(change)
            case _:
                self._modify(change)

    def _count(self, change: Change, *, done: bool) -> None:
        self.handled += 1
        self.outcome.kinds.add(change.kind)
        if done:
            self.outcome.done += 1
            note = {"note": change.note} if change.note else {}
            facts = {"before": shown(change.before), "after": shown(change.after), **note}
            self.journal.write(str(change.kind), change.uid, dn=change.dn, **facts)
        self.progress(self.handled, len(self.plan.changes))

    def _skip(self, change: Change, reason: str) -> None:
        self.outcome.skipped.append(Skipped(change, reason))
        self.journal.write("skipped", change.uid, dn=change.dn, change=str(change.kind), reason=reason)
        self._count(change, done=False)

    # --- new entries ---

    def _add(self, changes: Iterable[Change]) -> None:
        """Many under way at once; each is written to the journal when its answer is there.

        The first of many that is there already tells of an apply that was killed: one search then finds the others.
        """
        asked: dict[str, list[Change]] = {}
        digests: dict[str, set[str]] = {}

        def missing() -> Iterator[tuple[str, Attributes]]:
            for change in changes:
                if digests.get(change.dn.lower(), set()) & set(change.after.get("mpNumenDigest", [])):
                    self.outcome.already += 1
                    self._count(change, done=False)
                else:
                    asked.setdefault(change.dn.lower(), []).append(change)
                    yield change.dn, change.after

        for answer in self.directory.add_many(missing()):
            change, *more = asked.pop(answer.dn.lower())
            asked |= {answer.dn.lower(): more} if more else {}
            if answer.done:
                self._count(change, done=True)
                continue
            self._refused_addition(change, answer)
            if not digests and len(self.plan.changes) >= _MANY:
                digests |= {
                    entry.dn.lower(): set(entry.attributes.get("mpNumenDigest", []))
                    for entry in self.directory.search("people", ["mpNumenDigest"])
                }

    def _refused_addition(self, change: Change, answer: Answer) -> None:
        entry = self._entry(change)
        if entry is not None and _same_person(entry.attributes, change.after):
            self.outcome.already += 1
            self._count(change, done=False)
        elif entry is not None:
            self._skip(change, f"{change.uid} is there already and is somebody else's: plan again")
        else:
            self._skip(change, f"the directory refuses it: {answer.reason} ({answer.code})")

    # --- entries that are there ---

    def _modify(self, change: Change) -> None:
        entry = self._entry(change)
        if entry is None:
            self._skip(change, "the entry is no longer there")
            return
        touched = change.before or change.after
        if not differing(entry.attributes, {name: change.after.get(name, []) for name in touched}):
            self.outcome.already += 1
            self._follow(change)
            self._count(change, done=False)
            return
        if moved := differing(entry.attributes, change.before):
            self._skip(change, f"{', '.join(moved)} changed since the plan was made: plan again")
            return
        try:
            self.directory.modify(change.dn, change.after)
        except Refused as error:
            self._skip(change, f"the directory refuses it: {error.reason} ({error.code})")
        else:
            self._follow(change)
            self._count(change, done=True)

    def _withdraw(self, change: Change) -> None:
        """Take an entry away that nobody has used; one that is gone was taken away before."""
        entry = self._entry(change)
        if entry is None:
            self.outcome.already += 1
            self._count(change, done=False)
        elif moved := differing(entry.attributes, change.before):
            self._skip(change, f"{', '.join(moved)} changed since the plan was made: plan again")
        elif entry.attributes.get("pwdChangedTime"):
            self._skip(change, "was activated since the plan was made")
        else:
            try:
                self.directory.delete(change.dn)
            except Refused as error:
                self._skip(change, f"the directory refuses it: {error.reason} ({error.code})")
            else:
                self._count(change, done=True)

    def _purge(self, change: Change) -> None:
        """Remove an account for good; one that is gone was removed before."""
        entry = self._entry(change)
        if entry is None:
            self.outcome.already += 1
            self._count(change, done=False)
        elif moved := differing(entry.attributes, change.before):
            self._skip(change, f"{', '.join(moved)} changed since the plan was made: plan again")
        elif len(self.failed) == IN_A_ROW and len(set(self.failed)) == 1:
            self._skip(change, "was not tried: those before it failed for one reason; mend that and apply it again")
        else:
            try:
                self.remove(change)
            except MallepostError as error:
                self.failed = [*self.failed, error.message.removeprefix(f"{change.uid}: ")][-IN_A_ROW:]
                self._skip(change, error.message)
            else:
                self.failed = []
                self.outcome.done += 1
                self._count(change, done=False)

    def _follow(self, change: Change) -> None:
        """Bring the agent's devices in step; also where the change was made by an apply that was killed."""
        if change.branch == "people" and follow.concerns(change.after):
            follow.follow(self.directory, self.journal, change.uid)

    def _entry(self, change: Change) -> Entry | None:
        """The entry as it is now, with what the change touches; None when there is none."""
        key = change.dn.partition("=")[0]
        asked = sorted({*change.before, *change.after, "mpNumenDigest", "pwdChangedTime"})
        entries = self.directory.search(change.branch, asked, {key: change.uid})
        return next((entry for entry in entries if entry.dn.lower() == change.dn.lower()), None)


def _same_person(attributes: Attributes, other: Attributes) -> bool:
    """Whether an entry in the way is the very one that is to be made: of the same NUMEN, or for others, equal."""
    if other.get("mpNumenDigest"):
        return bool(set(attributes.get("mpNumenDigest", [])) & set(other["mpNumenDigest"]))
    return set(differing(attributes, other)) <= {"mpStateChanged"}
