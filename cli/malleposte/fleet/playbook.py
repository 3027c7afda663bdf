"""Runs ansible-playbook with the platform's own output plugin, and says in one line why it failed."""

import hashlib
import importlib.util
import json
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

from malleposte.core.errors import ExitCode, MallepostError
from malleposte.core.paths import SITE, VAR, VENV_BIN, folder_of, hosts_of, new_log, shown
from malleposte.core.run import Finished, stream
from malleposte.platform import locks

CALLBACK = "academie.malleposte.progress"
_HELD: set[Path] = set()
"""Locks that this process holds for all its runs."""


@dataclass(frozen=True)
class Options:
    """The playbook to run, and its options. `extra` holds -e words as typed."""

    inventory: Path
    playbook: Path = SITE
    check: bool = False
    diff: bool = False
    limit: str | None = None
    tags: str | None = None
    skip_tags: str | None = None
    extra: tuple[str, ...] = ()
    linear: bool = False
    verbose: int = 0
    ask: tuple[str, ...] = ()
    """Further words for ansible-playbook, such as `--ask-vault-pass`."""


@dataclass(frozen=True)
class Report:
    """The result of a run. `summary` is the callback's (empty when the run ended early)."""

    code: int
    log: Path
    strategy: str
    summary: Mapping[str, Any] = field(default_factory=dict)
    cause: str = ""

    @property
    def changed(self) -> int:
        """Number of changed results over all hosts."""
        return sum(int(counts["changed"]) for counts in self.summary.get("hosts", {}).values())

    def as_dict(self) -> dict[str, Any]:
        """For --json: the summary with exit code, strategy and log."""
        return {
            "ok": self.code == 0,
            "exit_code": self.code,
            "strategy": self.strategy,
            "log": str(self.log),
            "changed": self.changed,
            "cause": self.cause or None,
            **self.summary,
        }


def strategy_environment(linear: bool) -> dict[str, str]:
    """Environment that picks the strategy: mitogen's when it is installed, unless `linear`."""
    spec = None if linear else importlib.util.find_spec("ansible_mitogen")
    if spec is None or not spec.submodule_search_locations:
        return {"ANSIBLE_STRATEGY": "linear"}
    folder = Path(spec.submodule_search_locations[0]) / "plugins" / "strategy"
    return {"ANSIBLE_STRATEGY": "mitogen_linear", "ANSIBLE_STRATEGY_PLUGINS": str(folder)}


def command_line(options: Options) -> list[str]:
    """The words of the ansible-playbook call."""
    words = [str(VENV_BIN / "ansible-playbook"), "-i", str(hosts_of(options.inventory)), str(options.playbook)]
    if options.check:
        words.append("--check")
    if options.diff:
        words.append("--diff")
    if options.limit:
        words += ["--limit", options.limit]
    if options.tags:
        words += ["--tags", options.tags]
    if options.skip_tags:
        words += ["--skip-tags", options.skip_tags]
    for pair in options.extra:
        words += ["-e", pair]
    if options.verbose:
        words.append("-" + "v" * options.verbose)
    return words + list(options.ask)


def lock_of(inventory: Path) -> Path:
    """The lock of an inventory, by the whole path of its folder: those of two labs have the same last name."""
    folder = folder_of(inventory.resolve())
    return VAR / f"deploy-{folder.name}-{hashlib.sha256(bytes(folder)).hexdigest()[:12]}.lock"


@contextmanager
def only_one(inventory: Path) -> Iterator[None]:
    """Holds the inventory, so that two runs never meet. Raises MallepostError when another has it."""
    lock = lock_of(inventory)
    with ExitStack() as stack:
        try:
            VAR.mkdir(exist_ok=True)
            stack.enter_context(locks.only_one(lock, f"another run on inventory {shown(inventory)} is under way"))
        except OSError as error:
            raise MallepostError(f"cannot write {lock}: {error.strerror}", "run this with sudo") from error
        yield


@contextmanager
def holding(inventory: Path) -> Iterator[None]:
    """Hold the inventory from the beginning of a command: the runs inside the block are its own. As `only_one`."""
    with only_one(inventory):
        _HELD.add(lock_of(inventory))
        try:
            yield
        finally:
            _HELD.discard(lock_of(inventory))


def _cause(summary: Mapping[str, Any], fallback: str) -> str:
    # The last of each host ended its run: those before it were rescued, and led to what that one says.
    failures = {failure["host"]: failure for failure in summary.get("failures") or []}
    if not failures:
        return fallback
    first = next(iter(failures.values()))
    more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
    return f"{first['host']}: {first['role']}: {first['task']}: {first['message']}{more}"


def _streamed(options: Options, log: Path, env: Mapping[str, str], target: TextIO) -> Finished:
    """Runs it; what it printed ends up behind the callback's own account in `log`, also on interruption."""
    screen = log.with_suffix(".screen")
    try:
        return stream(command_line(options), screen, env=env, copy=target)
    finally:
        with log.open("ab") as out:
            out.write(b"\n== what the screen showed ==\n" + screen.read_bytes())
        log.chmod(0o600)
        screen.unlink()


def _fallback(done: Finished) -> str:
    """The cause of a run that ended before any task failed, with the place that Ansible names."""
    origin = next((line.partition("Origin: ")[2] for line in done.tail if line.startswith("Origin: ")), "")
    cause = done.cause.removeprefix("[ERROR]: ")
    return f"{cause} ({shown(Path(origin))})" if origin else cause


def run(options: Options, *, to_stderr: bool = False, name: str = "deploy") -> Report:
    """Runs the playbook, its output passed through, and reports. Never raises on a failed run.

    Raises MallepostError when it cannot be started, or another run holds the inventory.
    """
    if not options.playbook.is_file():
        raise MallepostError(f"no playbook {shown(options.playbook)}")
    log = new_log(name)
    summary_file = log.with_suffix(".json")
    target = sys.stderr if to_stderr else sys.stdout
    strategy = strategy_environment(options.linear)
    env = {
        **strategy,
        "ANSIBLE_STDOUT_CALLBACK": CALLBACK,
        "MALLEPOSTE_LOG_FILE": str(log),
        "MALLEPOSTE_SUMMARY_FILE": str(summary_file),
        "MALLEPOSTE_LIVE": "1" if target.isatty() else "0",
    }
    if strategy["ANSIBLE_STRATEGY"] != "linear" and not options.verbose:
        env["ANSIBLE_DEPRECATION_WARNINGS"] = "0"  # ansible-core's notice on foreign strategies: docs/adr/0002
    if target.isatty() and "NO_COLOR" not in os.environ:
        env["ANSIBLE_FORCE_COLOR"] = "1"

    with nullcontext() if lock_of(options.inventory) in _HELD else only_one(options.inventory):
        done = _streamed(options, log, env, target)
    summary: dict[str, Any] = json.loads(summary_file.read_text("utf-8")) if summary_file.is_file() else {}
    cause = "" if done.code == 0 else _cause(summary, _fallback(done))
    return Report(done.code, log, strategy["ANSIBLE_STRATEGY"], summary, cause)


def ensure(report: Report, what: str) -> None:
    """Raises MallepostError with cause and log when the run failed."""
    if report.code != ExitCode.DONE:
        raise MallepostError(f"{what} failed: {report.cause}", f"details in {shown(report.log)}")
