"""The daemon that has messages told: each once, each rule in a queue of its own, nobody at the cost of others."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import msgspec
import pytest
from malleposte.accounts.mailbox.tools import keeper, ledger, letter, order
from malleposte.accounts.mailbox.tools.keeper import OF_A_TOOL, OF_AN_AGENT, PAUSED, Keeper, pause
from malleposte.accounts.mailbox.tools.kinds.base import Outcome, Verdict
from malleposte.accounts.mailbox.tools.ledger import Ledger
from malleposte.accounts.mailbox.tools.links import Links
from malleposte.accounts.mailbox.tools.model import (
    MOST,
    MOST_A_DAY,
    PATIENCE,
    Order,
    Paused,
    Rule,
    State,
    When,
)
from malleposte.accounts.mailbox.tools.send import Delivery
from malleposte.accounts.mailbox.tools.store import Store

BEGIN = 1_800_000_000.0
DONE = Verdict(Outcome.DONE)
AWAY = Verdict(Outcome.LATER, "away")


class Stage:
    """A store, a ledger, tools that answer `replies` (by the tool's name) or `reply`."""

    def __init__(self, root: Path) -> None:
        self.root, self.spool, self.now = root, root / "spool", BEGIN
        (self.spool / order.FULL).mkdir(parents=True)
        self.store = Store(root)
        self.reply = DONE
        self.replies: dict[str, Verdict] = {}
        self.told: list[Delivery] = []
        self.barred: set[str] = set()
        self.letters: list[tuple[str, str, str]] = []
        self.number = 0
        self.ledger: Ledger | None = None
        self.begin()

    def begin(self) -> None:
        """Start the daemon, anew."""
        self.end()
        self.ledger = Ledger(self.root / "ledger.sqlite")
        self.keeper = Keeper(
            self.store, self.spool, self.ledger, Links("s" * 40, "pia.ac-exemple.test"),
            lambda *words: self.letters.append(words), self.tell, lambda uid: uid not in self.barred, lambda: self.now,
        )  # fmt: skip

    def end(self) -> None:
        if self.ledger:
            self.ledger.close()

    def tell(self, told: Delivery) -> Verdict:
        self.told.append(told)
        return self.replies.get(told.tool, self.reply)

    def rule(self, uid: str = "mdupond", tool: str = "slack", ident: str = "") -> Rule:
        self.number += 1
        one = Rule(ident or f"{self.number:016x}", tool, When.LABEL, {}, "sealed", label="$label4")
        self.store.change(uid, lambda rules: [*rules, one])
        return one

    def lay(self, rule: Rule, message: str = "", uid: str = "mdupond") -> None:
        """Lay an order into the spool, as `order` does."""
        self.number += 1
        ident = message or f"<{self.number}@x>"
        one = Order(uid, rule.id, ident, f"Titre {ident}", "a@b", "", self.now)
        (self.spool / f"{uid}.{self.number}.json").write_bytes(msgspec.json.encode(one))

    def look(self, seconds: float = 0.0) -> list[Delivery]:
        """Return the notes that a look tells, `seconds` later."""
        self.now += seconds
        before = len(self.told)
        self.keeper.look()
        return self.told[before:]

    def states(self, uid: str = "mdupond") -> list[tuple[str, str]]:
        return [(str(row.state), row.detail) for row in self.ledger.of_late(uid, 999)]


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    one = Stage(tmp_path)
    yield one
    one.end()


def test_orders_of_an_account_whose_rules_cannot_be_read_wait_for_a_while(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeper, "MOST_FILES", 3)
    broken, rule = stage.rule(), stage.rule("autre")
    whole = (stage.store.folder / "mdupond.json").read_bytes()
    for _ in range(5):
        stage.lay(broken)
    stage.lay(rule, uid="autre")
    (stage.store.folder / "mdupond.json").write_text("{")
    assert [told.uid for told in stage.look()] == ["autre"]
    (stage.store.folder / "mdupond.json").write_bytes(whole)
    assert [told.uid for told in stage.look(60)] == ["mdupond"]
    stage.lay(broken)
    (stage.store.folder / "mdupond.json").write_text("{")
    stage.look(PATIENCE + 1)
    assert list(stage.spool.glob("*.json")) == [], "nobody would read of it any more"


def test_a_message_is_told_once_whatever_its_label_does(stage: Stage) -> None:
    rule = stage.rule()
    stage.lay(rule, "<a@x>")
    (told,) = stage.look()
    assert (told.uid, told.rule, told.tool, told.sealed) == ("mdupond", rule.id, "slack", "sealed")
    assert told.note.title == "Titre <a@x>"
    assert told.note.link.startswith("https://pia.ac-exemple.test/lien/")
    assert told.note.key == ledger.key("mdupond", rule.id, "<a@x>")
    stage.lay(rule, "<a@x>")
    assert stage.look(86_400) == []
    stage.begin()
    stage.lay(rule, "<a@x>")
    assert stage.look(60) == []
    assert list(stage.spool.glob("*.json")) == []
    stage.lay(stage.rule(), "<a@x>")
    assert len(stage.look()) == 1


def test_nothing_of_the_message_stays_once_it_is_told(stage: Stage, tmp_path: Path) -> None:
    stage.lay(stage.rule())
    stage.look()
    (row,) = stage.ledger.of_late("mdupond", 9)
    assert (row.state, row.note) == (State.TOLD, "")


def test_a_tool_that_is_away_is_tried_again_for_two_days_and_told_once(stage: Stage) -> None:
    rule = stage.rule()
    stage.reply = AWAY
    stage.lay(rule)
    stage.lay(rule)
    times = []
    while stage.now < BEGIN + PATIENCE + 7200:
        if stage.look(600):
            times.append(stage.now - BEGIN)
    assert times[0] == 600
    assert max(times) <= PATIENCE
    assert len(times) < 120
    assert stage.letters == [("mdupond", letter.AWAY, "slack")]
    assert stage.states() == [("ended", "away"), ("ended", "away")]


def test_a_tool_that_comes_back_gets_what_waited(stage: Stage) -> None:
    rule = stage.rule()
    stage.reply = AWAY
    for _turn in range(3):
        stage.lay(rule)
    assert len(stage.look()) == 1
    assert stage.look(1) == []
    stage.reply = DONE
    assert sum(len(stage.look(5)) for _turn in range(4)) == 3
    assert [state for state, _detail in stage.states()] == ["told"] * 3
    assert stage.letters == []


def test_a_tool_at_its_limit_of_rate_is_left_alone_for_as_long_as_it_asks(stage: Stage) -> None:
    rule = stage.rule()
    stage.reply = Verdict(Outcome.LATER, "429", pause=120)
    stage.lay(rule)
    stage.lay(rule)
    assert len(stage.look()) == 1
    stage.reply = DONE
    assert stage.look(119) == []
    assert len(stage.look(2)) == 1
    assert len(stage.look(1)) == 1


def test_an_access_that_has_ended_pauses_the_rule_and_is_told_at_once(stage: Stage) -> None:
    rule, other = stage.rule(), stage.rule(tool="trello")
    stage.replies["slack"] = Verdict(Outcome.REVOKED, "403 invalid_token")
    stage.lay(rule)
    stage.lay(rule)
    stage.lay(other)
    assert {told.tool for told in stage.look()} == {"slack", "trello"}
    assert stage.letters == [("mdupond", letter.REVOKED, "slack")]
    assert [one.paused for one in stage.store.read("mdupond")] == [Paused.REVOKED, Paused.NO]
    assert stage.look(3600) == []
    assert len(stage.letters) == 1
    stage.replies.clear()
    stage.store.pause("mdupond", rule.id, Paused.NO)
    stage.ledger.delay("mdupond", rule.id, 0)
    assert sum(len(stage.look(1)) for _turn in range(3)) == 2


def test_a_tool_that_refuses_a_message_gets_the_next_one(stage: Stage) -> None:
    rule = stage.rule()
    stage.reply = Verdict(Outcome.REFUSED, "400")
    stage.lay(rule)
    stage.look()
    stage.reply = DONE
    stage.lay(rule)
    assert len(stage.look(1)) == 1
    assert sorted(stage.states()) == [("ended", "400"), ("told", "")]


def test_an_account_that_is_blocked_tells_nothing_until_it_is_free(stage: Stage) -> None:
    stage.lay(stage.rule())
    stage.lay(stage.rule("alebrun"), uid="alebrun")
    stage.barred = {"mdupond"}
    assert [one.uid for one in stage.look()] == ["alebrun"]
    assert stage.look(PAUSED) == []
    stage.barred.clear()
    assert [one.uid for one in stage.look(PAUSED)] == ["mdupond"]
    stage.barred = {"mdupond"}
    stage.lay(stage.rule())
    stage.look()
    assert stage.look(PATIENCE + 60) == []
    stage.barred.clear()
    assert stage.look(PATIENCE) == [] and ("ended", "barred") in stage.states() and stage.letters == []


def test_a_rule_that_is_gone_tells_nothing(stage: Stage) -> None:
    rule = stage.rule()
    stage.reply = AWAY
    stage.lay(rule)
    stage.look()
    stage.store.change("mdupond", lambda _rules: [])
    stage.lay(rule)
    assert stage.look(3600) == []
    assert stage.states() == [("ended", "rule")]


def test_one_account_with_a_hundred_thousand_labelled_messages(stage: Stage) -> None:
    mine, other = stage.rule(), stage.rule("alebrun")
    stage.reply = AWAY
    told, written = 0, 0
    for number in range(100_000):
        # The script of Dovecot starts no program while the account's file is there.
        if (stage.spool / order.FULL / "mdupond").exists():
            continue
        one = Order("mdupond", mine.id, f"<{number}@x>", "t", "a@b", "", stage.now)
        written += order.write(stage.spool, one)
        if number % 40 == 0:
            told += len(stage.look())
    stage.look()
    assert MOST <= len(stage.ledger.open("mdupond")) <= MOST_A_DAY
    assert written <= 2 * MOST + 1
    stage.reply = DONE
    stage.lay(other, uid="alebrun")
    assert "alebrun" in {one.uid for one in stage.look()}


def test_who_has_room_again_gives_orders_again(stage: Stage) -> None:
    rule = stage.rule()
    stage.reply = AWAY
    for _turn in range(MOST + 5):
        stage.lay(rule)
    stage.look()
    full = stage.spool / order.FULL / "mdupond"
    assert full.exists()
    assert len(stage.ledger.open("mdupond")) == MOST
    stage.reply = DONE
    for _turn in range(MOST):
        stage.look(10)
    assert not full.exists()
    assert len([one for one in stage.states() if one[0] == "told"]) == MOST


def test_a_day_has_its_measure(stage: Stage) -> None:
    rule = stage.rule()
    for _turn in range(MOST_A_DAY + 20):
        stage.lay(rule)
        stage.look()
    for _turn in range(20):
        stage.look(1)
    assert len(stage.told) == MOST_A_DAY
    stage.lay(rule)
    stage.look(90_000)
    stage.lay(rule)
    stage.look(1)
    assert len(stage.told) >= MOST_A_DAY + 1


def test_a_tool_that_hangs_and_an_agent_take_their_part_alone(stage: Stage) -> None:
    hang, ended = threading.Event(), threading.Semaphore(0)

    def tell(told: Delivery) -> Verdict:
        stage.told.append(told)
        if told.tool == "mattermost":
            hang.wait(60)
        ended.release()
        return DONE

    stage.keeper.tell = tell
    with ThreadPoolExecutor(keeper.PLACES) as pool:
        stage.keeper.pool = pool
        try:
            for number in range(OF_A_TOOL + 4):
                stage.lay(stage.rule(f"agent{number}", "mattermost"), uid=f"agent{number}")
            for tool in ("trello", "notion", "matrix", "webhook"):
                stage.lay(stage.rule("mdupond", tool))
            assert stage.keeper.look() == OF_A_TOOL + OF_AN_AGENT
            assert all(ended.acquire(timeout=60) for _turn in range(OF_AN_AGENT))
            stage.lay(stage.rule("alebrun"), uid="alebrun")
            assert stage.keeper.look() >= 1
            assert ended.acquire(timeout=60)
        finally:
            hang.set()
    assert "alebrun" in {one.uid for one in stage.told}


def test_who_was_served_longest_ago_is_next(tmp_path: Path, stage: Stage) -> None:
    hang = threading.Event()
    stage.keeper.tell = lambda told: DONE if stage.told.append(told) is None and hang.wait(60) else AWAY
    uids = [f"agent{number}" for number in range(OF_A_TOOL + 2)]
    for uid in uids:
        rule = stage.rule(uid)
        for _turn in range(3):
            stage.lay(rule, uid=uid)
    with ThreadPoolExecutor(keeper.PLACES) as pool:
        stage.keeper.pool = pool
        try:
            assert stage.keeper.look() == OF_A_TOOL
            assert stage.keeper.look() == 0
        finally:
            hang.set()
    stage.keeper.pool = None
    first = {one.uid for one in stage.told}
    stage.told.clear()
    stage.now += 1
    stage.look()
    assert {one.uid for one in stage.told[:2]} == set(uids) - first


def test_an_order_that_is_none_or_another_s_stops_nothing(stage: Stage) -> None:
    rule = stage.rule()
    (stage.spool / "mdupond.1.json").write_text("{")
    other = Order("alebrun", rule.id, "<a@x>", "t", "a@b", "", stage.now)
    (stage.spool / "mdupond.2.json").write_bytes(msgspec.json.encode(other))
    (stage.spool / "x.3.json").symlink_to("/etc/hostname")
    stage.lay(rule)
    assert len(stage.look()) == 1
    assert list(stage.spool.glob("*.json")) == []


def test_a_fault_of_ours_is_tried_again(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    stage.lay(stage.rule())

    def broken(_told: Delivery) -> Verdict:
        raise RuntimeError("x")

    stage.keeper.tell = broken
    stage.look()
    stage.keeper.tell = stage.tell
    assert len(stage.look(10)) == 1


def test_pauses_grow_to_half_an_hour() -> None:
    assert [pause(tries) for tries in (0, 1, 2)] == [5, 10, 20]
    assert pause(99) == 1800


def test_the_ledger_forgets(stage: Stage) -> None:
    stage.lay(stage.rule())
    stage.look()
    stage.look(31 * 86_400)
    assert stage.states() == []
    assert stage.ledger.count_since("mdupond", 0) == 1
    stage.look(181 * 86_400)
    assert stage.ledger.count_since("mdupond", 0) == 0


@pytest.mark.parametrize(
    ("change", "kept"),
    [({"sealed": "another"}, Paused.NO), ({"paused": Paused.STOPPED}, Paused.STOPPED)],
    ids=["renewed", "stopped"],
)
def test_an_access_that_is_refused_pauses_no_rule_that_its_agent_changed_meanwhile(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, change: dict[str, str], kept: Paused
) -> None:
    rule = stage.rule()
    changed = msgspec.structs.replace(rule, **change)
    tell = stage.tell

    def slowly(told: Delivery) -> Verdict:
        stage.store.change("mdupond", lambda _rules: [changed])
        return tell(told)

    monkeypatch.setattr(stage.keeper, "tell", slowly)
    stage.replies["slack"] = Verdict(Outcome.REVOKED, "403 invalid_token")
    stage.lay(rule)
    stage.look()
    assert [one.paused for one in stage.store.read("mdupond")] == [kept] and stage.letters == []
    stage.replies.clear()
    assert len(stage.look(60)) == (kept == Paused.NO), "the renewed one is tried again soon"


@pytest.mark.parametrize("about", [letter.REVOKED, letter.AWAY])
def test_a_letter(about: str) -> None:
    text = letter.compose("postmaster@ac-exemple.test", "mdupond", about, "matrix", "https://pia/compte/outils")
    assert text["To"] == "mdupond:;"
    assert "Matrix (Tchap)" in text["Subject"]
    assert text.get_content().count("https://pia/compte/outils") == 2
