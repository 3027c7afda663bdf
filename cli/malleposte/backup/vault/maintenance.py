"""Maintain the clients' repositories on a backup server: compare, prune and check.

Clients enter through `flock --shared` on their lock file (roles/borg_vault), so that nobody writes while maintenance
compares, removes and compacts under the exclusive lock: what was found right is what is compacted.
"""

from __future__ import annotations

import configparser
import contextlib
import json
import os
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from malleposte.backup.archive.archives import COMMON, MADE, MADE_FILE, SEPARATOR, whole
from malleposte.backup.archive.borg import Borg, BorgError, environment
from malleposte.core.errors import InputError, MallepostError
from malleposte.core.loops import named
from malleposte.platform.locks import take
from malleposte.platform.times import local
from malleposte.runtime import owner

from .ledger import Claim, Ledger

PATH = Path("/etc/malleposte/vault.json")
BORG = ".borg"
CONFIG = "config"


class Fault(MallepostError):
    """A repository is not as it was left; nothing in it was removed."""


@dataclass(frozen=True)
class Settings:
    """The settings that the role wrote for this backup server."""

    root: Path
    state: Path
    clients: Mapping[str, list[str]]
    rules: Mapping[str, int] = field(default_factory=dict)
    patience: float = 22200
    """Seconds to wait for a client's session to end; more than a session may last."""
    check_seconds: int = 14400

    @classmethod
    def read(cls, path: Path = PATH) -> Settings:
        """Raises InputError where this host is no vault."""
        try:
            data: dict[str, Any] = json.loads(path.read_text("utf-8"))
        except FileNotFoundError as error:
            raise InputError("this host is no vault", f"{path} is not there") from error
        return cls(
            Path(data["root"]),
            Path(data["state"]),
            {client["name"]: list(client["repositories"]) for client in data["clients"]},
            data["keep"],
            float(data["patience_seconds"]),
            int(data["check_seconds"]),
        )


@dataclass(frozen=True)
class Repository:
    """One repository of one client."""

    settings: Settings
    client: str
    name: str

    @property
    def path(self) -> Path:
        """The repository's folder."""
        return self.settings.root / self.client / self.name

    @property
    def label(self) -> str:
        """The repository's name in messages."""
        return f"{self.client}/{self.name}"

    @property
    def ledger_path(self) -> Path:
        """The ledger's path, out of the client's reach."""
        return self.settings.state / self.client / f"{self.name}.json"

    def identity(self) -> dict[str, str]:
        """Its id and its encrypted key, which a client can overwrite. Empty when it was never made.

        Raises Fault where the client has put something else in the file's place.
        """
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string(owner.read(self.path / CONFIG).decode())
            return {name: parser["repository"][name] for name in ("id", "key")}
        except (FileNotFoundError, configparser.Error, KeyError, UnicodeDecodeError):
            return {}
        except OSError as error:
            raise Fault(
                f"{self.label}: its {CONFIG} cannot be read: {error.strerror}", "look at it on the vault"
            ) from error

    def transaction(self) -> int:
        """The number of its last committed transaction: its newest index (borg's "Internals", repository)."""
        numbers = [int(one.suffix[1:]) for one in self.path.glob("index.*") if one.suffix[1:].isdigit()]
        return max(numbers, default=-1)

    def borg(self) -> Borg:
        """borg on this repository, with the passphrase that systemd handed over. Raises MallepostError without it."""
        passphrase = Path(os.environ.get("CREDENTIALS_DIRECTORY", "/nonexistent")) / self.client
        if not passphrase.exists():
            raise MallepostError(f"no passphrase for {self.client}", "start the unit malleposte-vault@ instead")
        return Borg(environment(self.settings.state / BORG, passphrase), lock_wait=60)

    def unlock(self) -> None:
        """Take away borg's own lock. No session is open (`closed`), so it is of a client that broke off in mid-work,
        on a host of which borg here cannot know whether it still runs.
        """
        if any(self.path.glob("lock.*")):
            base = environment(self.settings.state / BORG, Path("/dev/null"))
            Borg(base, lock_wait=60).run("--umask", "0007", "break-lock", str(self.path))

    def present(self, borg: Borg) -> dict[str, str]:
        """Its archives: id to name, those that were cut short included."""
        document = json.loads(
            borg.run("--umask", "0007", "list", "--json", "--consider-checkpoints", str(self.path)).output
        )
        return {one["id"]: one["name"] for one in document["archives"]}


def claims(settings: Settings, client: str) -> dict[str, dict[str, Claim]]:
    """Return the archives that a client says it made, by repository and id: its newest list, in `system`.

    Empty before it gave any. Raises BorgError; ValueError, KeyError or TypeError when it cannot be understood.
    """
    place = Repository(settings, client, COMMON)
    by_repository: dict[str, dict[str, Claim]] = {}
    if COMMON not in settings.clients[client] or not place.identity():
        return by_repository
    place.unlock()
    borg = place.borg()
    names = [name for name in place.present(borg).values() if whole(name) and name.startswith(f"{MADE}{SEPARATOR}")]
    if names:
        listed = json.loads(borg.run("extract", "--stdout", f"{place.path}::{max(names)}", MADE_FILE).output)
        for key, one in listed.items():
            by_repository.setdefault(one["repository"], {})[key] = Claim(one["repository"], one["name"], one["start"])
    return by_repository


def repositories(settings: Settings, client: str | None = None, name: str | None = None) -> list[Repository]:
    """The repositories of this vault, all or those named. Raises InputError on an unknown name."""
    if client is not None and client not in settings.clients:
        raise InputError(f"no client {client!r}", f"known are {', '.join(settings.clients)}")
    every = [
        Repository(settings, one, each)
        for one, names in settings.clients.items()
        if client in (None, one)
        for each in names
    ]
    matching = [one for one in every if name in (None, one.name)]
    if not matching:
        raise InputError(f"no repository {name!r}", f"known are {', '.join(one.name for one in every)}")
    return matching


@contextmanager
def closed(settings: Settings, client: str) -> Iterator[None]:
    """Nobody else works on a client's repositories inside the block. Raises Fault when a session does not end.

    No session begins while this waits.
    """
    end = time.monotonic() + settings.patience
    folder = settings.root / client
    with (folder / "gate").open("r") as gate, (folder / "lock").open("r") as handle:
        while True:
            # A session passes the gate in an instant, so that only another act of the keeper's is met here. From
            # then on no session begins, and those that are open end by their limit.
            if take(gate) and take(handle):
                break
            if time.monotonic() > end:
                raise Fault(
                    f"{client}: a session has been open for {settings.patience:.0f} s", f"see `pgrep -au borg-{client}`"
                )
            time.sleep(1)
        yield


def compared(
    repository: Repository,
    present: Mapping[str, str],
    ledger: Ledger | None,
    claimed: Mapping[str, Claim] | None = None,
) -> Ledger:
    """The ledger, after it was compared with what is there, and with what the client says it made (`claimed`).

    Raises Fault, with the command that undoes it.
    """
    here = socket.gethostname().partition(".")[0]
    which = f"--client {repository.client} --repository {repository.name} --host {here}"
    undo = f"undo it by: malleposte vault undo {which}"
    identity = repository.identity()
    current = ledger or Ledger(identity=identity)
    if lost := current.never_seen(present, claimed or {}):
        raise Fault(
            f"{repository.label}: gone before this vault first saw them: {_named([one.name for one in lost])}; nothing "
            "was removed",
            f"find out who has the key of {repository.client}; then go on with what is there: malleposte vault accept "
            f"{which}",
        )
    if ledger is None:
        return current
    if identity != ledger.identity:
        raise Fault(f"{repository.label}: its key or id was replaced", undo)
    gone = ledger.gone(present)
    if gone:
        names = _named([f"{one.name} (seen {local(one.seen)})" for one in gone])
        raise Fault(f"{repository.label}: gone: {names}; nothing was removed", undo)
    return ledger


def _named(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def watch(repository: Repository, claimed: Mapping[str, Claim] | None = None) -> str:
    """Compare a repository with its ledger and with what its client made (`claimed`); note what is new; one line of it.

    Raises Fault.
    """
    ledger = Ledger.read(repository.ledger_path)
    if not repository.identity():
        if ledger is not None:
            raise Fault(f"{repository.label}: the repository is gone or its configuration cannot be read")
        return f"{repository.label}: not used yet"
    present = repository.present(repository.borg())
    if ledger is None:
        # It was made through a session that may only append, and would bind the keeper too.
        repository.borg().run("--umask", "0007", "config", str(repository.path), "append_only", "0")
    ledger = compared(repository, {key: name for key, name in present.items() if whole(name)}, ledger, claimed)
    before = len(ledger.archives)
    ledger.note({key: name for key, name in present.items() if whole(name)}, datetime.now(UTC))
    ledger.transaction = repository.transaction()
    ledger.write(repository.ledger_path)
    return f"{repository.label}: {len(ledger.archives)} archives, {len(ledger.archives) - before} new"


def prune(repository: Repository, claimed: Mapping[str, Claim] | None = None) -> str:
    """Watch, then remove what no rule keeps, and give its space back. Raises Fault before anything is removed."""
    said = watch(repository, claimed)
    ledger = Ledger.read(repository.ledger_path)
    if ledger is None:
        return said
    borg = repository.borg()
    surplus = ledger.surplus(repository.settings.rules)
    unfinished = [name for name in repository.present(borg).values() if not whole(name)]
    names = [*(one.name for one in surplus.values()), *unfinished]
    if names:
        for entry in surplus.values():
            entry.leaving = True
        ledger.write(repository.ledger_path)
        try:
            borg.run("--umask", "0007", "delete", str(repository.path), *names)
        except BorgError:
            with contextlib.suppress(MallepostError):  # the next watch says it
                watch(repository)  # what is still there leaves no more
            raise
    borg.run("--umask", "0007", "compact", str(repository.path))
    watch(repository)
    return f"{repository.label}: {len(names)} archives removed, {len(ledger.archives) - len(surplus)} kept"


def check(repository: Repository, _made: Mapping[str, Claim] | None = None) -> str:
    """borg's check of the repository's own form; it needs no key. Raises BorgError."""
    if not repository.identity():
        return f"{repository.label}: not used yet"
    base = Borg(environment(repository.settings.state / BORG, Path("/dev/null")), lock_wait=60)
    limit = str(repository.settings.check_seconds)
    base.run("--umask", "0007", "check", "--repository-only", "--max-duration", limit, str(repository.path))
    return f"{repository.label}: sound"


ACTS: dict[str, Callable[[Repository, Mapping[str, Claim]], str]] = {"watch": watch, "prune": prune, "check": check}


def act(name: str, settings: Settings, say: Callable[[str], None]) -> list[str]:
    """Do `watch`, `prune` or `check` on every repository; the faults, a line each. One stops no other."""
    faults: list[str] = []
    for client in settings.clients:
        with named(faults.append), closed(settings, client):
            claimed: dict[str, dict[str, Claim]] = {}
            with named(faults.append, f"{client}: what it says it made cannot be read"):
                claimed = claims(settings, client) if name != "check" else {}
            for repository in repositories(settings, client):
                with named(faults.append):
                    repository.unlock()
                    say(ACTS[name](repository, claimed.get(repository.name, {})))
    return faults
