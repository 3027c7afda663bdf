"""The step of the nightly run that looks for new events in the agendas that rules of tools watch; every five minutes.

It asks the hosts of mailboxes for the rules, that of the agendas for what changed, and gives the events to the hosts of
mailboxes, which know those that were there. Where it ends in the middle, the next look does the same again.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import batched

from malleposte.accounts import facts
from malleposte.accounts.agendas.model import MAIN
from malleposte.accounts.convocations.people import People
from malleposte.accounts.life.steps import NightlyRun, StepResult
from malleposte.accounts.mailbox.tools.events.agendas import Question
from malleposte.accounts.mailbox.tools.events.model import (
    EARLIER,
    LATE,
    LOOKS,
    MOST_NEW,
    SKEW,
    SLOT,
    TOGETHER,
    Changes,
    Event,
    Look,
    News,
    Seen,
    Watch,
)
from malleposte.accounts.mailbox.tools.keeper import TELL
from malleposte.accounts.mailbox.tools.outside import allowed
from malleposte.accounts.teams import members
from malleposte.core.errors import MallepostError
from malleposte.core.loops import named
from malleposte.directory.model import first

LONGEST = 240.0
"""Seconds of a run. Whose agendas were looked at longest ago are the first of the next one."""
AT_REST = 3600.0
"""Seconds after which a look is noted in which nothing had changed."""


def step(night: NightlyRun, result: StepResult) -> None:
    """Look for new events, and order what is told."""
    if not allowed(facts.read()):
        return
    watches, failures = night.tools.hosts.watched_agendas()
    result.failures += map(str, failures)
    looking, until = Looking(night, result), time.monotonic() + LONGEST
    watches.sort(key=lambda one: one.cursor)
    for number, some in enumerate(batched(watches, LOOKS, strict=False)):
        if time.monotonic() > until:
            result.failures.append(f"{len(watches) - number * LOOKS} agendas wait for the next look")
            break
        looking.look(some)


@dataclass
class Looking:
    """A run."""

    night: NightlyRun
    result: StepResult
    _read: Counter[str] = field(default_factory=Counter)
    """New events of each account that were read."""

    def look(self, watches: Sequence[Watch]) -> None:
        """Look at some agendas together. Raises MallepostError."""
        looks = [(watch, look) for watch in watches if (look := self._look_of(watch))]
        if self.night.dry:
            self.result.done += [watch.uid for watch, _look in looks]
            return
        answers = self.night.tools.hosts.agenda_changes(tuple(look for _watch, look in looks)) if looks else []
        for (watch, look), changes in zip(looks, answers, strict=True):
            with named(self.result.failures.append, watch.uid):
                self._one(watch, look, changes)

    def _look_of(self, watch: Watch) -> Look | None:
        """The look at a watched agenda; none where it is not its agent's, or of no agent."""
        look = None
        with named(self.result.failures.append, watch.uid):
            agent = self._people().of(watch.uid)
            if agent is None or agent.entry is None:
                return None
            after = 0.0 if self._anew(watch) else watch.cursor
            if watch.agenda.owner == watch.uid:
                profile = first(agent.entry.attributes, "mpProfile")
                look = Look(watch.uid, watch.agenda.name, profile, after)
            elif self._team(watch) is not None:
                look = Look(watch.agenda.owner, MAIN, "", after)
            elif not self.night.dry:
                self._gone(watch)
        return look

    def _one(self, watch: Watch, look: Look, changes: Changes) -> None:
        if changes.fault:
            raise MallepostError(f"its agenda cannot be read: {changes.fault}")
        if not changes.there:
            self._gone(watch)
        elif not look.after:
            self._note(watch, News(changes.at, keys(changes.events), anew=True))
        elif changes.events or watch.gone or changes.at - watch.cursor > AT_REST:
            self._new(watch, look, changes)

    def _new(self, watch: Watch, look: Look, changes: Changes) -> None:
        """Order what is new of an agenda."""
        cursor = changes.at
        unseen = set(self.night.tools.hosts.unseen_events(watch.uid, watch.rule, list(keys(changes.events))))
        events = [one for one in changes.events if one.key in unseen]
        many = set(keys(events)) if changes.more else together(events)
        single = [one for one in events if one.key not in many]
        most = max(MOST_NEW - self._read[watch.uid], 0)
        if len(single) > most:
            cursor = min(cursor, single[most].changed)
            events = [one for one in events if one.changed < cursor or one in single[:most]]
        single = single[:most]
        self._read[watch.uid] += len(single)
        news: tuple[Event, ...] = ()
        agent = self._people().of(watch.uid)
        if single and agent and agent.state in TELL:
            horizon = max(watch.since - SKEW, watch.cursor - EARLIER)
            mails = tuple(sorted(agent.addresses if look.profile else self._team(watch) or ()))
            news = tuple(self.night.tools.hosts.new_events(Question(look, tuple(single), mails, horizon)))
        if many:
            self.result.done.append(f"{watch.uid}: {len(many)} events at once, not told")
        self._note(watch, News(cursor, keys(events), news))

    def _note(self, watch: Watch, news: News) -> None:
        number = self.night.tools.hosts.note_events(watch.uid, watch.rule, news)
        if number:
            self.result.done.append(f"{watch.uid}: {number}")

    def _gone(self, watch: Watch) -> None:
        """Note that an agenda is not there, once."""
        if not watch.gone:
            self._note(watch, News(watch.cursor, gone=self.night.now.timestamp()))

    def _anew(self, watch: Watch) -> bool:
        """Whether nothing is known of an agenda, or nothing of late."""
        return not watch.cursor or self.night.now.timestamp() - watch.cursor > LATE

    def _team(self, watch: Watch) -> frozenset[str] | None:
        """The addresses of the team whose agenda is watched; none where the agent is no member of it."""
        directory = self.night.tools.directory
        for entry in members.of(directory, watch.uid):
            if first(entry.attributes, "uid").lower() == watch.agenda.owner and members.is_running(entry):
                own = (first(entry.attributes, "mail"), *entry.attributes.get("mailLocalAddress", ()))
                return frozenset(one.lower() for one in own if one)
        return None

    def _people(self) -> People:
        return People(self.night.tools.directory, None, "")


def keys(events: Iterable[Seen]) -> tuple[str, ...]:
    """The keys of events."""
    return tuple(dict.fromkeys(one.key for one in events))


def together(events: Sequence[Seen]) -> set[str]:
    """The keys of events, in the order of their changes, that came together with many others."""
    many: set[str] = set()
    for number, one in enumerate(events[TOGETHER:]):
        if one.changed - events[number].changed <= SLOT:
            many |= {each.key for each in events[number : number + TOGETHER + 1]}
    return many
