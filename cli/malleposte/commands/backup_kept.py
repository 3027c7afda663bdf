"""`malleposte backup kept`: list and remove, on the hosts, the data that restores replaced."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import click

from malleposte.backup.archive import config
from malleposte.backup.archive.run import size
from malleposte.backup.restore import kept
from malleposte.backup.restore.database import Postgres
from malleposte.commands.backup_options import BackedUpCommand
from malleposte.commands.options import AS_JSON
from malleposte.core.errors import ExitCode, InputError
from malleposte.core.loops import named
from malleposte.fleet import remote


def kept_here() -> list[kept.OldCopy]:
    """All that is kept on this host. Raises InputError on a host without backups."""
    settings = config.read()
    system = [path for one in settings.sources if one.name == "system" for path in one.paths]
    folders = [("mailbox", settings.mail_root)] if settings.mail_sources else []
    folders += [("agendas", str(kept.RADICALE))]
    folders += [("files", name) for name in sorted({path.rpartition("/")[0] for path in system})]
    every = [(kind, Path(name)) for kind, name in folders if name]
    return kept.everything(every, databases() if settings.databases else [])


def databases() -> list[str]:
    """Names of this host's databases."""
    return Postgres().sql("SELECT datname FROM pg_database ORDER BY 1").split()


def drop(name: str) -> None:
    """Drop a database that was replaced."""
    Postgres().sql(f'DROP DATABASE IF EXISTS "{name}"')


class KeptCommand(BackedUpCommand):
    """A thing to be removed by its name is on one host."""

    def places(self, ctx: click.Context, inventory: Path) -> list[remote.Place]:
        """See BackedUpCommand."""
        if ctx.params["names"] and len(self.hosts(ctx)) != 1:
            raise InputError("--remove names what one host keeps", "say which with --host")
        return super().places(ctx, inventory)


@click.command("kept", cls=KeptCommand)
@click.option("--remove", "names", multiple=True, metavar="ID", help="Remove this one for good (repeatable).")
@click.option("--older-than", "days", type=click.FloatRange(0), metavar="DAYS", help="Remove all that are older.")
@click.option("--dry-run", is_flag=True, help="Show what would be removed.")
@AS_JSON
def command(
    names: tuple[str, ...],
    days: float | None,
    dry_run: bool,
    as_json: bool,
) -> int:
    """List and remove the data that restores replaced.

    Each restore into place keeps the data that it replaced, under a dated name: a mailbox, agendas, files, the
    directory, a database. They use disk space until this command removes them.

    \b
    Example:
      sudo ./malleposte backup kept
      sudo ./malleposte backup kept --host mail1 --remove mailbox/jdupont/20260314-091500
      sudo ./malleposte backup kept --older-than 30
    """
    every = kept_here()
    removing = bool(names) or days is not None
    rows = kept.chosen(every, names, days, datetime.now(UTC)) if removing else every
    failures: list[str] = []
    if removing and not dry_run:
        for one in list(rows):
            failed_before = len(failures)
            with named(failures.append, f"{one.id}: not removed"):
                kept.remove(one, drop)
            if len(failures) > failed_before:
                rows.remove(one)
    if as_json:
        shown = [
            {"id": one.id, "kind": one.kind, "name": one.name, "replaced": one.replaced.isoformat(), "where": one.where,
             "bytes": one.bytes} for one in rows
        ]  # fmt: skip
        done = removing and not dry_run
        click.echo(json.dumps({"ok": not failures, "removed" if done else "kept": shown, "errors": failures}, indent=2))
    else:
        what = "" if not removing else "would be removed: " if dry_run else "removed: "
        for one in rows:
            weight = "" if one.bytes is None else size(one.bytes)
            click.echo(f"{what}{one.id:<52} {weight:>9}  {one.where}")
        if not rows and not failures:
            click.echo("nothing is kept" if not removing else "nothing to remove")
    for line in failures:
        click.echo(line, err=True)
    return ExitCode.FAILURE if failures else ExitCode.DONE
