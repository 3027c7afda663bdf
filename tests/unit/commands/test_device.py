"""`accounts device`: what an operator types and reads."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts import acts
from malleposte.accounts.devices import uses
from malleposte.accounts.hosts.every import Hosts
from malleposte.accounts.journal import Journal
from malleposte.accounts.life import renewal
from malleposte.accounts.life.rules import LifeRules
from malleposte.commands.accounts import device
from malleposte.core import paths
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.directory.model import Agent, State, agent_attributes
from malleposte.platform import letters as platform_letters
from malleposte.policy.devices import is_device_password
from malleposte.policy.model import Policy

from tests.support.directory import MemoryDirectory
from tests.support.hosts import FakeHost, NoPasswords

FACTS = renewal.Facts(
    "ac-exemple.test", "académie", "pia.ac-exemple.test", "01", "aide@ac-exemple.test", "", "", Policy()
)
Typed = Callable[..., tuple[int, str, str]]


@pytest.fixture
def letters() -> list[Any]:
    return []


@pytest.fixture
def mail1() -> FakeHost:
    return FakeHost("mail1", frozenset(("dovecot", "store")))


@pytest.fixture
def typed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    letters: list[Any],
    mail1: FakeHost,
) -> Typed:
    directory = MemoryDirectory()
    agent = Agent("mdupond", "Marie", "Dupond", "marie.dupond@ac-exemple.test", "roundcube", State.ACTIVE)
    directory.add(agent.dn(directory.suffix), agent_attributes(agent))

    @contextlib.contextmanager
    def host(_who: str) -> Iterator[tuple[Any, ...]]:
        with Journal(tmp_path / "journal.jsonl", "essai") as journal:
            yield (
                acts.Tools(directory, journal, [], NoPasswords(), Hosts(directory, [mail1])),
                LifeRules(),
                None,
                "mdupond",
            )

    monkeypatch.setattr(paths, "HOSTED", True)
    monkeypatch.setattr(device, "host", host)
    monkeypatch.setattr(uses, "here", lambda: None)
    monkeypatch.setattr(renewal.Facts, "read", lambda: FACTS)
    monkeypatch.setattr(platform_letters, "queue", letters.append)

    def run(command: Any, *words: str) -> tuple[int, str, str]:
        code = command.main(list(words), standalone_mode=False)
        return (code, *capsys.readouterr())

    return run


def test_a_password_is_printed_once_and_its_owner_told(typed: Typed, letters: list[Any]) -> None:
    code, out, _err = typed(device.add_command, "mdupond", "--name", "Copieur", "--scope", "smtp", "--days", "90")
    password = out.split("password")[1].split()[0]
    assert code == ExitCode.DONE and is_device_password(password)
    assert letters[0]["To"] == "marie.dupond@ac-exemple.test" and password not in letters[0].as_string()
    _code, out, _err = typed(device.list_command, "mdupond")
    assert "Copieur" in out and "smtp" in out and "never used" in out and password[9:] not in out


def test_json_has_the_password_only_when_it_is_made(typed: Typed) -> None:
    made = json.loads(typed(device.add_command, "mdupond", "--name", "Un", "--json")[1])
    assert is_device_password(made["password"]) and made["scopes"] == ["imap", "smtp", "sieve", "dav"]
    (listed,) = json.loads(typed(device.list_command, "mdupond", "--json")[1])["devices"]
    assert listed["device"] == made["device"] and "password" not in listed


def test_networks_are_kept_and_listed(typed: Typed) -> None:
    words = ("mdupond", "--name", "Copieur", "--network", "192.0.2.0/24", "--network", "2001:db8::/32")
    assert json.loads(typed(device.add_command, *words, "--json")[1])["networks"] == ["192.0.2.0/24", "2001:db8::/32"]
    assert "from 192.0.2.0/24 2001:db8::/32 alone" in typed(device.list_command, "mdupond")[1]
    with pytest.raises(InputError, match="is no network"):
        typed(device.add_command, "mdupond", "--name", "Deux", "--network", "192.0.2.1/24")


def test_one_or_all_are_revoked(typed: Typed, mail1: FakeHost) -> None:
    made = [json.loads(typed(device.add_command, "mdupond", "--name", name, "--json")[1]) for name in ("A", "B", "C")]
    assert json.loads(typed(device.revoke_command, "mdupond", "b", "--json")[1])["devices"] == [made[1]["device"]]
    assert mail1.done[-1] == ("cut", "mdupond", made[1]["device"])
    code, out, _err = typed(device.revoke_command, "mdupond", "--all")
    assert (code, out) == (ExitCode.DONE, "mdupond: revoked A, C\n")
    assert "no device" in typed(device.list_command, "mdupond")[1]
    for words in ((), ("a", "--all")):
        with pytest.raises(InputError, match="name one device"):
            typed(device.revoke_command, "mdupond", *words)


def test_a_host_that_was_down_is_named_and_reached_by_the_next(typed: Typed, mail1: FakeHost) -> None:
    made = json.loads(typed(device.add_command, "mdupond", "--name", "Perdu", "--json")[1])
    mail1.down = True
    code, _out, err = typed(device.revoke_command, "mdupond", "Perdu")
    assert code == ExitCode.PARTLY and "not done: dovecot: on mail1: no route to host" in err
    mail1.down = False
    assert typed(device.revoke_command, "mdupond", made["device"])[0] == ExitCode.DONE
    assert mail1.done == [("cut", "mdupond", made["device"])]


def test_a_letter_that_cannot_be_sent_is_said(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_letter: object) -> None:
        raise MallepostError("sendmail refuses")

    monkeypatch.setattr(platform_letters, "queue", refuse)
    code, out, err = typed(device.add_command, "mdupond", "--name", "A")
    assert code == ExitCode.PARTLY and "password" in out and "notice to the owner: sendmail refuses" in err
