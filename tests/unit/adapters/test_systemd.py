"""A job is run from its beginning, after a run that was under way."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from malleposte.adapters import systemd
from malleposte.core.errors import MallepostError

UNIT = "malleposte-calendars.service"


@dataclass
class Manager:
    """A service manager with one job: a start joins the run that is under way, as systemd's does."""

    under_way: bool = False
    fails: tuple[bool, ...] = ()
    begun: list[bool] = field(default_factory=list)

    def __call__(self, words: Sequence[str], seconds: float) -> subprocess.CompletedProcess[str]:
        assert seconds == 300
        assert words[-1] == UNIT
        if words[0] == "show":
            return subprocess.CompletedProcess(words, 0, "activating\n" if self.under_way else "inactive\n", "")
        if self.under_way:
            self.under_way = False
            return subprocess.CompletedProcess(words, 1, "", "the run that was joined failed")
        failed = len(self.begun) < len(self.fails) and self.fails[len(self.begun)]
        self.begun.append(True)
        return subprocess.CompletedProcess(words, int(failed), "", "")


@pytest.mark.parametrize("under_way", [False, True])
def test_a_job_is_run_once_from_its_beginning(under_way: bool) -> None:
    manager = Manager(under_way)
    systemd.run_job(UNIT, 300, manager)
    assert len(manager.begun) == 1
    assert not manager.under_way


def test_the_run_that_fails_is_named() -> None:
    with pytest.raises(MallepostError, match=rf"{UNIT} failed") as raised:
        systemd.run_job(UNIT, 300, Manager(fails=(True,)))
    assert "journalctl -u" in str(raised.value.hint)


def test_what_does_not_end_is_told() -> None:
    with pytest.raises(MallepostError, match="systemctl"):
        systemd.client(["--no-such-option", UNIT], 0.0)
