"""« Mes données » at accountd: asked for with the password, fetched with the log-in, nobody else's."""

from pathlib import Path

import pytest
from malleposte.accountd import codec
from malleposte.accountd.calls import hacked
from malleposte.accountd.calls.own_data import (
    AskOwnData,
    EndOwnData,
    FetchOwnData,
    OwnData,
    OwnDataCopy,
    OwnDataState,
    ShowOwnData,
)
from malleposte.accountd.message import Done, Refused
from malleposte.accounts.channels import Failure
from malleposte.accounts.disclosure.spool import APART, MAKING, READY, Spool
from malleposte.core.errors import MallepostError
from malleposte.directory.model import State
from malleposte.platform.times import stamp
from malleposte.throttle.record.model import Kept

from .test_service import HERE, NEW, NO_LOG_IN, NOT_PROVED, NOW, NUMEN, OLD, OTHER_NUMEN, Stage, success, token

UID = "mdupond"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    folder = tmp_path / "copies"
    folder.mkdir()
    return Spool(folder)


@pytest.fixture
def stage(stage: Stage, spool: Spool) -> Stage:
    object.__setattr__(stage.service.tools, "copies", spool)
    return stage


def show(stage: Stage, uid: str = UID, of: str = UID) -> OwnDataState | Refused:
    return stage.ask(ShowOwnData(HERE, uid, token(of)))


def demand(stage: Stage, password: str = OLD, uid: str = UID, of: str = UID) -> OwnDataState | Refused:
    return stage.ask(AskOwnData(HERE, uid, token(of), password))


def fetch(stage: Stage, uid: str = UID, of: str = UID) -> OwnDataCopy | Refused:
    return stage.ask(FetchOwnData(HERE, uid, token(of)))


def end(stage: Stage, uid: str = UID, of: str = UID) -> OwnDataState | Refused:
    return stage.ask(EndOwnData(HERE, uid, token(of)))


def fetched(stage: Stage) -> int:
    """The bytes that follow."""
    answer = success(fetch(stage))
    assert codec.decode_answer(OwnDataCopy, codec.encode_answer(answer)) == answer
    return answer.size


def ready(spool: Spool, uid: str = UID) -> None:
    """A copy of an account."""
    spool.ask(uid, NOW)
    with spool.part(uid) as file:
        file.write(b"content")
    spool.publish(uid, NOW, 0)


def told(answer: OwnDataState | Refused) -> OwnData:
    assert isinstance(answer, Done)
    assert codec.decode_answer(OwnDataState, codec.encode_answer(answer)) == answer
    return answer.own_data


def refused(answer: Done | Refused) -> tuple[str, str]:
    assert isinstance(answer, Refused)
    return answer.error.value, answer.message


def test_a_copy_is_asked_for_and_its_owner_told(stage: Stage, spool: Spool) -> None:
    assert told(show(stage)) == OwnData()
    held = told(demand(stage))
    assert (held.state, held.asked, held.again) == ("asked", stamp(NOW), stamp(NOW + APART))
    assert held == told(show(stage)) and spool.waiting() == [UID]
    (letter,) = stage.letters
    assert "Copie de vos données demandée" in letter["Subject"] and "Ce n’est pas vous" in letter.get_content()
    assert [one["action"] for one in stage.lines()] == ["own-data-ask"]
    assert stage.lines()[0]["source"] == HERE and OLD not in stage.journal.read_text("utf-8")


def test_a_wrong_password_asks_for_nothing(stage: Stage, spool: Spool) -> None:
    assert demand(stage, "faux") == NOT_PROVED
    assert spool.waiting() == [] and stage.letters == []
    assert [one["action"] for one in stage.lines()] == ["refused"]
    assert told(demand(stage)).state == "asked"


def test_a_second_one_of_the_same_day_is_refused(stage: Stage, spool: Spool) -> None:
    demand(stage)
    assert refused(demand(stage)) == ("forbidden", "copy_today")
    ready(spool)
    spool.end(UID)
    assert refused(demand(stage)) == ("forbidden", "copy_today")
    assert len(stage.letters) == 1


def test_without_room_none_is_asked_for(stage: Stage, spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.hosts.kept = Kept(used_mb=200)
    asked: list[int] = []

    def room(_spool: Spool, size: int = 0) -> bool:
        asked.append(size)
        return len(asked) > 1

    monkeypatch.setattr(Spool, "room", room)
    assert refused(demand(stage)) == ("forbidden", "copy_room")
    assert asked == [200 << 20] and spool.waiting() == []
    assert told(demand(stage)).state == "asked"


def test_a_copy_is_fetched_and_ended_by_its_owner(stage: Stage, spool: Spool) -> None:
    ready(spool)
    assert told(show(stage)).state == READY
    assert fetched(stage) == 7 == told(show(stage)).size
    assert told(end(stage)).state == "ended"
    assert refused(fetch(stage))[0] == "refused_value"
    assert told(end(stage)).state == "ended"
    assert [one["action"] for one in stage.lines()] == ["own-data-fetch", "own-data-end"]


def test_nothing_is_fetched_before_it_is_whole(stage: Stage, spool: Spool) -> None:
    spool.ask(UID, NOW)
    spool.begin(UID)
    with spool.part(UID) as file:
        file.write(b"half")
    assert told(show(stage)).state == MAKING
    assert refused(fetch(stage))[0] == "refused_value" and stage.lines() == []


def test_nobody_reaches_another_s(stage: Stage, spool: Spool) -> None:
    stage.agent("autre", State.ACTIVE, OTHER_NUMEN)
    ready(spool)
    for call in (show, fetch, end):
        assert call(stage, UID, "autre") == NO_LOG_IN
        assert isinstance(call(stage, "autre", "autre"), Done) or call is fetch
    assert demand(stage, uid=UID, of="autre") == NO_LOG_IN
    assert fetched(stage) == len(b"content")


@pytest.mark.parametrize("state", [State.BLOCKED, State.SUSPENDED])
def test_an_account_that_is_closed_fetches_none(stage: Stage, spool: Spool, state: State) -> None:
    stage.agent("autre", state, OTHER_NUMEN)
    ready(spool, "autre")
    ready(spool)
    for call in (show, fetch, end):
        assert call(stage, "autre", "autre") == NOT_PROVED
    assert demand(stage, uid="autre", of="autre") == NOT_PROVED
    assert (spool.folder / "autre.zip").exists()
    assert fetched(stage) == len(b"content")


def test_what_cannot_be_told_is_not_asked_for(stage: Stage, spool: Spool) -> None:
    def mute(_letter: object) -> None:
        raise ConnectionRefusedError

    post = stage.service.tools.letters.post
    object.__setattr__(stage.service.tools.letters, "post", mute)
    assert refused(demand(stage))[0] == "unavailable"
    assert spool.holders() == []
    object.__setattr__(stage.service.tools.letters, "post", post)
    assert told(demand(stage)).state == "asked"


@pytest.mark.parametrize("fault", [MallepostError("mail1: no route"), OSError("no route"), None])
def test_a_mailbox_that_is_away_is_said_to_be(stage: Stage, spool: Spool, fault: Exception | None) -> None:
    record = stage.hosts.record

    def away(_uid: str) -> tuple[Kept, list[Failure]]:
        if fault:
            raise fault
        return record(UID)

    stage.mute = fault is None
    vars(stage.hosts).update(record=away)
    assert refused(demand(stage))[0] == "unavailable"
    assert spool.waiting() == []


def test_a_folder_that_is_away_is_said_to_be(stage: Stage, spool: Spool) -> None:
    spool.folder.rmdir()
    assert refused(demand(stage))[0] == "unavailable"
    spool.folder.mkdir()
    assert told(demand(stage)).state == "asked"


def test_who_takes_the_account_back_ends_an_attacker_s_copy(stage: Stage, spool: Spool) -> None:
    ready(spool)
    success(stage.ask(hacked.Recover(HERE, NUMEN, stage.code(UID), NEW)))
    with pytest.raises(FileNotFoundError):
        spool.open(UID)
