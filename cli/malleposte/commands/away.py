"""Commands that run themselves on other hosts: typed on the controller, the same words run there over ssh.

Output and exit code are those of the host. A class says which hosts are meant; the command's own function runs there.
"""

from __future__ import annotations

import getpass
import json
import os
import socket
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import click

from malleposte.commands.options import INVENTORY_WORDS, tell_inventory
from malleposte.core import paths
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.fleet import remote

_INVENTORY, _HOSTS, _TYPED = "malleposte.away.inventory", "malleposte.away.hosts", "malleposte.away.typed"
CONTROLLERS = (("-i", "--inventory"), ("", "--host"))
"""Options for the way to the hosts, which they are not told: short and long name."""


def run(
    place: remote.Place, words: Sequence[str], *, content: bytes | None = None, out: IO[bytes] | None = None
) -> int:
    """Run the command line there; its exit code.

    `content` is its standard input, else this one's; `out` takes its standard output, else it passes through. Raises
    MallepostError when the host cannot be reached.
    """
    standard_input: dict[str, Any] = {"stdin": None} if content is None else {"input": content}
    done = subprocess.run(place.argv(words), stdout=out, check=False, **standard_input)
    place.reached(done.returncode)
    return done.returncode


def run_each(
    places: Sequence[remote.Place],
    words: Sequence[str],
    *,
    content: bytes | None = b"",
    until_done: bool = False,
    some_hold: bool = False,
) -> int:
    """Run it on each of these hosts; the worst exit code. With --json the answers are one document, by host.

    A host out of reach is named and keeps no other from its work: exit code 4, or 1 where none was reached.
    `until_done` stops at the first host on which it was done. `some_hold`: a host that does not know the thing (bad
    input) counts only where none knows it.
    """
    as_json = "--json" in words
    codes: list[int] = []
    answers: dict[str, Any] = {}
    for place in places:
        if len(places) > 1 and not as_json and not until_done:
            click.secho(place.name, bold=True)
        try:
            if as_json:
                code, answers[place.name] = place.answer(words)
            else:
                code = run(place, words, content=content)
        except MallepostError as error:
            if len(places) == 1:
                raise
            click.echo(f"malleposte: {error}", err=True)
            continue
        codes.append(code)
        if until_done and code == ExitCode.DONE:
            return code
    if as_json:
        click.echo(json.dumps({"hosts": answers}, indent=2, ensure_ascii=False))
    missing = len(codes) < len(places)
    if some_hold:
        codes = [code for code in codes if code != ExitCode.BAD_INPUT] or codes
    if missing:
        return max(*codes, ExitCode.PARTLY) if codes else ExitCode.FAILURE
    return codes[-1] if until_done else max(codes, default=ExitCode.DONE)


def the_one(places: Sequence[remote.Place]) -> remote.Place:
    """The only host of these. Raises InputError when there are others."""
    if len(places) > 1:
        names = ", ".join(place.name for place in places)
        raise InputError(f"{len(places)} hosts could be meant", f"name one with --host: {names}")
    return places[0]


def without_way(words: Sequence[str]) -> list[str]:
    """The words less the options of the way and their values."""
    shorts, longs = zip(*CONTROLLERS, strict=True)
    left: list[str] = []
    skip = False
    for place, word in enumerate(words):
        if skip:
            skip = False
        elif word == "--":
            return [*left, *words[place:]]
        elif word in (*filter(None, shorts), *longs):
            skip = True
        elif not word.startswith((*(f"{one}=" for one in longs), *filter(None, shorts))):
            left.append(word)
    return left


def person() -> str:
    """The person who types, for the journal of the host, which sees root alone."""
    return f"{os.environ.get('SUDO_USER') or getpass.getuser()}@{socket.gethostname()}"


def _keep_inventory(context: click.Context, option: click.Parameter, value: str | None) -> None:
    """Callback: the inventory is for the way to the hosts, not for the command's own function."""
    context.meta[_INVENTORY] = tell_inventory(context, option, value)


def _keep_hosts(context: click.Context, _option: click.Parameter, value: Any) -> None:
    """Callback: so are the names of hosts."""
    context.meta[_HOSTS] = value


class HostCommand(click.Command):
    """A command that works on one host; the directory's, unless a class says otherwise.

    It has the option --inventory without further words, and --host where `asks_host` is its help.
    """

    reads_stdin = False
    """Whether standard input is part of it. Else it is left alone, so that a shell's loop keeps its list."""
    host_group: remote.Groups = "directory"
    asks_host = ""
    many_hosts = False
    """Whether --host may be repeated."""

    def __init__(self, *args: Any, **named: Any) -> None:
        """See click.Command."""
        super().__init__(*args, **named)
        shared: dict[str, Any] = {"expose_value": False}
        if self.asks_host:
            words: dict[str, Any] = {"metavar": "NAME", "help": self.asks_host, "multiple": self.many_hosts}
            self.params.append(click.Option(["--host"], callback=_keep_hosts, **words, **shared))
        self.params.append(click.Option(["-i", "--inventory"], callback=_keep_inventory, **INVENTORY_WORDS, **shared))

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the words as they were typed."""
        ctx.meta[_TYPED] = list(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Here on a host, over ssh on the controller."""
        return super().invoke(ctx) if paths.HOSTED else self.go(ctx)

    def go(self, ctx: click.Context) -> int:
        """Run it where it is meant to."""
        names: list[str] = []
        step = ctx
        while step.parent is not None:
            names.insert(0, str(step.info_name))
            step = step.parent
        if names[0] == "accounts":
            names[1:1] = ["--by", person()]
        return self.away(ctx, paths.inventory(ctx.meta[_INVENTORY]), [*names, *without_way(ctx.meta[_TYPED])])

    @property
    def standard_input(self) -> bytes | None:
        """The standard input of the host; None for this one's."""
        return None if self.reads_stdin or sys.stdin.isatty() else b""

    def hosts(self, ctx: click.Context) -> list[str]:
        """The hosts that were named."""
        named = ctx.meta.get(_HOSTS) or ()
        return [named] if isinstance(named, str) else list(named)

    def place(self, ctx: click.Context, inventory: Path) -> remote.Place:
        """The one host that is meant. Raises InputError when it is not clear which."""
        return the_one(remote.places(inventory, self.host_group, only=self.hosts(ctx)))

    def away(self, ctx: click.Context, inventory: Path, words: list[str]) -> int:
        """Run it on the host; a command that makes files here has its own way."""
        return run(self.place(ctx, inventory), words, content=self.standard_input)


class EachHostCommand(HostCommand):
    """A command that works on every host of a group, or on those that are named."""

    asks_host = "This host only (repeatable)."
    many_hosts = True
    until_done = False
    """Whether the first host on which it was done is the last."""
    some_hold = False
    """Whether a host may not know the thing, where another does."""

    def places(self, ctx: click.Context, inventory: Path) -> list[remote.Place]:
        """The hosts that are meant."""
        return remote.places(inventory, self.host_group, only=self.hosts(ctx))

    def away(self, ctx: click.Context, inventory: Path, words: list[str]) -> int:
        """See HostCommand."""
        how = {"until_done": self.until_done, "some_hold": self.some_hold}
        return run_each(self.places(ctx, inventory), words, content=self.standard_input, **how)


class TypedCommand(HostCommand):
    """One that reads standard input."""

    reads_stdin = True


class MailCommand(EachHostCommand):
    """One on every host that carries mail."""

    host_group = "mail"


class PortalCommand(EachHostCommand):
    """One on every host of the portal: each has its own notices, and its own log-ins."""

    host_group = "portal"
