"""One call of `malleposte backup restore`: its options, its archives, its report and its line in the journal."""

from __future__ import annotations

import contextlib
import json
import os
import shlex
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from malleposte.backup.archive import archives, config
from malleposte.backup.restore.model import Copy, Outcome
from malleposte.backup.restore.vault import Archives
from malleposte.commands.backup_options import Moment, when
from malleposte.core.errors import ExitCode, MallepostError
from malleposte.core.progress import Progress, duration
from malleposte.platform.locks import only_one
from malleposte.platform.times import local

LOCK = Path("/run/malleposte-restore.lock")


def common[F: Callable[..., Any]](function: F) -> F:
    """The options of every kind of restore."""
    for option in (
        click.option("--json", "as_json", is_flag=True, help="Print one JSON document; progress goes to stderr."),
        click.option("--dry-run", is_flag=True, help="Say which archive would be used; change nothing."),
        click.option("--as-of", metavar="DATE", callback=when, help="The last archive of that date or before."),
        click.option("--vault", metavar="NAME", help="From this vault alone. [default: the newest of all vaults]"),
    ):
        function = option(function)
    return function


def for_journal[F: Callable[..., Any]](function: F) -> F:
    """The options of a restore of one account: the journal of accounts tells it."""
    by = click.option("--by", hidden=True, default="", help="The person on the controller, for the journal.")
    reason = click.option("--reason", default="", metavar="TEXT", help="The reason, which the agent reads.")
    return by(reason(function))


class Job:
    """One call, as it was typed."""

    def __init__(self, options: dict[str, Any]) -> None:
        self.vault: str | None = options.pop("vault")
        self.as_of: Moment | None = options.pop("as_of")
        self.dry_run: bool = options.pop("dry_run")
        self.as_json: bool = options.pop("as_json")
        self.reason: str = options.pop("reason", "")
        self.by: str = options.pop("by", "")
        self.progress = Progress()

    def say(self, text: str) -> None:
        """A line of progress. Who listened may be gone: a restore goes on to its end."""
        with contextlib.suppress(OSError):
            self.progress.say(text)

    def archives(self) -> Archives:
        """The vaults of this host, as typed."""
        settings = config.read()
        if self.as_of:
            self.say(f"as of {self.as_of}")
        moment = self.as_of.at if self.as_of else None
        return Archives(settings, archives.vaults(settings, [self.vault] if self.vault else []), moment, self.say)

    def show(self, outcome: Outcome) -> int:
        """Print what was done, and the exit code. Who listened may be gone."""
        outcome.as_of = self.as_of.at.astimezone().isoformat() if self.as_of else ""
        with contextlib.suppress(OSError):
            if self.as_json:
                click.echo(json.dumps(outcome.as_dict(), indent=2, ensure_ascii=False))
            else:
                for line in lines(outcome):
                    click.echo(line)
            sys.stdout.flush()
        return ExitCode.PARTLY if outcome.missing else ExitCode.DONE

    def tell(self, outcome: Outcome, kind: str, uid: str, what: str = "") -> int:
        """Write a restore of an account into the journal of accounts, and show it."""
        try:
            from malleposte.accounts import actor, settings
            from malleposte.accounts.life import restored
        except ImportError:  # a host without the directory's library
            has_journal = False
        else:
            has_journal = settings.FILE.exists()
        if has_journal:
            if self.by:
                os.environ[actor.BY] = self.by
            try:
                restored.note(settings.Settings.read(settings.FILE), kind, uid, what, self.reason)
            except (MallepostError, OSError) as error:
                outcome.missing.append(f"the journal of accounts does not tell it: {error}")
        elif not self.by:  # typed here: no controller has it written
            words = shlex.join(["malleposte", "accounts", "restored", kind, uid, *([what] if what else [])])
            outcome.notes.append(f"for the journal of accounts, type on the controller: {words}")
        return self.show(outcome)

    def foreseen(self, what: str, *names: str) -> int:
        """Print which archives a run would use."""
        source = self.archives()
        return self.would(what, [source.find(name) if name.startswith("/") else source.latest(name) for name in names])

    def would(self, what: str, copies: Sequence[Copy], notes: Sequence[str] = ()) -> int:
        """Print the archives of a run that was not made, and notes about it."""
        if self.as_json:
            document = {"what": what, "archives": [one.archive for one in copies], "notes": list(notes)}
            click.echo(json.dumps(document, indent=2, ensure_ascii=False))
        else:
            for one in copies:
                click.echo(f"would restore {what} from {one}")
            for note in notes:
                click.echo(f"  {note}")
        return ExitCode.DONE


def lines(outcome: Outcome) -> list[str]:
    """An outcome for people."""
    texts = []
    for row in outcome.rows:
        uid = "-" if row["uid"] is None else row["uid"]
        texts.append(f"{row['folder']}  {uid}  {local(row['received'])}  {row['from']}  {row['subject']}")
        texts.append(f"    <{row['message_id']}>")
    counted = ", ".join(f"{number} {what}" for what, number in outcome.counts.items())
    source = f" from {outcome.copy}" if outcome.copy else ""
    texts.append(f"{outcome.what}{source}: {counted}, {duration(outcome.seconds)}")
    texts += [f"  NOT DONE: {one}" for one in outcome.missing]
    texts += [f"  {note}" for note in outcome.notes]
    if outcome.aside:
        texts.append(f"  what was replaced is kept: {outcome.aside}")
    if outcome.undo:
        texts.append(f"  to undo: {outcome.undo}")
    return texts


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """One restore at a time on a host. Raises MallepostError while another runs."""
    with only_one(LOCK, "another restore is under way"):
        yield
