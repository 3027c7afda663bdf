"""The end of an account: an archive on the host, then everything of it removed but its names, which nobody gets again.

The stores first, while the entry still says whose they are; then the entry gives way to its tombstone. slapd lets no
two entries bear one uid, so the entry goes before the tombstone comes: what the tombstone will say is on disk before
that, and whoever comes next finishes what was interrupted.
"""

from __future__ import annotations

import contextlib
import datetime
import itertools
import json
from pathlib import Path

from malleposte.accounts.acts import Tools, entry, make
from malleposte.accounts.channels import checked
from malleposte.accounts.devices import follow
from malleposte.accounts.disclosure.export import ACCOUNTD_JOURNAL, Exporter, Report, Subject
from malleposte.accounts.hosts.model import Removed, Source
from malleposte.accounts.journal import Journal
from malleposte.accounts.life.base import change, uid_of
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.plan.changes import PURGED, Change, Kind, differing
from malleposte.core.errors import InputError, MallepostError
from malleposte.core.loops import named
from malleposte.directory.errors import AlreadyThere
from malleposte.directory.model import Attributes, State, escape, first
from malleposte.directory.protocol import Branch, Directory, Entry
from malleposte.platform.times import stamp, when
from malleposte.runtime import durable

_NAMED: tuple[Branch, ...] = ("people", "functional", "resources")
PENDING = Path("/var/lib/malleposte/accounts/removals")


def age_days(entry: Entry, now: datetime.datetime) -> float | None:
    """Days since the account was suspended; None when it is not."""
    since = when(first(entry.attributes, "mpStateChanged"))
    if first(entry.attributes, "mpState") != State.SUSPENDED or since is None:
        return None
    return (now - since).total_seconds() / 86400


def demand_age(entry: Entry, now: datetime.datetime, days: float, act: str, override: str) -> str:
    """The journal's note. Raises InputError unless the account is suspended, for `days` or with a reason for less."""
    age = age_days(entry, now)
    if age is None:
        raise InputError(
            f"{uid_of(entry)} is {first(entry.attributes, 'mpState')}, not suspended", f"suspend it to {act}"
        )
    if age >= days:
        return ""
    if not override.strip():
        raise InputError(
            f"{uid_of(entry)} has been suspended for {age:.0f} days, of {days:g}", "earlier needs --override REASON"
        )
    return f"before its time: {override.strip()}"


def planned(entry: Entry, now: datetime.datetime, days: float, override: str) -> list[Change]:
    """Return the removal of an account that is suspended, for `days` and archived, or with a reason for less.

    Raises InputError for any other.
    """
    note = demand_age(entry, now, days, "remove it", override)
    if not note and not archived(entry):
        raise InputError(f"{uid_of(entry)} has no archive of since its suspension", f"accounts archive {uid_of(entry)}")
    before = {name: list(values) for name in PURGED if (values := entry.attributes.get(name))}
    return [Change(Kind.PURGE, uid_of(entry), entry.dn, before, {}, note=note)]


def archived(entry: Entry) -> bool:
    """Whether an archive was made since the account was suspended."""
    day, since = (when(first(entry.attributes, name)) for name in ("mpArchived", "mpStateChanged"))
    return day is not None and since is not None and day >= since


def archive(
    tools: Tools, rules: LifeRules, journals: tuple[Path, ...], entry: Entry, now: datetime.datetime, note: str = ""
) -> tuple[Path, Report]:
    """Keep all that is held about an account in a file of its own, 0600; the entry says when."""
    subject = Subject.of(tools.directory, entry)
    path, report = keep(rules.archive_folder, tools.hosts.files, journals, subject, now)
    make(tools.directory, tools.journal, change(Kind.ARCHIVE, entry, {"mpArchived": [stamp(now)]}), note)
    return path, report


def keep(
    folder: Path, source: Source, journals: tuple[Path, ...], subject: Subject, now: datetime.datetime
) -> tuple[Path, Report]:
    """The archive's file. Raises MallepostError, and leaves none, when it would not be whole."""
    uid = subject.uid
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    # One of the same day stays: it may hold what is gone by now.
    stem = f"{uid}-{now:%Y%m%d}"
    names = itertools.chain([stem], (f"{stem}-{number}" for number in itertools.count(2)))
    path = next(path for name in names if not (path := folder / f"{name}.zip").exists())
    with durable.replacing(path) as file:
        report = Exporter(source, (*journals, ACCOUNTD_JOURNAL)).write(subject, file)
        if report.failures:
            raise MallepostError(f"{uid}: the archive would not be whole: {report.failures[0]}")
    return path, report


def purge(
    tools: Tools, uid: str, now: datetime.datetime, note: str = "", *, seen: Attributes | None = None,
    pending: Path = PENDING,
) -> Removed:  # fmt: skip
    """Remove an account for good. Raises MallepostError, with the entry as it was, when a store does not let go.

    `seen`: its attributes when that was decided. Raises InputError where it was resumed or suspended anew since.
    """
    account = entry(tools.directory, uid)
    if seen is not None and (moved := differing(account.attributes, {name: seen.get(name, []) for name in PURGED})):
        raise InputError(f"{uid}: {', '.join(moved)} changed meanwhile: it is not removed", "look at the account again")
    return remove(tools, account, now, note, pending=pending)


def remove(tools: Tools, entry: Entry, now: datetime.datetime, note: str = "", *, pending: Path = PENDING) -> Removed:
    """Remove an account or a box of functions: stores, references, entry; a tombstone keeps its names. As `purge`."""
    directory, journal, uid = tools.directory, tools.journal, uid_of(entry)
    removed = tools.hosts.empty(checked(uid))
    if removed.failures:
        journal.write("purge-failed", uid, failures=removed.failures)
        raise MallepostError(f"{uid}: {removed.failures[0]}", "mend that and run it again: the entry is still there")
    for reference in references(directory, entry):
        make(directory, journal, [reference])
    follow.remove_all(directory, journal, uid, "the account is removed")
    give_way(directory, journal, entry, tombstone(entry, directory.suffix, now), pending, note, stores=removed.stores)
    return removed


def give_way(
    directory: Directory, journal: Journal, entry: Entry, stone: Change, pending: Path = PENDING, note: str = "",
    **facts: object,
) -> None:  # fmt: skip
    """The entry goes, its tombstone comes."""
    path = _note(pending, stone)
    directory.delete(entry.dn)
    journal.write(str(Kind.PURGE), stone.uid, dn=entry.dn, **facts, **({"note": note} if note else {}))
    _settle(directory, journal, path, stone)


def tombstone(entry: Entry, suffix: str, now: datetime.datetime, name: str = "") -> Change:
    """The entry that keeps the names: uid (`name`, of what has none), every address, every log-in."""
    uid, attributes = name or uid_of(entry), entry.attributes
    addresses = dict.fromkeys(
        value.lower() for name in ("mail", "mailLocalAddress") for value in attributes.get(name, [])
    )
    after: Attributes = {
        "objectClass": ["mpTombstone", "inetLocalMailRecipient"],
        "uid": [uid],
        "mpRemoved": [stamp(now)],
        "mailLocalAddress": list(addresses),
        "mpLoginAlias": attributes.get("mpLoginAlias", []),
    }
    filled = {name: values for name, values in after.items() if values}
    return Change(Kind.TOMBSTONE, uid, f"uid={escape(uid)},ou=tombstones,{suffix}", {}, filled)


def _note(folder: Path, stone: Change) -> Path:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / f"{stone.uid}.json"
    durable.write(path, json.dumps(stone.as_json()))
    return path


def finish(directory: Directory, journal: Journal, folder: Path = PENDING) -> list[str]:
    """Set the tombstones of removals that were interrupted; what went wrong, a line each.

    A note that cannot be read is set aside: it was never whole on the disk, so the entry it tells of was not removed.
    """
    failures: list[str] = []
    for path in sorted(folder.glob("*.json")) if folder.is_dir() else []:
        with named(failures.append, str(path)):
            try:
                stone = Change.parse(json.loads(path.read_text("utf-8")))
            except (ValueError, KeyError, TypeError, AttributeError) as error:
                aside = durable.set_aside(path)
                failures.append(f"{path}: cannot be read ({error}), and is {aside.name} now: purge that account again")
                continue
            _settle(directory, journal, path, stone)
    return failures


def _settle(directory: Directory, journal: Journal, path: Path, stone: Change) -> None:
    if not any(True for branch in _NAMED for _ in directory.search(branch, ["uid"], {"uid": stone.uid})):
        with contextlib.suppress(AlreadyThere):
            directory.add(stone.dn, stone.after)
            journal.write(str(stone.kind), stone.uid, dn=stone.dn, after=stone.after)
            journal.sync()
    path.unlink()


def references(directory: Directory, entry: Entry) -> list[Change]:
    """References to the account in other entries: delegate, reader or manager of a box, manager or member of a list.

    Posters and moderators of lists stay named: without its last one a list would be open to more people than before,
    and nobody ever gets the name again.
    """
    uid, changes = uid_of(entry), list[Change]()
    places: tuple[tuple[Branch, str, str, str], ...] = (
        ("functional", "mpDelegate", uid, "uid"), ("people", "mpDelegate", uid, "uid"),
        ("people", "mpOpens", uid, "uid"), ("people", "mpReads", uid, "uid"), ("functional", "mpReader", uid, "uid"),
        ("functional", "mpManager", uid, "uid"), ("lists", "mpManager", uid, "cn"),
        ("lists", "member", entry.dn, "cn"), ("resources", "mpBooker", uid, "uid"),
    )  # fmt: skip
    for branch, name, value, key in places:
        for other in directory.search(branch, [key, name], {name: value}):
            values = [one for one in other.attributes.get(name, []) if one.lower() != value.lower()]
            before = {name: other.attributes.get(name, [])}
            changes.append(Change(Kind.MODIFY, first(other.attributes, key), other.dn, before, {name: values}))
    return changes
