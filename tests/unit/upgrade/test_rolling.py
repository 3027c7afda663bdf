"""`malleposte deploy --rolling`: the order, the probe between the hosts, where it stops and what it then says."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from malleposte import cli
from malleposte.commands import deploy
from malleposte.core.errors import ExitCode, MallepostError
from malleposte.core.paths import ROOT
from malleposte.core.progress import Progress
from malleposte.fleet import playbook
from malleposte.fleet.site import Site
from malleposte.upgrade import plan
from malleposte.upgrade.rolling import Rolling

from tests.support.inventories import copied
from tests.unit.upgrade.notes import Notes

WHOLE = ["probe 0", "a", "probe 1", "b", "probe 2"]


class Story(Notes):
    """A deploy of hosts that only take notes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, broken: str = "") -> None:
        super().__init__(broken)
        self.options: list[playbook.Options] = []
        monkeypatch.setattr(playbook, "run", self.play)

    def play(self, options: playbook.Options, **_: Any) -> playbook.Report:
        self.options.append(options)
        bad = self.note(str(options.limit))
        hosts = {str(options.limit): {"changed": 2}}
        return playbook.Report(int(bad), Path("the.log"), "linear", {"hosts": hosts}, "no" if bad else "")

    def rolling(self) -> Rolling:
        return Rolling(playbook.Options(Path("mine"), tags="base"), Progress(quiet=True), self.walk)


def test_hosts_on_which_fewest_depend_go_first() -> None:
    site = Site(ROOT / "inventories" / "lab")
    assert list(plan.ordered(site)) == ["vault1", "vault2", "pia1", "mail1"]
    assert list(plan.ordered(site, "mail1:vault")) == ["vault1", "vault2", "mail1"]


def test_the_probe_runs_before_and_after_each_host(monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(monkeypatch)
    rolling = story.rolling()
    rolling.run(["a", "b"])
    assert story.notes == WHOLE
    assert list(rolling.reports) == ["a", "b"]
    assert [one.tags for one in story.options] == ["base", "base"]


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("probe 0", "before anything is touched, the probe fails: two; mend that first, or leave out --rolling"),
        ("a", "a: no; b left as before; details in the.log"),
        ("probe 1", "a is deployed and the probe fails: two; b left as before"),
        ("b", "b: no; no host was left; details in the.log"),
        ("probe 2", "b is deployed and the probe fails: two; no host was left"),
    ],
)
def test_it_stops_at_the_first_failure(broken: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(monkeypatch, broken)
    with pytest.raises(MallepostError) as error:
        story.rolling().run(["a", "b"])
    assert str(error.value) == message
    assert story.notes == WHOLE[: WHOLE.index(broken) + 1]


@pytest.mark.parametrize(("broken", "code", "reached"), [("", 10, 2), ("vault1", 1, 1), ("probe 1", 1, 1)])
def test_the_command_prints_one_document(
    broken: str, code: int, reached: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:  # fmt: skip
    """On an inventory of its own: a deploy of the lab may be under way, which holds the lab's."""
    story = Story(monkeypatch, broken)
    monkeypatch.setattr(deploy.checking, "gate", lambda *_args, **_named: None)
    monkeypatch.setattr(deploy, "walker", lambda _: story.walk)
    quiet: list[str] = []

    @contextmanager
    def silenced(_inventory: Path, _reason: str, _say: object, host: str) -> Iterator[None]:
        quiet.append(host)
        yield

    monkeypatch.setattr(deploy, "silenced", silenced)
    place = str(copied(tmp_path / "lab", "lab"))
    words = ["deploy", "-i", place, "--rolling", "--limit", "vault", "--json", "--detailed-exitcode"]
    assert cli.main(words) == code
    told = json.loads(capsys.readouterr().out)
    assert told["ok"] is not bool(broken)
    assert list(told["hosts"]) == quiet == ["vault1", "vault2"][:reached]
    assert ("vault2 left as before" in told.get("error", "") + told.get("hint", "")) is bool(broken)


def test_it_is_no_rehearsal(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["deploy", "-i", "lab", "--rolling", "--check"]) == ExitCode.BAD_INPUT
    assert "--rolling and --check do not go together" in capsys.readouterr().err
