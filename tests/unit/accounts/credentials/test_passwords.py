"""Passwords: rights to set a new one, states, refusals by name, and no disclosure of any."""

import datetime
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials.passwords import NotProvedError, Passwords, Proof, RefusedPasswordError
from malleposte.accounts.journal import Journal
from malleposte.directory.control import PolicyErrorCode, PolicyState
from malleposte.directory.errors import PasswordRefused
from malleposte.directory.model import Agent, State, agent_attributes
from malleposte.directory.protocol import BindResult

from tests.support.directory import MemoryDirectory

NOW = datetime.datetime(2026, 9, 1, 8, tzinfo=datetime.UTC)
OLD, NEW, OTHER = "Vieux-Chemin7!x", "Neuve-Rivière7!".replace("è", "e"), "Autre-Sentier8?k"
UID = "mdupond"
DN = f"uid={UID},ou=people,dc=ac-exemple,dc=test"


@pytest.fixture
def directory() -> MemoryDirectory:
    made = MemoryDirectory()
    agent = Agent(UID, "Marie", "Dupond", "marie.dupond@ac-exemple.test", "roundcube", State.ACTIVE)
    made.add(DN, agent_attributes(agent) | {"userPassword": [OLD], "mpInaDigest": ["k1:x"], "mpInaExpiry": ["2"]})
    return made


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal"


@pytest.fixture
def passwords(directory: MemoryDirectory, journal: Path) -> Iterator[Passwords]:
    with Journal(journal, "essai") as opened:
        yield Passwords(directory, opened)


def held(directory: MemoryDirectory, name: str) -> list[str]:
    return directory.entries[DN].attributes.get(name, [])


def state(directory: MemoryDirectory, value: State) -> None:
    directory.modify(DN, {"mpState": [value.value]})


def test_a_password_is_proved_also_past_its_end(directory: MemoryDirectory, passwords: Passwords) -> None:
    assert passwords.prove(UID, OLD) is Proof.RIGHT
    directory.expired.add(DN)
    assert passwords.prove(UID, OLD) is Proof.EXPIRED
    for wrong in ("", NEW, OLD + "\0", OLD + "é", "x" * 100_000):
        assert passwords.prove(UID, wrong) is Proof.WRONG
    assert passwords.prove("nobody", OLD) is Proof.WRONG


@pytest.mark.parametrize("before", [State.ACTIVE, State.EXPIRED])
def test_the_old_one_gives_a_new_one_and_is_void(
    directory: MemoryDirectory, passwords: Passwords, before: State
) -> None:
    state(directory, before)
    directory.expired.add(DN)
    passwords.change(UID, OLD, NEW, NOW)
    assert passwords.prove(UID, NEW) is Proof.RIGHT
    assert not passwords.prove(UID, OLD)
    assert held(directory, "mpState") == ["active"]
    assert held(directory, "mpInaDigest") == held(directory, "mpInaExpiry") == []


def test_a_password_that_somebody_else_has_set_must_be_replaced(
    directory: MemoryDirectory, passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    reset = BindResult(True, PolicyState(error=PolicyErrorCode.CHANGE_AFTER_RESET))
    monkeypatch.setattr(directory, "log_in", lambda dn, password: reset if password == OLD else BindResult(False))
    assert passwords.prove(UID, OLD) is Proof.EXPIRED
    assert passwords.prove(UID, OTHER) is Proof.WRONG


@pytest.mark.parametrize("before", [State.PENDING, State.BLOCKED, State.SUSPENDED])
def test_the_old_one_gives_nothing_in_other_states(
    directory: MemoryDirectory, passwords: Passwords, before: State
) -> None:
    state(directory, before)
    with pytest.raises(NotProvedError):
        passwords.change(UID, OLD, NEW, NOW)
    assert held(directory, "userPassword") == [OLD]


def test_unknown_and_wrong_are_told_alike_and_before_any_rule(passwords: Passwords) -> None:
    for uid, old in (("nobody", OLD), (UID, "wrong")):
        with pytest.raises(NotProvedError) as refused:
            passwords.change(uid, old, "weak", NOW)
        assert str(refused.value) == "the account and its password are not recognised"


def test_codes_open_what_waits_and_what_is_blocked(directory: MemoryDirectory, passwords: Passwords) -> None:
    directory.modify(DN, {"mpState": ["pending"], "userPassword": []})
    assert passwords.set_after_codes(UID, NEW, NOW) is State.PENDING
    assert (held(directory, "mpState"), held(directory, "mpStateChanged")) == (["active"], ["20260901080000Z"])
    directory.modify(DN, {"mpState": ["blocked"], "mpBlockedUntil": ["20990101000000Z"], "mpInaDigest": ["k1:y"]})
    assert passwords.set_after_codes(UID, OTHER, NOW) is State.BLOCKED
    assert held(directory, "mpState") == ["active"]
    assert held(directory, "mpBlockedUntil") == ["20990101000000Z"], "sending stays barred"
    assert held(directory, "mpInaDigest") == []
    state(directory, State.SUSPENDED)
    with pytest.raises(NotProvedError):
        passwords.set_after_codes(UID, NEW, NOW)


@pytest.mark.parametrize(
    ("new", "broken"),
    [
        ("court1A!", ["too_short"]),
        ("sans-majuscule7!x", ["missing_upper"]),
        ("Dupond-Rivage7!x", ["contains_login", "contains_name"]),
        ("Motdepasse2026!", ["common_word"]),
        (OLD, ["in_history"]),
    ],
)
def test_what_a_new_one_breaks_is_named(passwords: Passwords, new: str, broken: list[str]) -> None:
    with pytest.raises(RefusedPasswordError) as refused:
        passwords.change(UID, OLD, new, NOW)
    found = [violation.code for violation in refused.value.violations]
    assert set(found) & set(broken), found
    assert all(violation.message("fr") and violation.message("en") for violation in refused.value.violations)
    assert new not in str(refused.value)


def test_history_is_the_directory_s_to_know(passwords: Passwords) -> None:
    passwords.change(UID, OLD, NEW, NOW)
    with pytest.raises(RefusedPasswordError) as refused:
        passwords.set_after_codes(UID, OLD, NOW)
    assert [violation.code for violation in refused.value.violations] == ["in_history"]


@pytest.mark.parametrize(
    ("said", "code"),
    [
        (PolicyErrorCode.TOO_SHORT, "too_short"),
        (PolicyErrorCode.TOO_LONG, "too_long"),
        (PolicyErrorCode.INSUFFICIENT_QUALITY, "refused"),
        (None, "refused"),
    ],
)
def test_the_directory_s_own_refusals_have_names(
    directory: MemoryDirectory, passwords: Passwords, monkeypatch: pytest.MonkeyPatch, said: PolicyErrorCode, code: str
) -> None:
    def refuse(dn: str, password: str, changes: object) -> None:
        raise PasswordRefused(dn, 19, "no", said)

    monkeypatch.setattr(directory, "set_password", refuse)
    with pytest.raises(RefusedPasswordError) as refused:
        passwords.change(UID, OLD, NEW, NOW)
    assert [violation.code for violation in refused.value.violations] == [code]
    assert refused.value.violations[0].message()


def test_a_scrambled_password_is_refused_as_the_next(directory: MemoryDirectory, passwords: Passwords) -> None:
    assert passwords.scramble(UID, NOW)
    assert not passwords.prove(UID, OLD)
    assert held(directory, "mpInaDigest") == []
    with pytest.raises(RefusedPasswordError):
        passwords.set_after_codes(UID, OLD, NOW)
    state(directory, State.PENDING)
    assert not passwords.scramble(UID, NOW)
    assert not passwords.scramble("nobody", NOW)


def test_the_journal_says_who_and_what_and_no_secret(passwords: Passwords, journal: Path) -> None:
    passwords.change(UID, OLD, NEW, NOW)
    passwords.scramble(UID, NOW)
    text = journal.read_text("utf-8")
    assert [json.loads(line)["action"] for line in text.splitlines()] == ["password", "scramble"]
    for secret in (OLD, NEW, "userPassword", "k1:"):
        assert secret not in text
    assert codes.SPENT == {"mpInaCode": [], "mpInaDigest": [], "mpInaExpiry": []}
