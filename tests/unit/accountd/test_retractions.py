"""The DSI takes messages back: who may, what is ordered, and whom it is told."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from malleposte.accountd.calls.dsi.retractions import (
    PLANS_A_DAY,
    DsiGiveBack,
    DsiPlanRetraction,
    DsiRetract,
    DsiRetraction,
    DsiRetractions,
    RetractionShown,
)
from malleposte.accountd.message import ErrorCode, Forbidden, Owned, Refused
from malleposte.accounts.hosts.acts import retraction as acts
from malleposte.accounts.retraction import store
from malleposte.accounts.retraction.model import Order, Stage
from malleposte.core.errors import MallepostError
from malleposte.deliveries.model import Message
from malleposte.deliveries.retracted import Copy
from malleposte.directory.model import State

from .test_service import HERE, NO_LOG_IN, NOW, OTHER_NUMEN, success, token
from .test_service import Stage as Ground

WHY = "hameçonnage"
START = int(NOW.timestamp())


@pytest.fixture
def stage(stage: Ground, tmp_path: Path) -> Ground:
    """Two persons of the DSI, and the acts of the directory's host over a folder of the test."""
    for uid, numen in (("anne", OTHER_NUMEN), ("benoit", "01E9500003ABC")):
        stage.agent(uid, State.ACTIVE, numen, mpRole=["dsi"])
    host: Any = SimpleNamespace(retractions_folder=tmp_path / "retractions", rules=SimpleNamespace(retract_alone=2))
    for one in (acts.retractions, acts.retraction, acts.ask_retraction, acts.order_retraction):
        vars(stage.hosts)[one.name] = lambda *args, act=one: act.function(host, *args)
    stage.folder = host.retractions_folder  # type: ignore[attr-defined]
    return stage


def who(uid: str = "anne", level: int = 4, at: int = START - 60) -> dict[str, Any]:
    return {"source": HERE, "uid": uid, "token": token(uid, level=level, auth_time=at)}


def plan(stage: Ground, **changed: Any) -> RetractionShown | Refused:
    return stage.ask(DsiPlanRetraction(**{**who(), "reason": WHY, "sender": "pirate@example.org"} | changed))


def made(stage: Ground, boxes: int = 1, author: str = "") -> str:
    """A plan that root has made."""
    folder: Path = stage.folder  # type: ignore[attr-defined]
    ident = success(plan(stage)).shown.summary.ident
    one = store.load(ident, folder)
    one.messages = [Message("Q1", START, "pirate@example.org", account=author)]
    one.copies = [Copy(f"agent{number}", "INBOX", str(number)) for number in range(boxes)]
    one.stage = Stage.PLANNED
    store.carried_out(ident, one, folder)
    return ident


def every(**who: Any) -> list[Owned[Any]]:
    ident = "20261130-101500-0000"
    return [
        DsiRetractions(**who), DsiRetraction(**who, retraction=ident), DsiRetract(**who, retraction=ident),
        DsiGiveBack(**who, retraction=ident), DsiPlanRetraction(**who, reason=WHY, sender="pirate@example.org"),
    ]  # fmt: skip


def test_it_is_the_dsi_s_by_a_factor_of_late(stage: Ground) -> None:
    for one in every(**who(level=2)):
        assert stage.ask(one) == Refused(ErrorCode.FORBIDDEN, Forbidden.FACTOR.value), one
    for one in every(**who(at=START - 7200)):
        assert stage.ask(one) == Refused(ErrorCode.FORBIDDEN, Forbidden.LATELY.value), one
    for one in every(**who("mdupond")):
        assert stage.ask(one) == Refused(ErrorCode.FORBIDDEN, Forbidden.DSI.value), one
    for one in every(**{**who(), "token": token("mdupond", level=4, auth_time=START)}):
        assert stage.ask(one) == NO_LOG_IN, one
    assert not isinstance(stage.ask(every(**who())[0]), Refused)


def test_a_plan_is_ordered_and_shown(stage: Ground) -> None:
    answer = success(plan(stage, sender="Exemple.ORG", word="mot de passe", link="voleur.example", refuse_link=True))
    assert (answer.shown.summary.order, answer.shown.summary.stage, answer.mine) == (Order.PLAN, Stage.ASKED, False)
    ident = answer.shown.summary.ident
    folder: Path = stage.folder  # type: ignore[attr-defined]
    one = store.load(ident, folder)
    assert (one.by, one.reason, one.hosts) == ("anne", WHY, ["voleur.example"])
    assert one.query is not None and (one.query.sender, one.query.host) == ("@exemple.org", "voleur.example")
    assert store.ordered(folder) == [ident]
    (line,) = success(stage.ask(DsiRetractions(**who("benoit")))).retractions
    assert line == answer.shown.summary
    assert success(stage.ask(DsiRetraction(**who("benoit"), retraction=ident))).shown == answer.shown
    (written,) = [row for row in stage.lines() if row["action"] == "dsi-retraction-plan"]
    assert (written["account"], written["note"]) == ("anne", WHY)


@pytest.mark.parametrize(
    "changed",
    [
        {"sender": ""},
        {"reason": " "},
        {"word": "a"},
        {"refuse_link": True},
        {"sender": "", "word": "  "},
        {"refuse_link": True, "link": "ac-exemple.test"},
        {"refuse_link": True, "link": "Test."},
        {"refuse_link": True, "link": "pia.ac-exemple.test"},
    ],
)
def test_what_looks_for_nothing_is_refused(stage: Ground, changed: dict[str, Any]) -> None:
    answer = plan(stage, **changed)
    assert isinstance(answer, Refused) and answer.error is ErrorCode.REFUSED_VALUE
    assert success(stage.ask(DsiRetractions(**who()))).retractions == ()


def test_plans_of_a_person_are_bounded_and_of_no_other(stage: Ground) -> None:
    for _ in range(PLANS_A_DAY):
        ident = success(plan(stage)).shown.summary.ident
        (stage.folder / f"{ident}.json").unlink()  # type: ignore[attr-defined]
    assert plan(stage) == Refused(ErrorCode.FORBIDDEN, Forbidden.CAP.value)
    assert not isinstance(plan(stage, **who("benoit")), Refused)


def test_one_person_decides_on_few_boxes_and_nobody_is_written_to(stage: Ground) -> None:
    ident = made(stage)
    answer = success(stage.ask(DsiRetract(**who(), retraction=ident)))
    assert (answer.shown.summary.order, answer.mine) == (Order.TAKE, True)
    assert stage.letters == []
    again = success(stage.ask(DsiRetract(**who(), retraction=ident)))
    assert again == answer, "a second click changes nothing"
    assert [row["action"] for row in stage.lines()].count("dsi-retract") == 1


@pytest.mark.parametrize("facts", [{"author": "mdupond"}, {"boxes": 3}])
def test_two_persons_decide_where_one_may_not(stage: Ground, facts: dict[str, Any]) -> None:
    ident = made(stage, **facts)
    answer = success(stage.ask(DsiRetract(**who(), retraction=ident)))
    assert (answer.shown.summary.order, answer.shown.summary.persons) == (Order.NONE, ("anne",))
    (letter,) = stage.letters
    assert letter["To"] == "benoit@ac-exemple.test" and ident in letter.get_content()
    answer = success(stage.ask(DsiRetract(**who("benoit"), retraction=ident)))
    assert (answer.shown.summary.order, answer.shown.summary.persons) == (Order.TAKE, ("anne", "benoit"))


def test_messages_are_given_back_once_they_were_taken(stage: Ground) -> None:
    ident, folder = made(stage), stage.folder  # type: ignore[attr-defined]
    early = success(stage.ask(DsiGiveBack(**who(), retraction=ident)))
    assert early.shown.summary.order is Order.NONE
    one = store.load(ident, folder)
    one.stage = Stage.DONE
    store.keep(one, folder)
    assert success(stage.ask(DsiGiveBack(**who("benoit"), retraction=ident))).shown.summary.order is Order.GIVE_BACK


def test_a_name_of_nothing_and_a_host_that_is_away(stage: Ground) -> None:
    missing = stage.ask(DsiRetraction(**who(), retraction="20261130-101500-0000"))
    assert isinstance(missing, Refused) and missing.error is ErrorCode.NOT_FOUND
    wrong = stage.ask(DsiRetraction(**who(), retraction="../accounts"))
    assert isinstance(wrong, Refused) and wrong.error is ErrorCode.REFUSED_VALUE

    def away() -> Any:
        raise MallepostError("no answer")

    vars(stage.hosts)["retractions"] = away
    gone = stage.ask(DsiRetractions(**who()))
    assert isinstance(gone, Refused) and gone.error is ErrorCode.UNAVAILABLE
