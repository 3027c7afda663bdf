"""The daemon of « À envoyer »: what is due goes once, whatever ends it and whenever; what does not go says why."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from malleposte.accounts.mailbox.later import files, letter, moments, order, sender
from malleposte.accounts.mailbox.later.ledger import Ledger
from malleposte.accounts.mailbox.later.model import AT_ONCE, BURST, LATE, Order, Reason, Row, State
from malleposte.accounts.mailbox.later.sender import Sender, pause
from malleposte.accounts.mailbox.later.submit import Outcome, Reply, Request
from malleposte.core.errors import MallepostError

BEGIN = 1_800_000_000.0
TEXT = b"From: m@ac-exemple.test\nTo: a@example.org\nMessage-ID: <%d@x>\nSubject: x%d\n\nx\n"


class Stage:
    """A store, a ledger, a mail server that answers `reply`; `went` are the messages that it took."""

    def __init__(self, root: Path) -> None:
        self.root, self.spool, self.now = root, root / "spool", BEGIN
        self.spool.mkdir()
        self.reply: Reply | Exception = Reply(Outcome.SENT, queue="4ABCDEF")
        self.went: list[tuple[str, str]] = []
        self.taken: set[str] = set()
        self.before: set[str] = set()
        self.states: dict[str, str] = {}
        self.number = 0
        self.ledger: Ledger | None = None
        self.begin()

    def begin(self) -> None:
        """Start the daemon, anew."""
        self.end()
        self.ledger = Ledger(self.root / "ledger.sqlite")
        self.sender = Sender(
            self.root, self.spool, self.ledger, "ac-exemple.test", ask=self.ask, move=self.move,
            was_sent=lambda uid, ident: ident in self.before,
            taken=lambda uid, ident: "4ABCDEF" if ident in self.taken else "",
            active=lambda uid: self.states.get(uid, "active") == "active", clock=lambda: self.now,
        )  # fmt: skip

    def end(self) -> None:
        if self.ledger:
            self.ledger.close()

    def ask(self, request: Request, raw: bytes) -> Reply:
        if isinstance(self.reply, Exception):
            raise self.reply
        if self.reply.outcome in (Outcome.SENT, Outcome.DOUBT):
            self.went.append((request.uid, request.message_id))
            if self.reply.outcome == Outcome.SENT:
                self.taken.add(request.message_id)
        return self.reply

    def move(self, uid: str, folder: str, name: str, target: str, **_more: Any) -> None:
        path = files.names(uid, folder, self.root).get(name)
        if path:
            (files.place(uid, target, self.root) / "cur").mkdir(parents=True, exist_ok=True)
            path.rename(files.place(uid, target, self.root) / "cur" / f"{name}:2,S")

    def lay(self, uid: str = "mdupond", folder: str = moments.HOUR, text: bytes = b"") -> Path:
        """Lay a message there, as the owner does."""
        self.number += 1
        path = files.place(uid, folder, self.root) / "new" / f"{int(self.now)}.M{self.number}P1.h,S=9,W=9"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text or TEXT % (self.number, self.number))
        given = order.order(self.root, uid, folder, path.read_bytes(), self.now)
        if given:
            order.write(self.spool, given)
        return path

    def run(self, seconds: float = 3601.0) -> None:
        self.sender.look()
        self.now += seconds
        for _turn in range(6):
            self.sender.look()

    def rows(self) -> list[Row]:
        assert self.ledger
        return self.ledger._rows("1 ORDER BY rowid")

    def only(self) -> Row:
        (row,) = self.rows()
        return row


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path)
    yield stage
    stage.end()


def sent(stage: Stage) -> list[str]:
    return [path.name.partition(":")[0] for path in files.place("mdupond", files.SENT, stage.root).glob("cur/*")]


def test_a_message_goes_at_its_hour_once_and_lies_with_what_was_sent(stage: Stage) -> None:
    path = stage.lay()
    stage.run(3599)
    assert stage.went == [] and stage.only().state == State.ORDERED
    stage.run(2)
    stage.run(100_000)
    assert stage.went == [("mdupond", "<1@x>")]
    assert sent(stage) == [path.name] and stage.only().state == State.FILED and stage.only().queue == "4ABCDEF"


@pytest.mark.parametrize("how", ["deleted", "moved"])
def test_a_message_that_left_its_folder_does_not_go_and_the_one_beside_it_does(stage: Stage, how: str) -> None:
    gone, _stays = stage.lay(), stage.lay()
    stage.sender.look()
    if how == "deleted":
        gone.unlink()
    else:
        stage.move("mdupond", moments.HOUR, gone.name, "INBOX")
    stage.run()
    assert stage.went == [("mdupond", "<2@x>")]
    assert [row.state for row in stage.rows()] == [State.CANCELLED, State.FILED]


def test_a_copy_that_nobody_ordered_does_not_go(stage: Stage) -> None:
    """As a restore, an undelete or an import lays it there."""
    path = stage.lay()
    path.with_name(f"{int(BEGIN)}.M77P1.h").write_bytes(path.read_bytes())
    path.with_name(f"{int(BEGIN)}.M78P1.h").write_bytes(TEXT % (78, 78))
    stage.run()
    assert stage.went == [("mdupond", "<1@x>")]
    gone = stage.lay()
    stage.sender.look()
    raw = gone.read_bytes()
    gone.unlink()
    stage.now += 61
    stage.sender.look()
    gone.write_bytes(raw)
    stage.run()
    assert len(stage.went) == 1, "a file that came back under its own name"


@pytest.mark.parametrize("took", [True, False])
def test_a_hand_over_in_doubt_is_looked_for_before_it_is_made_again(stage: Stage, took: bool) -> None:
    stage.lay()
    stage.reply = Reply(Outcome.DOUBT, detail="the link broke")
    stage.run()
    assert stage.only().state == State.SUBMITTING and len(stage.went) == 1
    stage.reply = Reply(Outcome.SENT, queue="4X")
    if took:
        stage.taken.add("<1@x>")
    else:
        stage.before.add("<1@x>")  # the filter saw it all the same
    stage.run(60)
    assert len(stage.went) == (1 if took else 2) and stage.only().state == State.FILED


@pytest.mark.parametrize("took", [True, False])
def test_an_end_at_the_hand_over_sends_once(stage: Stage, took: bool) -> None:
    stage.lay()
    stage.sender.look()
    stage.now += 3601

    def ends(request: Request, _raw: bytes) -> Reply:
        if took:
            stage.went.append((request.uid, request.message_id))
            stage.taken.add(request.message_id)
        raise KeyboardInterrupt

    stage.sender.ask = ends
    with pytest.raises(KeyboardInterrupt):
        stage.sender.look()
    stage.begin()
    stage.run(60)
    assert stage.went == [("mdupond", "<1@x>")] and stage.only().state == State.FILED


def test_an_end_before_the_message_is_filed_files_it(stage: Stage) -> None:
    stage.lay()
    stage.sender.look()
    stage.now += 3601

    def ends(*_words: Any, **_more: Any) -> None:
        raise KeyboardInterrupt

    stage.sender.move = ends
    for _turn in range(2):
        try:
            stage.sender.look()
        except KeyboardInterrupt:
            break
    stage.begin()
    stage.run(60)
    assert len(stage.went) == 1 and len(sent(stage)) == 1


@pytest.mark.parametrize("leap", [-86_400.0 * 400, -7200.0, 600.0])
def test_a_clock_that_was_set_sends_once(stage: Stage, leap: float) -> None:
    stage.lay()
    stage.sender.look()
    stage.now += leap
    stage.sender.look()
    assert stage.went == []
    stage.now = BEGIN + 3700
    stage.run(0)
    stage.now += leap
    stage.run(0)
    stage.run(90_000)
    assert len(stage.went) == 1 and stage.only().state == State.FILED


def test_a_message_whose_hour_is_long_past_waits(stage: Stage) -> None:
    stage.lay()
    stage.run(3600 + LATE + 5)
    assert stage.went == [] and (stage.only().state, stage.only().reason) == (State.WAITS, Reason.LATE)


def test_a_blocked_account_s_message_waits_and_another_s_goes(stage: Stage) -> None:
    stage.lay()
    stage.lay("jmartin")
    stage.states["mdupond"] = "blocked"
    stage.run()
    assert [uid for uid, _ident in stage.went] == ["jmartin"]
    assert {row.uid: row.reason for row in stage.rows()} == {"mdupond": Reason.BLOCKED, "jmartin": ""}
    stage.states.clear()
    stage.run(100_000)
    assert len(stage.went) == 1


def test_what_was_sent_before_waits(stage: Stage) -> None:
    text = TEXT % (1, 1)
    stage.lay(text=text)
    stage.run()
    stage.lay(text=text)
    stage.before.add("<9@x>")
    stage.lay(text=TEXT % (9, 9))
    stage.lay(text=TEXT % (8, 8))
    stage.run()
    assert [ident for _uid, ident in stage.went] == ["<1@x>", "<8@x>"]
    assert [row.reason for row in stage.rows()].count(Reason.AGAIN) == 2


def test_more_than_a_few_at_once_wait_all_of_them(stage: Stage) -> None:
    for _each in range(AT_ONCE):
        stage.lay()
    stage.sender.look()
    assert {row.state for row in stage.rows()} == {State.ORDERED}
    stage.lay()
    stage.lay("jmartin")
    stage.run()
    assert [uid for uid, _ident in stage.went] == ["jmartin"]
    assert [row.reason for row in stage.rows() if row.uid == "mdupond"] == [Reason.MANY] * (AT_ONCE + 1)


def test_orders_of_an_account_are_bounded(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sender, "MOST", 20)
    for _each in range(20 + 1):
        stage.lay()
        stage.sender.take()
        stage.now += BURST / 5
    reasons = [row.reason for row in stage.rows()]
    assert reasons == [Reason.NONE] * 20 + [Reason.MANY]


def test_a_refusal_waits_with_its_words_and_a_put_off_is_tried_again(stage: Stage) -> None:
    stage.lay()
    stage.reply = Reply(Outcome.LATER, detail="451 later")
    stage.run()
    assert (stage.only().state, stage.only().detail, stage.only().tries) == (State.ORDERED, "451 later", 1)
    stage.reply = MallepostError("nobody there")
    stage.run(pause(0) + 1)
    assert stage.only().tries == 2
    stage.reply = Reply(Outcome.WAITS, Reason.REFUSED, "553 not owned")
    stage.run(pause(1) + 1)
    assert (stage.only().state, stage.only().reason, stage.only().detail) == (
        State.WAITS, Reason.REFUSED, "553 not owned",
    )  # fmt: skip
    assert stage.went == []


def test_a_message_without_a_message_id_gets_one(stage: Stage) -> None:
    stage.lay(text=b"From: m@ac-exemple.test\nTo: a@example.org\n\nx\n")
    stage.run()
    assert stage.went == [("mdupond", f"<later.{stage.only().id}@ac-exemple.test>")]


def test_one_account_s_many_do_not_hold_up_another_s(stage: Stage) -> None:
    for _each in range(AT_ONCE - 1):
        stage.lay()
    stage.lay("jmartin")
    stage.sender.look()
    stage.now += 3601
    stage.sender.look()
    assert sorted(uid for uid, _ident in stage.went) == ["jmartin", "mdupond"]


def test_a_file_that_is_no_order_is_told_and_holds_up_nothing(stage: Stage, capsys: Any) -> None:
    (stage.spool / "mdupond.1.json").write_text("{}")
    good = json.loads(msgspec.json.encode(order_of(stage)))
    (stage.spool / "x.2.json").write_text(json.dumps(good | {"uid": "../x"}))
    (stage.spool / "x.3.json").write_text(json.dumps(good | {"folder": "INBOX"}))
    stage.lay()
    stage.run()
    assert [uid for uid, _ident in stage.went] == ["mdupond"] and list(stage.spool.iterdir()) == []
    assert "mdupond.1.json: no order" in capsys.readouterr().err


def order_of(stage: Stage) -> Order:
    path = stage.lay("autre")
    for one in stage.spool.glob("autre.*"):
        one.unlink()
    given = order.order(stage.root, "autre", moments.HOUR, path.read_bytes(), stage.now)
    assert given and given.digest == letter.digest(path.read_bytes())
    return given


def test_the_order_names_the_newest_file_of_that_text(stage: Stage) -> None:
    old, new = stage.lay(text=TEXT % (5, 5)), stage.lay(text=TEXT % (5, 5))
    stage.sender.look()
    assert [row.file for row in stage.rows()] == [old.name, new.name]
    with pytest.raises(MallepostError, match="not there"):
        order.order(stage.root, "mdupond", moments.HOUR, TEXT % (99, 99), stage.now)
