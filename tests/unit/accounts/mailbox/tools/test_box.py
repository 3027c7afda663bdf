"""« Mes outils » of an agent: a secret is sealed at once, a trial says its outcome, an end leaves nothing."""

import json
import time
from pathlib import Path

import msgspec
import pytest
from malleposte.accounts.mailbox.tools import box, ledger, sealed
from malleposte.accounts.mailbox.tools.box import Box
from malleposte.accounts.mailbox.tools.kinds.base import Outcome, Verdict
from malleposte.accounts.mailbox.tools.ledger import Ledger
from malleposte.accounts.mailbox.tools.model import MOST_RULES, Given, Order, Paused, When
from malleposte.accounts.mailbox.tools.outside import Reach
from malleposte.accounts.mailbox.tools.send import Delivery
from malleposte.accounts.mailbox.tools.store import Store
from malleposte.core.errors import InputError

URL = "https://hooks.slack.com/services/T1/B2/abcDEF123"
ALLOWED = {"slack": Reach(("hooks.slack.com",)), "matrix": Reach(("matrix.ac-exemple.test",))}
GIVEN = Given("slack", When.LABEL, {"url": URL}, label="$label4")
MATRIX = {"server": "https://matrix.ac-exemple.test", "room": "!a:ac-exemple.test", "token": "syt_0123456789"}


class Stage:
    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self.reply, self.told = root, Verdict(Outcome.DONE), list[Delivery]()
        self.path = root / "ledger.sqlite"
        monkeypatch.setattr(box.facts, "read", lambda: {"hostnames": {"portal": "pia.ac-exemple.test"}})
        self.box = Box(root, self.path, lambda: ALLOWED, self.ask, lambda: "s" * 40)

    def ask(self, told: Delivery) -> Verdict:
        self.told.append(told)
        return self.reply

    def ident(self, given: Given = GIVEN) -> str:
        return self.box.add("mdupond", given).rules[-1].id


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def files(root: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in (root / ".tools").iterdir() if path.is_file()}


def test_what_is_secret_is_in_no_file_and_on_no_page(stage: Stage) -> None:
    stage.ident()
    stage.ident(Given("matrix", When.COMES, MATRIX, subject="urgent", lines=True))
    shown = msgspec.json.encode(stage.box.shown("mdupond"))
    for text in (shown, *files(stage.root).values()):
        assert b"abcDEF123" not in text
        assert b"syt_" not in text
    first, second = stage.box.shown("mdupond").rules
    assert (first.tool, first.label, first.host, second.host) == ("slack", "$label4", "", "matrix.ac-exemple.test")
    (kept,) = [json.loads(text) for name, text in files(stage.root).items() if name.endswith(".json")]
    opened = sealed.open_access(sealed.Seal("s" * 40), "mdupond", first.id, kept["rules"][0]["sealed"])
    assert opened == {"url": URL}


def test_a_copy_of_the_own_data_has_the_rules_and_what_left_and_no_secret(stage: Stage) -> None:
    assert stage.box.own_terms("mdupond") == {}
    ident = stage.ident(Given("matrix", When.COMES, MATRIX, subject="urgent", lines=True))
    with ledger.opened(stage.path) as kept:
        kept.take(Order("mdupond", ident, "<a@x>", "Conseil", "z@lointain.test", "", time.time()), "matrix", "")
    (rule,) = stage.box.own_terms("mdupond")["règles"]
    assert (rule["outil"], rule["site"], rule["mot de l’objet"]) == ("matrix", "matrix.ac-exemple.test", "urgent")
    assert rule["premières lignes"] is True and rule["arrêtée"] is False
    stage.box.remove("mdupond", ident)
    copy = stage.box.own_terms("mdupond")
    assert copy["règles"] == []
    assert [(one["objet"], one["envoyé"]) for one in copy["messages signalés"]] == [("Conseil", False)]
    assert "syt_" not in json.dumps(copy)


def test_a_rule_says_when_its_tool_last_took_a_message_and_last_did_not(stage: Stage) -> None:
    ident = stage.ident()
    (rule,) = stage.box.shown("mdupond").rules
    assert (rule.success, rule.failure, rule.detail, rule.waits) == (0.0, 0.0, "", 0)
    with ledger.opened(stage.path) as kept:
        for number in range(4):
            kept.take(Order("mdupond", ident, f"<{number}@x>", "Conseil", "z@x", "", 100.0 + number), "slack", "")
        told, refused, late, _new = sorted(kept.open("mdupond"), key=lambda row: row.made)
        kept.change(told.id, 200.0, state="told", detail="")
        kept.change(refused.id, 210.0, state="ended", detail="400")
        kept.change(late.id, 220.0, detail="503", tries=1)
    (rule,) = stage.box.shown("mdupond").rules
    assert (rule.success, rule.failure, rule.detail, rule.waits) == (200.0, 220.0, "503", 2)


def test_rules_make_scripts_and_their_end_removes_them(stage: Stage) -> None:
    ident = stage.ident()
    assert "mdupond.labels.sieve" in files(stage.root)
    stage.box.pause("mdupond", ident, stopped=True)
    assert "mdupond.labels.sieve" not in files(stage.root)
    stage.box.pause("mdupond", ident, stopped=False)
    assert "mdupond.labels.sieve" in files(stage.root)
    stage.box.remove("mdupond", ident)
    assert set(files(stage.root)) == {"mdupond.json", "lock"}
    assert stage.box.forget("mdupond")
    assert set(files(stage.root)) == {"lock"}


@pytest.mark.parametrize(
    "wrong",
    [
        Given("trello", When.LABEL, {}, label="a"),
        Given("slack", When.LABEL, {"url": "https://hooks.slack.com.evil.example/services/T/B/x"}, label="a"),
        Given("matrix", When.LABEL, MATRIX | {"server": "https://evil.example"}, label="a"),
        Given("slack", When.LABEL, {}, label="a"),
        Given("slack", When.LABEL, {"url": URL}, label="a b"),
        Given("slack", When.COMES, {"url": URL}),
    ],
)
def test_a_rule_that_cannot_be_is_refused_and_changes_nothing(stage: Stage, wrong: Given) -> None:
    with pytest.raises(InputError):
        stage.box.add("mdupond", wrong)
    assert stage.box.shown("mdupond").rules == ()
    stage.ident()


def test_rules_are_few(stage: Stage) -> None:
    for _turn in range(MOST_RULES):
        stage.ident()
    with pytest.raises(InputError):
        stage.ident()
    assert len(stage.box.shown("mdupond").rules) == MOST_RULES


def test_a_trial_says_what_came_of_it(stage: Stage) -> None:
    ident = stage.ident()
    assert stage.box.trial("mdupond", ident).outcome == Outcome.DONE
    stage.reply = Verdict(Outcome.REVOKED, "403 invalid_token")
    assert stage.box.trial("mdupond", ident) == stage.reply
    first, second = stage.told
    assert first.note.key != second.note.key
    assert (first.uid, first.rule, first.note.link) == ("mdupond", ident, "https://pia.ac-exemple.test/")
    with pytest.raises(InputError):
        stage.box.trial("alebrun", ident)


def test_another_access_wakes_what_waits(stage: Stage) -> None:
    ident = stage.ident()
    held = Ledger(stage.path)
    held.take(Order("mdupond", ident, "<a@x>", "Titre", "a@b", "", 1.0), "slack", "https://l")
    held.delay("mdupond", ident, 9e9)
    Store(stage.root).pause("mdupond", ident, Paused.REVOKED)
    shown = stage.box.shown("mdupond").rules[0]
    assert (shown.paused, shown.waits) == (Paused.REVOKED, 1)
    before = held.due(2.0)
    assert stage.box.renew("mdupond", ident, {"url": URL}).rules[0].paused == Paused.NO
    assert before == []
    assert len(held.due(2.0)) == 1
    held.change(ledger.key("mdupond", ident, "<a@x>"), 3.0, state="told", note="")
    held.close()
    (sent,) = stage.box.shown("mdupond").sent
    assert (sent.tool, sent.title, sent.at) == ("slack", "Titre", 3.0)
    assert stage.box.shown("alebrun").sent == ()
    assert stage.box.forget("mdupond")
    assert stage.box.shown("mdupond").sent == ()


def test_a_removed_rule_ends_what_waits(stage: Stage) -> None:
    ident = stage.ident()
    with ledger.opened(stage.path) as held:
        held.take(Order("mdupond", ident, "<a@x>", "Titre", "a@b", "", 1.0), "slack", "https://l")
    stage.box.remove("mdupond", ident)
    with ledger.opened(stage.path) as held:
        assert held.due(9e9) == []
    assert stage.box.shown("mdupond").sent[0].detail == "rule"
    for act in (stage.box.remove, stage.box.trial):
        with pytest.raises(InputError):
            act("mdupond", ident)
