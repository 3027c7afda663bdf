"""`malleposte upgrade`: the order, manual upgrades, the note of an interrupted run, and its end."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from malleposte.commands import upgrade as command
from malleposte.core.errors import InputError, MallepostError
from malleposte.core.paths import ROOT
from malleposte.core.progress import Progress
from malleposte.fleet import playbook
from malleposte.fleet.site import Site
from malleposte.upgrade import plan, run
from malleposte.upgrade.plan import Package, Step

from tests.unit.upgrade.notes import Notes

LAB = ROOT / "inventories" / "lab"
NEW = Package("fail2ban", "1.1.0-8", "1.1.0-9")


def test_hosts_on_which_fewest_depend_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    ways: dict[str, Any] = {}

    def ask(host: str, _connection: Any, way: Any) -> Step:
        ways[host] = way
        return Step(host)

    monkeypatch.setattr(plan, "ask", ask)
    site = Site(LAB)
    assert [step.host for step in plan.steps(site)] == ["vault1", "vault2", "pia1", "mail1"]
    assert [step.host for step in plan.steps(site, "mail1:vault2")] == ["vault2", "mail1"]
    assert {"dovecot-", "slapd", "postgresql"} <= set(ways["vault1"]["prefixes"]), "one list for every host"
    assert set(ways["mail1"]["by_hand"]) == {"libldap", "postgresql", "roundcube", "slapd", "sogo", "sope"}
    assert set(ways["pia1"]["by_hand"]) == {"lemonldap", "liblemonldap"}
    assert ways["vault1"]["by_hand"] == []


@pytest.mark.parametrize(
    ("name", "installed", "candidate", "by_hand"),
    [
        ("postgresql-17", "17.12-0+deb13u1", "17.13-0+deb13u1", False),
        ("postgresql", "17+278", "18+290", True),
        ("sogo", "5.12.1-3", "5.12.4-1", False),
        ("sogo", "5.12.1-3", "6.0.0-1", True),
        ("slapd", "2.6.10+dfsg-1", "2.6.10+dfsg-1+deb13u1", False),
        ("roundcube-core", "1.6.21+dfsg-0", "2.0.0+dfsg-1", True),
        ("dovecot-core", "1:2.4.1+dfsg1-6", "1:3.0.0-1", False),
    ],
)
def test_a_step_over_the_first_number_is_left_to_hands(
    name: str, installed: str, candidate: str, by_hand: bool
) -> None:
    assert Package(name, installed, candidate).by_hand(("postgresql", "sogo", "slapd", "roundcube")) is by_hand


def test_an_epoch_is_no_number_of_the_version() -> None:
    assert plan.first_number("1:2.4.1+dfsg1-6") == "2"


def test_the_note_comes_back_as_it_was_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plan, "VAR", tmp_path / "var")
    journal = plan.Journal(Path("mine"))
    assert journal.read() is None
    journal.write(Step("m", (NEW,)), "go back")
    note = journal.read()
    assert note is not None
    assert plan.unfinished(note) == (Step("m", (NEW,)), "go back")
    journal.path.write_text("{")
    with pytest.raises(MallepostError, match="look at the host, then remove it"):
        journal.read()
    journal.clear()
    assert journal.read() is None


def test_an_unfinished_step_asks_for_what_is_there_now() -> None:
    begun = Step("m", (NEW, Package("slapd", "1", "2")))
    now = [Step("m", (Package("slapd", "1", "3"), Package("nginx", "1", "2"))), Step("d", (NEW,))]
    renewed = run.renewed(begun, now)
    assert [one.apt_word for one in renewed.packages] == ["fail2ban", "slapd=3", "nginx=2"]
    assert renewed.packages[0].installed == "1.1.0-8", "the way back knows the old version"


class Story(Notes):
    """An upgrade over hosts that only take notes."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, broken: str = "") -> None:
        super().__init__(broken)
        monkeypatch.setattr(plan, "VAR", folder)
        monkeypatch.setattr(playbook, "run", self.play)
        self.upgrade = run.Upgrade(Path("mine"), Progress(quiet=True), self.protect, self.walk)

    def protect(self, host: str) -> str:
        if self.note(f"{host} kept"):
            raise MallepostError("no backup")
        return f"put {host} back"

    def play(self, options: playbook.Options, **_: Any) -> playbook.Report:
        what = "packages" if options.playbook == run.PLAYBOOK else "converge"
        bad = self.note(f"{options.limit} {what}")
        return playbook.Report(int(bad), Path("the.log"), "linear", {}, "no" if bad else "")

    def run(self) -> run.Done:
        return self.upgrade.run([Step("idle"), Step("a", (NEW,)), Step("b", (NEW,))])


WHOLE = ["probe 0", "a kept", "a packages", "a converge", "probe 1", "b kept", "b packages", "b converge", "probe 2"]


def test_hosts_follow_one_another(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    story = Story(monkeypatch, tmp_path)
    assert list(story.run().hosts) == ["a", "b"]
    assert story.notes == WHOLE
    assert story.upgrade.journal.read() is None


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        ("probe 0", "before anything is touched, the probe fails: two; mend that first"),
        ("a kept", "no backup"),
        ("a packages", "a, packages: no; mend it and run `malleposte upgrade` again, which goes on with a; to go back "
                       "instead: put a back"),
        ("a converge", "a, converge: no; mend it"),
        ("probe 1", "a is upgraded and its probe fails: two; mend it"),
    ],
)  # fmt: skip
def test_it_ends_at_the_first_failure_and_goes_on_from_there(
    broken: str, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(monkeypatch, tmp_path, broken)
    with pytest.raises(MallepostError) as error:
        story.run()
    assert message in str(error.value)
    assert story.notes == WHOLE[: WHOLE.index(broken) + 1]

    again = Story(monkeypatch, tmp_path)
    again.run()
    begun = broken not in ("probe 0", "a kept")
    assert again.notes[: 1 if begun else 2] == (["a packages"] if begun else ["probe 0", "a kept"])
    assert again.notes.count("a packages") == again.notes.count("b packages") == 1
    assert again.upgrade.journal.read() is None


class NoLab:
    """A site of real hosts."""

    def members(self, _: str) -> list[str]:
        return ["m"]

    def variables(self, _: str) -> dict[str, str]:
        return {}


def test_without_backups_it_must_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    site: Any = NoLab()
    monkeypatch.setattr(command, "backup", SimpleNamespace(command=SimpleNamespace(commands={})))
    with pytest.raises(InputError, match="give --no-backup"):
        command.protector(Path("mine"), site, [], no_backup=False)
    back = command.protector(Path("mine"), site, [Step("m", (NEW,))], no_backup=True)("m")
    assert back == "on m, apt install --allow-downgrades fail2ban=1.1.0-8"


@pytest.mark.parametrize("code", [0, 1])
def test_a_backup_that_fails_ends_it(code: int, monkeypatch: pytest.MonkeyPatch) -> None:
    site: Any = NoLab()
    called: list[list[str]] = []

    def main(args: list[str], **_: object) -> int:
        called.append(args)
        return code

    fake = SimpleNamespace(command=SimpleNamespace(commands={"run": None}, main=main))
    monkeypatch.setattr(command, "backup", fake)
    protect = command.protector(Path("mine"), site, [Step("m", (NEW,))], no_backup=False)
    if code:
        with pytest.raises(MallepostError, match="nothing was upgraded"):
            protect("m")
    else:
        assert "fail2ban=1.1.0-8" in protect("m")
    assert called == [["run", "-i", "mine", "--host", "m"]]


def test_the_table() -> None:
    big = Package("sogo", "5.12.1-3", "6.0.0-1")
    assert command.table([Step("mail1", (NEW,), (big,))]) == [
        "mail1  fail2ban  1.1.0-8 -> 1.1.0-9",
        "mail1  sogo      5.12.1-3 -> 6.0.0-1  by hand: read its release notes",
    ]
    assert command.table([Step("mail1")]) == ["nothing to upgrade"]
