"""From the controller to the hosts: which there are, the way to each, and the command line run there."""

from __future__ import annotations

import contextlib
import json
import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.fleet import ssh

SSH_FAILED = 255


@dataclass(frozen=True)
class Place:
    """A host of the inventory, and the ssh words that lead to it."""

    name: str
    ssh: tuple[str, ...]

    def argv(self, words: Sequence[str], *, terminal: bool = False) -> list[str]:
        """The local argument list that runs `malleposte` with `words` there."""
        way = [self.ssh[0], *(["-t"] if terminal else []), *self.ssh[1:]]
        return [*way, shlex.join(["malleposte", *words])]

    def run(self, words: Sequence[str], *, terminal: bool = False) -> int:
        """Run the command line there, its output passed through; its exit code. Raises MallepostError without ssh."""
        done = subprocess.run(self.argv(words, terminal=terminal), stdin=None if terminal else subprocess.DEVNULL)  # noqa: PLW1510
        self.reached(done.returncode)
        return done.returncode

    def reached(self, code: int) -> None:
        """Raise MallepostError where the exit code is that of an ssh which did not get there, with ssh's reason."""
        if code == SSH_FAILED:
            reason = ssh.reason(self.name)
            barred = any(word in reason for word in ("Permission denied", "verification failed"))
            hint = "look at its user, key and host key in the inventory" if barred else "start it"
            why = f": {reason}" if reason else ""
            raise MallepostError(f"{self.name} cannot be reached over ssh{why}", f"{hint}, then type this again")

    def _done(self, words: Sequence[str], code: int) -> None:
        """Raise the error that the command line ended with there, if any."""
        self.reached(code)
        if code:
            kind = InputError if code == ExitCode.BAD_INPUT else MallepostError
            error = kind(f"{self.name}: `malleposte {' '.join(words[:2])}` ended with {code}")
            error.on_stderr = code in (ExitCode.FAILURE, ExitCode.BAD_INPUT)
            raise error

    def answer(self, words: Sequence[str]) -> tuple[int, Any]:
        """Run it there and read the JSON it prints; what it says goes to standard error.

        Raises MallepostError when it cannot be reached or prints none.
        """
        done = subprocess.run(
            self.argv(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, check=False
        )
        self.reached(done.returncode)
        try:
            return done.returncode, json.loads(done.stdout)
        except ValueError:
            raise MallepostError(f"{self.name}: `malleposte {' '.join(words)}` failed") from None

    @contextlib.contextmanager
    def stream(self, words: Sequence[str]) -> Iterator[IO[bytes]]:
        """Run it there and read what it prints as it comes; its complaints pass through.

        Raises the error that it ended with, which matters more than what its reader made of the end.
        """
        with subprocess.Popen(self.argv(words), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                yield process.stdout
            except MallepostError as error:
                process.stdout.close()
                if not process.wait() or isinstance(error, InputError):
                    raise
        self._done(words, process.returncode)

    def exchange(self, words: Sequence[str], content: bytes, *, also: Sequence[int] = ()) -> Any:
        """The JSON that it prints, as `printed`."""
        try:
            answer = json.loads(self.printed(words, content, also=also))
        except ValueError:
            raise MallepostError(f"{self.name}: `malleposte {' '.join(words[:2])}` printed no JSON") from None
        if isinstance(answer, dict) and "exit_code" in answer and "error" in answer:
            raise MallepostError(f"{self.name}: {answer['error']}", answer.get("hint") or None)
        return answer

    def printed(self, words: Sequence[str], content: bytes, *, also: Sequence[int] = ()) -> bytes:
        """Run it there with `content` as its input; what it prints. Its complaints pass through.

        Raises the error that it ended with, unless the exit code is among `also`.
        """
        done = subprocess.run(self.argv(words), input=content, stdout=subprocess.PIPE, check=False)
        if done.returncode not in also or not done.stdout:
            self._done(words, done.returncode)
        return done.stdout


def listing(inventory: Path) -> dict[str, Any]:
    """The inventory, as `Site.listing` tells it. Raises InputError."""
    from malleposte.fleet.site import Site  # Ansible itself: only where an inventory is

    return Site(inventory).listing()


type Groups = str | tuple[str, ...]
"""A group of the inventory, or several."""


def _named(group: Groups) -> tuple[str, ...]:
    return (group,) if isinstance(group, str) else group


def members(listed: Mapping[str, Any], group: str) -> list[str]:
    """The hosts of a group and of the groups below it, each once."""
    entry = listed.get(group, {})
    below = [host for child in entry.get("children", []) for host in members(listed, child)]
    return list(dict.fromkeys([*entry.get("hosts", []), *below]))


def places(inventory: Path, group: Groups, *, but: str = "", only: Sequence[str] = ()) -> list[Place]:
    """The hosts of a group, or of several, less those of `but`; `only` picks some.

    Raises InputError where none is left.
    """
    hosts = chosen(listing(inventory), group, but=but, only=only)
    if not hosts:
        raise InputError(f"inventory {inventory}: no host in the group {' or '.join(_named(group))}")
    return hosts


def backed_up(inventory: Path, *, only: Sequence[str] = ()) -> list[Place]:
    """The hosts that send archives; `only` picks some. Raises InputError where there is no vault to send to."""
    listed = listing(inventory)
    if not members(listed, "vault"):
        hint = "add hosts to it (two, for one may be lost) and deploy; see Backups in docs/operate.md"
        raise InputError(f"inventory {inventory}: nothing is backed up, for the group vault has no host", hint)
    return chosen(listed, "malleposte", but="vault", only=only)


def chosen(listed: Mapping[str, Any], group: Groups, *, but: str = "", only: Sequence[str] = ()) -> list[Place]:
    """The same of a listing, each host once; none is none."""
    away = set(members(listed, but)) if but else set()
    of_groups = (name for one in _named(group) for name in members(listed, one))
    names = [name for name in dict.fromkeys(of_groups) if name not in away]
    for name in only:
        if name not in names:
            raise InputError(f"no host {name!r}", f"known are {', '.join(names)}")
    facts = listed.get("_meta", {}).get("hostvars", {})
    return [Place(name, ssh_to(facts.get(name, {}), name, *ssh.complaints(name))) for name in only or names]


def backups(inventory: Path) -> tuple[list[str], list[Place]]:
    """The vaults' names, as their clients call them, and the hosts that send archives; both empty without vaults."""
    listed = listing(inventory)
    vaults = [name.split(".")[0] for name in sorted(members(listed, "vault"))]
    return vaults, chosen(listed, "malleposte", but="vault") if vaults else []


def one(inventory: Path, group: str) -> Place:
    """The first host of a group. Raises InputError when it is empty."""
    return places(inventory, group)[0]


def ssh_to(variables: Mapping[str, Any], name: str, *more: str) -> tuple[str, ...]:
    """The ssh words up to a host, over a connection of its own; `more` are options of ssh."""
    return tuple(ssh.words(ssh.way(variables, name), more=(*ssh.OWN, *more)))
