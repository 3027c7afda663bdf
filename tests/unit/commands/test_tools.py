"""`accounts tools`: what an operator sees of an agent's rules, and pausing or removing one."""

import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import click
import msgspec
import pytest
from malleposte.accounts.journal import Journal
from malleposte.accounts.mailbox.tools.events.model import Agenda
from malleposte.accounts.mailbox.tools.model import Act, Paused, RuleShown, Sent, Shown, State, When
from malleposte.commands.accounts import tools
from malleposte.core.errors import InputError, MallepostError

RULE = RuleShown(
    "3f2a90c1d4e5b687", "slack", When.LABEL, "$label4", waits=2, success=1_800_000_000.0, failure=1_800_000_100.0,
    detail="503",
)  # fmt: skip
OTHER = RuleShown("aa2a90c1d4e5b687", "matrix", When.COMES, sender="secretariat", host="matrix.ac-exemple.test")
Typed = Callable[..., Any]


class Box:
    """The rules of one mailbox."""

    def __init__(self) -> None:
        self.shown = Shown(
            {"slack": ("hooks.slack.com",)}, (RULE, OTHER), (Sent("slack", "Bulletin", 1.0, State.TOLD),)
        )

    def tools(self, _uid: str) -> Shown:
        return self.shown

    def change_tool(self, _uid: str, ident: str, act: Act) -> Shown:
        rules = [
            msgspec.structs.replace(one, paused=Paused.STOPPED) if one.id == ident else one
            for one in self.shown.rules
            if act != Act.REMOVE or one.id != ident
        ]
        self.shown = Shown(self.shown.tools, tuple(rules), self.shown.sent)
        return self.shown


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


@pytest.fixture
def typed(journal: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    box = Box()

    @contextlib.contextmanager
    def host(_who: str) -> Iterator[tuple[Any, ...]]:
        with Journal(journal, "essai") as written:
            yield SimpleNamespace(hosts=box, journal=written), None, None, "mdupond"

    monkeypatch.setattr(tools, "host", host)

    def run(*words: str) -> str:
        capsys.readouterr()
        with click.Context(tools.tools_command) as context:
            tools.tools_command.parse_args(context, ["mdupond", *words])
            tools.tools_command.callback(**context.params)  # type: ignore[misc]
        return capsys.readouterr().out

    return run


def test_the_list_has_states_and_neither_words_nor_titles(typed: Typed, journal: Path) -> None:
    out = typed()
    assert "mdupond: 3f2a90c1d4e5b687  slack, label $label4: on, 2 waiting, last success 2027-01-15" in out
    assert "(503)" in out and "matrix at matrix.ac-exemple.test, mail that comes: on, 0 waiting" in out
    assert out.count("last success never, last failure never") == 1
    document = json.loads(typed("--json"))
    first, second = document["rules"]
    assert (first["waiting"], first["failure"], second["last_success"]) == (2, "503", "")
    assert "secretariat" not in json.dumps(document) + out and "Bulletin" not in json.dumps(document) + out
    assert not journal.exists() or journal.read_text() == ""


def test_a_rule_is_paused_or_removed_and_the_journal_has_the_reason(typed: Typed, journal: Path) -> None:
    assert "slack, label $label4: stopped" in typed("--pause", RULE.id, "--reason", "trop d’alertes")
    assert RULE.id not in typed("--remove", RULE.id, "--yes")
    lines = [json.loads(line) for line in journal.read_text("utf-8").splitlines()]
    assert [(one["action"], one["account"], one["rule"]) for one in lines] == [("tools", "mdupond", RULE.id)] * 2
    notes = [one["note"].replace("\N{NO-BREAK SPACE}", " ") for one in lines]
    assert notes == ["slack : règle arrêtée (trop d’alertes)", "slack : règle supprimée"]


def test_what_is_no_change_is_refused_and_changes_nothing(
    typed: Typed, journal: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for words, why in (
        (("--pause", RULE.id, "--remove", RULE.id), "were given"), (("--reason", "x"), "no change"),
        (("--pause", "0" * 16), "has no rule"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=why):
            typed(*words)
    monkeypatch.setattr(click, "confirm", lambda *_words, **_more: False)
    with pytest.raises(MallepostError, match="nothing was changed"):
        typed("--remove", RULE.id)
    assert RULE.id in typed() and journal.read_text() == ""


def test_an_agenda_is_named_and_its_end_is_told(typed: Typed, monkeypatch: pytest.MonkeyPatch) -> None:
    rule = RuleShown("b" * 16, "slack", When.EVENT, agenda=Agenda("equipe-x", title="X"), place=True, gone=1.0)
    monkeypatch.setattr(Box, "tools", lambda _box, _uid: Shown(rules=(rule,)))
    assert "new events of equipe-x/personal (no such agenda), place: on" in typed()
    (row,) = json.loads(typed("--json"))["rules"]
    assert (row["agenda"], row["place"], row["agenda_gone"]) == ("equipe-x/personal", True, True)
