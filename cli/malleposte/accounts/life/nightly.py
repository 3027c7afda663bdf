"""Nightly work: ends of blocks; archives and removals of departed accounts, ends of archives. A list of steps.

A step that fails does not keep the others from their work. Each says what it did, and with `dry` what it would do.
"""

from __future__ import annotations

import contextlib
import datetime
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from malleposte.accounts import here, life
from malleposte.accounts.acts import expire, make, settle
from malleposte.accounts.agendas import astray
from malleposte.accounts.channels import forget_all
from malleposte.accounts.convocations.work import step as convocations
from malleposte.accounts.credentials import codes
from malleposte.accounts.devices import acts as devices
from malleposte.accounts.devices import follow
from malleposte.accounts.devices.uses import used
from malleposte.accounts.disclosure.make import step as own_data
from malleposte.accounts.life import archives, removal, renewal
from malleposte.accounts.life.base import ASKED, uid_of
from malleposte.accounts.life.steps import NightlyRun, StepResult
from malleposte.accounts.mailbox.hours.model import Change as HoursChange
from malleposte.accounts.mailbox.tools.events.step import step as tool_events
from malleposte.accounts.mails.hours import letter as hours_letter
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.accounts.retraction.work import step as retractions
from malleposte.accounts.settings import Settings
from malleposte.accounts.teams.life import step as teams
from malleposte.core.errors import MallepostError
from malleposte.core.loops import named
from malleposte.directory.devices import COPIED, READ, to_device
from malleposte.directory.errors import NotThere
from malleposte.directory.model import State
from malleposte.directory.protocol import Directory, Entry
from malleposte.directory.query import All, AnyOf, Equal, Present, Query, UpTo
from malleposte.platform import profiles as classes
from malleposte.platform.times import stamp

MOST_HOURS = 1000
"""Agents who get the hours of their class in a night: each gets a letter."""

Step = Callable[[NightlyRun, StepResult], None]


def lift(night: NightlyRun, result: StepResult) -> None:
    """End the blocks whose time has come."""
    entries = _people(night, UpTo("mpBlockedUntil", stamp(night.now)))
    for entry in entries:
        with _one(result, entry):
            for change in life.lift(entry, night.now):
                if not night.dry:
                    make(night.tools.directory, night.tools.journal, [replace(change, note="its time is over")])
                    result.failures += map(str, forget_all(night.tools.channels, change.uid))
                result.done.append(change.uid)


def archive(night: NightlyRun, result: StepResult) -> None:
    """Archive accounts that have been suspended long enough."""
    due = [entry for entry in _gone(night, night.rules.archive_days) if not removal.archived(entry)]
    if due and not _reached(night, result, len(due)):
        return
    for entry in due:
        with _one(result, entry):
            if not night.dry:
                removal.archive(night.tools, night.rules, (night.settings.journal,), entry, night.now)
            result.done.append(uid_of(entry))


def _reached(night: NightlyRun, result: StepResult, due: int) -> bool:
    """Whether every host answers: an archive or a removal would leave out what lies on one that does not."""
    try:
        night.tools.hosts.demand()
    except MallepostError as error:
        result.failures.append(f"{due} accounts are due: {error}")
        return False
    return True


def purge(night: NightlyRun, result: StepResult) -> None:
    """Finish an interrupted removal, then remove accounts that are archived and have been suspended long enough."""
    tools = night.tools
    if not night.dry:
        result.failures += removal.finish(tools.directory, tools.journal)
    due = [entry for entry in _gone(night, night.rules.purge_days) if removal.archived(entry)]
    if len(due) > night.rules.purge_most:
        result.failures.append(f"{len(due)} accounts are due, more than accounts_purge_most: nothing was removed")
        return
    if due and not _reached(night, result, len(due)):
        return
    for entry in due:
        with _one(result, entry):
            if not night.dry:
                removal.purge(tools, uid_of(entry), night.now, seen=entry.attributes)
            result.done.append(uid_of(entry))


def archive_ends(night: NightlyRun, result: StepResult) -> None:
    """Remove the archives of what was removed long enough ago."""
    if night.rules.archive_kept_days <= 0:
        return
    before = night.now - datetime.timedelta(days=night.rules.archive_kept_days)
    over = list(archives.due(night.rules.archive_folder, archives.removed(night.tools.directory), before))
    if night.dry:
        result.done += [one.path.name for one in over]
        return
    last = archives.looked(archives.LOOKED)
    archives.look(archives.LOOKED, night.now)
    if last is None:
        return
    if over and not archives.steady(last, night.now):
        result.failures.append(
            f"{len(over)} archives seem over, but the clock says {stamp(night.now)} and said {stamp(last)} in the night"
            " before: none was removed; if the clock is right, the next night goes on"
        )
        return
    for one in over:
        with named(result.failures.append, str(one.path)):
            archives.end(one, night.tools.journal)
            result.done.append(one.path.name)


def renew(night: NightlyRun, result: StepResult) -> None:
    """Warn whose password comes to its end, once for each warning; expire whose password is past it."""
    facts = renewal.Facts.read()
    if not facts.policy.renewal_days:
        return
    before = UpTo("pwdChangedTime", stamp(renewal.oldest(facts.policy, night.now)))
    active = Equal("mpState", State.ACTIVE.value)
    tools, asked = night.tools, sorted({*ASKED, *renewal.ASKED})
    acts = renewal.Acts(
        record=lambda one: make(tools.directory, tools.journal, [one.noted], "warned of the password's end"),
        expire=lambda one: result.failures.extend(
            map(str, expire(tools, one.uid, night.now, note="the password was not renewed").failures)
        ),
        send=night.send,
    )
    due = list(renewal.due(tools.directory.search("people", asked, All((active, before))), facts.policy, night.now))
    if night.dry:
        result.done += [f"{one.uid}:{one.deed}" for one in due]
        return
    for one, failure in renewal.carry_out(due, facts, night.now, acts):
        (result.failures if failure else result.done).append(failure or f"{one.uid}:{one.deed}")


def agendas(night: NightlyRun, result: StepResult) -> None:
    """Move data left in the stores of another class, after changes of class that could not finish."""
    profiles = {
        uid_of(entry): entry.attributes.get("mpProfile", [""])[0]
        for entry in night.tools.directory.search("people", ("uid", "mpProfile"), Equal("mpState", State.ACTIVE.value))
    }
    holders = night.tools.hosts.holders()
    for uid in astray(holders, profiles, classes.read()):
        with named(result.failures.append, uid):
            if not night.dry:
                settled = settle(night.tools, uid, profiles[uid])
                result.failures += [f"{uid}: {failure}" for failure in settled.failures]
                if not settled.changed:
                    continue
            result.done.append(uid)


def codes_over(night: NightlyRun, result: StepResult) -> None:
    """Take away INA codes that are over; means of recovery whose time has come take their place."""
    tools = night.tools
    for entry in _people(night, AnyOf((Present("mpInaCode"), Present("mpInaDigest"), Present("mpRecoveryNext")))):
        for over in (_codes_over, life.settled):
            with _one(result, entry):
                changes = over(entry, night.now)
                if changes and not night.dry:
                    make(tools.directory, tools.journal, changes)
                if changes:
                    result.done.append(uid_of(entry))


def _codes_over(entry: Entry, now: datetime.datetime) -> list[Change]:
    after = codes.purged(entry.attributes, now)
    before = {name: list(entry.attributes.get(name, [])) for name in after}
    return [Change(Kind.MODIFY, uid_of(entry), entry.dn, before, after, note="over")] if after else []


def device_ends(night: NightlyRun, result: StepResult) -> None:
    """Revoke device passwords whose time has come."""
    tools, query = night.tools, UpTo("mpDeviceExpires", stamp(night.now))
    for device in [to_device(entry.attributes) for entry in tools.directory.search("devices", READ, query)]:
        with named(result.failures.append, f"{device.owner}:{device.ident}"):
            if not night.dry:
                failures = devices.revoke(tools.directory, tools.journal, tools.hosts, device, "its time is over")
                result.failures += [f"{device.owner}: {failure}" for failure in failures]
            result.done.append(f"{device.owner}:{device.ident}")


def device_copies(night: NightlyRun, result: StepResult) -> None:
    """Bring devices in step with their owners where a command was killed; keep when each was last used."""
    tools, uses = night.tools, night.uses()
    # The owners after their devices: a device that is made meanwhile is not taken for one whose owner is gone.
    owned = dict(follow.by_owner(tools.directory))
    everybody = tools.directory.search("people", COPIED) if owned else ()
    owners = {uid: entry.attributes for entry in everybody if (uid := uid_of(entry)) in owned}
    for uid, devices_of_owner in owned.items():
        with named(result.failures.append, uid):
            last = uses.of(one.ident for one in devices_of_owner) if uses else {}
            for device in devices_of_owner:
                after = used(device, last.get(device.ident))
                if after and not night.dry:
                    with contextlib.suppress(NotThere):
                        tools.directory.modify(device.dn(tools.directory.suffix), after)
            if not night.dry and follow.step(tools.directory, tools.journal, devices_of_owner, owners.get(uid)):
                result.done.append(uid)


def second_factors(night: NightlyRun, result: StepResult) -> None:
    """Bring `mpTwoFactor` in step with the factors at the log-in page; without `factors_close` nobody has it."""
    tools, close = night.tools, night.rules.factors_close
    entries = list(tools.directory.search("people", ("uid", "mpTwoFactor")))
    enrolled = tools.hosts.enrolled()
    if enrolled is None:
        return  # the academy's own provider keeps its factors to itself
    if close and not enrolled and any(entry.attributes.get("mpTwoFactor") for entry in entries):
        result.failures.append("the log-in page knows no factor of anybody: main passwords stay closed to devices")
        return
    for entry in entries:
        uid, factors = uid_of(entry), sorted(entry.attributes.get("mpTwoFactor", ()))
        kinds = sorted(enrolled.get(uid, ())) if close else []
        if factors == kinds:
            continue
        with _one(result, entry):
            if close and not kinds and tools.hosts.factors(uid):
                continue  # enrolled in the meantime
            if not night.dry:
                change = Change(Kind.MODIFY, uid, entry.dn, {"mpTwoFactor": factors}, {"mpTwoFactor": kinds})
                make(tools.directory, tools.journal, [replace(change, note="in step with the log-in page")])
                result.failures += map(str, forget_all(tools.channels, uid))
            result.done.append(f"{uid}:{'+'.join(kinds) or 'none'}")


def school_holidays(night: NightlyRun, result: StepResult) -> None:
    """Bring the school holidays from the host that publishes them to the hosts of mailboxes."""
    periods, failures = night.tools.hosts.school_holidays()
    result.failures += map(str, failures)
    if failures or night.dry:
        return  # a host that is away does not empty the list
    result.failures += map(str, night.tools.hosts.learn_holidays(sorted(set(periods))))
    result.done += sorted(set(periods))


def default_hours(night: NightlyRun, result: StepResult) -> None:
    """Give agents who chose no hours those of their class, with a letter; some each night."""
    by_class = {name: one.hours for name, one in classes.read().items() if one.hours}
    if not by_class:
        return
    tools, facts = night.tools, renewal.Facts.read()
    chosen, failures = tools.hosts.hours_chosen()
    result.failures += map(str, failures)
    active = tools.directory.search("people", ("uid", "mail", "mpProfile"), Equal("mpState", State.ACTIVE.value))
    due = [
        entry for entry in active
        if uid_of(entry) not in chosen and entry.attributes.get("mpProfile", [""])[0] in by_class
    ]  # fmt: skip
    for entry in [] if failures else due[:MOST_HOURS]:
        uid, slots = uid_of(entry), by_class[entry.attributes["mpProfile"][0]]
        with _one(result, entry):
            if not night.dry:
                state = tools.hosts.set_hours(uid, HoursChange(on=True, slots=slots))
                tools.journal.write("hours", uid, note="horaires de la classe en service")
                night.send(hours_letter(uid, entry.attributes["mail"][0], state.hours, facts, night.now))
            result.done.append(uid)


def _one(result: StepResult, entry: Entry) -> contextlib.AbstractContextManager[None]:
    """Turn the failure of one account into a line, and go on."""
    return named(result.failures.append, uid_of(entry))


def _people(night: NightlyRun, query: Query) -> list[Entry]:
    return list(night.tools.directory.search("people", ASKED, query))


def _gone(night: NightlyRun, days: float) -> Iterator[Entry]:
    if days <= 0:
        return
    before = stamp(night.now - datetime.timedelta(days=days))
    suspended = Equal("mpState", State.SUSPENDED.value)
    yield from _people(night, All((suspended, UpTo("mpStateChanged", before))))


STEPS: dict[str, Step] = {
    "lift": lift, "device-ends": device_ends, "codes": codes_over, "renew": renew, "agendas": agendas,
    "devices": device_copies, "second-factors": second_factors, "archive": archive, "purge": purge,
    "archive-ends": archive_ends, "own-data": own_data, "retractions": retractions,
    "convocations": convocations, "school-holidays": school_holidays,
    "default-hours": default_hours, "teams": teams, "tool-events": tool_events,
}  # fmt: skip
"""By name, in their order. A further need is a further line."""


def run(
    settings: Settings, now: datetime.datetime, only: Iterable[str] = (), *, dry: bool = False,
    by_rule: Callable[[Directory, str], Iterable[str]] | None = None,
) -> list[StepResult]:  # fmt: skip
    """Every step, or those named; what each did. `by_rule`: see NightlyRun."""
    names = tuple(only) or tuple(STEPS)
    results: list[StepResult] = []
    with here.tools(settings) as tools:
        night = NightlyRun(settings, here.rules_of(settings), tools, now, dry, by_rule=by_rule)
        for name in names:
            result = StepResult(name)
            with named(result.failures.append):
                STEPS[name](night, result)
            results.append(result)
    return results
