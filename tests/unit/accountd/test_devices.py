"""The calls on devices: listed and revoked for their owner, made for an agent who proves the password."""

import threading
from concurrent.futures import ThreadPoolExecutor
from email.message import EmailMessage

import pytest
from malleposte.accountd.calls.devices import AddDevice, Devices, NewDevice, RevokeDevice
from malleposte.accountd.calls.protection import Block
from malleposte.accountd.message import Done, ErrorCode, Refused
from malleposte.accounts.devices import follow
from malleposte.directory.model import State
from malleposte.policy.devices import is_device_password
from msgspec import structs

from .test_service import HERE, NO_LOG_IN, NOT_PROVED, OLD, Stage, refusal, success, token


def add(stage: Stage, name: str = "Téléphone", password: str = OLD, login: str = "mdupond") -> NewDevice | Refused:
    return stage.ask(AddDevice(HERE, login, password, name, ("imap", "dav"), 30))


def test_a_device_is_made_shown_once_and_its_owner_told(stage: Stage) -> None:
    made = success(add(stage, login="MDUPOND@ac-exemple.test"))
    assert made.uid == "mdupond" and is_device_password(made.secret)
    (device,) = made.devices
    assert (device.name, device.scopes, device.expires) == ("Téléphone", ("imap", "dav"), "20261001080000Z")
    (letter,) = stage.letters
    assert letter["To"] == "mdupond@ac-exemple.test" and made.secret not in letter.as_string()
    listed = success(stage.ask(Devices(HERE, "mdupond", token("mdupond"))))
    assert [one.ident for one in listed.devices] == [device.ident] and "secret" not in repr(listed)
    (line,) = stage.lines()
    assert (line["action"], line["source"], line["who"]) == ("device-add", HERE, "accountd:pia1")
    assert made.secret not in str(line) and made.secret not in repr(made)


@pytest.mark.parametrize("state", [State.BLOCKED, State.SUSPENDED, State.EXPIRED, State.PENDING])
def test_who_cannot_prove_the_password_of_an_active_account_gets_none(stage: Stage, state: State) -> None:
    assert add(stage, password="faux") == NOT_PROVED == add(stage, login="personne")
    stage.agent("autre", state)
    assert add(stage, login="autre") == NOT_PROVED
    assert stage.letters == []


def test_a_password_past_its_end_makes_no_device(stage: Stage) -> None:
    stage.ground.expire("mdupond")
    assert add(stage) == NOT_PROVED


def test_wrong_passwords_are_counted_as_elsewhere(stage: Stage) -> None:
    for number in range(3):
        assert add(stage, password=f"faux{number}") == NOT_PROVED
    assert refusal(add(stage, password="faux9")).error == ErrorCode.SLOW_DOWN


def test_the_limit_and_a_bad_name_are_said(stage: Stage) -> None:
    success(add(stage, "Un")), success(add(stage, "Deux"))
    for answer, said in ((add(stage, "Trois"), "2 at most"), (add(stage, " "), "has a name")):
        assert isinstance(answer, Refused) and answer.error == ErrorCode.REFUSED_VALUE
        assert said in answer.message or "2 at most" in answer.message


def test_what_its_owner_cannot_be_told_is_not_made(stage: Stage) -> None:
    stage.mute = True
    assert refusal(add(stage)).error == ErrorCode.UNAVAILABLE
    assert success(stage.ask(Devices(HERE, "mdupond", token("mdupond")))).devices == ()


def test_a_block_waits_for_no_letter_about_a_device(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mail server may take its time; a hacked account is closed meanwhile, and no device is left."""
    entered, leave = threading.Event(), threading.Event()

    def slow(_letter: EmailMessage) -> None:
        entered.set()
        assert leave.wait(60)

    monkeypatch.setattr(stage.service.tools.letters, "post", slow)
    with ThreadPoolExecutor(2) as pool:
        made = pool.submit(add, stage)
        try:
            assert entered.wait(60)
            block = Block(HERE, "mdupond", token("mdupond"), "piraté")
            assert isinstance(pool.submit(stage.ask, block).result(30), Done)
            assert not made.done()
        finally:
            leave.set()
        assert isinstance(made.result(60), Done)
    assert stage.held("mdupond", "mpState") == ["blocked"]
    assert follow.of(stage.directory, "mdupond") == []


def test_a_device_is_revoked_by_its_owner_alone(stage: Stage) -> None:
    ident = success(add(stage)).devices[0].ident
    other = stage.ask(RevokeDevice(HERE, "mdupond", token("autre"), ident))
    assert other == NO_LOG_IN
    assert stage.ask(RevokeDevice(HERE, "mdupond", token("mdupond"), ident)) == Done("mdupond", "active")
    assert stage.hosts.cuts == [("mdupond", ident)] and len(stage.letters) == 2
    assert refusal(stage.ask(RevokeDevice(HERE, "mdupond", token("mdupond"), ident))).error == ErrorCode.NOT_FOUND
    assert [line["action"] for line in stage.lines()] == ["device-add", "device-revoke"]


def test_somebody_else_s_device_is_not_found(stage: Stage) -> None:
    ident = success(add(stage)).devices[0].ident
    stage.agent("autre", State.ACTIVE)
    assert refusal(stage.ask(RevokeDevice(HERE, "autre", token("autre"), ident))).error == ErrorCode.NOT_FOUND
    assert len(success(stage.ask(Devices(HERE, "mdupond", token("mdupond")))).devices) == 1
    listed = stage.ask(Devices(HERE, "mdupond", token("autre")))
    assert listed == NO_LOG_IN


def test_with_a_second_factor_the_password_alone_makes_no_device(stage: Stage) -> None:
    stage.agent("autre", State.ACTIVE, mpTwoFactor=["TOTP"])
    wanted = AddDevice(HERE, "autre", OLD, "Téléphone")
    for given in ("", token("mdupond"), token("autre", exp=1)):
        assert stage.ask(structs.replace(wanted, token=given)) == NO_LOG_IN
    assert success(stage.ask(structs.replace(wanted, token=token("autre")))).secret
