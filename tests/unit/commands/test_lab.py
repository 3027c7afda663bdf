"""`malleposte lab`: its arguments, its output, its exit codes."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner
from malleposte.cli import main
from malleposte.commands.lab import command
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
    monkeypatch.delenv("MALLEPOSTE_LAB_PREFIX", raising=False)
    monkeypatch.delenv("MALLEPOSTE_LAB_NETWORK", raising=False)
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
