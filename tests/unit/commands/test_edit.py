"""Answers of `accounts create`, `rename` and `quota`."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import pytest
from malleposte.accounts import here
from malleposte.accounts.acts import Tools
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.hosts.every import Hosts
from malleposte.accounts.journal import Journal
from malleposte.accounts.life.rules import LifeRules
from malleposte.commands.accounts import context, edit
from malleposte.core import paths
from malleposte.core.errors import InputError
from malleposte.directory.model import Agent, State, agent_attributes
from malleposte.platform import profiles

from tests.support.classes import CLASSES
from tests.support.directory import MemoryDirectory
from tests.support.hosts import NoPasswords

DOMAIN = "ac-exemple.test"
KEYS = Keyring("k1", {"k1": b"1" * 32})
Typed = Callable[..., str]


@pytest.fixture
def directory() -> MemoryDirectory:
    """One agent."""
    made = MemoryDirectory()
    one = Agent("mdupond", "Marie", "Dupond", f"marie.dupond@{DOMAIN}", "roundcube", State.ACTIVE)
    made.add(one.dn(made.suffix), agent_attributes(one))
    return made


@pytest.fixture
def typed(
    directory: MemoryDirectory, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Typed:
    """Run a command on the directory's host; what it printed."""

    class Settings:
        domain = DOMAIN

        @classmethod
        def read(cls) -> Settings:
            return cls()

        def keys(self) -> Keyring:
            return KEYS

        @contextmanager
        def directory(self) -> Iterator[MemoryDirectory]:
            yield directory

    @contextmanager
    def tools(_settings: object) -> Iterator[Tools]:
        with Journal(tmp_path / "journal.jsonl", "essai") as journal:
            yield Tools(directory, journal, (), NoPasswords(), Hosts(directory, []))

    @contextmanager
    def nothing() -> Iterator[None]:
        yield

    monkeypatch.setattr(paths, "HOSTED", True)
    for place in (context, edit):
        monkeypatch.setattr(place, "Settings", Settings)
    monkeypatch.setattr(edit, "one_writer", nothing)
    monkeypatch.setattr(here, "tools", tools)
    monkeypatch.setattr(here, "rules_of", lambda _settings: LifeRules())
    monkeypatch.setattr(profiles, "read", lambda: CLASSES)

    def run(command: Any, *words: str, given: str = "") -> str:
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        assert not command.main(list(words), standalone_mode=False)
        return capsys.readouterr().out

    return run


def test_a_rename_prints_the_new_address_and_that_the_old_one_goes_on(typed: Typed) -> None:
    told = typed(edit.rename_command, "mdupond", "--surname", "Martin")
    assert f"Marie Martin <marie.martin@{DOMAIN}>" in told
    assert f"still logs in: marie.dupond@{DOMAIN}" in told


def test_an_account_without_a_numen_is_said_to_open_with_no_code(typed: Typed) -> None:
    told = typed(edit.create_command, "--given-name", "Zoé", "--surname", "Petit")
    assert f"zoe.petit@{DOMAIN}" in told and "without a NUMEN no code activates it" in told
    told = typed(edit.create_command, "--given-name", "Luc", "--surname", "Petit", "--numen", given="21E9500001XYZ\n")
    assert "a code to activate it: malleposte accounts reset lpetit" in told and "NUMEN" not in told


def test_a_name_that_is_reserved_makes_no_account(typed: Typed, directory: MemoryDirectory) -> None:
    for words in (("--uid", "portal"), ("--address", f"abuse@{DOMAIN}")):
        with pytest.raises(InputError, match="reserved"):
            typed(edit.create_command, "--given-name", "Zoé", "--surname", "Petit", *words)
    typed(edit.create_command, "--given-name", "Zoé", "--surname", "Petit", "--uid", "portail")
    assert [name for name in directory.entries if "uid=port" in name] == [f"uid=portail,ou=people,{directory.suffix}"]


@pytest.mark.parametrize("size", ["-5", "0", "beaucoup", "10000000", "-x"])
def test_what_is_no_size_is_refused_in_a_sentence(typed: Typed, size: str) -> None:
    with pytest.raises(InputError) as refused:
        typed(edit.quota_command, "mdupond", size)
    assert str(refused.value) == f"{size} is no size in MB; give 1 to 9999999; that of the class: --profile"
    assert "of the class roundcube" in typed(edit.quota_command, "mdupond"), "nothing was changed"


def test_an_option_of_no_meaning_is_no_size(typed: Typed) -> None:
    with pytest.raises(click.NoSuchOption):
        typed(edit.quota_command, "mdupond", "--profil")


def test_a_quota_without_a_number_is_shown(typed: Typed) -> None:
    assert typed(edit.quota_command, "mdupond").startswith("mdupond: ")
    assert "of the class roundcube" in typed(edit.quota_command, "mdupond")
    assert "quota 1234 MB" in typed(edit.quota_command, "mdupond", "1234")
    assert "mdupond: 1234 MB, its own" in typed(edit.quota_command, "mdupond")
    assert json.loads(typed(edit.quota_command, "mdupond", "--json"))["quota_mb"] == 1234
