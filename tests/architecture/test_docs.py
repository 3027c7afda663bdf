"""The documents: generated ones are up to date, and every name in them exists."""

import functools
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from malleposte import cli

from tests.browser.support import guide

from .conftest import ROOT, load

PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("roles/*/README.md")])


def page_id(path: Path) -> str:
    return str(path.relative_to(ROOT))


def commands_in(text: str) -> Iterator[str]:
    """Every call of malleposte in the shell blocks and in code quotes, without what follows a # or a pipe."""
    for block in re.findall(r"```sh\n(.*?)```", text, re.DOTALL):
        for line in block.replace("\\\n", " ").splitlines():
            for part in re.split(r"\s*(?:&&|\|\||;|\||>)\s*", line.partition(" #")[0].strip()):
                if re.match(r"(sudo )?\./malleposte\b", part):
                    yield part
    yield from re.findall(r"`((?:sudo )?(?:\./)?malleposte [a-z][^`]*)`", text)


def check_call(call: str) -> str | None:
    """Return the fault of a call; None when the command and its options exist."""
    words = shlex.split(call.removeprefix("sudo "), comments=True)[1:]
    command: click.Command = cli.cli
    name = "malleposte"
    for index, word in enumerate(words):
        if word.startswith("-"):
            known = {"--help"} | {one for option in command.params for one in (*option.opts, *option.secondary_opts)}
            if word.partition("=")[0] not in known and not re.fullmatch(r"-v+", word):
                return f"{name} has no option {word}"
        elif isinstance(command, click.Group) and (index == 0 or not words[index - 1].startswith("-")):
            if "|" in word or word in ("…", "..."):
                return None
            found = cli.load(word) if command is cli.cli and word in cli.COMMANDS else None
            found = found or (None if command is cli.cli else command.commands.get(word))
            if found is None:
                return f"there is no command {word}"
            command, name = found, word
            if name == "ssh":
                return None  # the rest runs on the host
    return None


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_the_commands_that_a_page_names_exist(path: Path) -> None:
    wrong = {call: fault for call in commands_in(path.read_text("utf-8")) if (fault := check_call(call))}
    assert wrong == {}


@pytest.mark.parametrize(
    ("call", "fault"),
    [
        ("./malleposte deploy --check", None),
        ("sudo ./malleposte lab ssh mail1 journalctl -u postfix", None),
        ("./malleposte nonsense", "there is no command nonsense"),
        ("./malleposte deploy --nonsense", "deploy has no option --nonsense"),
    ],
)
def test_the_check_of_commands_sees_faults(call: str, fault: str | None) -> None:
    assert check_call(call) == fault


def anchors(text: str) -> set[str]:
    """The anchors that a forge makes of a page's headings."""
    titles = re.findall(r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.strip().lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("path", PAGES, ids=page_id)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    wrong = []
    text = re.sub(r"```.*?```", "", path.read_text("utf-8"), flags=re.DOTALL)
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target or target.startswith("mailto:"):
            continue
        name, _, anchor = target.partition("#")
        page = (path.parent / name).resolve() if name else path
        if not page.exists() or (anchor and anchor not in anchors(page.read_text("utf-8"))):
            wrong.append(target)
    assert wrong == []


def test_every_picture_that_is_kept_is_shown() -> None:
    assert {path.name for path in guide.FOLDER.iterdir()} == guide.shown(PAGES)


def test_the_reference_is_up_to_date() -> None:
    """In a process of its own: click keeps the help of a command as whoever asked first has seen it."""
    argv = [sys.executable, "-m", "malleposte.dev.reference", "--check"]
    environment = {"PYTHONPATH": "cli", "PATH": "/usr/bin:/bin"}
    done = subprocess.run(argv, capture_output=True, text=True, check=False, cwd=ROOT, env=environment)
    assert (done.returncode, done.stderr) == (0, "")


def test_the_rights_in_the_directory_are_those_of_the_manifest() -> None:
    """The table of docs/schema.md: a row an account, with its branches and attributes."""
    manifest = load(ROOT / "playbooks/group_vars/all/services.yml")["malleposte_services"]
    rows = {
        f"| `cn={account}` | {', '.join(rights['branches'])} | `{' '.join(rights['read'])}` |"
        for service in manifest.values()
        for account, rights in service.get("directory", {}).items()
    }
    page = (ROOT / "docs/schema.md").read_text("utf-8")
    assert rows == {line for line in page.splitlines() if line.startswith("| `cn=")}


def test_decisions_are_numbered_and_bear_their_status() -> None:
    decisions = sorted((ROOT / "docs" / "adr").glob("*.md"))
    numbers = [int(path.name[:4]) for path in decisions]
    assert numbers == sorted(set(numbers)), "two decisions bear one number"
    without = [path.name for path in decisions if not re.search(r"^Status: \w+", path.read_text("utf-8"), re.MULTILINE)]
    assert without == []


FOREIGN = {"index.php"}
"""Files of products, which decisions name as well."""


@functools.cache
def files_and_tests() -> tuple[list[str], set[str]]:
    """The files of the repository, and the names of all tests."""
    known = subprocess.run(["git", "ls-files"], capture_output=True, text=True, check=True, cwd=ROOT).stdout.split()
    return known, {
        name
        for one in ROOT.glob("tests/**/test_*.py")
        for name in re.findall(r"def (test_\w+)", one.read_text("utf-8"))
    }


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "adr").glob("*.md")), ids=page_id)
def test_files_and_tests_that_a_decision_names_exist(path: Path) -> None:
    known, tests = files_and_tests()
    named = re.findall(r"`([^`\n]+)`", path.read_text("utf-8"))
    files = {one for one in named if re.fullmatch(r"[\w.-][\w./-]*\.(?:py|lua|php|js|pm|yml|j2)", one)} - FOREIGN
    assert [one for one in files if not any(f"/{have}".endswith(f"/{one}") for have in known)] == []
    assert {one for one in named if re.fullmatch(r"test_\w+", one)} - tests == set()


def leaves(command: click.Command, *names: str) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    """The commands below a group, by their words; those that people do not type are left out."""
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from leaves(inner, *names, name)
    elif not command.hidden:
        yield names, command


@functools.cache
def stack_sources() -> str:
    return "\n".join(path.read_text("utf-8") for path in sorted((ROOT / "tests/stack").rglob("test_*.py")))


def commands_on_accounts() -> dict[tuple[str, ...], click.Command]:
    return {names: one for word in ("accounts", "password") for names, one in leaves(cli.load(word), word)}


@pytest.mark.parametrize("names", commands_on_accounts(), ids=" ".join)
def test_every_command_on_accounts_is_explained_and_tried(names: tuple[str, ...]) -> None:
    """An example in its help, a word in docs/accounts.md, a call in a stack test (as arguments, or typed out)."""
    assert "Example:" in str(commands_on_accounts()[names].help)
    words = names[1:] if names[0] == "accounts" else names
    assert " ".join(words) in (ROOT / "docs/accounts.md").read_text("utf-8")
    called = re.compile(r'["\s]+,?\s*"?'.join(map(re.escape, words)) + r'["\s]')
    assert re.search(rf'["\s]{called.pattern}', stack_sources())


@pytest.mark.parametrize(
    ("page", "headings"),
    [
        ("incidents", ["Un disque est plein", "Le contrôleur est perdu",
                       "Une clé ou un mot de passe de la plateforme est volé", "La rentrée"]),
        ("assistance/messages-supprimes", []), ("assistance/agenda", []), ("assistance/telephone", []),
        ("guide/outlook", []),
    ],
)  # fmt: skip
def test_the_french_pages_of_operators_and_the_help_desk_are_there(page: str, headings: list[str]) -> None:
    text = (ROOT / f"docs/fr/{page}.md").read_text("utf-8")
    assert [one for one in headings if f"\n## {one}\n" not in text] == []
    assert len(text.split()) > 200, "a page, not a heading"


def test_day_one_says_what_becomes_of_the_mail_of_before() -> None:
    text = (ROOT / "docs/day-1.md").read_text("utf-8")
    assert "stays readable until a command `migrate`" in text and "contacts of before" in text
