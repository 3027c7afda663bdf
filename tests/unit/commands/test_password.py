"""`malleposte password`: the table of passwords through the command line, from standard input alone."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from click.testing import CliRunner, Result
from malleposte import cli
from malleposte.commands import password
from malleposte.core.errors import InputError
from malleposte.fleet import remote

from tests.support.passwords import GIVEN_NAME, LOGIN, MAIL, ROWS, SURNAME, Row

WHOSE = ("--user", LOGIN, "--name", GIVEN_NAME, "--name", SURNAME, "--address", MAIL)
Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    """The command with an input; `policy` are facts of the inventory."""

    def call(words: Sequence[str], given: str | bytes = "", policy: dict[str, Any] | None = None, **env: str) -> Result:
        facts = {"malleposte_password_policy": policy or {}}
        listed = {"malleposte": {"hosts": ["mail1"]}, "_meta": {"hostvars": {"mail1": facts}}}
        monkeypatch.setattr(remote, "listing", lambda _path: listed)
        clean = {"LC_ALL": None, "LC_MESSAGES": None, "LANG": "C.UTF-8"}
        return CliRunner().invoke(password.command, list(words), input=given, env=clean | env, standalone_mode=False)

    return call


@pytest.mark.parametrize("row", ROWS, ids=lambda row: ascii(row.password)[:40])
def test_the_table(run: Run, row: Row) -> None:
    done = run(["check", *WHOSE, "--json"], f"{row.password}\n")
    told = json.loads(done.stdout)
    assert told["accepted"] is (not row.violations)
    assert [one["code"] for one in told["violations"]] == list(row.violations)
    assert done.return_value == (1 if row.violations else 0)
    assert len(row.password) < 8 or row.password not in done.output


@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_one_line_end_is_none_of_it(run: Run, end: str) -> None:
    assert run(["check"], f"Tulipe-Verte-47{end}").return_value == 0


def test_a_second_line_is(run: Run) -> None:
    assert "forbidden_character" in run(["check", "--json"], "Tulipe-Verte-47\n\n").stdout


def test_bytes_that_are_no_text_are_refused(run: Run) -> None:
    done = run(["check", "--json"], b"Tulipe-Verte-47\xff\xe9")
    assert (done.return_value, "forbidden_character" in done.stdout) == (1, True)


def test_sentences_in_either_language(run: Run) -> None:
    assert run(["check"], "Tulipe-Verte", LANG="fr_FR.UTF-8").stdout == "Il manque un chiffre.\n"
    assert run(["check"], "Tulipe-Verte", LANG="de_DE.UTF-8").stdout == "A digit is missing.\n"
    assert run(["check", "--lang", "fr"], "Tulipe-Verte-47").stdout == "Accepté.\n"
    assert run(["check", "--lang", "en"], "Tulipe-Verte-47", LANG="fr_FR.UTF-8").stdout == "Accepted.\n"


def test_the_platform_s_policy_decides(run: Run) -> None:
    done = run(["check", "--lang", "fr"], "Renard;Bleu;51", {"min_length": 16})
    assert done.stdout == "Trop court : 16 caractères au moins.\n"
    assert "Au moins 16 caractères" in run(["rules", "--lang", "fr"], policy={"min_length": 16}).stdout


def test_a_policy_that_cannot_be_is_told(run: Run) -> None:
    done = run(["check"], "x", {"min_length": 0})
    assert isinstance(done.exception, InputError)
    assert "min_length" in str(done.exception)


def test_a_password_is_no_argument(run: Run) -> None:
    assert run(["check", "Tulipe-Verte-47"]).exception is not None


def test_too_much_is_no_password(run: Run) -> None:
    assert "more than" in str(run(["check"], "a" * 1_000_001).exception)


def test_a_terminal_that_shows_what_is_typed_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    import getpass
    import sys
    import warnings

    class Terminal:
        @staticmethod
        def isatty() -> bool:
            return True

    def shown(_prompt: str) -> str:
        warnings.warn("Can not control echo on the terminal.", getpass.GetPassWarning, stacklevel=2)
        return "Tulipe-Verte-47"

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(getpass, "getpass", shown)
    with pytest.raises(InputError, match="would show the password"):
        password.read_password()


def test_hosts_have_it() -> None:
    assert "password" in cli.ON_HOSTS
