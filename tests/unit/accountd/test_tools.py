"""« Mes outils »: accountd judges what an agent gives, has it sealed and tried, and writes no secret anywhere."""

import json
from types import SimpleNamespace

import pytest
from malleposte.accountd.calls.account import JournalShown, ShowJournal
from malleposte.accountd.calls.mailbox import tools as calls
from malleposte.accountd.calls.mailbox.tools import (
    AddTool,
    AgentAgendas,
    AgentTools,
    ChangeTool,
    LinkedMessage,
    OpenLink,
    RenewTool,
    ShowAgendas,
    ShowTools,
    ToolTried,
    TryTool,
)
from malleposte.accountd.message import ErrorCode, Refused
from malleposte.accounts.mailbox.tools.events.model import Agenda, Changes, Look, News, Seen
from malleposte.accounts.mailbox.tools.kinds.base import Outcome, Verdict
from malleposte.accounts.mailbox.tools.model import Act, Given, Paused, RuleShown, Sent, Shown, State, When
from malleposte.accounts.mailbox.tools.place import Place
from malleposte.core.errors import MallepostError
from malleposte.directory.model import State as AccountState

from .test_service import HERE, OTHER_NUMEN, Stage, success, token

URL = "https://hooks.slack.com/services/T1/B2/abcDEF123"
RULE = RuleShown("a1", "slack", When.LABEL, "$label4", paused=Paused.REVOKED, waits=2)
SENT = (
    Sent("slack", "Réunion", 1_800_000_000.0, State.TOLD),
    Sent("slack", "Perdu", 1_800_000_001.0, State.ENDED, "away"),
)


class Box:
    """The store of one mailbox."""

    def __init__(self) -> None:
        self.shown = Shown({"slack": ("hooks.slack.com",), "matrix": ("matrix.ac-exemple.test",)}, (RULE,), SENT)
        self.away: Exception | None = None
        self.done: list[tuple[object, ...]] = []
        self.looks: list[Look] = []
        self.changes = Changes(100.0, events=(Seen("a.ics", "a" * 24, 50.0),))

    def tools(self, _uid: str) -> Shown:
        if self.away:
            raise self.away
        return self.shown

    def add_tool(self, uid: str, given: Given, begun: News | None = None) -> Shown:
        self.done.append((uid, given, *([begun] if begun else [])))
        return self.shown

    def agendas_of(self, uid: str, _profile: str) -> list[Agenda]:
        return [Agenda(uid), Agenda(uid, "projet", "Projet")]

    def agenda_changes(self, looks: tuple[Look, ...]) -> list[Changes]:
        self.looks += looks
        return [self.changes]

    def renew_tool(self, uid: str, ident: str, values: dict[str, str]) -> Shown:
        self.done.append((uid, ident, values))
        return self.shown

    def change_tool(self, uid: str, ident: str, change: Act) -> Shown:
        self.done.append((uid, ident, change))
        return self.shown

    def try_tool(self, uid: str, ident: str) -> Verdict:
        self.done.append((uid, ident))
        return Verdict(Outcome.REVOKED, "403 invalid_token")

    def linked(self, uid: str, word: str) -> Place:
        return Place("Envoy&AOk-s", "7") if (uid, word) == ("mdupond", "mine") else Place()


@pytest.fixture
def box() -> Box:
    return Box()


@pytest.fixture
def stage(stage: Stage, box: Box) -> Stage:
    names = ("tools", "add_tool", "renew_tool", "change_tool", "try_tool", "linked", "agendas_of", "agenda_changes")
    vars(stage.hosts).update({name: getattr(box, name) for name in names})
    return stage


def add(**more: object) -> AddTool:
    given: dict = {"tool": "slack", "when": "label", "values": (URL,), "label": "$label4"} | more
    return AddTool(HERE, "mdupond", token("mdupond"), **given)


def notes(stage: Stage) -> list[str]:
    if not stage.journal.exists():
        return []
    lines = [json.loads(one) for one in stage.journal.read_text("utf-8").splitlines()]
    return [str(one["note"]).replace("\N{NO-BREAK SPACE}", " ") for one in lines if one["action"] == "tools"]


def test_rules_and_what_left_are_shown(stage: Stage, box: Box) -> None:
    answer = success(stage.ask(ShowTools(HERE, "mdupond", token("mdupond"))))
    assert isinstance(answer, AgentTools)
    assert {one.name: one.hosts for one in answer.tools} == box.shown.tools
    (rule,) = answer.rules
    assert (rule.ident, rule.when, rule.paused, rule.waits) == ("a1", "label", "revoked", 2)
    sent = [(one.title, one.told, one.detail) for one in answer.sent]
    assert sent == [("Réunion", True, ""), ("Perdu", False, "away")]


def test_a_rule_is_added_and_its_access_is_written_nowhere_here(stage: Stage, box: Box) -> None:
    success(stage.ask(add(lines=True)))
    ((uid, given),) = box.done
    assert (uid, given) == ("mdupond", Given("slack", When.LABEL, {"url": URL}, "$label4", lines=True))
    assert notes(stage) == ["slack : règle ajoutée (objet, expéditeur, lien, premières lignes)"]
    assert "abcDEF123" not in stage.journal.read_text("utf-8")
    assert "abcDEF123" not in repr(add())


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"tool": "trello"}, "tool"),
        ({"tool": "teams"}, "tool"),
        ({"values": ()}, "tool"),
        ({"values": (URL, URL)}, "tool"),
        ({"values": ("https://evil.example/x",)}, "slack.url"),
        ({"tool": "matrix", "values": ("https://evil.example", "!a:b", "syt_0123456789")}, "host"),
        ({"label": "a b"}, "word"),
        ({"when": "comes"}, "word"),
        ({"when": "never"}, "no such moment"),
    ],
)
def test_a_rule_that_cannot_be_is_refused(stage: Stage, box: Box, wrong: dict, word: str) -> None:
    answer = stage.ask(add(**wrong))
    assert isinstance(answer, Refused)
    assert (answer.error, answer.message) == (ErrorCode.REFUSED_VALUE, word)
    assert (box.done, notes(stage)) == ([], [])


def events(**more: object) -> AddTool:
    return add(**({"when": "event", "label": "", "agenda": "mdupond/projet"} | more))


def test_a_rule_for_events_begins_with_those_that_are_there(stage: Stage, box: Box) -> None:
    answer = success(stage.ask(ShowAgendas(HERE, "mdupond", token("mdupond"))))
    assert isinstance(answer, AgentAgendas)
    assert [(one.ident, one.title) for one in answer.agendas] == [
        ("mdupond/personal", ""), ("mdupond/projet", "Projet"),
    ]  # fmt: skip
    success(stage.ask(events(place=True, lines=True)))
    ((uid, given, begun),) = box.done
    agenda = Agenda("mdupond", "projet", "Projet")
    assert (uid, given) == ("mdupond", Given("slack", When.EVENT, {"url": URL}, agenda=agenda, place=True))
    assert begun == News(100.0, ("a" * 24,), anew=True)
    assert [(one.owner, one.name, one.after) for one in box.looks] == [("mdupond", "projet", 0.0)]
    assert notes(stage) == ["slack : règle ajoutée (événements : titre, date, lieu)"]


def test_a_team_s_agenda_is_its_members_own_choice_alone(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    team = SimpleNamespace(attributes={
        "uid": ["equipe-x"], "cn": ["Équipe X"], "mpTeam": ["@dsi"], "mpState": ["active"], "mpAgenda": ["TRUE"],
    })  # fmt: skip
    monkeypatch.setattr(calls.members, "of", lambda _directory, _uid: [team])
    shown = success(stage.ask(ShowAgendas(HERE, "mdupond", token("mdupond"))))
    assert isinstance(shown, AgentAgendas) and shown.agendas[-1].title == "Équipe X"
    success(stage.ask(events(agenda="equipe-x/personal")))
    team.attributes["mpState"] = ["suspended"]
    answer = stage.ask(events(agenda="equipe-x/personal"))
    assert isinstance(answer, Refused) and answer.message == "agenda"


@pytest.mark.parametrize("agenda", ["", "other/personal", "mdupond/other", "equipe-x/personal"])
def test_somebody_else_s_agenda_is_refused(stage: Stage, box: Box, agenda: str) -> None:
    answer = stage.ask(events(agenda=agenda))
    assert isinstance(answer, Refused) and answer.message == "agenda"
    assert (box.done, box.looks) == ([], [])


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        (Changes(1.0, there=False), "agenda"),
        (Changes(1.0, fault="away"), "agenda"),
        (Changes(1.0, more=True), "large"),
    ],
)
def test_an_agenda_that_cannot_be_watched_is_refused(stage: Stage, box: Box, changes: Changes, word: str) -> None:
    box.changes = changes
    answer = stage.ask(events())
    assert isinstance(answer, Refused) and answer.message == word
    assert box.done == []


def test_rules_are_few(stage: Stage, box: Box) -> None:
    box.shown = Shown(box.shown.tools, (RULE,) * 10)
    answer = stage.ask(add())
    assert isinstance(answer, Refused) and answer.message == "full"


def test_a_rule_is_changed_and_tried(stage: Stage, box: Box) -> None:
    own = (HERE, "mdupond", token("mdupond"), "a1")
    success(stage.ask(ChangeTool(*own, "stop")))
    success(stage.ask(RenewTool(*own, (URL,))))
    tried = success(stage.ask(TryTool(*own)))
    assert isinstance(tried, ToolTried)
    assert (tried.outcome, tried.detail) == ("revoked", "403 invalid_token")
    assert box.done == [("mdupond", "a1", Act.STOP), ("mdupond", "a1", {"url": URL}), ("mdupond", "a1")]
    assert notes(stage) == ["slack : règle arrêtée", "slack : nouvel accès", "slack : essai"]
    for request in (
        ChangeTool(*own, "burn"),
        ChangeTool(*own[:3], "b2", "stop"),
        TryTool(*own[:3], "b2"),
        RenewTool(*own[:3], "b2", (URL,)),
    ):
        answer = stage.ask(request)
        assert isinstance(answer, Refused) and answer.error == ErrorCode.REFUSED_VALUE
    assert len(box.done) == 3


def test_a_link_opens_for_its_owner_and_says_the_same_of_all_others(stage: Stage) -> None:
    stage.agent("jmartin", AccountState.ACTIVE, OTHER_NUMEN)
    mine = success(stage.ask(OpenLink(HERE, "mdupond", token("mdupond"), "mine")))
    assert isinstance(mine, LinkedMessage) and (mine.folder, mine.number) == ("Envoy&AOk-s", "7")
    others = [success(stage.ask(OpenLink(HERE, "jmartin", token("jmartin"), word))) for word in ("mine", "guessed", "")]
    assert {(one.uid, one.folder, one.number) for one in others} == {("jmartin", "", "")}


def test_nobody_acts_for_another(stage: Stage, box: Box) -> None:
    stage.agent("jmartin", AccountState.ACTIVE, OTHER_NUMEN)
    other = (HERE, "mdupond", token("jmartin"))
    requests = (
        ShowTools(*other), AddTool(*other, "slack", "label", (URL,), "a"), TryTool(*other, "a1"),
        ChangeTool(*other, "a1", "remove"), RenewTool(*other, "a1", (URL,)), OpenLink(*other, "mine"),
    )  # fmt: skip
    assert all(isinstance(stage.ask(one), Refused) for one in requests)
    assert box.done == []


def test_the_journal_has_what_left(stage: Stage, box: Box) -> None:
    def journal() -> list[tuple[str, str]]:
        answer = success(stage.ask(ShowJournal(HERE, "mdupond", token("mdupond"))))
        assert isinstance(answer, JournalShown)
        return [(one.act, one.note.replace("\N{NO-BREAK SPACE}", " ")) for one in answer.journal if "outil" in one.act]

    assert journal() == [("message signalé à un outil", "slack, « Réunion »")]
    box.away = MallepostError("no route to host")
    assert journal() == [("message signalé à un outil", "liste indisponible pour l’instant")]


def test_a_host_that_does_not_answer_is_told(stage: Stage, box: Box) -> None:
    box.away = MallepostError("no route to host")
    answer = stage.ask(ShowTools(HERE, "mdupond", token("mdupond")))
    assert isinstance(answer, Refused) and answer.error == ErrorCode.UNAVAILABLE
