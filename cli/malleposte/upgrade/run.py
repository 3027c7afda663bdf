"""One host after the other: a way back, the packages, a converge, the probe."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from malleposte.core.errors import MallepostError
from malleposte.core.paths import ROOT
from malleposte.core.progress import Progress
from malleposte.fleet import playbook
from malleposte.probe.model import Result, Status
from malleposte.upgrade.plan import Journal, Step, unfinished

PLAYBOOK = ROOT / "playbooks" / "upgrade.yml"


@dataclass
class Done:
    """The result of an upgrade: hosts finished, in order, and the seconds of each."""

    hosts: dict[str, float] = field(default_factory=dict)


@dataclass
class Upgrade:
    """`protect` keeps a host's present state and tells how to go back to it; `walk` is the probe.

    Inside the block that `quiet` gives for a host, its alarms are silent.
    """

    inventory: Path
    progress: Progress
    protect: Callable[[str], str]
    walk: Callable[[], Sequence[Result]]
    linear: bool = False
    to_stderr: bool = False
    ask: tuple[str, ...] = ()
    quiet: Callable[[str], AbstractContextManager[object]] = nullcontext

    def __post_init__(self) -> None:
        """The note of an earlier run is beside the logs."""
        self.journal = Journal(self.inventory)

    def run(self, steps: Sequence[Step]) -> Done:
        """Upgrades every host that has something to upgrade, the one an earlier run left first.

        Raises MallepostError at the first failure: where it stands, and how to go back.
        """
        done = Done()
        note = self.journal.read()
        begun: Step | None = None
        if note:
            begun, back = unfinished(note)
            begun = renewed(begun, steps)
            self.progress.say(f"{begun.host}: an earlier run stopped here; going on")
            self._host(begun, back, done)
        todo = [step for step in steps if step.packages and (begun is None or step.host != begun.host)]
        if todo and not note:
            self._probe("before anything is touched, the probe fails", "mend that first")
        for step in todo:
            with self.progress.step(f"{step.host}: a way back"):
                back = self.protect(step.host)
            self._host(step, back, done)
        return done

    def _host(self, step: Step, back: str, done: Done) -> None:
        started = self.progress.elapsed
        self.journal.write(step, back)
        words = json.dumps({"upgrade_packages": [one.apt_word for one in step.packages]})
        with self.quiet(step.host):
            self._play(step, back, "packages", playbook=PLAYBOOK, extra=(words,))
            self._play(step, back, "converge")
        with self.progress.step(f"{step.host}: probe"):
            self._probe(f"{step.host} is upgraded and its probe fails", way_back(step, back))
        self.journal.clear()
        done.hosts[step.host] = round(self.progress.elapsed - started, 1)

    def _play(self, step: Step, back: str, what: str, **options: Any) -> None:
        with self.progress.step(f"{step.host}: {what}"):
            run_options = playbook.Options(self.inventory, limit=step.host, linear=self.linear, ask=self.ask, **options)
            report = playbook.run(run_options, to_stderr=self.to_stderr, name="upgrade")
        if report.code:
            raise MallepostError(f"{step.host}, {what}: {report.cause}", way_back(step, back))

    def _probe(self, what: str, hint: str) -> None:
        probed(self.walk, what, hint)


def probed(walk: Callable[[], Sequence[Result]], what: str, hint: str) -> None:
    """Walk the probe. Raises MallepostError, which begins with `what`, when a path fails."""
    failed = [one for one in walk() if one.status is Status.FAILED]
    if failed:
        more = f" and {len(failed) - 1} more" if failed[1:] else ""
        raise MallepostError(f"{what}: {failed[0].name}{more}", hint)


def renewed(begun: Step, steps: Sequence[Step]) -> Step:
    """An unfinished step as its host sees it now: what is in place needs no version, what is newer has the newest."""
    now = {one.name: one for step in steps if step.host == begun.host for one in step.packages}
    there = [one if one.name in now else replace(one, candidate="") for one in begun.packages]
    there = [replace(one, candidate=now[one.name].candidate) if one.name in now else one for one in there]
    return replace(begun, packages=(*there, *(one for name, one in now.items() if name not in {p.name for p in there})))


def way_back(step: Step, back: str) -> str:
    """Return the advice after a failure on a host."""
    return f"mend it and run `malleposte upgrade` again, which goes on with {step.host}; to go back instead: {back}"


def downgrade(step: Step) -> str:
    """The words that bring the old packages back, where the mirror still has them."""
    return "apt install --allow-downgrades " + " ".join(f"{one.name}={one.installed}" for one in step.packages)
