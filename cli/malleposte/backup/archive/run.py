"""A run of the backups: every source to every vault, several repositories at once, one failure never hiding another."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from malleposte.adapters import postgresql
from malleposte.backup.restore.kept import by_restore
from malleposte.core.errors import MallepostError
from malleposte.core.loops import named
from malleposte.runtime import durable

from .archives import COMMON, MADE, MADE_FILE, Vault, archive_name
from .borg import BorgError, Done, environment
from .config import Config, Source
from .state import State

DATABASES = "select datname from pg_database where not datistemplate and datname <> 'postgres' order by 1"
DUMPED = "postgresql-"
ALREADY_THERE = 10
BORGMATIC = Path("/etc/borgmatic.d")

Say = Callable[[str], None]


@dataclass(frozen=True)
class Outcome:
    """The result of one source at one backup server: state is `ok`, `empty` (nothing on disk) or `error`."""

    vault: str
    source: str
    state: str
    error: str = ""
    archive: dict[str, Any] = field(default_factory=dict)


def now() -> datetime:
    """This moment, UTC."""
    return datetime.now(UTC)


def databases() -> list[Source]:
    """A source for each database of this host's PostgreSQL, dumped by itself. Raises MallepostError when it is down."""
    names = postgresql.sql("postgres", DATABASES).splitlines()
    return [database(name) for name in names if name and not by_restore(name)]


def database(name: str) -> Source:
    """The source of one database: pg_dump's custom format, which borg compresses and compares better by itself."""
    user = f"--username={postgresql.ADMINISTRATOR}"
    dump = ("pg_dump", user, "--format=custom", "--compress=none", f"--dbname={name}")
    return Source(f"{DUMPED}{name}", COMMON, command=dump, file=f"{name}.dump")


def chosen(
    config: Config, only: Sequence[str], look_up: Callable[[], list[Source]] = databases, before: Iterable[str] = ()
) -> list[Source]:
    """The sources to take, all or those named; the databases are looked up now. Raises MallepostError.

    Where PostgreSQL is down, the databases among `before` (names of earlier sources) stand for them: their dumps fail
    by themselves, and the rest of the host is archived all the same.
    """
    try:
        listed = look_up() if config.databases else []
    except MallepostError:
        listed = [database(name.removeprefix(DUMPED)) for name in before if name.startswith(DUMPED)]
        if not listed:
            raise
    every = [*listed, *config.sources]
    unknown = [name for name in only if name not in {one.name for one in every}]
    if unknown:
        raise MallepostError(f"no source {unknown[0]!r}", f"known are {', '.join(one.name for one in every)}")
    return [one for one in every if not only or one.name in only]


def words(source: Source, location: str, compression: str) -> list[str]:
    """The words of the `borg create` of a source."""
    options = ["create", "--json", "--compression", compression]
    for pattern in source.exclude:
        options += ["--exclude", pattern]
    if source.command:
        return [*options, "--stdin-name", source.file, "--content-from-command", location, "--", *source.command]
    return [*options, "--exclude-caches", location, *source.paths]


def there(source: Source) -> Source:
    """The source with the paths that exist."""
    return replace(source, paths=tuple(path for path in source.paths if Path(path).exists()))


def reach(vault: Vault) -> str:
    """Return the reason why a backup server cannot be reached; empty when it answers."""
    argv = ["ssh", "-F", str(vault.config.ssh_config), vault.name]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode == 255:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()] or ["no answer"]
        return f"cannot be reached: {lines[-1]}"
    # flock's answer in the vault's forced command: it is pruning.
    return "takes no archives while its weekly pruning runs" if done.returncode == 75 else ""


def by_borgmatic(vault: Vault) -> Done:
    """The files that borgmatic takes, by its configuration for this vault. Raises BorgError."""
    argv = ["borgmatic", "--config", str(BORGMATIC / f"{vault.name}.yaml"), "create", "--json"]
    env = environment(vault.target.base(vault.config.base), vault.target.passphrase_file, vault.config.ssh_config)
    done = subprocess.run(argv, env=env, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
        said = [line for line in lines if not line.startswith(("Command ", "Need some help", "summary:"))]
        raise BorgError(said[-1] if said else f"borgmatic ended with status {done.returncode}", done.returncode)
    (only,) = json.loads(done.stdout)
    return Done(json.dumps(only))


def create(vault: Vault, source: Source) -> Outcome:
    """Make one archive. Raises BorgError, or MallepostError."""
    if source.engine == "borgmatic":
        done = by_borgmatic(vault)
    else:
        location = f"{vault.target.repository(source.repository)}::{archive_name(source.name, now())}"
        done = vault.borg.run(*words(source, location, vault.config.compression))
    archived = json.loads(done.output)["archive"]
    stats = archived["stats"]
    archive = {
        "repository": source.repository,
        "archive": archived["name"],
        "id": archived["id"],
        "start": f"{archived['start']}Z",
        "end": f"{archived['end']}Z",
        "bytes": stats["original_size"],
        "new_bytes": stats["deduplicated_size"],
        "files": stats["nfiles"],
    }
    return Outcome(vault.name, source.name, "ok", archive=archive)


def ensure(vault: Vault, repository: str, exists: bool) -> None:
    """Make the repository where this host never had one; what it had and is gone is an error, not a new beginning.

    Raises BorgError.
    """
    if exists:
        return
    try:
        vault.borg.run("init", "--encryption", "repokey-blake2", vault.target.repository(repository))
    except BorgError as error:
        if error.code != ALREADY_THERE:
            raise


class Run:
    """One run; `say` gets a line an archive."""

    def __init__(self, config: Config, state: State, say: Say) -> None:
        self.config = config
        self.state = state
        self.say = say

    def repository(self, vault: Vault, sources: Sequence[Source], exists: bool = False) -> list[Outcome]:
        """The sources of one repository, one after the other; `exists`: this host made something in it before.

        Never raises what a vault or a dump can cause.
        """
        outcomes: list[Outcome] = []
        exists = exists or any(self.state.has_archive(vault.name, one.name) for one in sources)
        for source in sources:
            begun, failures = now(), list[str]()
            outcome = Outcome(vault.name, source.name, "empty")
            with named(failures.append):
                present = there(source)
                if present.paths or present.command:
                    ensure(vault, source.repository, exists)
                    exists = True
                    outcome = create(vault, present)
            if failures:
                outcome = Outcome(vault.name, source.name, "error", failures[0])
            self.note(outcome, begun)
            outcomes.append(outcome)
        return outcomes

    def vault(self, vault: Vault, sources: Sequence[Source], pool: ThreadPoolExecutor) -> Iterable[list[Outcome]]:
        """All sources of one vault, its repositories at once; a vault that does not answer is asked once."""
        why = reach(vault)
        if why:
            present = [one for one in map(there, sources) if one.paths or one.command]
            outcomes = [Outcome(vault.name, one.name, "error", why) for one in present or sources]
            begun = now()
            for outcome in outcomes:
                self.note(outcome, begun, quiet=True)
            self.say(f"{vault.name}: {why}")
            return [outcomes]
        groups: dict[str, list[Source]] = {}
        for source in sources:
            groups.setdefault(source.repository, []).append(source)
        by_repository = [
            one.result() for one in [pool.submit(self.repository, vault, each) for each in groups.values()]
        ]
        if any(one.archive for group in by_repository for one in group):
            exists = any(one["repository"] == COMMON for one in self.state.ledger(vault.name).values())
            by_repository.append(self.repository(vault, [self.ledger(vault)], exists))
        return by_repository

    def ledger(self, vault: Vault) -> Source:
        """Return the list of this host's archives on a backup server, as a source: maintenance there compares it."""
        path = self.config.state / f"{MADE}-{vault.name}.json"
        durable.write(path, json.dumps(self.state.ledger(vault.name)))
        return Source(MADE, COMMON, command=("cat", str(path)), file=MADE_FILE)

    def note(self, outcome: Outcome, begun: datetime, *, quiet: bool = False) -> None:
        """Record an outcome and say it."""
        attempt = {"start": begun.isoformat(), "end": now().isoformat(), "state": outcome.state, "error": outcome.error}
        entry: dict[str, Any] = {"attempt": attempt}
        if outcome.archive:
            entry["success"] = outcome.archive
        self.state.record(outcome.vault, outcome.source, entry)
        if quiet or outcome.state == "empty":
            return
        seconds = (now() - begun).total_seconds()
        text = outcome.error
        if outcome.archive:
            text = f"{outcome.archive['files']} files, {size(outcome.archive['new_bytes'])} new, {seconds:.1f} s"
        self.say(f"{outcome.vault} {outcome.source}: {text}")

    def all(self, vaults: Sequence[Vault], sources: Sequence[Source]) -> list[Outcome]:
        """Every source to every vault."""
        with (
            ThreadPoolExecutor(max_workers=max(1, self.config.parallel)) as pool,
            ThreadPoolExecutor(max_workers=max(1, len(vaults))) as each,
        ):
            waiting = [each.submit(self.vault, vault, sources, pool) for vault in vaults]
            return [outcome for vault in waiting for group in vault.result() for outcome in group]


def size(number: int) -> str:
    """Bytes as a person reads them."""
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} TB"


def failures(outcomes: Iterable[Outcome]) -> list[str]:
    """A line for each vault that misses something."""
    lost: dict[str, list[Outcome]] = {}
    for one in outcomes:
        if one.state == "error":
            lost.setdefault(one.vault, []).append(one)
    lines = []
    for vault, missing in lost.items():
        causes = dict.fromkeys(one.error for one in missing)
        names = ", ".join(one.source for one in missing)
        lines.append(f"{vault} lacks {names}: {'; '.join(causes)}")
    return lines


def forget(vaults: Iterable[Vault]) -> None:
    """Drop borg's caches and its security data for these backup servers; both are made anew from the repositories."""
    for vault in vaults:
        base = vault.target.base(vault.config.base)
        if base.exists():
            shutil.rmtree(base)
