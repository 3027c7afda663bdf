"""The host on which a restore works: the one that holds what comes back."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

import click

from malleposte.commands import away
from malleposte.commands.away import EachHostCommand, HostCommand
from malleposte.commands.backup_options import VAULTS
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.fleet import remote
from malleposte.fleet.stores import store_of

CLIENTS = "malleposte"
"""The inventory group of the hosts that send archives, less the vaults."""
REFRESH = ("backup", "restore", "refresh")
"""The command that lets a host forget the old content of the databases."""
SHARED = "sogo"
"""The store of the agendas and address books of boxes, teams and rooms, whatever their class."""
SAY_WHERE = "say where it was: --service radicale or sogo"


class RestoreCommand(HostCommand):
    """One on the host of a group that holds what comes back."""

    asks_host = "The host to work on, where several could be meant."


class DirectoryCommand(RestoreCommand):
    """One on the directory's host."""


class DatabaseCommand(RestoreCommand):
    """One on the host of the databases. The hosts that cache their content are told afterwards."""

    host_group = "database"

    def away(self, ctx: click.Context, inventory: Path, words: list[str]) -> int:
        """See HostCommand."""
        place = self.place(ctx, inventory)
        code = away.run(place, words, content=self.standard_input)
        if ctx.params["dry_run"] or ctx.params["beside"]:
            return code
        return refreshed(inventory, place, code, ctx.params["name"])


class WebCommand(EachHostCommand):
    """One on every host of the web."""

    host_group = "web"


class AccountCommand(RestoreCommand):
    """One of an account's data, which the journal of accounts tells.

    The directory's host has the journal. A restore on it writes the line itself; else the controller has it written.
    """

    def run_and_tell(self, ctx: click.Context, inventory: Path, place: remote.Place, words: list[str]) -> int:
        """Run it there, and have the journal tell it. The exit code of a restore that it does not tell is 4."""
        code = away.run(place, [*words[:3], f"--by={away.person()}", *words[3:]], content=self.standard_input)
        named = ctx.params
        if code not in (ExitCode.DONE, ExitCode.PARTLY) or named.get("dry_run") or named.get("listed"):
            return code
        host = remote.one(inventory, "directory")
        if host.name == place.name:
            return code
        reason = [f"--reason={named['reason']}"] if named["reason"] else []
        what = named.get("folder") or named.get("collection") or ""
        line = ["accounts", "--by", away.person(), "restored", *reason, "--", words[2], named["uid"], what]
        try:
            if away.run(host, line, content=b""):
                raise MallepostError(f"{host.name} did not write the restore into the journal of accounts")
        except MallepostError as error:
            click.echo(f"malleposte: {error}; type: malleposte {shlex.join(line[:1] + line[3:])}", err=True)
            return ExitCode.PARTLY
        return code


class BoxCommand(AccountCommand):
    """One on the host that holds a mailbox. Only where there are several, the directory is asked which."""

    host_group = "mail"

    def place(self, ctx: click.Context, inventory: Path) -> remote.Place:
        """See HostCommand."""
        places = remote.places(inventory, self.host_group, only=self.hosts(ctx))
        if len(places) == 1:
            return places[0]
        uid = ctx.params["uid"]
        try:
            name = store_of(str(shown(inventory, uid).get("mail_host", "")), [place.name for place in places])
        except MallepostError as error:
            raise InputError(f"account {uid}: {error.message}", "say where it was: --host") from error
        return next(place for place in places if place.name == name)

    def away(self, ctx: click.Context, inventory: Path, words: list[str]) -> int:
        """See HostCommand."""
        return self.run_and_tell(ctx, inventory, self.place(ctx, inventory), words)


class DavCommand(AccountCommand):
    """One on the host of the store of an agent's agendas, which it is told: it cannot ask the directory."""

    def away(self, ctx: click.Context, inventory: Path, words: list[str]) -> int:
        """See HostCommand."""
        service = ctx.params["service"] or store_at_directory(inventory, ctx.params["uid"])
        group = "web" if service == "radicale" else "database"
        place = away.the_one(remote.places(inventory, group, only=self.hosts(ctx)))
        which = [] if ctx.params["service"] else [f"--service={service}"]
        return self.run_and_tell(ctx, inventory, place, [*words[:3], *which, *words[3:]])


class RestoreGroup(RestoreCommand, click.Group):
    """The group of them, which restores a whole host where no more is named: its function says when."""

    def invoke(self, ctx: click.Context) -> Any:
        """See click.Group."""
        return click.Group.invoke(self, ctx)

    def place(self, ctx: click.Context, inventory: Path) -> remote.Place:
        """See HostCommand."""
        return away.the_one(remote.places(inventory, CLIENTS, but=VAULTS, only=self.hosts(ctx)))

    def away(self, ctx: click.Context, inventory: Path, words: list[str]) -> int:
        """See HostCommand. The databases of the whole host came back with it."""
        place = self.place(ctx, inventory)
        code = away.run(place, words, content=self.standard_input)
        return code if ctx.params["dry_run"] else refreshed(inventory, place, code)


def refreshed(inventory: Path, place: remote.Place, code: int, *names: str) -> int:
    """After a restore on the host of the databases: let the other hosts of the web forget what they knew of these.

    Returns the exit code: that of the restore, or 4 where it succeeded and a host of the web could not be told.
    """
    if code not in (ExitCode.DONE, ExitCode.PARTLY):
        return code
    words = [*REFRESH, *names]
    listed = remote.listing(inventory)
    if place.name not in remote.members(listed, DatabaseCommand.host_group):
        return code
    for one in remote.chosen(listed, WebCommand.host_group):
        if one.name == place.name:
            continue
        try:
            if away.run(one, words, content=b"", out=sys.stderr.buffer):
                raise MallepostError(f"{one.name} still knows the old content of the databases")
        except MallepostError as error:
            click.echo(f"malleposte: {error}; type: malleposte {' '.join(words)} --host {one.name}", err=True)
            code = ExitCode.PARTLY
    return code


def shown(inventory: Path, uid: str, *group: str) -> dict[str, Any]:
    """Return the data that the directory's host shows of an account, or of one of a group (`box`, `room`); else {}."""
    _code, row = remote.one(inventory, "directory").answer(["accounts", *group, "show", "--json", "--", uid])
    return row if isinstance(row, dict) and "uid" in row else {}


def store_at_directory(inventory: Path, uid: str) -> str:
    """Return the store of an account's agendas, from the directory's host. Raises InputError when it does not know."""
    row = shown(inventory, uid)
    if not row and any(shown(inventory, uid, group) for group in ("box", "room")):
        return SHARED
    if not row:
        raise InputError(f"account {uid}: not in the directory", SAY_WHERE)
    if not row.get("agenda"):
        raise InputError(f"account {uid}: its class of service {row.get('profile') or ''} is not known", SAY_WHERE)
    return str(row["agenda"])
