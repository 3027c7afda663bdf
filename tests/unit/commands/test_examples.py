"""Every command that the help and the docs show: it parses, and the codes of schools in it are right."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from malleposte import cli
from malleposte.accounts.feed import columns, values
from malleposte.core.errors import InputError

from tests.unit.test_cli import every_command

ROOT = Path(__file__).resolve().parents[3]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/README.md")])
SOURCES = sorted([*ROOT.glob("cli/malleposte/commands/**/*.py"), *ROOT.glob("plugins/modules/*.py")])
UAI = re.compile(r"(?<![0-9A-Za-z])[0-9]{7}[A-Za-z](?![0-9A-Za-z])")
_FENCE = re.compile(r"^ *```[a-z]*\n(.*?)^ *```", re.DOTALL | re.MULTILINE)
_ENDS = ("|", "<", ">", "&&", ";")


def lines_of(text: str) -> Iterator[str]:
    yield from re.sub(r" *\\\n *", " ", text).splitlines()


def commands_of(line: str) -> Iterator[list[str]]:
    """The words after `./malleposte` in a shell's line, up to a pipe or the like; what is said of it stands apart."""
    lexer = shlex.shlex(re.split(r" {3,}", line.strip())[0], posix=True, punctuation_chars="|<>;&")
    lexer.whitespace_split = True
    words = list(lexer)
    for place, word in enumerate(words):
        if word in ("./malleposte", "malleposte") and (place == 0 or words[place - 1] in ("sudo", "|", "&&", ";")):
            rest = words[place + 1 :]
            end = next((at for at, one in enumerate(rest) if one in _ENDS), len(rest))
            yield rest[:end]


def examples() -> list[tuple[str, str, list[str]]]:
    """The file of an example, its line, its words."""
    shown = [(name, line) for name, command in every_command() for line in lines_of(command.help or "")]
    shown += [
        (page.name, line)
        for page in PAGES
        for block in _FENCE.findall(page.read_text("utf-8"))
        for line in lines_of(block)
    ]
    typed = [
        (where, line)
        for where, line in shown
        if re.match(r" *(sudo |echo .*\| )?(\./)?malleposte |.*\./malleposte ", line)
    ]
    return [(where, line.strip(), words) for where, line in typed for words in commands_of(line) if words]


def parse(words: list[str]) -> None:
    """Raises click's or the program's own error where the words are none that it takes."""
    command: click.Command = cli.cli
    context = command.make_context("malleposte", list(words))
    while isinstance(command, click.Group) and (context._protected_args or context.args):
        name, inner, rest = command.resolve_command(context, [*context._protected_args, *context.args])
        assert inner is not None
        command, context = inner, inner.make_context(name, rest, parent=context)


@pytest.fixture(autouse=True)
def nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that an example names are the reader's."""
    monkeypatch.setattr(columns, "read_mapping", lambda _path: {})


def test_there_are_examples_and_a_wrong_one_is_seen() -> None:
    assert len(examples()) > 150
    parse(["accounts", "move", "mdupond", "0210001M"])
    for wrong in (["accounts", "moove", "mdupond"], ["accounts", "move", "--nonsense"], ["accounts", "show"]):
        with pytest.raises((click.UsageError, InputError)):
            parse(wrong)


def test_every_example_parses() -> None:
    wrong = []
    for where, line, words in examples():
        try:
            parse(words)
        except click.exceptions.Exit:
            continue
        except (click.UsageError, InputError) as error:
            wrong.append(f"{where}: {line}: {error}")
    assert wrong == []


def test_every_code_of_a_school_has_its_letter() -> None:
    wrong = []
    for path in (*PAGES, *SOURCES):
        for code in UAI.findall(path.read_text("utf-8")):
            try:
                values.uai(code)
            except values.BadValueError as error:
                wrong.append(f"{path.relative_to(ROOT)}: {error}")
    assert wrong == []
    assert values.uai("0210001M") and values.uai("0890001T")
