"""What a vault does with its clients' repositories: watch, thin out, check, and undo what a client did.

Clients enter through `flock --shared` on their lock file (roles/borg_vault), so that nobody writes while the keeper
compares, removes and compacts under the exclusive lock: what was found right is what is compacted.
"""

from __future__ import annotations

import configparser
import fcntl
import json
import os
import shutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from malleposte.errors import InputError, MallepostError

from .archives import whole
from .borg import Borg, environment
from .ledger import Ledger

PATH = Path("/etc/malleposte/vault.json")
UNDONE = ".undone"
BORG = ".borg"
CONFIG = "config"


class Fault(MallepostError):
    """A repository is not as it was left; nothing in it was removed."""


@dataclass(frozen=True)
class Settings:
    """What the role wrote for this vault."""

    root: Path
    state: Path
    clients: Mapping[str, list[str]]
    rules: Mapping[str, int] = field(default_factory=dict)
    patience: float = 3600
    """Seconds to wait for a client's session to end."""
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
        """Where it lies."""
        return self.settings.root / self.client / self.name

    @property
    def label(self) -> str:
        """What messages call it."""
        return f"{self.client}/{self.name}"

    @property
    def ledger_path(self) -> Path:
        """Where its ledger lies, out of the client's reach."""
        return self.settings.state / self.client / f"{self.name}.json"

    def identity(self) -> dict[str, str]:
        """Its id and its encrypted key, which a client can overwrite. Empty when it was never made."""
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read_string((self.path / CONFIG).read_text("utf-8"))
            return {name: parser["repository"][name] for name in ("id", "key")}
        except (FileNotFoundError, configparser.Error, KeyError):
            return {}

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

    def present(self, borg: Borg) -> dict[str, str]:
        """Its archives: id to name, those that were cut short included."""
        found = json.loads(
            borg.run("--umask", "0007", "list", "--json", "--consider-checkpoints", str(self.path)).output
        )
        return {one["id"]: one["name"] for one in found["archives"]}


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
    found = [one for one in every if name in (None, one.name)]
    if not found:
        raise InputError(f"no repository {name!r}", f"known are {', '.join(one.name for one in every)}")
    return found


@contextmanager
def closed(settings: Settings, client: str) -> Iterator[None]:
    """Nobody else works on a client's repositories inside the block. Raises Fault when a session does not end."""
    end = time.monotonic() + settings.patience
    with (settings.root / client / "lock").open("r") as handle:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > end:
                    raise Fault(
                        f"{client}: a session has been open for {settings.patience:.0f} s",
                        f"see `pgrep -au borg-{client}`",
                    ) from None
                time.sleep(1)
        yield


def compared(repository: Repository, present: Mapping[str, str], ledger: Ledger | None) -> Ledger:
    """The ledger, after it was compared with what is there. Raises Fault, with the command that undoes it."""
    undo = f"undo it by: malleposte vault undo --client {repository.client} --repository {repository.name}"
    identity = repository.identity()
    if ledger is None:
        return Ledger(identity=identity)
    if identity != ledger.identity:
        raise Fault(f"{repository.label}: its key or id was replaced", undo)
    gone = ledger.gone(present)
    if gone:
        names = ", ".join(f"{one.name} (seen {one.seen})" for one in gone[:5])
        more = f" and {len(gone) - 5} more" if len(gone) > 5 else ""
        raise Fault(f"{repository.label}: gone: {names}{more}; nothing was removed", undo)
    return ledger


def watch(repository: Repository) -> str:
    """Compare a repository with its ledger and note what is new; one line of what was found. Raises Fault."""
    ledger = Ledger.read(repository.ledger_path)
    if not repository.identity():
        if ledger is not None:
            raise Fault(f"{repository.label}: the repository is gone or its configuration cannot be read")
        return f"{repository.label}: not used yet"
    present = repository.present(repository.borg())
    if ledger is None:
        # It was made through a session that may only append, and would bind the keeper too.
        repository.borg().run("--umask", "0007", "config", str(repository.path), "append_only", "0")
    ledger = compared(repository, {key: name for key, name in present.items() if whole(name)}, ledger)
    before = len(ledger.archives)
    ledger.note({key: name for key, name in present.items() if whole(name)}, datetime.now(UTC))
    ledger.transaction = repository.transaction()
    ledger.write(repository.ledger_path)
    return f"{repository.label}: {len(ledger.archives)} archives, {len(ledger.archives) - before} new"


def prune(repository: Repository) -> str:
    """Watch, then remove what no rule keeps, and give its space back. Raises Fault before anything is removed."""
    said = watch(repository)
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
        borg.run("--umask", "0007", "delete", str(repository.path), *names)
    borg.run("--umask", "0007", "compact", str(repository.path))
    watch(repository)
    return f"{repository.label}: {len(names)} archives removed, {len(ledger.archives) - len(surplus)} kept"


def check(repository: Repository) -> str:
    """borg's check of the repository's own form; it needs no key. Raises BorgError."""
    if not repository.identity():
        return f"{repository.label}: not used yet"
    base = Borg(environment(repository.settings.state / BORG, Path("/dev/null")), lock_wait=60)
    limit = str(repository.settings.check_seconds)
    base.run("--umask", "0007", "check", "--repository-only", "--max-duration", limit, str(repository.path))
    return f"{repository.label}: sound"


ACTS: dict[str, Callable[[Repository], str]] = {"watch": watch, "prune": prune, "check": check}


def act(name: str, settings: Settings, say: Callable[[str], None]) -> list[str]:
    """Do `watch`, `prune` or `check` on every repository; the faults, a line each. One stops no other."""
    faults: list[str] = []
    for client in settings.clients:
        try:
            with closed(settings, client):
                for repository in repositories(settings, client):
                    try:
                        say(ACTS[name](repository))
                    except (MallepostError, OSError, ValueError) as error:
                        faults.append(f"{error}")
        except (MallepostError, OSError) as error:
            faults.append(f"{error}")
    return faults


def undo(repository: Repository) -> str:
    """Take a repository back to the last transaction that the ledger found right; one line of what was done.

    What came later is moved aside, not removed (borg's "Append-only mode": roll back). Raises MallepostError.
    """
    ledger = Ledger.read(repository.ledger_path)
    if ledger is None or ledger.transaction < 0:
        raise MallepostError(f"{repository.label}: this vault knows of no earlier state")
    with closed(repository.settings, repository.client):
        aside = (
            repository.settings.root
            / UNDONE
            / f"{repository.client}-{repository.name}-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
        )
        moved = [
            one
            for one in (repository.path / "data").glob("*/*")
            if one.name.isdigit() and int(one.name) > ledger.transaction
        ]
        derived = [one for kind in ("index", "hints", "integrity") for one in repository.path.glob(f"{kind}.*")]
        aside.mkdir(mode=0o700, parents=True)
        for one in [*moved, *derived]:
            one.rename(aside / one.name)
        restored = _key_back(repository, ledger)
        # What borg remembers of the later state would call the earlier one an attack.
        shutil.rmtree(repository.settings.state / BORG, ignore_errors=True)
    return (
        f"{repository.label}: back at transaction {ledger.transaction}{restored}; {len(moved)} later segments lie in "
        f"{aside}; on {repository.client}, type: malleposte backup run --fresh-cache"
    )


def _key_back(repository: Repository, ledger: Ledger) -> str:
    if repository.identity() == ledger.identity:
        return ""
    path = repository.path / CONFIG
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string(path.read_text("utf-8"))
    for name, value in ledger.identity.items():
        parser["repository"][name] = value
    status = path.stat()
    temporary = path.with_name(".config.undo")
    with temporary.open("w", encoding="utf-8") as file:
        parser.write(file)
    os.chown(temporary, status.st_uid, status.st_gid)
    temporary.chmod(status.st_mode & 0o777)
    temporary.rename(path)
    return ", its key put back"
