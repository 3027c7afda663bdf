"""Plan and apply on the directory's host: what the command line calls there, with texts in and out."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from malleposte.accounts import feed
from malleposte.accounts.actor import actor
from malleposte.accounts.feed import columns, rejects, schools
from malleposte.accounts.journal import Journal
from malleposte.accounts.life.rules import LifeRules, demand_override
from malleposte.accounts.plan import brakes, changes, store
from malleposte.accounts.plan import build as plan
from malleposte.accounts.plan.admit import admit
from malleposte.accounts.plan.apply import Outcome, Progress, apply
from malleposte.accounts.plan.current import Current
from malleposte.accounts.plan.revert import revert
from malleposte.accounts.settings import Settings, one_writer
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.model import first
from malleposte.directory.protocol import Directory
from malleposte.platform import profiles

if TYPE_CHECKING:  # the acts on hosts take longer to load than a feed without changes takes to judge
    from malleposte.accounts.acts import Tools
    from malleposte.accounts.hosts.methods import ForRoot as Hosts


@dataclass(frozen=True)
class Planned:
    """A plan, and the file of refused rows and cells left out (empty when there is none)."""

    plan: changes.Plan
    rejects: str


type Opened = AbstractContextManager[Tools[Hosts]]
Planner = Callable[[feed.Feed, Current, str, datetime.datetime], tuple[changes.Plan, feed.Feed]]
"""(feed, directory, domain, now) -> the plan, and the feed with all that it refused."""


def make_plan(
    content: bytes, name: str, mapping: Mapping[str, str], settings: Settings, others: Mapping[str, Planner],
    *, recase: bool = False,
) -> Planned:  # fmt: skip
    """Read a feed and plan it against the directory. Raises InputError for a file that cannot be used.

    `others` plan the kinds of feeds that are not of accounts; `recase`: names in capitals are written as French does.
    """
    classes = profiles.read()
    source = feed.read(content, name, mapping, classes=classes, recase=recase)
    now = datetime.datetime.now(datetime.UTC)
    with settings.directory() as directory:
        current = Current(directory)
        if source.kind in others:
            new_plan, source = others[source.kind](source, current, settings.domain, now)
        elif source.kind == columns.SCHOOL:
            new_plan = schools.plan(source, current, settings.domain, now, profile=classes.default)
        else:
            new_plan = plan.plan(source, current, settings.keys(), settings.rules(classes.default), now)
    return Planned(new_plan, rejects.render(source))


def school_names(settings: Settings) -> dict[str, str]:
    """Return the names of schools by UAI code."""
    with settings.directory() as directory:
        return {code: first(attributes, "o") for code, attributes in Current(directory).schools().items()}


def make_revert(ident: str, settings: Settings, hosts: Callable[[Directory], Hosts]) -> changes.Plan:
    """Return the plan that takes a kept plan back. Raises InputError; MallepostError where a host does not answer."""
    from malleposte.accounts.hosts.acts.unused import MOST

    imported = store.load(ident)
    if imported.reverts:
        raise InputError(f"{ident} takes {imported.reverts} back itself", "import the corrected file instead")
    if removes(imported):
        raise InputError(f"{ident} removes accounts for good", "nothing takes that back but their archives and backups")
    now = datetime.datetime.now(datetime.UTC)
    with settings.directory() as directory:
        reached = hosts(directory)

        def used(uids: Sequence[str]) -> Iterator[str]:
            for batch in itertools.batched(uids, MOST, strict=False):
                yield from reached.used(batch)

        return revert(ident, imported, directory, used, now)


def apply_plan(plan: changes.Plan, settings: Settings, progress: Progress, *, forced: Collection[str] = ()) -> Outcome:
    """Apply a plan as the one writer.

    Raises InputError for one that no feed makes, and TooManyChangesError for one that changes more than is usual and
    not `forced` (names of brakes), before anything is changed. What is usual is this host's to say, not the file's.
    """
    _admitted(plan, settings, forced)
    with one_writer(), settings.directory() as directory, Journal(settings.journal, actor()) as journal:
        return apply(plan, directory, journal, progress=progress)


def removes(plan: changes.Plan) -> bool:
    """Whether a plan removes accounts for good, which it does to all or to none."""
    return bool(plan.changes) and plan.changes[0].kind == changes.Kind.PURGE


def remove_all(
    removals: changes.Plan, settings: Settings, rules: LifeRules, tools: Callable[[Settings], Opened],
    progress: Progress, *, forced: Collection[str] = (),
) -> Outcome:  # fmt: skip
    """Apply a plan that removes accounts for good: as `apply_plan`, once every host answers.

    A removal that was interrupted before is finished first.
    """
    from malleposte.accounts.life import removal

    _admitted(removals, settings, forced)
    if any(change.note for change in removals.changes):
        demand_override(rules.override_group)
    now = datetime.datetime.now(datetime.UTC)
    with one_writer(), tools(settings) as opened:
        opened.hosts.demand()
        failed = removal.finish(opened.directory, opened.journal)
        if failed:
            raise MallepostError(f"a removal that was interrupted is not finished: {failed[0]}")

        def remove(change: changes.Change) -> None:
            removal.purge(opened, change.uid, now, change.note, seen=change.before)

        return apply(removals, opened.directory, opened.journal, progress=progress, remove=remove)


def _admitted(plan: changes.Plan, settings: Settings, forced: Collection[str]) -> None:
    admit(plan, settings.suffix, settings.domain, plan.feed)
    brakes.demand(plan, settings.brakes(), forced)
