"""The pages of an office that convokes: what is asked of accountd, and what each state shows."""

from __future__ import annotations

import contextlib
import io
from typing import Any

import pytest
from malleposte.accountd import client
from malleposte.accountd.calls.convocations.office import (
    AGENTS,
    ConvocationReport,
    Counts,
    Line,
    OfficeBox,
    OfficeConvocation,
    OfficeConvocations,
    OrderConvocation,
    PlanConvocation,
    PlanShown,
    ReportFile,
    Stage,
    Summary,
)
from malleposte.accountd.message import ErrorCode, Forbidden, Request
from malleposte.accounts.convocations.model import Event, Note, Refusal
from malleposte_portal.office.pages import LARGEST_REPORT
from msgspec.structs import replace

from tests.support.accountd import Told
from tests.support.portal import ADDRESSES, BOTH

IDENT = "20990601-080000-3f2a"
EVENT = Event("Jury <b>", "2099-06-15T08:00", "2099-06-15T12:00", "Salle 3", "Un stylo.")
LINE = Summary(
    IDENT, "jury <i>", "chef", "2099-06-01T08:00:00+00:00", Stage.OPEN, Counts(3, 1, 1, 0, 1, 2), EVENT.begin, EVENT.end
)
PLAN = PlanShown(
    2, 1, 0, 4, (Note("Agent Anne", "absent"), Note("x@y.example", "outside")), 9,
    (Refusal(3, "nobody", "« qui » n’est aucun agent"),), 1,
)  # fmt: skip
LINES = (
    Line("anne", "Agent Anne <u>", EVENT, answered="2099-06-02T08:00:00+00:00", sent=True, instead_of="Agent Zoé"),
    Line("bruno", "Agent Bruno", EVENT, off=True, sent=True), Line("chantal", "Agent Chantal", EVENT, failed=True),
)  # fmt: skip
LIST, NEW, PAGE = (ADDRESSES[name] for name in ("office_convocations", "office_convoke", "office_convocation"))
ORDER, REPORT = ADDRESSES["office_order"], ADDRESSES["office_report"]
AT = f"?bureau=dec&convocation={IDENT}"
FILLED = {
    "name": "jury", "title": "Jury", "day": "2099-06-15", "begin": "08:00", "end": "12:00", "agents": "anne\nbruno;zoe",
}  # fmt: skip


def told(**changed: Any) -> Told:
    facts: dict[str, Any] = {
        "office": "dec", "offices": (OfficeBox("dec", "Division <s>", "dec@x"), OfficeBox("drh", "DRH", "drh@x")),
        "convocations": (LINE,), "summary": LINE, "event": EVENT, "plan": None, "lines": LINES, "next": 0,
        "failures": (),
    }  # fmt: skip
    return Told("mdupond", **facts | changed)


@pytest.fixture
def inside(visit: Any, log_in: Any, accountd: Any) -> Any:
    """An agent whom accountd lets convoke."""
    accountd.answer = told()
    log_in(visit)
    return visit


def orders(page: Any, language: int = 0) -> list[tuple[str, str]]:
    """The orders that a page offers, each with its agent."""
    return [
        (one["fields"]["order"], one["fields"].get("key", "")) for one in page.forms()
        if one["action"] == ORDER[language]
    ]  # fmt: skip


@BOTH
def test_the_list_has_the_offices_and_their_convocations(inside: Any, accountd: Any, language: int) -> None:
    page = inside.get(f"{LIST[language]}?bureau=dec")
    assert accountd.requests(OfficeConvocations)[-1].office == "dec"
    assert "jury <i>" in page.main and "Division <s>" in page.main
    assert not any(mark in inside.last.text for mark in ("<i>", "<s>"))
    assert f"{PAGE[language]}?bureau=dec&convocation={IDENT}" in page.links
    assert f"{NEW[language]}?bureau=dec" in page.links and f"{LIST[language]}?bureau=drh" in page.links
    assert ("3 summoned: 1 yes" if language else "3 convoqués : 1 oui") in page.main


@BOTH
def test_a_convocation_shows_answers_and_what_can_be_done(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = told(next=60)
    page = inside.get(f"{PAGE[language]}{AT}&voir=silence&suite=60")
    request = accountd.requests(OfficeConvocation)[-1]
    assert (request.office, request.convocation, request.only, request.skip) == ("dec", IDENT, "silence", 60)
    for part in ("Agent Anne <u>", "Agent Chantal", "Salle 3"):
        assert part in page.main, part
    assert "<u>" not in inside.last.text
    assert orders(page, language) == [("remind", ""), ("call_off", "anne"), ("call_off", "chantal"), ("call_off", "")]
    assert f"{PAGE[language]}{AT}&voir=silence&suite=60" in page.links
    assert [one["fields"]["form"] for one in page.forms() if one["action"] == REPORT[language]] == ["csv", "pdf"]


NEW_DRAFT = {"stage": Stage.DRAFT, "counts": Counts()}


@pytest.mark.parametrize(
    ("changed", "plan", "says", "wanted"),
    [
        ({"stage": Stage.DRAFT, "planning": True, "counts": Counts()}, None, "Plan en préparation", []),
        (NEW_DRAFT, PLAN, "2 nouvelles convocations", [("send", ""), ("call_off", "")]),
        (NEW_DRAFT, replace(PLAN, new=0, changed=0), "Lignes refusées", [("call_off", "")]),
        ({"stage": Stage.OFF}, None, "Réponses", []),
    ],
)  # fmt: skip
def test_each_state_offers_what_can_be_done(
    inside: Any, accountd: Any, changed: dict[str, Any], plan: PlanShown | None, says: str, wanted: list[Any]
) -> None:
    accountd.answer = told(summary=replace(LINE, **changed), plan=plan, lines=())
    page = inside.get(f"{PAGE[0]}{AT}")
    assert says in page.main and orders(page) == wanted


def test_why_there_is_no_plan_is_said(inside: Any, accountd: Any) -> None:
    accountd.answer = told(failures=("5000 convoqués au plus <b>",))
    assert "Le plan n’a pas pu être fait 5000 convoqués au plus <b>" in inside.get(f"{PAGE[0]}{AT}").main
    assert "<b>" not in inside.last.text


def test_a_plan_says_what_is_to_know_in_french(inside: Any, accountd: Any) -> None:
    accountd.answer = told(plan=PLAN)
    page = inside.get(f"{PAGE[0]}{AT}")
    for part in (
        "Ligne 3 : « qui » n’est aucun agent", "Agent Anne : annonce une absence", "hors de l’académie",
        "et 7 autres", "1 convocation change", "4 convocations restent",
    ):  # fmt: skip
        assert part in page.main, part


def test_a_plan_is_asked_for_with_all_that_was_given(inside: Any, accountd: Any) -> None:
    page = inside.send(f"{NEW[0]}?bureau=dec", **FILLED, place=" Salle 3 ", text="Un stylo.", substitute="y")
    request = accountd.only(PlanConvocation)
    assert (request.office, request.convocation, request.name, request.title) == ("dec", "", "jury", "Jury")
    assert (request.begin, request.end) == ("2099-06-15T08:00", "2099-06-15T12:00")
    assert (request.agents.split(), request.place, request.text) == (["anne", "bruno;zoe"], "Salle 3", "Un stylo.")
    assert (request.everyone, request.substitute) == (False, True)
    assert "jury <i>" in page.main, "the way leads to the plan"


def test_without_hours_it_lasts_whole_days(inside: Any, accountd: Any) -> None:
    inside.send(f"{NEW[0]}?bureau=dec", **FILLED | {"begin": "", "end": "", "last": "2099-06-16"})
    request = accountd.only(PlanConvocation)
    assert (request.begin, request.end) == ("2099-06-15", "2099-06-16")


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"title": ""}, "Donnez un titre"), ({"agents": " "}, "au moins un agent"), ({"day": ""}, "Indiquez un jour"),
        ({"day": "demain"}, "Indiquez un jour"), ({"end": ""}, "Indiquez une heure"),
        ({"end": "07:00"}, "La fin est après le début"), ({"begin": "", "end": "", "last": "2099-06-01"}, "La fin est"),
        ({"agents": "x" * 7000}, "trop longue"), ({"name": ""}, "Donnez un nom"),
    ],
)  # fmt: skip
def test_a_form_that_is_not_filled_in_asks_for_nothing(
    inside: Any, accountd: Any, changed: dict[str, str], says: str
) -> None:
    page = inside.send(f"{NEW[0]}?bureau=dec", **FILLED | changed)
    assert inside.last.status_code == 422 and says in page.main
    assert accountd.requests(PlanConvocation) == []


def test_what_accountd_does_not_take_is_said(inside: Any, accountd: Any) -> None:
    accountd.refuse(ErrorCode.REFUSED_VALUE, PlanConvocation, message=AGENTS)
    page = inside.send(f"{NEW[0]}?bureau=dec", **FILLED)
    assert inside.last.status_code == 422 and "Vérifiez les agents" in page.main
    assert "anne" in inside.last.text, "what was typed stays"


def test_more_agents_begin_with_the_event_that_is_there(inside: Any, accountd: Any) -> None:
    page = inside.get(f"{NEW[0]}{AT}")
    values = {one.get("name"): one.get("value") for one, _text in page.all("input")}
    assert (values["title"], values["day"], values["begin"], values["end"]) == (
        "Jury <b>",
        "2099-06-15",
        "08:00",
        "12:00",
    )
    assert "name" not in values
    inside.send(f"{NEW[0]}{AT}", **FILLED | {"agents": "", "begin": "09:00"}, everyone="y")
    request = accountd.only(PlanConvocation)
    assert (request.convocation, request.everyone, request.begin) == (IDENT, True, "2099-06-15T09:00")


@pytest.mark.parametrize(
    ("order", "key", "says"),
    [("remind", "", "reçoivent un rappel"), ("call_off", "anne", "C’est annulé"), ("call_off", "", "C’est annulé")],
)
def test_a_button_orders_and_leads_back_to_the_page(
    inside: Any, accountd: Any, order: str, key: str, says: str
) -> None:
    chosen = {"bureau": "dec", "convocation": IDENT, "order": order} | ({"key": key} if key else {})
    answer = inside.press(f"{PAGE[0]}{AT}", ORDER[0], **chosen)
    request = accountd.only(OrderConvocation)
    assert (request.office, request.convocation, request.order, request.key) == ("dec", IDENT, order, key)
    assert says in inside.get(answer.headers["Location"]).main


def test_the_report_is_handed_on(inside: Any, accountd: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Request[Any]] = []
    content = b"\xef\xbb\xbfNom;R\xc3\xa9ponse\r\n"

    def fetch(request: Request[Any], size: int = len(content), body: bytes = content) -> client.Copy:
        asked.append(request)
        stream: Any = io.BytesIO(body)
        return client.Copy(ReportFile("chef", size=size), stream, contextlib.ExitStack())

    monkeypatch.setattr(accountd, "fetch", fetch)
    chosen = {"bureau": "dec", "convocation": IDENT, "form": "csv"}
    answer = inside.press(f"{PAGE[0]}{AT}", REPORT[0], **chosen)
    assert (answer.status_code, answer.data, answer.mimetype) == (200, content, "text/csv")
    assert f"convocation-{IDENT}.csv" in answer.headers["Content-Disposition"]
    (request,) = asked
    assert isinstance(request, ConvocationReport) and (request.office, request.form) == ("dec", "csv")
    for size, body in ((len(content) + 1, content), (LARGEST_REPORT + 1, content)):
        monkeypatch.setattr(accountd, "fetch", lambda request, size=size, body=body: fetch(request, size, body))
        assert inside.press(f"{PAGE[0]}{AT}", REPORT[0], **chosen).status_code == 503


@pytest.mark.parametrize("path", [LIST[0], f"{NEW[0]}?bureau=dec", f"{PAGE[0]}{AT}"])
def test_who_may_not_convoke_is_told_why(inside: Any, accountd: Any, path: str) -> None:
    accountd.refuse(ErrorCode.FORBIDDEN, message=Forbidden.OFFICE.value)
    page = inside.get(path)
    assert inside.last.status_code == 403 and "Vous ne pouvez pas convoquer ici" in page.main
    accountd.refuse(ErrorCode.FORBIDDEN, message=Forbidden.FACTOR.value)
    assert "second facteur" in inside.get(path).main


def test_what_is_not_there_is_told(inside: Any, accountd: Any) -> None:
    accountd.refuse(ErrorCode.REFUSED_VALUE, OfficeConvocation, message="no name of a convocation")
    inside.get(f"{PAGE[0]}?bureau=dec&convocation=x")
    assert inside.last.status_code == 422
    accountd.refuse(ErrorCode.NOT_FOUND, OfficeConvocation)
    inside.get(f"{PAGE[0]}{AT}&suite=x")
    assert inside.last.status_code == 404
