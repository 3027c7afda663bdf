"""Bring SOGo to the directory and to the published calendars, as its user (role sogo).

Usage: sogo-sync SETTINGS

The steps of a run share one reading of the directory. One that fails is named, and the others go on. A step rests for
its time when it has changed nothing; without the file of these times (`steps.json`) all are done. The password for the
directory comes from systemd.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from malleposte.adapters import ldapsearch, postgresql
from malleposte.adapters.sogo import Sql, memcached, room
from malleposte.core.loops import named
from malleposte.groupware.published import job
from malleposte.groupware.published.model import Items, Shown
from malleposte.groupware.published.sogo import Engine
from malleposte.groupware.published.store import Store
from malleposte.groupware.sogo import boxes, copies, room_agendas, schools, senders
from malleposte.groupware.sogo.boxes import AGENDA, BOOK
from malleposte.groupware.sogo.reading import Reading
from malleposte.runtime import kit, owner

SECONDS = 120
"""The patience with a statement of SQL."""
SCHOOLS, PUBLIC = "schools.json", 0o644
"""The names of schools by their codes in small letters, which the web server gives to pages, and who may read them."""
Changes = Iterable[tuple[str, str]]
"""Things that changed, each with what went wrong with it, if anything did."""


@dataclass(frozen=True)
class Settings:
    """The settings: the ways to directory, database and memcached, and the steps.

    `profiles` are the classes whose agents have SOGo, `login_states` the states in which one may log in,
    `address_book_states` those in which one is in an address book. `signature` is a template, which may be empty.
    `room_mb` is the room of an owner's agendas and address books, in MB.
    """

    base: str
    bind_dn: str
    uri: str
    database: str
    memcached: str
    profiles: list[str]
    login_states: list[str]
    address_book_states: list[str]
    senders: bool
    calendars: bool
    signature: str
    room_mb: int


@dataclass(frozen=True)
class Step:
    """A step: its work; its part of SOGo, said where it fails; what is said of a thing that changed.

    `every` is how long it rests (seconds); a change of the file `source` makes it due at once.
    """

    part: str
    work: Callable[[], Changes]
    changed: str = ""
    every: float = 0.0
    source: Path | None = None

    def due(self, since: float, now: float) -> bool:
        """Return whether its time has come, where it rests since then (seconds, as `now`)."""
        changed = self.source is not None and self.source.exists() and self.source.stat().st_mtime >= since
        return changed or not 0 <= now - since < self.every


def limits(sql: Sql, megabytes: int) -> Iterator[tuple[str, str]]:
    """Have the database hold the room of each owner's agendas and address books."""
    if room.limit(sql, megabytes):
        yield f"{megabytes} MB for the agendas and address books of each", ""


def deleted(sql: Sql) -> Iterator[tuple[str, str]]:
    """Erase the words of what was deleted long ago."""
    if number := room.erase_deleted(sql):
        yield f"{number} deleted items", ""


def steps(settings: Settings, reading: Reading, folder: Path) -> list[Step]:
    """Return the steps, in their order. The last one has no limit of its own. `folder` is that of the state."""
    sql = partial(postgresql.sql, settings.database, user="", timeout=SECONDS)
    forget = partial(memcached.delete, Path(settings.memcached))

    def calendars() -> Iterator[tuple[str, str]]:
        def engine(shown: Sequence[Shown], items: Items) -> int:
            return Engine(sql, forget).place(shown, items, frozenset(reading.agents), time.time())

        if number := job.bring(engine):
            yield f"{number} published calendars", ""

    def team_books() -> Changes:
        return reading.standing(boxes.place(*boxes.read(reading, BOOK), sql, forget, time.time(), part=BOOK))

    def light() -> Changes:
        every = [
            copy
            for part in (AGENDA, BOOK)
            for copy in copies.read(reading, (one.uid for one in boxes.read(reading, part)[0]), part)
        ]
        return copies.place(every, sql)

    def books() -> Changes:
        return schools.place(schools.read(reading, settings.address_book_states), sql, forget, time.time())

    def offered() -> Changes:
        return senders.place(reading, settings.login_states, settings.signature, sql, folder)

    def names() -> Iterator[tuple[str, str]]:
        text = json.dumps(reading.schools, ensure_ascii=False, sort_keys=True)
        file = folder / SCHOOLS
        if not file.exists() or file.read_text("utf-8") != text:
            owner.replace(file, text, mode=PUBLIC)
            yield f"{len(reading.schools)} names of schools", ""

    all_steps = [
        Step("limits", partial(limits, sql, settings.room_mb), "set", every=600),
        Step(
            "rooms",
            lambda: reading.standing(room_agendas.place(room_agendas.read(reading), sql, forget)),
            "new rights to book",
        ),
        Step(
            "agendas of functional boxes",
            lambda: reading.standing(boxes.place(*boxes.read(reading), sql, forget, time.time())),
            "its agenda follows its delegates",
        ),
        Step("address books of teams", team_books, "its address book follows its members"),
    ]
    if settings.calendars:
        all_steps.append(
            Step(
                "copies of agendas of functional boxes and of address books of teams",
                light,
                "its agenda or address book is copied for the light class",
            )
        )
        all_steps.append(Step("published calendars", calendars, "changed", every=600, source=Store().shown_file))
    all_steps.append(Step("address books of schools", books, every=3600))
    all_steps.append(Step("names of schools", names, "changed", every=3600))
    all_steps.append(Step("deleted items", partial(deleted, sql), "erased", every=86_400))
    if settings.senders:
        all_steps.append(Step("senders", offered))
    return all_steps


def run(every_step: Iterable[Step], memory: Path, now: float) -> int:
    """Do the steps that are due; the exit code. `memory` holds since when each rests, `now` is the time in seconds.

    Where `memory` is removed meanwhile, it is not written: the next run does all steps, as was asked for.
    """
    rests, failed = kit.state(memory, _times) or {}, 0
    remembered = memory.exists()
    for step in every_step:
        if not step.due(rests.get(step.part, 0.0), now):
            continue
        changes, ended = 0, list[str]()
        with named(ended.append):
            for thing, fault in step.work():
                changes += 1
                failed |= bool(fault)
                if fault:
                    kit.say(f"<4>{step.part}: {thing}: {fault}")
                elif step.changed:
                    kit.say(f"<5>{thing}: {step.changed}")
        for reason in ended:
            kit.say(f"<3>the {step.part} of SOGo are as they were: {reason}")
            failed = 1
        rests[step.part] = 0.0 if changes or ended else now
    if memory.exists() or not remembered:
        owner.replace(memory, json.dumps(rests))
    return failed


def _times(text: str) -> dict[str, float]:
    return {str(part): float(moment) for part, moment in dict(json.loads(text)).items()}


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 1 or words[0].startswith("-"):
        print("usage: sogo-sync SETTINGS", file=sys.stderr)
        return 2
    try:
        settings = Settings(**json.loads(Path(words[0]).read_text("utf-8")))
    except (OSError, ValueError, TypeError) as error:
        kit.say(f"<3>{words[0]}: {error}")
        return 1
    password, folder = Path(os.environ["CREDENTIALS_DIRECTORY"], "ldap-password"), Path(os.environ["STATE_DIRECTORY"])
    search = ldapsearch.searcher(settings.base, settings.bind_dn, settings.uri, password)
    reading = Reading(settings.base, search, tuple(settings.profiles))
    return run(steps(settings, reading, folder), folder / "steps.json", time.time())
