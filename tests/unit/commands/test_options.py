"""The inventory of a command (typed, of the environment, or the lab's), and its answer to a person."""

import subprocess
import sys
from pathlib import Path

import pytest
from malleposte import cli
from malleposte.commands import away, dns
from malleposte.commands.options import answer
from malleposte.core import paths
from malleposte.dns.facts import Published
from malleposte.fleet import remote

DEFAULT = "inventory: inventories/lab (by default; -i or MALLEPOSTE_INVENTORY names another)\n"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """The inventories that `dns show` was asked of, from the checkout's folder."""
    found: list[Path] = []

    def published(inventory: Path) -> Published:
        found.append(inventory)
        return Published("ac-exemple.test", [], [])

    monkeypatch.setattr(dns.facts, "of_inventory", published)
    monkeypatch.chdir(paths.ROOT)
    for name in ("MALLEPOSTE_INVENTORY", "MALLEPOSTE_LAB_PREFIX"):
        monkeypatch.delenv(name, raising=False)
    return found


def test_the_default_is_named(asked: list[Path], capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["dns", "show"]) == 0
    assert asked == [paths.LAB_INVENTORY]
    assert capsys.readouterr().err == DEFAULT


def test_the_environment_names_another(
    asked: list[Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLEPOSTE_INVENTORY", "standalone")
    assert cli.main(["dns", "show"]) == 0
    assert asked == [paths.ROOT / "inventories/standalone"]
    assert capsys.readouterr().err == "inventory: standalone (by MALLEPOSTE_INVENTORY)\n"


def test_the_lab_of_the_environment_is_the_default_once_it_stands(
    asked: list[Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """No command goes to the hosts of another lab by mistake."""
    monkeypatch.setenv("MALLEPOSTE_LAB_DIR", str(tmp_path))
    monkeypatch.setenv("MALLEPOSTE_LAB_PREFIX", "trial")
    own = tmp_path / "trial/inventory"
    assert cli.main(["dns", "show"]) == 0
    own.mkdir(parents=True)
    assert cli.main(["dns", "show"]) == 0
    assert cli.main(["dns", "show", "-i", "standalone"]) == 0
    assert asked == [paths.LAB_INVENTORY, own, paths.ROOT / "inventories/standalone"]
    assert capsys.readouterr().err == f"{DEFAULT}inventory: {own} (the lab that the environment names)\n"


def test_the_options_need_nothing_that_hosts_do_not_have() -> None:
    """The command line of a host has Debian's click, and neither YAML nor Ansible."""
    code = "import sys, malleposte.commands.options; print(sorted({'yaml', 'ansible'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_what_is_typed_beats_the_environment_and_needs_no_word(
    asked: list[Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLEPOSTE_INVENTORY", "nowhere")
    assert cli.main(["dns", "show", "-i", "standalone"]) == 0
    assert asked == [paths.ROOT / "inventories/standalone"]
    assert capsys.readouterr().err == ""


def test_an_unknown_one_of_the_environment_is_refused(
    asked: list[Path], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MALLEPOSTE_INVENTORY", "nowhere")
    assert cli.main(["dns", "show"]) == 2
    assert "malleposte: no inventory 'nowhere'; give a path or one of: " in capsys.readouterr().err
    assert asked == []


def test_a_command_of_the_directory_s_host_takes_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str] = []
    monkeypatch.setenv("MALLEPOSTE_INVENTORY", "standalone")
    monkeypatch.setattr(
        remote, "places", lambda inventory, _group, **_: seen.append(inventory.name) or [remote.Place("mail1", ())]
    )
    monkeypatch.setattr(away, "run", lambda *_words, **_given: 0)
    assert cli.main(["accounts", "list"]) == 0
    assert cli.main(["accounts", "list", "-i", "lab"]) == 0
    assert seen == ["standalone", "lab"]


def test_another_user_is_told_in_one_line_whose_the_secrets_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "mine"
    (folder / "secrets").mkdir(parents=True)
    assert paths.inventory(str(folder)) == folder
    monkeypatch.setattr(paths.os, "access", lambda _path, _mode: False)
    with pytest.raises(paths.MallepostError, match=r"secrets in .*mine/secrets belong to root; run this with sudo"):
        paths.inventory(str(folder))
    assert paths.inventory(str(folder), secrets=False) == folder


@pytest.mark.parametrize(
    ("document", "lines", "text", "as_json"),
    [
        ([], [], "none\n", "[]\n"),
        ([1], ["one"], "one\n", "[1]\n"),
        ({}, [], "", "{}\n"),
    ],
)
def test_an_empty_list_is_told(
    capsys: pytest.CaptureFixture[str], document: object, lines: list[str], text: str, as_json: str
) -> None:
    answer(document, lines, as_json=False)
    assert capsys.readouterr().out == text
    answer(document, lines, as_json=True)
    assert capsys.readouterr().out == as_json
