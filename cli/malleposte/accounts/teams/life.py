"""The life of teams: their rules are followed, their ends are told before, and come.

A team that ends is closed, taken from its members, archived and removed, in this order. Interrupted at any place, the
next night, or the same command, goes on.
"""

from __future__ import annotations

import datetime
from pathlib import Path

from malleposte.accounts.acts import Tools, make
from malleposte.accounts.channels import Failure, close_all, forget_all
from malleposte.accounts.hosts.model import Removed
from malleposte.accounts.life import ending, removal, renewal
from malleposte.accounts.life.base import change, uid_of
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.life.steps import NightlyRun, StepResult
from malleposte.accounts.mails.team import letter
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.accounts.teams import members
from malleposte.accounts.teams.model import NOTICE_DAYS, Team, last_day, to_team
from malleposte.core.errors import MallepostError
from malleposte.core.loops import named
from malleposte.directory.model import State, first
from malleposte.directory.protocol import Entry
from malleposte.platform.times import stamp


def step(night: NightlyRun, result: StepResult) -> None:
    """End teams whose time has come, tell the members of those that end soon, follow the rules of the others."""
    for entry in members.every(night.tools.directory):
        with named(result.failures.append, uid_of(entry)):
            word, failures = _one(night, entry, to_team(entry))
            result.failures += [f"{uid_of(entry)}: {failure}" for failure in failures]
            result.done += [f"{uid_of(entry)}:{word}"] if word else []


def _one(night: NightlyRun, entry: Entry, team: Team) -> tuple[str, list[Failure]]:
    if team.state == State.SUSPENDED.value or (team.ends and team.ends <= night.now):
        if not night.dry:
            end(night.tools, night.rules, (night.settings.journal,), entry, night.now, "its time is over")
        return "ended", []
    failures: list[Failure] = []
    if team.urls and night.by_rule is None:
        raise MallepostError("its rule cannot be read here", "run `malleposte accounts nightly`")
    changes = members.follow(night.tools.directory, entry, night.by_rule, failures.append) if night.by_rule else []
    changes = changes or members.mirrored(night.tools.directory, team)
    if changes and not night.dry:
        failures += apply(night.tools, changes, "by the team's rule")
    soon = team.ends and team.ends - datetime.timedelta(days=NOTICE_DAYS) <= night.now
    if team.ends and soon and team.notice != stamp(team.ends):
        letters, failed = (1, []) if night.dry else _tell(night, team, team.ends)
        failures += failed
        # Afterwards: whoever is interrupted tells some members twice, and none never.
        if not night.dry and (letters or not failed):
            make(
                night.tools.directory,
                night.tools.journal,
                change(Kind.BOX, entry, {"mpTeamNotice": [stamp(team.ends)]}),
            )
        return "told" if letters else "", failures
    return "followed" if changes else "", failures


def _tell(night: NightlyRun, team: Team, ends: datetime.datetime) -> tuple[int, list[Failure]]:
    """Write to the members; return the number of letters, and whom none reached."""
    letters, failed = 0, list[Failure]()
    facts = renewal.Facts.read()
    for person in members.here(night.tools.directory, list(team.members)):
        mail = first(person.attributes, "mail")
        if mail:
            with named(lambda reason: failed.append(Failure("letter", reason)), uid_of(person)):
                night.send(letter(team.name, last_day(ends), uid_of(person), mail, facts, night.now))
                letters += 1
    return letters, failed


def apply(tools: Tools, changes: list[Change], note: str = "") -> list[Failure]:
    """Make changes of members; end the sessions of those who lost a right. Return what was not told at once."""
    if not make(tools.directory, tools.journal, changes, note):
        return []
    lost, gained = members.sides(changes)
    closed = [failure for uid in lost for failure in close_all(tools.channels, uid)]
    return closed + [failure for uid in gained for failure in forget_all(tools.channels, uid)]


def end(
    tools: Tools, rules: LifeRules, journals: tuple[Path, ...], entry: Entry, now: datetime.datetime, note: str = "",
    *, pending: Path = removal.PENDING,
) -> tuple[Path, Removed]:  # fmt: skip
    """Close a team, take it from its members, archive and remove it.

    Raises MallepostError where a host keeps a member's session, with the team closed and nothing of it removed.
    """
    make(tools.directory, tools.journal, change(Kind.BOX, entry, {"mpState": [State.SUSPENDED.value]}), note)
    closed = members.find(tools.directory, uid_of(entry))
    team = to_team(closed)
    make(tools.directory, tools.journal, members.release(tools.directory, team), note)
    failures = [failure for uid in team.members for failure in close_all(tools.channels, uid)]
    if failures:
        raise MallepostError(f"{team.uid}: not ended: {failures[0]}", "the next night goes on, or the same command")
    return ending.end_box(tools, rules, journals, closed, now, note, pending=pending)
