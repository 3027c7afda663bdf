"""Reports of suspect messages, for the DSI: joined, looked up, answered."""

from __future__ import annotations

from dataclasses import replace

import pytest
from malleposte.accountd.calls.dsi.reports import DsiAnswerReports, DsiReports
from malleposte.accountd.message import ErrorCode, Forbidden, Refused
from malleposte.accounts.channels import Failure
from malleposte.accounts.retraction import owners
from malleposte.accounts.retraction.reported import Report
from malleposte.deliveries.model import Answer, Query
from malleposte.directory.model import State

from tests.unit.accounts.retraction.test_retraction import message, to

from .test_retractions import who
from .test_service import FACTS, OTHER_NUMEN, Stage, success

MARIE, PAUL = "mdupond@ac-exemple.test", "paul@ac-exemple.test"
WAVE = {"author": "Voleur <v@x.test>", "subject": "Votre boîte est pleine"}


class Box:
    """The box of reports and the index of deliveries."""

    def __init__(self) -> None:
        self.reports = [
            Report("9", PAUL, "2026-12-01 03:00:00", "Q1", "vague@x", **WAVE),
            Report("8", MARIE, "2026-12-01 02:00:00", "Q1", "vague@x", **WAVE),
            Report("5", MARIE, "2026-11-30 02:00:00", "Q9", "autre@x", "Jeanne <j@lycee.test>", "Sortie"),
        ]
        self.answered: list[str] = []
        self.failures: list[Failure] = []

    def reports_of(self, uid: str) -> tuple[list[Report], list[Failure]]:
        assert uid == "dsi"
        return [one for one in self.reports if one.ident not in self.answered], self.failures

    def answer_reports(self, uid: str, idents: tuple[str, ...]) -> list[Failure]:
        assert uid == "dsi"
        self.answered += idents
        return self.failures

    def trace(self, query: Query) -> tuple[Answer, list[Failure]]:
        return Answer((message("Q1", to("mdupond")),) if query.queue == "Q1" else ()), []


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def stage(stage: Stage, box: Box, monkeypatch: pytest.MonkeyPatch) -> Stage:
    stage.agent("anne", State.ACTIVE, OTHER_NUMEN, mpRole=["dsi"])
    vars(stage.hosts).update(reports_of=box.reports_of, answer_reports=box.answer_reports, trace=box.trace)
    facts = replace(FACTS, report_mail="dsi@ac-exemple.test")
    object.__setattr__(stage.service.tools, "facts", lambda: facts)
    monkeypatch.setattr(owners, "report_box", lambda _directory, known: "dsi" if known.report_mail else "")
    return stage


def test_the_same_are_joined_and_looked_up(stage: Stage) -> None:
    answer = success(stage.ask(DsiReports(**who())))
    wave, other = answer.reports
    assert (wave.many, wave.by, wave.last) == (2, (PAUL, MARIE), "2026-12-01 03:00:00")
    assert (wave.sender, wave.message_id) == ("pirate@x", "vague@x"), "marie got it; the sender is the index's word"
    assert (other.sender, other.author) == ("", "Jeanne <j@lycee.test>"), "nobody got that"
    assert answer.here and not answer.more


def test_it_is_for_the_dsi_alone(stage: Stage) -> None:
    assert stage.ask(DsiReports(**who("mdupond"))) == Refused(ErrorCode.FORBIDDEN, Forbidden.DSI.value)
    refused = stage.ask(DsiAnswerReports(**who(at=0), key="x"))
    assert refused == Refused(ErrorCode.FORBIDDEN, Forbidden.LATELY.value)


def test_a_harmless_one_is_answered_once(stage: Stage, box: Box) -> None:
    other = success(stage.ask(DsiReports(**who()))).reports[1]
    answer = success(stage.ask(DsiAnswerReports(**who(), key=other.key)))
    assert [one.key for one in answer.reports] != [other.key] and len(answer.reports) == 1
    assert box.answered == ["5"]
    (letter,) = stage.letters
    assert letter["To"] == MARIE and "sans danger" in letter.get_content() and "Sortie" in letter.get_content()
    (line,) = [one for one in stage.lines() if one["action"] == "dsi-reports"]
    assert (line["account"], line["many"]) == ("anne", 1)
    again = stage.ask(DsiAnswerReports(**who(), key=other.key))
    assert isinstance(again, Refused) and again.error is ErrorCode.REFUSED_VALUE
    assert len(stage.letters) == 1


def test_where_no_box_of_ours_takes_reports_and_where_its_host_is_away(stage: Stage, box: Box) -> None:
    box.reports, box.failures = [], [Failure("boxes on mail1", "no answer")]
    away = stage.ask(DsiReports(**who()))
    assert isinstance(away, Refused) and away.error is ErrorCode.UNAVAILABLE
    object.__setattr__(stage.service.tools, "facts", lambda: FACTS)
    answer = success(stage.ask(DsiReports(**who())))
    assert not answer.here and answer.reports == ()
