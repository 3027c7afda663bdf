"""Convocations are planned, sent, counted: a step of `accounts nightly`, which a path unit and a timer start too.

Each minute so many go: the entry in the agenda, then the letter. Before a letter is handed over that is noted on the
disk, and after it. A run that is killed between the two leaves a note: the next one asks the index of deliveries
whether the letter went, and sends it only if it did not.
"""

from __future__ import annotations

import datetime
import functools
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from malleposte.accounts.convocations import itip, letter, orders, plan, store
from malleposte.accounts.convocations.agenda import Filing
from malleposte.accounts.convocations.count import Counter
from malleposte.accounts.convocations.model import DAY, Answer, Convocation, Invitee, Stage
from malleposte.accounts.convocations.paper import Printer
from malleposte.accounts.convocations.people import People
from malleposte.accounts.convocations.replies import Replies
from malleposte.accounts.hosts import wire
from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.meetings import ballots, polls
from malleposte.accounts.meetings import letter as invitation
from malleposte.core.errors import InputError, MallepostError
from malleposte.core.loops import named
from malleposte.deliveries.model import Query
from malleposte.directory.model import first
from malleposte.directory.protocol import Branch

if TYPE_CHECKING:
    from malleposte.accounts.life.steps import NightlyRun, StepResult

BATCH = 10
"""Invitations that go together: what is noted before and after them is one write."""
FILED_TOGETHER = 5
ROUNDS = 20
"""Questions to a box in one look."""
ANSWERS, ANSWERS_AGAIN = 30.0, 300.0
"""Seconds of a look for answers, in some boxes after others, and until a run looks into a box again."""
SETTLED = 90.0
"""Seconds after which the index knows of a letter that was handed over."""
UNKNOWN_FOR = 3600.0
"""Seconds after which a letter of which nobody knows goes again: two are better than none."""
FIRST_WAIT, LONGEST_WAIT = 60, 3600
"""Seconds until what failed is tried again, doubled each time."""
MORNING = 8
"""The hour from which the silent are reminded on a day of reminders."""
LATE_REPLIES = 30
"""Days after its last event for which answers to a convocation are read."""


@dataclass(frozen=True)
class Clock:
    """The time, and how it passes."""

    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep


@dataclass
class Result:
    """The result of one invitation: what the agenda shows now, whether the letter went, what failed."""

    filed: str | None = None
    mailed: int | None = None
    wait: float = 0.0
    faults: list[str] = field(default_factory=list)


def step(night: NightlyRun, result: StepResult, folder: Path = store.FOLDER, clock: Clock | None = None) -> None:
    """Do all that is due, a minute's share at a time. Where another process does so, nothing."""
    tick = clock or Clock()
    if night.dry:
        result.done += [one.ident for one in store.every(folder) if _due(one, tick.now())]
        return
    with store.sending(folder) as alone:
        if alone:
            Worker(night, result, folder, tick).run()


class Worker:
    """One run."""

    def __init__(self, night: NightlyRun, result: StepResult, folder: Path, clock: Clock) -> None:
        self.night, self.result, self.folder, self.clock = night, result, folder, clock
        self.rules = night.rules.convocations
        self.pace = store.Pace(self.rules.per_minute, folder)
        self.looked = dict[str, float]()
        self.unread = False

    @functools.cached_property
    def facts(self) -> Facts:
        """The facts that letters repeat."""
        return Facts.read()

    @functools.cached_property
    def printer(self) -> Printer:
        """The printer of orders."""
        return Printer(self.facts.academy, self.rules.order)

    def run(self) -> None:
        """Look, send a minute's share, and so on until nothing is due."""
        store.prune(self.clock.now(), self.rules.keep_days, self.folder, meeting_days=self.rules.meeting_days)
        self.look()
        self.minute()
        polls.prune(self.clock.now(), self.rules.meeting_days, self.folder)
        while self.unread or store.asked(self.folder) or self._all_due() or ballots.due(self.clock.now(), self.folder):
            self.wait()
            self.look()
            self.minute()

    def _all_due(self) -> dict[str, list[str]]:
        """Return what is due, by offices."""
        due: dict[str, list[str]] = {}
        for one in store.every(self.folder):
            if _due(one, self.clock.now()):
                due.setdefault(one.office, []).append(one.ident)
        return due

    def wait(self) -> None:
        """Wait for the next minute where this one's share is spent; what is ordered meanwhile is not waited for."""
        while not store.asked(self.folder) and not self.pace.left(self.clock.now()):
            self.clock.sleep(1.0)

    def look(self) -> None:
        """Make the plans that are asked for, count answers, call substitutes, note reminders."""
        store.begin(self.folder)
        every = list(store.every(self.folder))
        for one in every:
            if one.planning:
                with named(self.result.failures.append, one.ident):
                    self.plan(one.ident)
        self._look_into_boxes([one for one in every if self._open(one)])
        for one in every:
            if one.stage is Stage.OPEN:
                with named(self.result.failures.append, one.ident):
                    self.follow(one.ident)

    def _look_into_boxes(self, every: Sequence[Convocation]) -> None:
        """Count answers for a while, those of boxes that wait for longest first: no letter waits for all boxes."""
        now = self.clock.now()
        due = {one.office for one in every if self.looked.get(one.office, 0.0) + ANSWERS_AGAIN <= now}
        for office in sorted(due, key=lambda office: self.looked.get(office, 0.0)):
            if self.clock.now() >= now + ANSWERS:
                break
            self.looked[office] = self.clock.now()
            with named(self.result.failures.append, f"answers to {office}"):
                self.answers(office, [one.ident for one in every if one.office == office])
        self.unread = bool(due - self.looked.keys())

    def _open(self, one: Convocation) -> bool:
        return one.stage is not Stage.DRAFT and one.last + LATE_REPLIES * DAY > self.clock.now()

    # --- plans ---

    def plan(self, ident: str) -> None:
        """Make the plan of what the portal's page adds."""
        with store.turn(self.folder):
            one = store.load(ident, self.folder)
        directory = self.night.tools.directory
        people = People(directory, None, self.night.settings.domain)
        try:
            new_plan, failures = (
                plan.build(one, plan.rows_of(one), [], people, self._absent, self.clock.now()),
                list[str](),
            )
        except InputError as error:
            new_plan, failures = None, [error.french or str(error)]
        with store.turn(self.folder):
            now = store.load(ident, self.folder)
            # Rows that came meanwhile are planned in the next look.
            if now.rows == one.rows:
                now.plan, now.planning, now.failures = new_plan, False, failures
                store.keep(now, self.folder)
        self.result.done.append(f"{ident}:plan")

    def _absent(self, uid: str) -> bool:
        return self.night.tools.hosts.look(uid).absence

    # --- answers ---

    def answers(self, office: str, idents: Sequence[str]) -> None:
        """Count the answers in the box of an office, in all its convocations."""
        hosts, directory = self.night.tools.hosts, self.night.tools.directory
        branches: tuple[Branch, ...] = ("functional", "people")
        if not any(True for branch in branches for _box in directory.search(branch, ["uid"], {"uid": office})):
            return  # the box was closed: nobody answers there any more
        people = People(directory, None, self.night.settings.domain)
        with store.turn(self.folder):
            every = [store.load(ident, self.folder) for ident in idents]
        # The days of the store are those of its zone.
        since = datetime.datetime.fromtimestamp(min(one.made for one in every) - DAY, datetime.UTC).date()
        # No answer to a new one is older than its first letter, so that it begins where the others are.
        seen = dict[str, int]()
        for one in every:
            seen = {name: max(seen.get(name, 0), one.seen.get(name, 0)) for name in {*seen, *one.seen}}
        for _round in range(ROUNDS):
            replies = hosts.convocation_replies(office, since.isoformat(), seen)
            for line in replies.unread:
                store.LOG.warning("%s: a message that cannot be read: %s", office, line)
            self._count(idents, replies, people)
            seen = replies.seen
            if not replies.more:
                break

    def _count(self, idents: Iterable[str], replies: Replies, people: People) -> None:
        with store.turn(self.folder):
            every = [store.load(ident, self.folder) for ident in idents if store.has(ident, self.folder)]
            counter, counts = Counter(every, people), dict[str, int]()
            for raw in replies.replies:
                try:
                    counted = counter.count(raw)
                except InputError as error:
                    store.LOG.warning("an answer is not counted: %s", error)
                    continue
                if counted:
                    counts[counted.ident] = counts.get(counted.ident, 0) + 1
            for one in every:
                if one.seen != replies.seen or one.ident in counts:
                    one.seen = dict(replies.seen)
                    store.keep(one, self.folder)
        self.result.done += [f"{ident}:answers={many}" for ident, many in counts.items()]

    # --- substitutes and reminders ---

    def follow(self, ident: str) -> None:
        """Call substitutes for agents who said no; remind the silent on the days that were chosen."""
        now = self.clock.now()
        with store.turn(self.folder):
            one = store.load(ident, self.folder)
            called = [
                new for invitee in list(one.invitees)
                if one.substitute and invitee.answer is Answer.NO and (new := plan.stand_in(one, invitee, now))
            ]  # fmt: skip
            by_day = datetime.datetime.fromtimestamp(now, datetime.UTC).astimezone().hour >= MORNING
            reminded = orders.remind(one, now, one.remind_days) if one.remind_days and by_day else 0
            if called or reminded:
                store.keep(one, self.folder)
        self.result.done += [f"{ident}:substitutes={len(called)}"] if called else []

    # --- sending ---

    def minute(self) -> int:
        """Send what this minute has left, in equal parts for the offices; return how many invitations were tried.

        Of an office some of each convocation go in turn.
        """
        left = self.pace.left(self.clock.now())
        tried = 0
        if left and ballots.due(self.clock.now(), self.folder):
            hand, now = self.night.tools.hosts.submit_letter, self.clock.now()
            tried = ballots.send(hand, self.facts.portal, min(left, BATCH), now, self.folder)
            self.pace.spend(tried, now)
        while left := self.pace.left(self.clock.now()):
            due = self._all_due()
            if not due:
                break
            part = max(1, left // len(due))
            for idents in due.values():
                mine = min(part, left)
                share = min(BATCH, max(1, mine // len(idents)))
                for ident in idents:
                    if mine <= 0:
                        break
                    many = self._batch(ident, min(share, mine))
                    mine, left, tried = mine - many, left - many, tried + many
        return tried

    def _batch(self, ident: str, most: int) -> int:
        """Send some invitations of a convocation. Whatever fails is noted, and tried again later."""
        with store.turn(self.folder):
            one = store.load(ident, self.folder)
            chosen = [invitee for invitee in one.invitees if invitee.due(self.clock.now())][:most]
            interrupted = {invitee.key for invitee in chosen if invitee.begun}
            for invitee in chosen:
                if invitee.to_mail and not invitee.begun:
                    invitee.begun = int(self.clock.now())
            self.pace.spend(len(chosen), self.clock.now())
            store.keep(one, self.folder)
        results = {invitee.key: Result() for invitee in chosen}
        self._file(one, chosen, results)
        for invitee in chosen:
            if invitee.to_mail:
                with named(results[invitee.key].faults.append, "letter"):
                    self._mail(one, invitee, results[invitee.key], interrupted=invitee.key in interrupted)
        with store.turn(self.folder):
            now = store.load(ident, self.folder)
            for invitee in chosen:
                current = now.find(invitee.key)
                if current is not None:
                    self._noted(current, invitee, results[invitee.key])
            store.keep(now, self.folder)
        for key, result in results.items():
            for fault in result.faults:
                store.LOG.warning("%s: %s: %s", ident, key, fault)
        if many := sum(result.mailed is not None for result in results.values()):
            self.result.done.append(f"{ident}:sent={many}")
        return len(chosen)

    def _file(self, one: Convocation, chosen: Sequence[Invitee], results: dict[str, Result]) -> None:
        """Bring the agendas of these agents to what they should show."""
        now = datetime.datetime.fromtimestamp(self.clock.now(), datetime.UTC)
        filings = dict[str, Filing]()
        by_event = {one.event_id(invitee): invitee for invitee in chosen if invitee.to_file}
        for event_id, invitee in by_event.items():
            result = results[invitee.key]
            with named(result.faults.append, "agenda"):
                profile = self._profile(invitee.person.uid)
                text = itip.entry(one, invitee, now) if invitee.entry_due else ""
                filings[event_id] = Filing(invitee.person.uid, profile, event_id, text)
        for some in wire.fitting(filings.values(), FILED_TOGETHER):
            faults = list[str]()
            failed = dict[str, str]()
            with named(faults.append):
                failed = dict(self.night.tools.hosts.file_convocations(some))
            for filing in some:
                invitee = by_event[filing.event_id]
                fault = faults[0] if faults else failed.get(filing.event_id, "")
                if fault:
                    results[invitee.key].faults.append(f"agenda: {fault}")
                else:
                    results[invitee.key].filed = invitee.entry_due

    def _profile(self, uid: str) -> str:
        """Return the class of an agent. Raises MallepostError where the account is gone."""
        entry = next(iter(self.night.tools.directory.search("people", ("mpProfile",), {"uid": uid})), None)
        if entry is None:
            raise MallepostError(f"{uid} has no account any more")
        return first(entry.attributes, "mpProfile")

    def _mail(self, one: Convocation, invitee: Invitee, result: Result, *, interrupted: bool) -> None:
        """Hand a letter over, unless a run that was interrupted did so. Raises MallepostError, ValueError."""
        if interrupted and self._went(one, invitee, result):
            result.mailed = invitee.sequence
        elif not result.wait:
            now = datetime.datetime.fromtimestamp(self.clock.now(), datetime.UTC)
            order = b""
            if not invitee.off and not one.shared:
                order = self.printer.order(one, invitee, now.astimezone().date())
            if interrupted:
                self._begin_anew(one.ident, invitee.key)
            filed, calendar = result.filed is not None or not invitee.to_file, itip.request(one, invitee, now)
            if one.shared:
                message = invitation.compose(one, invitee, calendar, now)
                invitation.submit(self.night.tools.hosts.submit_letter, one.office, message, self.clock.now())
            else:
                self.night.send(letter.compose(one, invitee, calendar, order, self.facts, now, filed=filed))
            result.mailed = invitee.sequence

    def _begin_anew(self, ident: str, key: str) -> None:
        with store.turn(self.folder):
            one = store.load(ident, self.folder)
            invitee = one.find(key)
            if invitee is not None:
                invitee.begun = int(self.clock.now())
                store.keep(one, self.folder)

    def _went(self, one: Convocation, invitee: Invitee, result: Result) -> bool:
        """Ask the index of deliveries for a letter; where it cannot tell yet, `wait` says for how long."""
        since = self.clock.now() - invitee.begun
        if since < SETTLED:
            result.wait = SETTLED - since
            return False
        query = Query(since=invitee.begun - int(SETTLED), message_id=letter.message_id(one, invitee)).checked()
        trace, failures = self.night.tools.hosts.trace(query)
        if trace.messages:
            return True
        if failures and since < UNKNOWN_FOR:
            result.wait = float(LONGEST_WAIT // 12)
        return False

    def _noted(self, current: Invitee, sent: Invitee, result: Result) -> None:
        """Note the result of an invitation on what the ledger has of it now; answers and changes meanwhile stay."""
        now = self.clock.now()
        if result.filed is not None:
            current.filed = result.filed
        if result.mailed is not None:
            reminder = sent.mailed >= sent.sequence
            current.begun, current.sent = 0, current.sent if reminder else int(now)
            current.mailed = max(current.mailed, result.mailed)
            if reminder:
                current.remind, current.reminders, current.reminded = False, current.reminders + 1, int(now)
        if result.faults:
            current.failure = "; ".join(result.faults)[:300]
            current.later = int(now) + min(FIRST_WAIT * 2**current.tries, LONGEST_WAIT)
            current.tries = min(current.tries + 1, 10)
        elif result.wait or (result.filed is None and result.mailed is None):
            current.later = int(now + (result.wait or FIRST_WAIT))
        else:
            current.failure, current.tries, current.later = "", 0, 0


def _due(one: Convocation, now: float) -> bool:
    return one.stage is not Stage.DRAFT and any(invitee.due(now) for invitee in one.invitees)
