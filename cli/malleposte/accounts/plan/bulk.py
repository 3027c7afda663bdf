"""One act on many accounts, of a list or a selection, as a plan: shown first, applied, taken back like an import."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

from malleposte.accounts import life
from malleposte.accounts.life import removal
from malleposte.accounts.life.base import ASKED, uid_of
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.plan.changes import Change, Departures, Plan
from malleposte.accounts.plan.lines import Lines
from malleposte.core.errors import InputError
from malleposte.directory.model import first
from malleposte.directory.protocol import Directory, Entry
from malleposte.directory.query import Query

NAMES = ("suspend", "resume", "profile", "purge")
Act = Callable[[Entry], list[Change]]
"""From an entry to what is to be changed in it. Raises InputError where it cannot be."""


def acts(
    now: datetime.datetime, profile: str = "", *, days: float = LifeRules.purge_days, override: str = ""
) -> dict[str, Act]:
    """Return the acts by their names; `profile` is the new class, `days` and `override` are for a removal."""
    of_names: tuple[Act, ...] = (
        lambda entry: life.suspend(entry, now),
        lambda entry: life.resume(entry, now),
        lambda entry: life.profile(entry, profile),
        lambda entry: removal.planned(entry, now, days, override),
    )
    return dict(zip(NAMES, of_names, strict=True))


@dataclass
class Selection:
    """The accounts that are meant; those of a list that are nobody's, by name."""

    entries: list[Entry]
    unknown: list[str] = field(default_factory=list)


def named(content: bytes) -> list[str]:
    """Return the names in a list: a log-in, an alias or an address a line, before any `;`. Raises InputError."""
    try:
        lines = content.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError("the list is not in UTF-8", "save it as UTF-8") from error
    names = dict.fromkeys(filter(None, (line.partition(";")[0].strip().lower() for line in lines)))
    return [name for name in names if not name.startswith("#")]


def listed(directory: Directory, content: bytes) -> Selection:
    """Return the accounts of a list. Raises InputError."""
    chosen = named(content)
    names, by_name = set(chosen), dict[str, Entry]()
    for entry in directory.search("people", ASKED):
        for key in ("mailLocalAddress", "mpLoginAlias", "uid"):
            by_name |= {name: entry for value in entry.attributes.get(key, []) if (name := value.lower()) in names}
    entries = {by_name[name].dn: by_name[name] for name in chosen if name in by_name}
    return Selection(list(entries.values()), [name for name in chosen if name not in by_name])


def selected(directory: Directory, query: Query) -> Selection:
    """Return the accounts of a query."""
    return Selection(list(directory.search("people", ASKED, query)))


def plan(name: str, act: Act, chosen: Selection, directory: Directory, domain: str, now: datetime.datetime) -> Plan:
    """Return the plan of an act, `name` for whoever reads it. What cannot be done is listed with its reason."""
    left = dict.fromkeys(chosen.unknown, "no account has this log-in or address")
    unchanged = 0

    def changes(entries: Iterable[Entry]) -> Iterator[Change]:
        nonlocal unchanged
        for entry in entries:
            try:
                account_changes = act(entry)
            except InputError as error:
                left[uid_of(entry)] = error.message
                continue
            unchanged += not account_changes
            for one in account_changes:
                yield replace(one, name=first(entry.attributes, "cn"))

    lines = Lines.of(changes(chosen.entries))
    accounts = sum(1 for _ in directory.search("people", ["uid"]))
    leaving = len(lines) if name.startswith("suspend") else 0
    stamp = now.astimezone(datetime.UTC).isoformat(timespec="seconds")
    return Plan(domain, name, "", stamp, lines, Departures(leaving, accounts), unchanged, left_alone=left)
