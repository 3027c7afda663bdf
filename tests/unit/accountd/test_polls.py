"""Polls of dates by the portal: who opens one, who votes without an account, how often strangers may try."""

from __future__ import annotations

import functools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from malleposte.accountd.calls.meetings.group import MEETINGS_A_DAY
from malleposte.accountd.calls.meetings.polls import (
    EVENT,
    OPEN,
    PEOPLE,
    SLOTS,
    AskPoll,
    DecidePoll,
    EndPoll,
    MyPoll,
    MyPolls,
    PollPage,
    SeePoll,
    VotePoll,
)
from malleposte.accountd.message import ErrorCode, Forbidden, Refused
from malleposte.accounts import facts
from malleposte.accounts.convocations import store
from malleposte.accounts.hosts.acts import convocations as acts
from malleposte.accounts.meetings import invite, polls
from malleposte.directory.model import State

from .test_service import HERE, NO_LOG_IN, NOT_PROVED, Stage, success, token

GIVEN = {
    "title": "Conseil <b>", "people": "anne\ndehors@example.org", "text": "Texte",
    "slots": "2099-06-16T08:00 2099-06-16T09:00\n2099-06-15T08:00 2099-06-15T09:00",
}  # fmt: skip


@pytest.fixture
def folder(stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    stage.agent("anne", State.ACTIVE, "01E9500003ABC")
    host: Any = SimpleNamespace(convocations_folder=tmp_path / "convocations")
    for name in "ask_poll my_polls my_poll end_poll decide_poll see_poll vote_poll my_meetings".split():
        vars(stage.hosts)[name] = functools.partial(getattr(acts, name).function, host)
    monkeypatch.setattr(facts, "read", dict)
    folder: Path = host.convocations_folder
    return folder


def who(uid: str = "mdupond") -> dict[str, Any]:
    return {"source": HERE, "uid": uid, "token": token(uid)}


def asked(stage: Stage, **changed: Any) -> PollPage | Refused:
    return stage.ask(AskPoll(**{**who(), **GIVEN} | changed))


def opened(stage: Stage, folder: Path) -> tuple[str, str]:
    """A poll, and the link of its first person."""
    page = success(asked(stage))
    assert page.poll
    one = polls.load(page.poll.ident, folder)
    assert one
    link = polls.new_link(one, one.voters[0])
    polls.keep(one, folder)
    return one.ident, link


def test_it_is_opened_with_its_slots_in_order(stage: Stage, folder: Path) -> None:
    page = success(asked(stage, tell=True))
    assert page.poll and [one.begin for one in page.poll.slots] == ["2099-06-15T08:00", "2099-06-16T08:00"]
    assert len(page.poll.rows) == 2 and page.poll.rows[1].name == "dehors@example.org"
    assert store.asked(folder) and stage.lines()[-1]["action"] == "poll-ask"
    assert [one.title for one in success(stage.ask(MyPolls(**who()))).polls] == ["Conseil <b>"]
    assert success(stage.ask(MyPolls(**who("anne")))).polls == ()


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"slots": "2099-06-16T08:00 2099-06-16T09:00"}, SLOTS), ({"slots": ""}, SLOTS), ({"title": " "}, EVENT),
        ({"slots": GIVEN["slots"] + "\nhier demain"}, SLOTS),
        ({"slots": "2099-06-16 2099-06-16\n2099-06-17 2099-06-17"}, SLOTS),
        ({"slots": "\n".join(f"2099-06-{day:02}T08:00 2099-06-{day:02}T09:00" for day in range(1, 22))}, SLOTS),
        ({"people": "personne"}, PEOPLE), ({"people": ""}, PEOPLE),
    ],
)  # fmt: skip
def test_what_is_wrong_asks_nobody(stage: Stage, folder: Path, changed: dict[str, str], word: str) -> None:
    assert asked(stage, **changed) == Refused(ErrorCode.REFUSED_VALUE, word)
    assert list(polls.every(folder)) == []
    success(asked(stage))


def test_a_choice_beyond_the_meetings_that_stand_is_refused_and_ends_nothing(
    stage: Stage, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ident, link = opened(stage, folder)
    with monkeypatch.context() as patch:
        patch.setattr(invite, "MOST_OPEN", 0)
        assert stage.ask(DecidePoll(**who(), poll=ident, slot=0)) == Refused(ErrorCode.REFUSED_VALUE, OPEN)
    assert [line["action"] for line in stage.lines()] == ["poll-ask"]
    success(stage.ask(SeePoll(HERE, link)))
    success(stage.ask(DecidePoll(**who(), poll=ident, slot=0)))


def test_polls_count_with_meetings_in_a_day(stage: Stage, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(polls, "MOST_OPEN", 1000)
    for _turn in range(MEETINGS_A_DAY):
        success(asked(stage))
    assert asked(stage) == Refused(ErrorCode.FORBIDDEN, Forbidden.CAP.value)


def test_a_link_votes_without_an_account(stage: Stage, folder: Path) -> None:
    ident, link = opened(stage, folder)
    page = success(stage.ask(VotePoll(HERE, link, "ym")))
    assert page.poll and (page.poll.own, page.poll.rows, page.poll.ident) == ("ym", (), "")
    whole = success(stage.ask(MyPoll(**who(), poll=ident)))
    assert whole.poll and whole.poll.rows[0].votes == "ym"


def test_a_wrong_link_and_an_ended_poll_have_one_answer(stage: Stage, folder: Path) -> None:
    ident, link = opened(stage, folder)
    assert stage.ask(SeePoll(HERE, f"{ident}.x")) == NOT_PROVED == stage.ask(SeePoll(HERE, "rien"))
    assert stage.ask(VotePoll(HERE, f"{ident}.x", "yy")) == NOT_PROVED
    success(stage.ask(SeePoll(HERE, link)))
    success(stage.ask(EndPoll(**who(), poll=ident)))
    assert stage.ask(SeePoll(HERE, link)) == NOT_PROVED == stage.ask(VotePoll(HERE, link, "yy"))
    assert [line["action"] for line in stage.lines()] == ["poll-ask", "poll-end"], "a stranger writes no line"


def test_a_flood_of_one_network_is_slowed_down_and_stops_no_other(stage: Stage, folder: Path) -> None:
    _ident, link = opened(stage, folder)
    many = stage.limits.rates.network.most
    answers = [stage.ask(SeePoll("203.0.113.9", f"20990101-000000-0000.{number}")) for number in range(many + 1)]
    assert {one for one in answers[:many] if isinstance(one, Refused)} == {NOT_PROVED}
    last = answers[-1]
    assert isinstance(last, Refused) and last.error is ErrorCode.SLOW_DOWN
    success(stage.ask(SeePoll(HERE, link)))


def test_the_organiser_alone_reads_ends_and_decides(stage: Stage, folder: Path) -> None:
    ident, _link = opened(stage, folder)
    for one in (
        MyPoll(**who("anne"), poll=ident), EndPoll(**who("anne"), poll=ident),
        DecidePoll(**who("anne"), poll=ident, slot=0),
    ):  # fmt: skip
        answer = stage.ask(one)
        assert isinstance(answer, Refused) and answer.error is ErrorCode.NOT_FOUND, one
    assert stage.ask(DecidePoll(**{**who(), "token": token("anne")}, poll=ident, slot=0)) == NO_LOG_IN
    assert stage.ask(DecidePoll(**who(), poll=ident, slot=7)) == Refused(ErrorCode.REFUSED_VALUE, SLOTS)
    page = success(stage.ask(DecidePoll(**who(), poll=ident, slot=1)))
    assert page.poll and (page.poll.chosen, page.poll.open) == (1, False)
    assert [one.shared != "" for one in store.every(folder)] == [True]
    assert stage.lines()[-1]["action"] == "poll-decide"
