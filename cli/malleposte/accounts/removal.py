"""The end of an account: an archive on the host, then everything of it removed but its names, which nobody gets again.

The stores first, while the entry still says whose they are; then the entry gives way to its tombstone. slapd lets no
two entries bear one uid, so the entry goes before the tombstone comes: what the tombstone will say is on disk before
that, and whoever comes next finishes what was interrupted.
"""

from __future__ import annotations

import contextlib
import datetime
import json
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from malleposte.accounts import filters
from malleposte.accounts.acts import entry, make
from malleposte.accounts.changes import Change, Kind
from malleposte.accounts.doors import checked
from malleposte.accounts.doors.roundcube import psql
from malleposte.accounts.export import ACCOUNTD_JOURNAL, Exporter, Report, Subject
from malleposte.accounts.journal import Journal
from malleposte.accounts.life.base import change, one, stamp, uid_of, when
from malleposte.accounts.life.rules import LifeRules
from malleposte.directory.errors import AlreadyThere
from malleposte.directory.model import Attributes, State, escape
from malleposte.directory.protocol import Branch, Directory, Entry
from malleposte.errors import InputError, MallepostError

PENDING = Path("/var/lib/malleposte/accounts/removals")
RADICALE_CACHE = Path("/var/cache/radicale/collection-cache/collection-root")
_FOLDERS = "SELECT c_folder_id FROM sogo_folder_info WHERE c_path LIKE '{path}' ESCAPE '!'"
_SOGO = (
    "DELETE FROM sogo_alarms_folder WHERE c_path LIKE '{path}' ESCAPE '!'",
    *(f"DELETE FROM {table} WHERE c_folder_id IN ({_FOLDERS})"
      for table in ("sogo_quick_appointment", "sogo_quick_contact", "sogo_store", "sogo_acl")),
    "DELETE FROM sogo_acl WHERE c_uid = '{uid}'",
    "DELETE FROM sogo_cache_folder WHERE c_uid = '{uid}'",
    "DELETE FROM sogo_folder_info WHERE c_path LIKE '{path}' ESCAPE '!'",
    "DELETE FROM sogo_user_profile WHERE c_uid = '{uid}'",
)  # fmt: skip
_ROUNDCUBE = "DELETE FROM users WHERE username = '{uid}';"
_Sql = Callable[[str, str], str]


@dataclass
class Removed:
    """What was removed of an account, and what could not be."""

    stores: list[str] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)


def age_days(held: Entry, now: datetime.datetime) -> float | None:
    """Days since the account was suspended; None when it is not."""
    since = when(one(held.attributes, "mpStateChanged"))
    if one(held.attributes, "mpState") != State.SUSPENDED or since is None:
        return None
    return (now - since).total_seconds() / 86400


def demand_age(held: Entry, now: datetime.datetime, days: float, act: str, override: str) -> str:
    """The journal's note. Raises InputError unless the account is suspended, for `days` or with a reason for less."""
    age = age_days(held, now)
    if age is None:
        raise InputError(f"{uid_of(held)} is {one(held.attributes, 'mpState')}, not suspended", f"suspend it to {act}")
    if age >= days:
        return ""
    if not override.strip():
        raise InputError(
            f"{uid_of(held)} has been suspended for {age:.0f} days, of {days:g}", "earlier needs --override REASON"
        )
    return f"before its time: {override.strip()}"


def archived(held: Entry) -> bool:
    """Whether an archive was made since the account was suspended."""
    made, since = (when(one(held.attributes, name)) for name in ("mpArchived", "mpStateChanged"))
    return made is not None and since is not None and made >= since


def archive(
    directory: Directory, journal: Journal, rules: LifeRules, journals: tuple[Path, ...], held: Entry,
    now: datetime.datetime, note: str = "",
) -> tuple[Path, Report]:  # fmt: skip
    """Keep all that is held about an account in a file of its own, 0600; the entry says when."""
    uid = checked(uid_of(held))
    rules.archive_folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = rules.archive_folder / f"{uid}-{now:%Y%m%d}.zip"
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            report = Exporter(rules, (*journals, ACCOUNTD_JOURNAL)).write(Subject(uid, held.attributes), file)
            file.flush()
            os.fsync(file.fileno())
        if report.failures:
            raise MallepostError(f"{uid}: the archive would not be whole: {report.failures[0]}")
        part.rename(path)
    finally:
        part.unlink(missing_ok=True)
    make(directory, journal, change(Kind.ARCHIVE, held, {"mpArchived": [stamp(now)]}), note)
    return path, report


def purge(
    directory: Directory, journal: Journal, rules: LifeRules, uid: str, now: datetime.datetime, note: str = "",
    *, sql: _Sql = psql, pending: Path = PENDING, beside: tuple[Path, ...] = (RADICALE_CACHE,),
) -> Removed:  # fmt: skip
    """Remove an account for good. Raises MallepostError, with the entry as it was, when a store does not let go."""
    held = entry(directory, uid)
    removed = empty_stores(rules, checked(uid), sql, beside)
    if removed.failures:
        journal.write("purge-failed", uid, failures=removed.failures)
        raise MallepostError(f"{uid}: {removed.failures[0]}", "mend that and purge again: the entry is still there")
    for reference in references(directory, held):
        make(directory, journal, [reference])
    stone = tombstone(held, directory.suffix, now)
    _keep(pending, stone)
    directory.delete(held.dn)
    journal.write(str(Kind.PURGE), uid, dn=held.dn, stores=removed.stores, **({"note": note} if note else {}))
    finish(directory, journal, pending)
    return removed


def tombstone(held: Entry, suffix: str, now: datetime.datetime) -> Change:
    """The entry that keeps the names: uid, every address, every log-in."""
    uid, attributes = uid_of(held), held.attributes
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


def _keep(folder: Path, stone: Change) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(folder / f"{stone.uid}.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(stone.as_json(), file)
        file.flush()
        os.fsync(file.fileno())


def finish(directory: Directory, journal: Journal, folder: Path = PENDING) -> int:
    """Set the tombstones of removals that were interrupted; how many were waiting."""
    waiting = sorted(folder.glob("*.json")) if folder.is_dir() else []
    for path in waiting:
        stone = Change.parse(json.loads(path.read_text("utf-8")))
        if next(iter(directory.search("people", ["uid"], {"uid": stone.uid})), None) is None:
            with contextlib.suppress(AlreadyThere):
                directory.add(stone.dn, stone.after)
                journal.write(str(stone.kind), stone.uid, dn=stone.dn, after=stone.after)
                journal.sync()
        path.unlink()
    return len(waiting)


def references(directory: Directory, held: Entry) -> list[Change]:
    """Where others name the account: as delegate or manager of a box, as manager or member of a list.

    Posters and moderators of lists stay named: without its last one a list would be open to more people than before,
    and nobody ever gets the name again.
    """
    uid, found = uid_of(held), list[Change]()
    places: tuple[tuple[Branch, str, str, str], ...] = (
        ("functional", "mpDelegate", uid, "uid"), ("people", "mpDelegate", uid, "uid"),
        ("functional", "mpManager", uid, "uid"), ("lists", "mpManager", uid, "cn"),
        ("lists", "member", held.dn, "cn"),
    )  # fmt: skip
    for branch, name, value, key in places:
        for other in directory.search(branch, [key, name], {name: value}):
            kept = [one for one in other.attributes.get(name, []) if one.lower() != value.lower()]
            before = {name: other.attributes.get(name, [])}
            found.append(Change(Kind.MODIFY, one(other.attributes, key), other.dn, before, {name: kept}))
    return found


def empty_stores(rules: LifeRules, uid: str, sql: _Sql, beside: tuple[Path, ...]) -> Removed:
    """Mail with its filters, agendas and contacts, settings of the webmails."""
    removed = Removed()
    places = [("mail", filters.home_of(uid, rules.store)), ("radicale", rules.radicale / uid)]
    places += [("radicale", folder / uid) for folder in beside]
    for name, path in places:
        try:
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
                removed.stores.append(str(path))
        except OSError as error:
            removed.failures.append(f"{name}: {error}")
    under = "/Users/" + "".join(f"!{char}" if char in "!_%" else char for char in uid) + "/%"
    inside = "BEGIN;" + ";".join(statement.format(path=under, uid=uid) for statement in _SOGO) + ";COMMIT;"
    for name, database, text in (
        ("sogo", rules.sogo_database, inside), ("roundcube", rules.roundcube_database, _ROUNDCUBE.format(uid=uid)),
    ):  # fmt: skip
        if name in rules.doors:
            try:
                sql(database, text)
                removed.stores.append(f"database {database}")
            except MallepostError as error:
                removed.failures.append(f"{name}: {error}")
    return removed
