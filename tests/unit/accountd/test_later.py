"""« Mes envois »: accountd shows what waits, has one sent or kept, and writes each decision into the journal."""

import json

import pytest
from malleposte.accountd import codec
from malleposte.accountd.calls.mailbox.later import AgentLater, DecideLater, SetLater, ShowLater
from malleposte.accountd.message import LONGEST, ErrorCode, Refused
from malleposte.accounts.mailbox.later.model import Choice, Shown, Waiting
from malleposte.core.errors import MallepostError
from malleposte.directory.model import State as AccountState

from .test_service import HERE, OTHER_NUMEN, Stage, success, token

ONE = Waiting("À envoyer/Demain 8 h", "Réunion", "a1", 1_800_000_000.0)


class Box:
    """The store of one mailbox."""

    def __init__(self) -> None:
        self.shown = Shown(Choice(on=True), (ONE, Waiting("À envoyer", "sans heure")))
        self.away: Exception | None = None
        self.decided: list[tuple[str, str, bool]] = []
        self.chosen: list[Choice] = []

    def later(self, _uid: str) -> Shown:
        if self.away:
            raise self.away
        return self.shown

    def set_later(self, _uid: str, choice: Choice) -> Shown:
        self.chosen.append(choice)
        self.shown = Shown(choice, self.shown.messages)
        return self.shown

    def decide_later(self, uid: str, ident: str, send: bool) -> Shown:
        self.decided.append((uid, ident, send))
        self.shown = Shown(self.shown.choice)
        return self.shown


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def stage(stage: Stage, box: Box) -> Stage:
    vars(stage.hosts).update(later=box.later, set_later=box.set_later, decide_later=box.decide_later)
    return stage


def notes(stage: Stage) -> list[str]:
    lines = [json.loads(one) for one in stage.journal.read_text("utf-8").splitlines()]
    return [str(one["note"]).replace("\N{NO-BREAK SPACE}", " ") for one in lines if one["action"] == "later"]


def show(stage: Stage, of: str = "mdupond") -> AgentLater | Refused:
    return stage.ask(ShowLater(HERE, "mdupond", token(of)))


def test_what_waits_is_shown(stage: Stage) -> None:
    answer = success(show(stage))
    assert isinstance(answer, AgentLater)
    assert answer.on and [(one.ident, one.subject) for one in answer.messages] == [
        ("a1", "Réunion"),
        ("", "sans heure"),
    ]
    assert answer.messages[0].due.startswith("2027-01-15T") and answer.messages[1].due == ""
    assert codec.decode_answer(AgentLater, codec.encode_answer(answer)) == answer


@pytest.mark.parametrize(
    ("send", "note"), [(True, "envoyé sans attendre : Réunion"), (False, "envoi annulé : Réunion")]
)
def test_a_message_is_sent_or_kept(stage: Stage, box: Box, send: bool, note: str) -> None:
    answer = success(stage.ask(DecideLater(HERE, "mdupond", token("mdupond"), "a1", send)))
    assert isinstance(answer, AgentLater) and answer.messages == ()
    assert box.decided == [("mdupond", "a1", send)] and notes(stage) == [note]


@pytest.mark.parametrize("ident", ["", "b2"])
def test_what_is_not_there_any_more_is_refused(stage: Stage, box: Box, ident: str) -> None:
    answer = stage.ask(DecideLater(HERE, "mdupond", token("mdupond"), ident, True))
    assert isinstance(answer, Refused) and answer.error == ErrorCode.REFUSED_VALUE
    assert box.decided == [] and notes(stage) == []


def test_the_choice_is_kept_once(stage: Stage, box: Box) -> None:
    for on in (True, False, False, True):
        assert success(stage.ask(SetLater(HERE, "mdupond", token("mdupond"), on)))
    assert box.chosen == [Choice(on=False), Choice(on=True)]
    assert notes(stage) == ["envoi différé arrêté", "envoi différé en service"]


def test_nobody_decides_for_another(stage: Stage, box: Box) -> None:
    stage.agent("jmartin", AccountState.ACTIVE, OTHER_NUMEN)
    requests = (
        SetLater(HERE, "mdupond", token("jmartin"), False),
        DecideLater(HERE, "mdupond", token("jmartin"), "a1", True),
        ShowLater(HERE, "mdupond", token("jmartin")),
    )
    assert all(isinstance(stage.ask(one), Refused) for one in requests)
    assert (box.chosen, box.decided) == ([], [])


def test_a_host_that_does_not_answer_is_told(stage: Stage, box: Box) -> None:
    box.away = MallepostError("no route to host")
    answer = show(stage)
    assert isinstance(answer, Refused) and answer.error == ErrorCode.UNAVAILABLE


def test_many_messages_have_room(stage: Stage, box: Box) -> None:
    box.shown = Shown(Choice(on=True), (Waiting("À envoyer", "x" * 150, "a", 1.0, "refused", "y" * 300),) * 100)
    answer = success(show(stage))
    assert isinstance(answer, AgentLater) and answer.more and len(codec.encode_answer(answer)) < LONGEST
