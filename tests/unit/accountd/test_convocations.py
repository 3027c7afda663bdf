"""Convocations by the portal: who may, what is ordered, what an agent sees and answers."""

from __future__ import annotations

import io
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from malleposte.accountd.call import OF
from malleposte.accountd.calls.account import ShowAccount
from malleposte.accountd.calls.convocations import office as office_calls
from malleposte.accountd.calls.convocations.mine import AnswerConvocation, MyConvocations
from malleposte.accountd.calls.convocations.office import (
    AGENTS,
    EVENT,
    MOST_AGENTS,
    PLANS_A_DAY,
    ConvocationReport,
    ConvocationShown,
    OfficeConvocation,
    OfficeConvocations,
    OrderConvocation,
    PlanConvocation,
    ReportFile,
)
from malleposte.accountd.message import ErrorCode, Forbidden, Owned, Refused
from malleposte.accounts import facts
from malleposte.accounts.convocations import plan, store
from malleposte.accounts.convocations.model import Answer, ConvocationRules, Plan, Stage
from malleposte.accounts.convocations.people import People
from malleposte.accounts.hosts.acts import convocations as acts
from malleposte.core.errors import MallepostError
from malleposte.directory.model import State

from .test_service import HERE, NO_LOG_IN, OTHER_NUMEN, success, token
from .test_service import Stage as Ground

OFFICE = "dec@ac-exemple.test"
GIVEN = {
    "office": "dec", "name": "jury", "title": "Jury <b>", "begin": "2099-06-15T08:00", "end": "2099-06-15T12:00",
    "place": "Salle 3", "text": "Un stylo.", "agents": "anne\nbenoit ; mdupond\n\n",
}  # fmt: skip
ACTS = (
    acts.my_convocations, acts.answer_convocation, acts.convoking_offices, acts.office_convocations,
    acts.office_convocation, acts.plan_convocation, acts.order_convocation, acts.convocation_report,
)  # fmt: skip


@pytest.fixture
def stage(stage: Ground, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    """An office, whose chief may convoke; another box; the acts of the directory's host over a folder of the test."""
    for uid, numen, roles in (
        ("chef", OTHER_NUMEN, ["convoke"]), ("anne", "01E9500003ABC", []), ("benoit", "01E9500004ABC", ["convoke"]),
        ("dsi", "01E9500006ABC", ["dsi"]),
    ):  # fmt: skip
        stage.agent(uid, State.ACTIVE, numen, mpRole=roles)
    for uid, delegates in (("dec", ["chef", "dsi", "mdupond"]), ("drh", ["chef"]), ("autre", ["benoit"])):
        stage.directory.add(
            f"uid={uid},ou=functional,{stage.directory.suffix}",
            {
                "objectClass": ["mpFunctionalBox", "inetLocalMailRecipient"], "uid": [uid], "cn": [f"Bureau {uid}"],
                "mail": [f"{uid}@ac-exemple.test"], "mailLocalAddress": [f"{uid}@ac-exemple.test"],
                "mpState": ["active"], "mpDelegate": delegates,
            },
        )  # fmt: skip
    rules = SimpleNamespace(convocations=ConvocationRules(offices=(OFFICE, "autre@ac-exemple.test")))
    host: Any = SimpleNamespace(convocations_folder=tmp_path / "convocations", rules=rules)
    for one in ACTS:
        vars(stage.hosts)[one.name] = lambda *args, act=one: act.function(host, *args)
    stage.folder = host.convocations_folder  # type: ignore[attr-defined]
    monkeypatch.setattr(facts, "read", lambda: {"academy": "académie d’Exemple"})
    return stage


def who(uid: str = "chef", level: int = 4) -> dict[str, Any]:
    return {"source": HERE, "uid": uid, "token": token(uid, level=level)}


def asked(stage: Ground, **changed: Any) -> ConvocationShown | Refused:
    return stage.ask(PlanConvocation(**{**who(), **GIVEN} | changed))


def made(stage: Ground, **changed: Any) -> str:
    """A plan that root has made."""
    folder: Path = stage.folder  # type: ignore[attr-defined]
    ident = success(asked(stage, **changed)).summary.ident
    one = store.load(ident, folder)
    people = People(stage.directory, None, "ac-exemple.test")
    one.plan, one.planning = plan.build(one, plan.rows_of(one), [], people, lambda uid: False, 0), False
    store.keep(one, folder)
    return ident


def sent(stage: Ground) -> str:
    ident = made(stage)
    success(stage.ask(OrderConvocation(**who(), office="dec", convocation=ident, order="send")))
    return ident


def every(ident: str = "20260601-080000-3f2a", **who: Any) -> list[Owned[Any]]:
    at = {**who, "office": "dec", "convocation": ident}
    return [
        OfficeConvocations(**who), OfficeConvocation(**at), PlanConvocation(**who, **GIVEN),
        OrderConvocation(**at, order="send"), ConvocationReport(**at, form="csv"),
    ]  # fmt: skip


def test_it_takes_role_factor_delegation_and_fact(stage: Ground) -> None:
    for uid in ("anne", "dsi", "mdupond"):
        for one in every(**who(uid)):
            assert stage.ask(one) == Refused(ErrorCode.FORBIDDEN, Forbidden.OFFICE.value), (uid, one)
    for one in every(**who(level=2)):
        assert stage.ask(one) == Refused(ErrorCode.FORBIDDEN, Forbidden.FACTOR.value), one
    for one in every(**{**who(), "token": token("anne", level=4)}):
        assert stage.ask(one) == NO_LOG_IN, one
    for office in ("drh", "autre", "nulle-part", "../dec"):
        assert asked(stage, office=office) == Refused(ErrorCode.FORBIDDEN, Forbidden.OFFICE.value), office
    answer = success(stage.ask(OfficeConvocations(**who())))
    assert [one.uid for one in answer.offices] == ["dec"] and answer.office == "dec"


def test_a_person_of_one_office_reaches_nothing_of_another(stage: Ground) -> None:
    ident = sent(stage)
    for one in every(ident, **who("benoit")):
        given = {name: getattr(one, name) for name in one.__struct_fields__}
        answer = stage.ask(type(one)(**{**given, **({"office": "autre"} if "office" in given else {})}))
        if isinstance(one, OfficeConvocations | PlanConvocation):
            continue
        assert isinstance(answer, Refused) and answer.error is ErrorCode.NOT_FOUND, one
    folder: Path = stage.folder  # type: ignore[attr-defined]
    assert store.load(ident, folder).stage is Stage.OPEN
    assert len(success(stage.ask(OfficeConvocations(**who()))).convocations) == 1


def test_a_plan_is_ordered_shown_and_sent(stage: Ground) -> None:
    answer = success(asked(stage))
    assert answer.summary.planning and answer.plan is None and answer.event.title == "Jury <b>"
    folder: Path = stage.folder  # type: ignore[attr-defined]
    one = store.load(answer.summary.ident, folder)
    assert (one.office, one.mail, one.by, one.stage) == ("dec", OFFICE, "chef", Stage.DRAFT)
    assert [(row.who, row.substitutes) for row in one.rows] == [("anne", ()), ("benoit", ("mdupond",))]
    ident = made(stage)
    shown = success(stage.ask(OfficeConvocation(**who(), office="dec", convocation=ident)))
    assert shown.plan is not None and shown.plan.new == 2
    done = success(stage.ask(OrderConvocation(**who(), office="dec", convocation=ident, order="send")))
    assert [line.key for line in done.lines] == ["anne", "benoit"] and done.plan is None
    assert [row["action"] for row in stage.lines()].count("convoke-send") == 1
    success(stage.ask(OrderConvocation(**who(), office="dec", convocation=ident, order="send")))
    assert [row["action"] for row in stage.lines()].count("convoke-send") == 1, "twice is once"


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"title": ""}, EVENT), ({"begin": "demain"}, EVENT), ({"end": "2099-06-15T07:00"}, EVENT),
        ({"end": "2099-12-15T07:00"}, EVENT), ({"place": "x" * 900}, EVENT), ({"agents": " \n"}, AGENTS),
        ({"agents": "a\u202eb"}, AGENTS), ({"agents": "a\n" * (MOST_AGENTS + 1)}, AGENTS),
        ({"agents": "a;b,c,d,e,f,g"}, AGENTS),
    ],
)  # fmt: skip
def test_what_cannot_be_planned_is_refused_by_a_word(stage: Ground, changed: dict[str, Any], word: str) -> None:
    assert asked(stage, **changed) == Refused(ErrorCode.REFUSED_VALUE, word)
    assert success(stage.ask(OfficeConvocations(**who()))).convocations == ()


def test_further_agents_and_other_hours_are_of_the_same_convocation(stage: Ground) -> None:
    ident = sent(stage)
    made(stage, convocation=ident, agents="mdupond")
    folder: Path = stage.folder  # type: ignore[attr-defined]
    first: Plan | None = store.load(ident, folder).plan
    assert first is not None and (len(first.new), first.same) == (1, 2)
    made(stage, convocation=ident, agents="", everyone=True, begin="2099-06-15T09:00")
    second = store.load(ident, folder).plan
    assert second is not None and (len(second.new), len(second.changed)) == (1, 2)
    answer = asked(stage, convocation="20260601-080000-0000")
    assert isinstance(answer, Refused) and answer.error is ErrorCode.NOT_FOUND


def test_plans_of_a_person_are_bounded(stage: Ground) -> None:
    folder: Path = stage.folder  # type: ignore[attr-defined]
    for _ in range(PLANS_A_DAY):
        (folder / f"{success(asked(stage)).summary.ident}.json").unlink()
    assert asked(stage) == Refused(ErrorCode.FORBIDDEN, Forbidden.CAP.value)
    assert not isinstance(asked(stage, **who("benoit"), office="autre"), Refused)


def test_the_silent_are_reminded_one_or_all_are_called_off(stage: Ground) -> None:
    ident = sent(stage)
    at = {**who(), "office": "dec", "convocation": ident}
    one = success(stage.ask(OrderConvocation(**at, order="call_off", key="anne")))
    assert {line.key: line.off for line in one.lines} == {"anne": True, "benoit": False}
    assert not isinstance(stage.ask(OrderConvocation(**at, order="remind")), Refused)
    whole = success(stage.ask(OrderConvocation(**at, order="call_off")))
    assert whole.summary.stage is Stage.OFF
    assert isinstance(stage.ask(OrderConvocation(**at, order="destroy")), Refused)
    for only, keys in (("off", 2), ("silence", 0), ("failed", 0), ("", 2)):
        shown = success(stage.ask(OfficeConvocation(**at, only=only)))
        assert len(shown.lines) == keys, only


def test_an_order_beyond_those_of_a_day_is_not_carried_out(stage: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    ident = sent(stage)
    at = {**who(), "office": "dec", "convocation": ident}
    monkeypatch.setattr(office_calls, "ORDERS_A_DAY", 1)  # that it was sent
    assert stage.ask(OrderConvocation(**at, order="call_off")) == Refused(ErrorCode.FORBIDDEN, Forbidden.CAP.value)
    whole = success(stage.ask(OfficeConvocation(**at)))
    assert whole.summary.stage is Stage.OPEN and not any(line.off for line in whole.lines)
    monkeypatch.setattr(office_calls, "ORDERS_A_DAY", 2)
    success(stage.ask(OrderConvocation(**at, order="send")))  # which changes nothing now, and does not count
    assert success(stage.ask(OrderConvocation(**at, order="call_off"))).summary.stage is Stage.OFF


def test_many_agents_come_page_by_page(stage: Ground) -> None:
    ident = sent(stage)
    folder: Path = stage.folder  # type: ignore[attr-defined]
    one = store.load(ident, folder)
    (anne, *_others) = one.invitees
    one.invitees = [type(anne)(f"a{number:03}", f"t{number}", anne.person, anne.event) for number in range(150)]
    store.keep(one, folder)
    keys, skip, pages = list[str](), 0, 0
    while pages == 0 or skip:
        shown = success(stage.ask(OfficeConvocation(**who(), office="dec", convocation=ident, skip=skip)))
        keys, skip, pages = [*keys, *(line.key for line in shown.lines)], shown.next, pages + 1
    assert keys == [f"a{number:03}" for number in range(150)] and pages > 2


def test_the_report_s_bytes_follow(stage: Ground) -> None:
    ident = sent(stage)
    for form, start in (("csv", b"\xef\xbb\xbf"), ("pdf", b"%PDF"), ("exe", b"\xef\xbb\xbf")):
        request = ConvocationReport(**who(), office="dec", convocation=ident, form=form)
        answer = success(stage.ask(request))
        opens = OF[type(request)].opens
        assert opens is not None
        with opens(stage.service.tools, answer) as file:
            assert isinstance(file, io.BytesIO) and file.getvalue().startswith(start)
            assert len(file.getvalue()) == answer.size
    opens = OF[ConvocationReport].opens
    assert opens is not None
    with pytest.raises(EOFError):
        opens(stage.service.tools, ReportFile(office="dec", convocation=ident, form="csv", size=1))


def test_an_agent_sees_and_answers_the_own_ones(stage: Ground) -> None:
    ident = sent(stage)
    anne = {**who("anne", level=1)}
    (mine,) = success(stage.ask(MyConvocations(**anne))).convocations
    assert (mine.office, mine.mail, mine.event.title, mine.answer) == ("Bureau dec", OFFICE, "Jury <b>", Answer.SILENCE)
    assert success(stage.ask(MyConvocations(**who("mdupond")))).convocations == ()
    for uid, invitation in (("mdupond", mine.invitation), ("anne", f"{ident}-x"), ("anne", "x" * 500)):
        answer = stage.ask(AnswerConvocation(**who(uid, level=1), invitation=invitation, yes=True))
        assert isinstance(answer, Refused) and answer.error is ErrorCode.NOT_FOUND, uid
    for _twice in range(2):
        said = success(stage.ask(AnswerConvocation(**anne, invitation=mine.invitation, yes=False)))
        assert said.convocations[0].answer is Answer.NO
    (line,) = [row for row in stage.lines() if row["action"] == "convocation-answer"]
    assert (line["account"], line["note"]) == ("anne", "Jury <b>\u00a0: non")


def test_a_host_that_is_away_is_said(stage: Ground) -> None:
    def away(*_words: Any) -> Any:
        raise MallepostError("no route")

    vars(stage.hosts)["my_convocations"] = vars(stage.hosts)["convoking_offices"] = away
    for one in (MyConvocations(**who("anne")), OfficeConvocations(**who())):
        answer = stage.ask(one)  # type: ignore[var-annotated,arg-type]
        assert isinstance(answer, Refused) and answer.error is ErrorCode.UNAVAILABLE


def test_the_account_says_who_may_convoke(stage: Ground) -> None:
    assert success(stage.ask(ShowAccount(**who("chef")))).account.convokes
    assert not success(stage.ask(ShowAccount(**who("anne")))).account.convokes
