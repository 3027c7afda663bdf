"""`malleposte lab`: its arguments, its output, its exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from malleposte.cli import main
from malleposte.commands import lab as lab_commands
from malleposte.commands.lab import command
from malleposte.core.paths import ROOT
from malleposte.dev.lab import HostStatus, Lab

INVENTORY = """\
all:
  vars: {lab_prefix: t, lab_network: 10.213.9.0/24}
  hosts:
    a: {ansible_host: 10.213.9.11}
"""


@pytest.fixture
def where(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "hosts.yml").write_text(INVENTORY, encoding="utf-8")
    monkeypatch.setenv("MALLEPOSTE_LAB_DIR", str(tmp_path / "labs"))
    for name in ("MALLEPOSTE_LAB_PREFIX", "MALLEPOSTE_LAB_NETWORK", "MALLEPOSTE_INVENTORY"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.mark.parametrize("name", sorted(command.commands))
def test_every_command_shows_an_example(name: str) -> None:
    done = CliRunner().invoke(command, [name, "--help"])
    assert done.exit_code == 0
    assert f"malleposte lab {name}" in done.output


def test_status(where: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    one = HostStatus("a", "10.213.9.11", "running", True, 42, 7.0, ("clean",))
    monkeypatch.setattr(Lab, "status", lambda self: [one])
    with pytest.raises(SystemExit) as ended:
        main(["lab", "-i", str(where), "status", "--json"])
    assert ended.value.code == 0
    assert json.loads(capsys.readouterr().out)["hosts"][0]["snapshots"] == ["clean"]


def test_status_of_an_absent_lab_is_a_failure(where: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["lab", "-i", str(where), "status"])
    assert ended.value.code == 1
    assert "absent" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (["--prefix", "BAD", "status"], 2, "bad lab prefix 'BAD'"),
        (["--network", "1.2.3.0/24", "status"], 2, "not a private network"),
        (["ssh", "nobody"], 2, "no host nobody in this lab (there are a)"),
        (["snapshot"], 2, "a LABEL is needed"),
        (["start", "--bind", "x", "a"], 2, "bad bind 'x'"),
        (["kill"], 2, "Missing argument"),
        (["accounts"], 1, "no sample account yet"),
    ],
)
def test_errors_are_one_line(
    where: Path, capsys: pytest.CaptureFixture[str], words: list[str], code: int, message: str
) -> None:
    assert main(["lab", "-i", str(where), *words]) == code
    said = capsys.readouterr().err
    assert message in said
    assert said.count("\n") == 1


@pytest.mark.parametrize(
    ("words", "remote"),
    [
        ([], []),
        (["uptime"], ["uptime"]),
        (["--", "uptime", "-p"], ["uptime -p"]),
        (["grep", "--", "a b"], ["grep -- 'a b'"]),
    ],
)
def test_ssh_takes_two_dashes_or_none(
    where: Path, monkeypatch: pytest.MonkeyPatch, words: list[str], remote: list[str]
) -> None:
    ran: list[list[str]] = []
    monkeypatch.setattr(Lab, "ssh_command", lambda self, host: ["ssh", host])
    monkeypatch.setattr("os.execvp", lambda file, argv: ran.append(argv))
    main(["lab", "-i", str(where), "ssh", "a", *words])
    assert [word for word in ran[0] if word != "-t"] == ["ssh", "a", *remote]


def test_accounts(where: Path, capsys: pytest.CaptureFixture[str]) -> None:
    secrets = where / "labs" / "t" / "inventory" / "secrets"
    secrets.mkdir(parents=True)
    found = {"adupont": {"mail": "a.d@x.test", "password": "s3cret", "profile": "roundcube", "name": "Anne Dupont"}}
    (secrets / "accounts.json").write_text(json.dumps(found), encoding="utf-8")
    main(["lab", "-i", str(where), "accounts"])
    assert "adupont  s3cret" in capsys.readouterr().out
    main(["lab", "-i", str(where), "accounts", "--json"])
    assert json.loads(capsys.readouterr().out) == found


@pytest.mark.parametrize(
    ("words", "environment", "prefix"),
    [
        ([], "", "mp"),
        (["-i", "fleet"], "", "mpf"),
        (["-i", str(ROOT / "inventories/fleet")], "", "mpf"),
        (["-i", str(ROOT / "inventories/fleet/hosts.yml")], "", "mpf"),
        ([], "fleet", "mpf"),
        (["-i", "lab"], "fleet", "mp"),
    ],
)
def test_an_inventory_is_named_as_for_every_command(
    where: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
    words: list[str], environment: str, prefix: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(Lab, "status", lambda self: [])
    monkeypatch.setenv("MALLEPOSTE_INVENTORY", environment)
    with pytest.raises(SystemExit):
        main(["lab", *words, "status", "--json"])
    assert json.loads(capsys.readouterr().out)["prefix"] == prefix


@pytest.mark.parametrize(
    ("name", "message"),
    [("nowhere", "no inventory 'nowhere'; give a path or one of: "), ("standalone", "no lab_prefix: its hosts are no")],
)
def test_an_inventory_that_is_no_lab_s_is_refused(
    where: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, name: str, message: str
) -> None:
    """No lab is taken in the place of the one that was named."""
    monkeypatch.setenv("MALLEPOSTE_INVENTORY", name)
    assert main(["lab", "status"]) == 2
    assert message in capsys.readouterr().err


@pytest.fixture
def removed(where: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The labs that were removed, and twins."""
    labs: list[str] = []
    monkeypatch.setattr(Lab, "down", lambda self, purge: labs.append(self.settings.prefix))
    monkeypatch.setattr(lab_commands.Twin, "remove", lambda self: labs.append(f"twin {self.suffix}"))
    return labs


ALL = ["twin t", "twin w", "t"]


@pytest.mark.parametrize(
    ("words", "typed", "code", "left"),
    [([], "", 1, []), ([], "n\n", 1, []), ([], "y\n", 0, ALL), (["--yes"], "", 0, ALL)],
)
def test_the_lab_of_another_checkout_goes_after_a_question(
    where: Path, removed: list[str], words: list[str], typed: str, code: int, left: list[str],
) -> None:  # fmt: skip
    record = where / "labs/t/made-by"
    record.parent.mkdir(parents=True)
    record.write_text("/srv/another\n", encoding="utf-8")
    done = CliRunner().invoke(command, ["-i", str(where), "down", *words], input=typed)
    assert (done.exit_code, removed) == (code, left)
    assert ("The lab t was made by /srv/another. Remove it?" in done.output) is not bool(words)


@pytest.mark.parametrize("name", ["made-by", "deployed-from", ""])
def test_a_lab_of_this_checkout_goes_at_once(where: Path, removed: list[str], name: str) -> None:
    if name:
        record = where / "labs/t" / name
        record.parent.mkdir(parents=True)
        record.write_text(f"{ROOT if name == 'made-by' else ROOT / 'inventories/lab'}\n", encoding="utf-8")
    assert main(["lab", "-i", str(where), "down"]) == 0
    assert removed == ALL
