"""`malleposte accounts letters`: new codes for agents who wait for a password, printed."""

from __future__ import annotations

import datetime
import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import click

from malleposte.accounts.feed import values
from malleposte.accounts.feed.table import MOST_BYTES
from malleposte.accounts.plan.bulk import named
from malleposte.accounts.print import bundle
from malleposte.accounts.print.run import MANIFEST, Wish, make
from malleposte.accounts.settings import Settings
from malleposte.commands.accounts.shared import GROUP, Meter, read_bytes
from malleposte.commands.options import AS_JSON, INVENTORY, answer
from malleposte.core import paths
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.fleet import remote

_DAY = click.DateTime(["%Y-%m-%d"])
_LONGEST = 366


def words_of(wish: Wish) -> list[str]:
    """The command's words for the host."""
    dates = (("--since", wish.since), ("--from", wish.begin))
    return [
        "accounts", "letters", "--tar", "--days", str(wish.days),
        *(word for name, day in dates if day for word in (name, day.isoformat())),
        *(["--school", wish.school] if wish.school else []), *(["--asked"] if wish.asked else []),
        *(["--reset"] if wish.reset else []), "--", *wish.uids,
    ]  # fmt: skip


def keep(folder: Path, files: Iterable[tuple[str, bytes]]) -> dict[str, Any]:
    """Write the files; what the manifest says. Raises MallepostError when there is none."""
    manifest: dict[str, Any] | None = None
    for name, content in files:
        if name == MANIFEST:
            manifest = json.loads(content)
        else:
            bundle.keep(folder, name, content)
    if manifest is None:
        raise MallepostError(
            "the transfer of the letters was interrupted: none is kept", "run it again: it issues new codes"
        )
    return manifest


def _school(_context: click.Context, _option: click.Parameter, code: str | None) -> str:
    try:
        return values.uai(code) if code else ""
    except values.BadValueError as error:
        raise InputError(f"--school: {error}") from error


@click.command("letters")
@click.argument("uid", nargs=-1)
@INVENTORY
@click.option("--school", metavar="UAI", callback=_school, help="Only the agents of this school.")
@click.option("--list", "path", type=click.Path(path_type=Path), metavar="FILE", help="A log-in or address a line.")
@click.option("--reset", is_flag=True, help="Also those who have a password, to choose another one.")
@click.option("--asked", is_flag=True, help="Only agents for whom the help desk asked for a new letter.")
@click.option("--since", type=_DAY, metavar="DATE", help="Only accounts created on that day or later.")
@click.option("--from", "begin", type=_DAY, metavar="DATE", help="Day on which the letters arrive (default: today).")
@click.option("--days", type=click.IntRange(1, _LONGEST), default=30, show_default=True, help="Days a code is good.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FOLDER", help="A new folder (default: letters-DATE).")
@AS_JSON
@click.option("--tar", is_flag=True, hidden=True, help="Write the files to standard output.")
def letters_command(
    uid: tuple[str, ...], inventory: str | None, school: str, path: Path | None, reset: bool, asked: bool,
    since: datetime.datetime | None, begin: datetime.datetime | None, days: int, out: Path | None, as_json: bool,
    tar: bool,
) -> int:  # fmt: skip
    """Issue INA codes to agents who have not activated their account, and print a letter for each.

    With --reset, agents of a school, of a list or by name who have a password get one too: the code lets them choose
    another. Until then the present one stays (to end it at once: accounts block, accounts expire).

    The folder gets a PDF for each school, one page for each agent, and a table for mail merge. A new letter invalidates
    the codes of earlier ones. After an interruption no letter is kept: run the command again.

    \b
    Example:
      sudo ./malleposte accounts letters --from 2026-09-01 --out lettres
      sudo ./malleposte accounts letters --since 2026-10-01 --school 0210001M
      sudo ./malleposte accounts letters mdupond zmartin2
      sudo ./malleposte accounts letters --asked
      sudo ./malleposte accounts letters --reset --list phished.txt
    """
    uid = (*uid, *(named(read_bytes(path, MOST_BYTES)) if path else ()))
    if path and not uid:
        raise InputError(f"{path} names nobody", "give a log-in or an address a line")
    if reset and not (uid or school):
        raise InputError("--reset is for agents of a school, or by name", "give --school, --list or log-ins")
    wish = Wish(uid, school, since.date() if since else None, begin.date() if begin else None, days, asked, reset)
    if tar:
        bundle.pack(make(Settings.read(), wish, Meter(quiet=False)), sys.stdout.buffer)
        return ExitCode.DONE
    folder = out or Path(f"letters-{datetime.datetime.now():%Y%m%d-%H%M%S}")
    with bundle.new_folder(folder) as target:
        if paths.HOSTED:
            manifest = keep(target, make(Settings.read(), wish, Meter(quiet=as_json)))
        else:
            with remote.one(paths.inventory(inventory), GROUP).stream(words_of(wish)) as source:
                manifest = keep(target, bundle.unpack(source))
    return tell(manifest | {"folder": str(folder)}, as_json=as_json)


def tell(manifest: dict[str, Any], *, as_json: bool) -> int:
    """Print what was done; 1 when somebody was left out."""
    files = f"{manifest['letters']} letters in {manifest['files']} files"
    lines = [f"{manifest['folder']}: {files}, good until {manifest['until']}"]
    if manifest["revoked"]:
        lines.append(f"  {manifest['revoked']} earlier codes were still good and no longer are")
    lines += [f"  left out: {one['uid']} {one['reason']}" for one in manifest["skipped"]]
    answer(manifest, lines, as_json=as_json)
    return ExitCode.FAILURE if manifest["skipped"] else ExitCode.DONE
