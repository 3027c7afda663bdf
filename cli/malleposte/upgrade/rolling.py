"""A deploy of one host after the other, with the probe before the first and after each; it stops where one fails."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from malleposte.core.errors import MallepostError
from malleposte.core.progress import Progress
from malleposte.fleet import playbook
from malleposte.probe.model import Result
from malleposte.upgrade.run import probed


@dataclass
class Rolling:
    """`options` are those of a plain deploy, `walk` is the probe; `reports` holds what each host gave, in order.

    Inside the block that `quiet` gives for a host, its alarms are silent.
    """

    options: playbook.Options
    progress: Progress
    walk: Callable[[], Sequence[Result]]
    to_stderr: bool = False
    quiet: Callable[[str], AbstractContextManager[object]] = nullcontext
    reports: dict[str, playbook.Report] = field(default_factory=dict)

    def run(self, hosts: Sequence[str]) -> None:
        """Deploy the hosts in this order.

        Raises MallepostError at the first failure; it names the hosts that were left as they are.
        """
        with self.progress.step("probe"):
            probed(self.walk, "before anything is touched, the probe fails", "mend that first, or leave out --rolling")
        for number, host in enumerate(hosts):
            left = ", ".join(hosts[number + 1 :])
            untouched = f"{left} left as before" if left else "no host was left"
            with self.progress.step(f"{host}: deploy"), self.quiet(host):
                report = playbook.run(replace(self.options, limit=host), to_stderr=self.to_stderr)
            self.reports[host] = report
            if report.code:
                raise MallepostError(f"{host}: {report.cause}; {untouched}", f"details in {report.log}")
            with self.progress.step(f"{host}: probe"):
                probed(self.walk, f"{host} is deployed and the probe fails", untouched)
