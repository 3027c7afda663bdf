"""From nothing to a lab that is proven to carry mail: the steps of `up`, and what the tests ask of the lab.

Every step may be run again: it finds its work done and says so. An interrupted `up` is resumed by typing it again.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.check import run as checking
from malleposte.core.errors import MallepostError
from malleposte.core.paths import FLEET_INVENTORY, LAB_INVENTORY, ROOT, new_log
from malleposte.core.progress import Progress
from malleposte.core.run import stream
from malleposte.dev.lab import Lab, Twin
from malleposte.dev.lanes import Second
from malleposte.dev.seed import seed
from malleposte.fleet import playbook, remote
from malleposte.probe import backups, enrolment
from malleposte.probe import run as probing
from malleposte.probe.model import Result, exit_code

LABS = {"stack": LAB_INVENTORY, "browser": LAB_INVENTORY, "fleet": FLEET_INVENTORY}
"""The lab of each tier that needs one."""
SNAPSHOT = "converged"
"""The snapshot that the stack tests start from."""


@dataclass
class Brought:
    """The result of `up`: seconds by step, the deployment's report, gaps of the first backup, the probe's results."""

    inventory: Path
    seconds: dict[str, float] = field(default_factory=dict)
    deploy: playbook.Report | None = None
    backup: list[str] = field(default_factory=list)
    probe: list[Result] = field(default_factory=list)

    @property
    def probe_code(self) -> int:
        """The probe's exit code."""
        return exit_code(self.probe)

    def as_dict(self) -> dict[str, Any]:
        """For --json; times in seconds."""
        return {
            "inventory": str(self.inventory),
            "seconds": self.seconds,
            "deploy": self.deploy.as_dict() if self.deploy else None,
            "backup_errors": self.backup,
            "probe": [result.as_json() for result in self.probe],
            "probe_exit_code": self.probe_code,
        }


class BringUp:
    """The steps, in order. `to_stderr` keeps standard output for a machine."""

    def __init__(
        self, progress: Progress, *, inventory: Path = LAB_INVENTORY, linear: bool = False, to_stderr: bool = False
    ) -> None:
        self._progress = progress
        self._linear = linear
        self._to_stderr = to_stderr
        self.lab = Lab.load(inventory, report=progress.say)
        self.done = Brought(self.lab.deploy_inventory)

    @contextmanager
    def _step(self, name: str, text: str) -> Iterator[None]:
        begun = self._progress.elapsed
        with self._progress.step(text):
            yield
        self.done.seconds[name] = round(self._progress.elapsed - begun, 2)

    def hosts(self) -> None:
        """Makes and boots the lab's hosts; those that run are left alone."""
        with self._step("lab", "lab: hosts"):
            self.lab.up()

    def converge(self) -> None:
        """Deploys; raises MallepostError with the cause and the log's name."""
        with self._step("check", "check"):
            checking.gate(self.lab.deploy_inventory, self._progress.say)
        with self._step("deploy", "deploy"):
            options = playbook.Options(self.lab.deploy_inventory, linear=self._linear)
            self.done.deploy = playbook.run(options, to_stderr=self._to_stderr)
            playbook.ensure(self.done.deploy, "deploy")

    def seed(self) -> None:
        """Creates the sample accounts that are not there yet."""
        with self._step("seed", "sample accounts"):
            report = seed(self.lab.deploy_inventory)
            self._progress.say(f"sample accounts: {len(report.created)} created, {len(report.present)} there")
        if report.unknown:
            few = ", ".join(report.unknown[:3])
            self._progress.say(f"no password is known here for {len(report.unknown)} of them, such as {few}")

    def back_up(self) -> bool:
        """Makes a backup of every host whose archives are missing or old; whether one was made.

        What fails is told and kept in `done.backup`; it does not raise.
        """
        backed_up = False
        with self._step("backup", "first backup"):
            vaults, clients = remote.backups(self.lab.deploy_inventory)
            for place in clients:
                answer = backups.ask(place)
                if not isinstance(answer, str) and backups.fresh(vaults, answer):
                    continue
                backed_up = True
                self._progress.say(f"{place.name}: backup to {', '.join(vaults)}")
                self.done.backup += first_backup(place)
        for line in self.done.backup:
            self._progress.say(f"first backup: {line}")
        return backed_up

    def walk(self, show: Callable[[Result], None]) -> None:
        """Test every mail path; each result is shown as it comes. Failed paths do not raise."""
        with self._step("probe", "probe: every mail path, from outside"):
            enrolment.ensure_factor(self.lab.deploy_inventory, self._progress.say)
            for result in probing.walk(self.lab.deploy_inventory):
                self.done.probe.append(result)
                show(result)

    def has_snapshot(self) -> bool:
        """Whether every host has the snapshot to test from."""
        names = {spec.name for spec in self.lab.inventory.hosts}
        return names <= set(self.lab.snapshots().get(SNAPSHOT, ()))

    def browser(self) -> None:
        """Installs what the browser tests drive, where it is missing."""
        self.lab.install_browser()

    def ready_for_tests(self) -> None:
        """Puts the lab into the state that the stack tests start from, and keeps it as a snapshot.

        A lab with the snapshot goes back to it first; then the present roles are deployed over it, and only
        when they changed anything, or a backup had to be made, is the snapshot taken anew.
        """
        restored = self.has_snapshot()
        if restored:
            with self._step("restore", f"lab: back to the snapshot {SNAPSHOT}"):
                self.lab.restore(SNAPSHOT)
        self.hosts()
        self.converge()
        self.seed()
        backed_up = self.back_up()
        # After the snapshot, a return to it would lose the factor, and the controller would still know it.
        enrolment.ensure_factor(self.lab.deploy_inventory, self._progress.say)
        if not restored or backed_up or (self.done.deploy is not None and self.done.deploy.changed):
            with self._step("snapshot", f"lab: snapshot {SNAPSHOT}"):
                self.lab.snapshot(SNAPSHOT, replace=True)


def first_backup(place: remote.Place) -> list[str]:
    """Run the backups of a host, its progress on standard error; a line for each fault."""
    try:
        code, answer = place.answer(["backup", "run", "--json"])
    except MallepostError as error:
        return [str(error)]
    lost = [str(line) for line in answer.get("errors", [])]
    return [f"{place.name}: {line}" for line in lost or ([f"ended with {code}"] if code else [])]


class Preparation:
    """The preparation that each tier of tests needs before it starts; done once."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._ready: set[Path] = set()

    def prepare(self, tier: str) -> None:
        """Brings up the lab for the tiers that test it, and installs the browser for the one that drives it."""
        lab = LABS.get(tier)
        if lab is not None and lab not in self._ready:
            BringUp(self._progress, inventory=lab).ready_for_tests()
            self._ready.add(lab)
        if tier == "browser":
            BringUp(self._progress).browser()

    def second(self, suffix: str) -> Second:
        """Boots a twin of the lab, from the snapshot that the tests start from."""
        with self._progress.step(f"lab: twin {suffix}"):
            twin = Twin(Lab.load(LAB_INVENTORY, report=self._progress.say), suffix)
            twin.make(SNAPSHOT)
            words = (*twin.enter, str(ROOT / "malleposte"), "lab", "-i", str(LAB_INVENTORY), "up")
            done = stream(words, new_log("lab-twin"), env=twin.env)
        if done.code != 0:
            raise MallepostError(
                f"the twin {suffix} of the lab did not start: {done.cause}", "malleposte lab down removes it"
            )
        return Second(twin.enter, twin.env, twin.remove)
