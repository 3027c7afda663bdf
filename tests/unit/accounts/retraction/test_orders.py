"""Orders of the DSI's page: who must agree, what is carried out, and what a page is shown of it."""

from __future__ import annotations

import datetime
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from malleposte.accounts.agreement import Agreement
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.life.steps import StepResult
from malleposte.accounts.retraction import acts, alone, orders, owners, store, work
from malleposte.accounts.retraction.model import Order, Retraction, Stage
from malleposte.core.errors import InputError, MallepostError
from malleposte.deliveries.model import Query, State
from malleposte.deliveries.retracted import Copy

from .test_retraction import Boxes, Index, message, retraction, to

NOW = datetime.datetime(2026, 11, 30, 10, 15, tzinfo=datetime.UTC)
MOST = 2


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The folder of retractions."""
    return tmp_path


def asked(folder: Path, by: str = "anne", **changed: Any) -> str:
    query = Query(sender="pirate@example.org")
    return orders.ask(by, "hameçonnage", query, NOW, folder=folder, **{"refuse_link": False, **changed})


def planned(folder: Path, *, inside: bool = False, boxes: int = 2, by: str = "anne", ident: str = "") -> str:
    """A plan that is made: of a stranger's message, or of an agent's."""
    ident = ident or asked(folder, by)
    one = store.load(ident, folder)
    one.messages = [message("Q1", to("a"), **({"account": "mdupond"} if inside else {}))]
    one.copies = [Copy(f"agent{number}", "INBOX", f"g{number}") for number in range(boxes)]
    one.stage = Stage.PLANNED
    store.carried_out(ident, one, folder)
    return ident


def give(folder: Path, ident: str, by: str, order: Order = Order.TAKE) -> Retraction:
    return orders.give(ident, order, by, MOST, NOW, folder)


def test_one_person_decides_on_few_boxes(folder: Path) -> None:
    ident = planned(folder)
    one = give(folder, ident, "anne")
    assert (one.order, one.agreement) == (Order.TAKE, Agreement("", ("anne",)))
    assert store.ordered(folder) == [ident]


@pytest.mark.parametrize(("facts", "why"), [({"inside": True}, alone.INSIDE), ({"boxes": MOST + 1}, alone.MANY)])
def test_two_persons_decide_on_many_boxes_and_on_what_an_agent_wrote(
    folder: Path, facts: dict[str, Any], why: str
) -> None:
    ident = planned(folder, **facts)
    one = give(folder, ident, "anne")
    assert (one.order, one.agreement) == (Order.NONE, Agreement(why, ("anne",)))
    again = give(folder, ident, "anne")
    assert again.order is Order.NONE and store.ordered(folder) == [], "the same person agrees once"
    with pytest.raises(InputError, match="second person"):
        acts.retract(Boxes(), store.load(ident, folder), lambda _one: None)
    one = give(folder, ident, "benoit")
    assert (one.order, one.agreement) == (Order.TAKE, Agreement(why, ("anne", "benoit")))


def test_boxes_of_a_day_count_together_and_by_person(folder: Path) -> None:
    first = planned(folder)
    one = give(folder, first, "anne")
    one.stage = Stage.DONE
    store.carried_out(first, one, folder)
    assert give(folder, planned(folder, boxes=1), "anne").order is Order.NONE
    assert give(folder, planned(folder, boxes=1), "benoit").order is Order.TAKE
    one.decided -= 2 * alone.DAY
    store.keep(one, folder)
    assert give(folder, planned(folder, boxes=1), "anne").order is Order.TAKE


def test_boxes_count_on_the_day_of_the_decision_from_the_order_on(folder: Path) -> None:
    waiting = [planned(folder, boxes=1) for _ in range(MOST + 1)]
    for ident in waiting:
        one = store.load(ident, folder)
        one.time -= 2 * alone.DAY
        store.keep(one, folder)
    assert [give(folder, ident, "anne").order for ident in waiting] == [*[Order.TAKE] * MOST, Order.NONE]


def test_what_is_under_way_or_empty_stays_as_it_is(folder: Path) -> None:
    empty = planned(folder, boxes=0)
    assert give(folder, empty, "anne").order is Order.NONE
    ident = planned(folder)
    assert give(folder, ident, "anne", Order.GIVE_BACK).order is Order.NONE, "nothing was taken"
    give(folder, ident, "anne")
    assert give(folder, ident, "benoit", Order.GIVE_BACK).order is Order.TAKE, "it is being taken"


def test_a_further_plan_takes_the_place_of_the_person_s_oldest_and_of_nobody_else_s(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(orders, "MOST_OPEN", 3)
    idents = [f"20261130-10{number:02}00-3f2a" for number in range(9)]
    monkeypatch.setattr(orders.idents, "new_ident", lambda _now: idents.pop(0))
    other = planned(folder, by="benoit")
    agreed = planned(folder, inside=True)
    assert give(folder, agreed, "anne").order is Order.NONE
    looked, waits = planned(folder), asked(folder)
    further = asked(folder)
    there = {one.ident: one.stage for one in store.every(folder)}
    assert set(there) == {other, agreed, waits, further}, "a plan at which somebody looked, and nobody agreed"
    assert asked(folder) == "" and store.ordered(folder) == [waits, further], "what waits for its plan stays"
    assert not (folder / f"{looked}.lock").exists()
    assert asked(folder, by="benoit")


def test_one_that_cannot_be_read_stops_no_other(folder: Path) -> None:
    ident = planned(folder)
    (folder / "20261130-101500-0000.json").write_text("{")
    broken: list[str] = []
    assert [one.ident for one in store.every(folder, broken.append)] == [ident]
    assert len(broken) == 1 and "20261130-101500-0000" in broken[0]
    assert give(folder, ident, "anne").order is Order.TAKE
    with pytest.raises(InputError):
        list(store.every(folder))


def test_a_page_is_shown_kinds_of_messages_and_the_first_names(folder: Path) -> None:
    one = retraction(
        messages=[message("Q1", to("a")), message("Q2", to("b")), message("Q3", to("c"), message_id="autre@x")],
        copies=[Copy(f"agent{number:02}", "INBOX", f"g{number}", seen=True) for number in range(40)],
        out=[("a", "moi@ailleurs.test")], failures=["x" * 500],
    )  # fmt: skip
    shown = orders.shown(one)
    assert [(same.many, same.message_id) for same in shown.messages] == [(2, "vague@x"), (1, "autre@x")]
    assert (shown.readers.many, shown.readers.first[0], len(shown.readers.first)) == (40, "agent00", orders.SHOWN)
    assert shown.out.first == ("a → moi@ailleurs.test",) and len(shown.failures.first[0]) == orders.LONGEST
    assert shown.summary.by_command


class Hosts(Boxes, Index):
    """Hosts with boxes and an index."""

    def __init__(self, *copies: Copy) -> None:
        Boxes.__init__(self, *copies)
        Index.__init__(self, message("Q100000", to("a"), to("b")))


@pytest.fixture
def night(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A run of the step, whose letters are kept."""
    lines: list[tuple[str, str, dict[str, Any]]] = []
    monkeypatch.setattr(owners, "write", lambda tools, one, keep, now, send: one.told.extend(one.readers))
    journal = SimpleNamespace(write=lambda action, uid, **facts: lines.append((action, uid, facts)))
    hosts = Hosts(Copy("a", "INBOX", "g1", seen=True), Copy("b", "INBOX", "g2"))
    tools = SimpleNamespace(hosts=hosts, journal=journal)
    settings = SimpleNamespace(domain="ac-exemple.test")
    return SimpleNamespace(
        tools=tools, settings=settings, rules=LifeRules(), now=NOW, dry=False, send=None, lines=lines, hosts=hosts
    )


def run(night: Any, folder: Path) -> StepResult:
    result = StepResult("retractions")
    work.step(night, result, folder)
    return result


def test_an_order_is_carried_out_from_the_plan_to_the_way_back(night: Any, folder: Path) -> None:
    ident = asked(folder, refuse_link=False)
    assert run(night, folder) == StepResult("retractions", [ident])
    one = store.load(ident, folder)
    assert (one.stage, one.order, one.holders) == (Stage.PLANNED, Order.NONE, ["a", "b"])
    assert night.hosts.there and store.ordered(folder) == [], "a plan takes nothing"
    give(folder, ident, "anne")
    run(night, folder)
    one = store.load(ident, folder)
    assert (one.stage, one.order, one.told, night.hosts.there) == (Stage.DONE, Order.NONE, ["a"], [])
    by = {"note": "hameçonnage", "retraction": ident, "by": ["anne"]}
    assert night.lines == [("retract", "a", by), ("retract", "b", by)]
    give(folder, ident, "anne", Order.GIVE_BACK)
    run(night, folder)
    assert store.load(ident, folder).stage is Stage.TAKEN_BACK and len(night.hosts.there) == 2


def test_what_left_the_queue_since_the_plan_is_taken_too(night: Any, folder: Path) -> None:
    night.hosts.messages = (message("Q100000", to("a"), to("b", State.WAITING)),)
    ident = asked(folder)
    run(night, folder)
    assert store.load(ident, folder).waiting == ["b@ac-exemple.test"]
    night.hosts.messages = (message("Q100000", to("a"), to("b")),)
    give(folder, ident, "anne")
    run(night, folder)
    one = store.load(ident, folder)
    assert (night.hosts.there, one.holders, one.waiting, one.stage) == ([], ["a", "b"], [], Stage.DONE)


def test_one_that_fails_says_why_and_the_next_is_carried_out(night: Any, folder: Path) -> None:
    first, second = asked(folder), asked(folder)
    answers = iter((MallepostError("no answer"), None))
    night.hosts.trace = lambda _query: _answered(answers)
    result = run(night, folder)
    assert len(result.failures) == 1 and result.done == [sorted((first, second))[1]]
    failed = store.load(sorted((first, second))[0], folder)
    assert (failed.failures, failed.order) == (["no answer"], Order.NONE)
    assert store.ordered(folder) == []


def _answered(answers: Any) -> Any:
    error = next(answers)
    if error:
        raise error
    return Index(message("Q1", to("a"))).trace(Query())


def test_an_order_outlives_an_interruption(night: Any, folder: Path) -> None:
    ident = planned(folder)
    give(folder, ident, "anne")
    # A power loss before anything was kept: the order is there, and is carried out.
    assert json.loads((folder / f"{ident}.json").read_text("utf-8"))["order"] == "take"
    run(night, folder)
    assert store.load(ident, folder).stage is Stage.DONE
    # And one after it was kept, before the mark went.
    (folder / f"{ident}.asked").touch()
    assert run(night, folder).done == [ident]
    assert store.load(ident, folder).stage is Stage.DONE and store.ordered(folder) == []


def test_an_order_of_none_is_named_once(night: Any, folder: Path) -> None:
    (folder / "20261130-101500-0000.asked").touch()
    assert "no retraction" in run(night, folder).failures[0]
    assert run(night, folder) == StepResult("retractions")
