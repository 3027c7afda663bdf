"""Common parts of the accounts commands: the run on their host, options, private files, progress."""

from __future__ import annotations

import getpass
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import IO, Any

import click

from malleposte import paths
from malleposte.commands.options import INVENTORY_WORDS, tell_inventory
from malleposte.errors import InputError, MallepostError
from malleposte.fleet import remote
from malleposte.progress import duration

GROUP = "directory"
AS_JSON = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")


_INVENTORY, _TYPED = "malleposte.accounts.inventory", "malleposte.accounts.typed"


def on_host(
    inventory: str | None, words: Sequence[str], *, content: bytes | None = None, out: IO[bytes] | None = None
) -> int:
    """Run `malleposte accounts WORDS` on the directory's host; its exit code.

    `content` is its standard input, else this one's; `out` takes its standard output, else it passes through. Raises
    MallepostError when the host cannot be reached.
    """
    place = remote.one(paths.inventory(inventory), GROUP)
    argv = place.argv(["accounts", "--by", _person(), *words])
    given: dict[str, Any] = {"stdin": None} if content is None else {"input": content}
    done = subprocess.run(argv, stdout=out, check=False, **given)
    if done.returncode == remote.SSH_FAILED:
        raise MallepostError(f"{place.name} cannot be reached over ssh")
    return done.returncode


def _person() -> str:
    """The person who types, for the journal of the host, which sees root alone."""
    return f"{os.environ.get('SUDO_USER') or getpass.getuser()}@{socket.gethostname()}"


def _keep_inventory(context: click.Context, option: click.Parameter, value: str | None) -> None:
    """Callback: the inventory is for the way to the host, not for the command's own function."""
    context.meta[_INVENTORY] = tell_inventory(context, option, value)


class HostCommand(click.Command):
    """A command that works on the directory's host: typed on the controller, it runs itself there, same words.

    What it prints, and its exit code, are the host's. It has the option --inventory without further words.
    """

    reads_stdin = False
    """Whether standard input is part of it. Else it is left alone, so that a shell's loop keeps its list."""

    def __init__(self, *args: Any, **named: Any) -> None:
        """See click.Command."""
        super().__init__(*args, **named)
        self.params.append(
            click.Option(
                ["-i", "--inventory"],
                expose_value=False,
                callback=_keep_inventory,
                **INVENTORY_WORDS,
            )
        )

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Keep the words as they were typed."""
        ctx.meta[_TYPED] = list(args)
        return super().parse_args(ctx, args)

    def invoke(self, ctx: click.Context) -> Any:
        """Here on a host, over ssh on the controller."""
        if paths.HOSTED:
            return super().invoke(ctx)
        names: list[str] = []
        step: click.Context | None = ctx
        while step is not None and step.parent is not None:
            names.insert(0, str(step.info_name))
            step = step.parent
        return self.away(ctx.meta.get(_INVENTORY), [*names[1:], *without_inventory(ctx.meta[_TYPED])])

    def away(self, inventory: str | None, words: Sequence[str]) -> int:
        """Run it on the host; a command that makes files here has its own way."""
        given = None if self.reads_stdin or sys.stdin.isatty() else b""
        return on_host(inventory, words, content=given)


class TypedCommand(HostCommand):
    """One that reads standard input."""

    reads_stdin = True


def without_inventory(words: Sequence[str]) -> list[str]:
    """The words less the option --inventory and its value."""
    kept: list[str] = []
    skip = False
    for place, word in enumerate(words):
        if word == "--":
            return [*kept, *words[place:]]
        if skip:
            skip = False
        elif word in ("-i", "--inventory"):
            skip = True
        elif not word.startswith("--inventory=") and not (word.startswith("-i") and len(word) > 2):
            kept.append(word)
    return kept


def read_bytes(path: Path, most: int) -> bytes:
    """A file's content, or standard input for `-`. Raises InputError, for one of more than `most` bytes too."""
    try:
        with sys.stdin.buffer if str(path) == "-" else path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error
    if len(content) > most:
        raise InputError(f"{path}: more than {most >> 20} MB; no file of this kind is that large")
    return content


def emit(pieces: Iterable[str]) -> None:
    """Print a long document (UTF-8) without holding it whole."""
    sys.stdout.flush()
    for piece in pieces:
        sys.stdout.buffer.write(piece.encode())
    sys.stdout.buffer.flush()


def write_private(path: Path, text: str | Iterable[str]) -> None:
    """A file that its owner alone reads: it holds names, or the rows as they came."""
    try:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
            file.writelines([text] if isinstance(text, str) else text)
    except OSError as error:
        raise InputError(f"{path}: {error.strerror}") from error


class Meter:
    """Progress with rate and time left, on standard error: a line every two seconds of work."""

    def __init__(self, *, quiet: bool) -> None:
        self.quiet, self.begun = quiet, time.monotonic()
        self.last = self.begun

    def __call__(self, done: int, whole: int) -> None:
        """Tell how far the work is."""
        now = time.monotonic()
        if self.quiet or (now - self.last < 2 and done < whole) or (done == whole and now - self.begun < 2):
            return
        self.last = now
        rate = done / max(now - self.begun, 0.001)
        left = duration((whole - done) / rate) if rate else "?"
        click.echo(f"{done} of {whole}, {rate:.0f} a second, {left} left", err=True)
