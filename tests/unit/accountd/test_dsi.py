"""The calls for a person of the DSI: by the role, and by a factor that was shown lately."""

from __future__ import annotations

from typing import Any

import pytest
from malleposte.accountd.calls.account import ShowAccount
from malleposte.accountd.calls.dsi.state import SeeState
from malleposte.accountd.message import Done, ErrorCode, Forbidden, Refused
from malleposte.accountd.proof import LATELY
from malleposte.directory.model import State

from .test_service import HERE, NO_LOG_IN, NOT_PROVED, NOW, OTHER_NUMEN, Stage, success, token

START = int(NOW.timestamp())


@pytest.fixture
def stage(stage: Stage) -> Stage:
    stage.agent("adsi", State.ACTIVE, OTHER_NUMEN, mpRole=["dsi"])
    return stage


def see(stage: Stage, uid: str = "adsi", level: int = 4, at: int | None = START - 60, **changed: Any) -> Done | Refused:
    return stage.ask(SeeState(HERE, uid, token(uid, level=level, auth_time=at), **changed))


def test_a_person_of_the_dsi_who_has_shown_a_factor_lately_sees_it(stage: Stage) -> None:
    assert see(stage) == Done("adsi")
    assert see(stage, level=5, at=START - LATELY) == Done("adsi")
    assert not stage.journal.exists() or stage.lines() == [], "a look changes nothing"


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"level": 2}, Forbidden.FACTOR),
        ({"at": START - LATELY - 1}, Forbidden.LATELY),
        ({"at": None}, Forbidden.LATELY),
    ],
)
def test_an_old_factor_and_none_open_nothing(stage: Stage, given: dict[str, Any], word: Forbidden) -> None:
    assert see(stage, **given) == Refused(ErrorCode.FORBIDDEN, word.value)


@pytest.mark.parametrize("role", [[], ["helpdesk *"], ["helpdesk dsi"], ["dsi *"]])
def test_another_role_opens_nothing(stage: Stage, role: list[str]) -> None:
    stage.agent("autre", State.ACTIVE, "01E9500003ABC", **({"mpRole": role} if role else {}))
    assert see(stage, "autre") == Refused(ErrorCode.FORBIDDEN, Forbidden.DSI.value)


def test_the_token_of_another_and_a_blocked_account_open_nothing(stage: Stage) -> None:
    stolen = SeeState(HERE, "adsi", token("mdupond", level=4, auth_time=START))
    assert stage.ask(stolen) == NO_LOG_IN
    stage.directory.modify(f"uid=adsi,ou=people,{stage.directory.suffix}", {"mpState": [State.BLOCKED.value]})
    assert see(stage) == NOT_PROVED


def test_an_account_says_to_its_owner_whether_it_is_the_dsi_s(stage: Stage) -> None:
    for uid, is_dsi in (("adsi", True), ("mdupond", False)):
        assert success(stage.ask(ShowAccount(HERE, uid, token(uid)))).account.dsi is is_dsi
