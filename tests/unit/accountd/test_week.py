"""The meetings of the week: the agent's own, in the platform's zone; which link is a button."""

from __future__ import annotations

import datetime
from typing import Any

import pytest
from malleposte.accountd.calls.meetings.week import DAYS, MyWeek, Week
from malleposte.accountd.message import ErrorCode, Refused
from malleposte.accounts import facts
from malleposte.accounts.meetings.model import Appointment, Asked
from malleposte.core.errors import MallepostError
from malleposte.directory.model import State
from malleposte.platform.times import DATE_TIME

from .test_service import HERE, NO_LOG_IN, NOW, Stage, success, token

SERVER = "https://visio.ac-exemple.test"
BEGIN, END = "20260901T120000Z", "20260901T130000Z"


class Agenda:
    """The host of the agendas."""

    def __init__(self) -> None:
        self.events: list[Appointment] | None = []
        self.asked: list[tuple[Asked, str, str]] = []

    def __call__(self, one: Asked, begin: str, end: str) -> list[Appointment] | None:
        self.asked.append((one, begin, end))
        return self.events


@pytest.fixture
def agenda(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> Agenda:
    monkeypatch.setattr(facts, "read", lambda: {"visio_url": f"{SERVER}/{{slug}}/join"})
    held = Agenda()
    vars(stage.hosts)["own_days"] = held
    return held


def week(stage: Stage, uid: str = "mdupond", **changed: str) -> Week | Refused:
    return stage.ask(MyWeek(**{"source": HERE, "uid": uid, "token": token(uid)} | changed))


def test_the_own_agenda_from_now_for_eight_days(stage: Stage, agenda: Agenda) -> None:
    agenda.events = [Appointment(BEGIN, END, "Conseil", "Salle 3"), Appointment("20260902", "20260903", "Stage")]
    answer = success(week(stage))
    ((one, begin, end),) = agenda.asked
    assert (one.uid, one.mails) == ("mdupond", ("mdupond@ac-exemple.test",)) and begin == f"{NOW:{DATE_TIME}}"
    last = datetime.datetime.strptime(end, DATE_TIME).replace(tzinfo=datetime.UTC).astimezone()
    assert (last.hour, (last.date() - NOW.astimezone().date()).days) == (0, DAYS)
    local = datetime.datetime(2026, 9, 1, 12, tzinfo=datetime.UTC).astimezone()
    assert answer.meetings[0].begin == f"{local:%Y-%m-%dT%H:%M}"
    assert (answer.meetings[1].begin, answer.meetings[1].end) == ("2026-09-02", "2026-09-03")


@pytest.mark.parametrize(
    ("links", "button"),
    [
        ((f"{SERVER}/abc/join",), f"{SERVER}/abc/join"),
        (("https://autre.example.org/x", f"{SERVER}/y"), f"{SERVER}/y"),
        (("https://autre.example.org/x",), ""), ((f"{SERVER}.example.org/x",), ""), ((f"{SERVER}@example.org/",), ""),
        (("https://example.org/https://visio.ac-exemple.test/",), ""), ((), ""),
    ],
)  # fmt: skip
def test_only_the_academy_s_own_server_gets_a_button(
    stage: Stage, agenda: Agenda, links: tuple[str, ...], button: str
) -> None:
    agenda.events = [Appointment(BEGIN, END, "Conseil", "", links)]
    assert success(week(stage)).meetings[0].visio == button


def test_without_a_server_no_link_is_a_button(stage: Stage, agenda: Agenda, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "read", dict)
    agenda.events = [Appointment(BEGIN, END, "Conseil", "", ("https:///x", f"{SERVER}/y"))]
    assert success(week(stage)).meetings[0].visio == ""


def test_what_cannot_be_read_or_shown_is_said(stage: Stage, agenda: Agenda) -> None:
    agenda.events = None
    assert success(week(stage)).more
    agenda.events = [Appointment(BEGIN, END, "x" * 200, "y" * 200)] * 100
    answer = success(week(stage))
    assert answer.more and 10 < len(answer.meetings) < 100


def test_a_stranger_and_a_silent_host(stage: Stage, agenda: Agenda) -> None:
    stage.agent("anne", State.ACTIVE, "01E9500003ABC")
    assert week(stage, token=token("anne")) == NO_LOG_IN and agenda.asked == []

    def deaf(*_words: Any) -> Any:
        raise MallepostError("no answer")

    vars(stage.hosts)["own_days"] = deaf
    answer = week(stage)
    assert isinstance(answer, Refused) and answer.error is ErrorCode.UNAVAILABLE
