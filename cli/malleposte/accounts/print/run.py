"""Letters on the directory's host: from the settings there to a stream of files."""

from __future__ import annotations

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass

from malleposte.accounts import facts
from malleposte.accounts.actor import actor
from malleposte.accounts.journal import Journal
from malleposte.accounts.print import choose, table
from malleposte.accounts.print.issue import Issuer, Progress, Validity, files
from malleposte.accounts.print.page import Platform, Printer
from malleposte.accounts.settings import Settings, one_writer

MANIFEST = "manifest.json"
"""The last file of the stream: what was done. Without it the stream is not whole."""


@dataclass(frozen=True)
class Wish:
    """The letters to print: for whom, and the lifetime of their codes."""

    uids: tuple[str, ...] = ()
    school: str = ""
    since: datetime.date | None = None
    begin: datetime.date | None = None
    days: int = 30
    asked: bool = False
    """Those for whom the help desk asked alone."""
    reset: bool = False
    """Those too who have a password, or had one."""


def make(settings: Settings, wish: Wish, progress: Progress) -> Iterator[tuple[str, bytes]]:
    """(name, content) of every file, the manifest last. Codes of a file are issued just before it."""
    now = datetime.datetime.now(datetime.UTC)
    today = now.astimezone().date()
    validity = Validity.of(wish.begin or today, wish.days, now)
    printer = Printer(Platform.of(facts.read(), str(facts.FILE)), validity.last, today)
    with one_writer(), settings.directory() as directory, Journal(settings.journal, actor()) as journal:
        chosen = choose.readers(
            directory, uids=wish.uids, school=wish.school, since=wish.since, asked=wish.asked, reset=wish.reset
        )
        issuer = Issuer(directory, journal, settings.keys(), settings.domain, validity, now)
        parts = choose.parts(directory, chosen)
        yield from files(
            issuer, parts, len(chosen), printer.render, lambda all_: table.render(all_, validity), progress
        )
    tally = issuer.tally
    manifest = {
        "letters": tally.letters, "files": tally.files, "revoked": tally.revoked, "until": validity.last.isoformat(),
        "skipped": [{"uid": uid, "reason": reason} for uid, reason in tally.skipped],
    }  # fmt: skip
    yield MANIFEST, json.dumps(manifest, ensure_ascii=False).encode()
