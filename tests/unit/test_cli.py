"""The command line's own rules: one line an error, exit codes, help, a light start; and the locks."""

import contextlib
import io
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import pytest
from malleposte import cli
from malleposte.commands.accounts import options
from malleposte.core import paths, run
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.fleet import playbook, remote

ROOT = Path(__file__).resolve().parents[2]
SHELLS = ("bash", "zsh", "fish")


def every_command() -> list[tuple[str, click.Command]]:
    found: list[tuple[str, click.Command]] = []

    def walk(name: str, command: click.Command) -> None:
        found.append((name, command))
        if isinstance(command, click.Group):
            for child, inner in command.commands.items():
                walk(f"{name} {child}", inner)

    for name in cli.COMMANDS:
        walk(name, cli.load(name))
    return found


def test_every_command_has_help_with_an_example() -> None:
    without = [name for name, command in every_command() if "Example" not in (command.help or "")]
    assert without == []


def test_every_option_has_help() -> None:
    without = [
        f"{name} {option.opts[-1]}"
        for name, command in every_command()
        for option in command.params
        if isinstance(option, click.Option) and not option.help
    ]
    assert without == []


@pytest.mark.parametrize("name", cli.COMMANDS)
def test_the_summary_in_the_list_is_the_command_s_own(name: str) -> None:
    first = (cli.load(name).help or "").strip().splitlines()[0]
    assert first == cli.COMMANDS[name]


def test_starting_imports_no_command() -> None:
    code = (
        "import sys, malleposte.cli as c; c.main(['--help']);"
        "heavy = {'ansible', 'ldap3', 'dns', 'yaml', 'cryptography', 'malleposte.dev.lab'};"
        "heavy |= {'malleposte.commands.deploy'};"
        "print('LOADED', sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "LOADED []"


def break_with(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    @click.command()
    def command() -> None:
        raise error

    monkeypatch.setattr(cli, "load", lambda _: command)


@pytest.mark.parametrize(
    ("error", "code", "line"),
    [
        (MallepostError("no\n  light", "pay the bill"), 1, "malleposte: no light; pay the bill"),
        (InputError("not a host 'x'"), 2, "malleposte: not a host 'x'"),
        (KeyboardInterrupt(), 130, "malleposte: interrupted"),
        (
            ZeroDivisionError("x\ny"),
            1,
            "malleposte: defect: ZeroDivisionError: x y (run again as 'malleposte --debug ...' and report it)",
        ),
    ],
)
def test_an_error_is_one_line_and_a_code(
    error: BaseException, code: int, line: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("MALLEPOSTE_DEBUG", raising=False)
    break_with(monkeypatch, error)
    assert cli.main(["deploy"]) == code
    assert capsys.readouterr().err.splitlines()[-1:] == [line]


def test_debug_shows_the_traceback(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("MALLEPOSTE_DEBUG", "")
    break_with(monkeypatch, MallepostError("boom"))
    assert cli.main(["--debug", "deploy"]) == ExitCode.FAILURE
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nonsense"], "No such command 'nonsense' (see 'malleposte --help')"),
        (["deploy", "--nonsense"], "No such option '--nonsense' (see 'malleposte deploy --help')"),
        (["deploy", "-i", "nowhere"], "no inventory 'nowhere'; give a path or one of: "),
        (["test", "nonsense"], "'nonsense' is not one of"),
        (["completion", "csh"], "'csh' is not one of"),
    ],
)
def test_bad_input_is_one_line_and_code_2(words: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(words) == ExitCode.BAD_INPUT
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("malleposte: ")
    assert said in line


def test_no_word_at_all_shows_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == ExitCode.BAD_INPUT
    assert "Commands:" in capsys.readouterr().err


@pytest.mark.parametrize("shell", SHELLS)
def test_completion_prints_the_script(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["completion", shell]) == ExitCode.DONE
    assert f"_MALLEPOSTE_COMPLETE={shell}_complete" in capsys.readouterr().out


def test_completion_completes() -> None:
    env = {"_MALLEPOSTE_COMPLETE": "bash_complete", "COMP_WORDS": "malleposte de", "COMP_CWORD": "1"}
    done = subprocess.run(
        [sys.executable, "-m", "malleposte"], env=env, capture_output=True, text=True, check=True, cwd=ROOT / "cli"
    )
    assert done.stdout.split() == ["plain,deploy"]


def test_an_inventory_is_a_path_or_a_name(tmp_path: Path) -> None:
    assert paths.inventory(None) == ROOT / "inventories" / "lab"
    assert paths.inventory("standalone") == ROOT / "inventories" / "standalone"
    assert paths.inventory(str(tmp_path)) == tmp_path


# ---- running programs ----------------------------------------------------------------------------------------------


def test_output_is_kept_copied_and_its_cause_found(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    log = tmp_path / "log"
    script = r"printf 'one\nE: the \033[31mcause\033[0m\nlast'; exit 3"
    done = run.stream(["sh", "-c", script], log, copy=sys.stdout)
    assert (done.code, done.tail, done.cause) == (3, ("one", "E: the cause", "last"), "E: the cause")
    assert "one\n" in log.read_text()
    assert "one\n" in capsys.readouterr().out
    with pytest.raises(MallepostError, match="trying failed: E: the cause; details in "):
        run.check(["sh", "-c", script], log, "trying")


def test_the_screen_leaves_out_one_warning_alone() -> None:
    noise = "\033[1;35m[WARNING]: Collection at '/x/ansible/_protomatter' does not have a MANIFEST.json file, nor it.\n"
    other = "[WARNING]: Collection at '/x/academie/malleposte' does not have a MANIFEST.json file\n"
    text = f"[  1 s] base\n{noise}{other}[WARNING]: Coll"
    for size in (1, 7, len(text)):
        seen = io.StringIO()
        screen = run.Screen(seen)
        for start in range(0, len(text), size):
            screen.write(text[start : start + size])
        screen.end()
        assert seen.getvalue() == f"[  1 s] base\n{other}[WARNING]: Coll"


def test_an_unfinished_line_is_shown_at_once() -> None:
    seen = io.StringIO()
    run.Screen(seen).write("password: ")
    assert seen.getvalue() == "password: "


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(MallepostError, match="cannot start no-such-program: No such file"):
        run.stream(["no-such-program"], tmp_path / "log")


def test_what_a_carriage_return_overwrote_is_left_out() -> None:
    assert run.plain("\r\x1b[Kworking\r\x1b[Kdone \n") == "done"


def test_the_words_for_ansible() -> None:
    options = playbook.Options(
        Path("inv"), Path("p.yml"), check=True, diff=True, limit="a", tags="t", extra=("x=1",), verbose=2
    )
    words = playbook.command_line(options)[1:]
    assert words == ["-i", "inv", "p.yml", "--check", "--diff", "--limit", "a", "--tags", "t", "-e", "x=1", "-vv"]


def test_linear_needs_no_mitogen() -> None:
    assert playbook.strategy_environment(linear=True) == {"ANSIBLE_STRATEGY": "linear"}
    assert playbook.strategy_environment(linear=False)["ANSIBLE_STRATEGY"] == "mitogen_linear"


def test_two_runs_on_one_inventory_never_meet(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playbook, "VAR", tmp_path)
    with (
        playbook.only_one(Path("lab")),
        pytest.raises(MallepostError, match="another run on inventory lab"),
        playbook.only_one(Path("lab")),
    ):
        pass
    with playbook.only_one(Path("lab")):
        pass


# ---- locks -----------------------------------------------------------------------------------------------------------


def versions(name: str) -> dict[str, str]:
    text = (ROOT / f"{name}.lock").read_text()
    return dict(re.findall(r"^([A-Za-z0-9._-]+)==(\S+) \\$", text, re.MULTILINE))


@pytest.mark.parametrize("name", ["requirements-build", "requirements", "requirements-dev"])
def test_a_lock_has_versions_and_hashes_and_no_address(name: str) -> None:
    text = (ROOT / f"{name}.lock").read_text()
    assert re.findall(r"://|--index|--find-links|--trusted|--extra-index", text) == []
    entries = [line for line in text.splitlines() if line and not line[0].isspace() and not line.startswith("#")]
    assert len(entries) == len(versions(name)) > 0
    for entry in re.split(r"^(?=[A-Za-z0-9])", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in entry, entry


def test_the_test_lock_holds_the_run_time_lock() -> None:
    dev: dict[str, Any] = versions("requirements-dev")
    assert {name: dev.get(name) for name in versions("requirements")} == versions("requirements")


@pytest.mark.parametrize(
    ("error", "document"),
    [
        (MallepostError("no light", "pay the bill"), {"error": "no light", "hint": "pay the bill", "exit_code": 1}),
        (InputError("not a host 'x'"), {"error": "not a host 'x'", "hint": "", "exit_code": 2}),
        (KeyboardInterrupt(), {"error": "interrupted", "hint": "", "exit_code": 130}),
    ],
)
def test_a_failure_is_json_where_json_was_asked_for(
    error: BaseException, document: dict[str, Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    @click.command()
    @click.option("--json", "_as_json", is_flag=True)
    @click.argument("words", nargs=-1)
    def command(_as_json: bool, words: tuple[str, ...]) -> None:
        raise error

    monkeypatch.setattr(cli, "load", lambda _: command)
    assert cli.main(["deploy", "--json"]) == document["exit_code"]
    assert json.loads(capsys.readouterr().out) == document
    for typed in (["deploy"], ["deploy", "--", "--json"]):
        assert cli.main(typed) == document["exit_code"]
        assert capsys.readouterr().out == ""
    assert cli.main(["deploy", "--json", "--nonsense"]) == ExitCode.BAD_INPUT
    assert json.loads(capsys.readouterr().out)["exit_code"] == ExitCode.BAD_INPUT


def test_a_failed_deploy_prints_one_document(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from malleposte.commands import deploy

    report = playbook.Report(2, tmp_path / "log", "linear", {}, "mail1 refused")
    monkeypatch.setattr(deploy.checking, "gate", lambda *_args, **_named: None)
    monkeypatch.setattr(deploy.playbook, "VAR", tmp_path / "var")
    monkeypatch.setattr(deploy.playbook, "run", lambda *_args, **_named: report)
    monkeypatch.setattr(deploy, "silenced", lambda *_args: contextlib.nullcontext())
    assert cli.main(["deploy", "--json", "-i", "lab"]) == ExitCode.FAILURE
    told = capsys.readouterr()
    assert json.loads(told.out)["ok"] is False
    assert "mail1 refused" in told.err


def test_a_failure_on_a_host_that_speaks_json_is_that_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    told = '{"error": "too many leave", "hint": "say so", "exit_code": 1}'
    place = remote.Place("mail1", ("sh", "-c", f"echo '{told}'; exit 1", "sh"))
    with pytest.raises(MallepostError, match="mail1: too many leave; say so"):
        place.exchange(["accounts", "apply"], b"", also=(1,))
    place = remote.Place("mail1", ("sh", "-c", "echo '{\"done\": 1}'; exit 1", "sh"))
    assert place.exchange(["accounts", "apply"], b"", also=(1,)) == {"done": 1}


@pytest.mark.parametrize(
    ("ends", "code", "lines"),
    [
        ("echo 'malleposte: account x: not there' >&2; exit 2", 2, []),
        ("echo 'malleposte: account x: not there' >&2; exit 1", 1, []),
        ("exit 137", 1, ["malleposte: mail1: `malleposte accounts letters` ended with 137"]),
    ],
)
def test_a_host_that_refused_with_a_sentence_is_not_followed_by_another(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], ends: str, code: int, lines: list[str]
) -> None:
    @click.command()
    def command() -> None:
        remote.Place("mail1", ("sh", "-c", ends, "sh")).printed(["accounts", "letters"], b"")

    monkeypatch.setattr(cli, "load", lambda _name: command)
    assert cli.main(["password"]) == code
    sentences = [line for line in capfd.readouterr().err.splitlines() if line != "malleposte: account x: not there"]
    assert sentences == lines


def test_ctrl_c_at_a_question_ends_as_anywhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    def asks(error: type[BaseException]) -> int:
        @click.command()
        def command() -> None:
            options.confirm("Remove?", yes=False)

        def typed(*_of: object, **_more: object) -> str:
            raise error

        monkeypatch.setattr(click.termui, "visible_prompt_func", typed)
        monkeypatch.setattr(cli, "load", lambda _: command)
        return cli.main(["deploy"])

    assert asks(KeyboardInterrupt) == ExitCode.INTERRUPTED
    assert asks(EOFError) == ExitCode.FAILURE


def test_standard_files_that_do_not_wait_hinder_no_command() -> None:
    """ssh leaves the files of a shell so; Ansible refuses to start then."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    words = [sys.executable, "-m", "malleposte", "check", "-i", "inventories/nulle-part", "--offline"]
    with os.fdopen(reading, encoding="utf-8") as answer:
        subprocess.run(words, cwd=ROOT, stderr=writing, stdout=subprocess.DEVNULL, check=False, timeout=120)
        blocks = os.get_blocking(writing)
        os.close(writing)
        assert blocks
        assert "nulle-part" in answer.read()
