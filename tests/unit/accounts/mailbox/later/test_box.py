"""« À envoyer » of one agent: what waits, with and without an order; sent, kept, turned off, removed at the end."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.mailbox.later import box, files, ledger, moments, outgoing, store
from malleposte.accounts.mailbox.later.ledger import Ledger
from malleposte.accounts.mailbox.later.model import Choice, Order, Reason, Shown, State
from malleposte.core.errors import InputError, MallepostError
from malleposte.deliveries.model import Answer, Message, Query, Recipient, Verdict
from malleposte.deliveries.model import State as Delivery

UID = "mdupond"


class Stage:
    """A box and its ledger."""

    def __init__(self, root: Path) -> None:
        self.root, self.path = root, root / ledger.FILE
        self.moved: list[tuple[str, str]] = []

    def lay(self, name: str, folder: str = moments.HOUR, *, order: bool = True, reason: Reason = Reason.NONE) -> str:
        place = files.place(UID, folder, self.root) / "cur"
        place.mkdir(parents=True, exist_ok=True)
        (place / f"{name}:2,S").write_bytes(b"Subject: sujet\n\nx")
        if not order:
            return ""
        with ledger.opened(self.path) as held:
            held.take(Order(UID, folder, name, "d", "<1@x>", name, 1.0, 2.0), reason)
            return next(row.id for row in held.open(UID) if row.file == name)

    def shown(self) -> Shown:
        return box.shown(UID, self.root, self.path)

    def decide(self, ident: str, *, send: bool) -> Shown:
        def move(uid: str, folder: str, name: str, target: str, **_more: Any) -> None:
            self.moved.append((name, target))

        return box.decide(UID, ident, send=send, root=self.root, path=self.path, move=move)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    monkeypatch.setattr(box, "show_folders", lambda uid, folders: None)
    monkeypatch.setattr(box.facts, "read", lambda: {"send_later": False, "domain": "x.test"})
    return Stage(tmp_path)


def test_what_waits_is_shown_with_and_without_an_order(stage: Stage) -> None:
    assert stage.shown() == Shown()
    ident = stage.lay("a")
    stage.lay("b", moments.TO_SEND, order=False)
    first, second = stage.shown().messages
    assert (first.id, first.subject, first.folder) == ("", "sujet", moments.TO_SEND)
    assert (second.id, second.subject, second.due) == (ident, "a", 2.0)


def test_a_copy_of_the_own_data_has_the_choice_and_what_waits(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    def terms() -> dict[str, Any]:
        return box.own_terms(UID, stage.root, stage.path)

    monkeypatch.setattr(box.facts, "read", lambda: pytest.fail("a copy asks no facts of the platform"))
    assert terms() == {}
    stage.lay("a")
    (message,) = terms()["messages à envoyer"]
    assert (message["dossier"], message["objet"]) == (moments.HOUR, "a")
    assert datetime.datetime.fromisoformat(message["envoi prévu"]).timestamp() == 0.0  # to the minute
    store.Store(stage.root).write(UID, Choice(on=True))
    assert terms()["en service"] is True


def test_one_that_waits_is_sent_under_a_message_id_that_nobody_had(stage: Stage) -> None:
    first, second = stage.lay("a", reason=Reason.AGAIN), stage.lay("b", reason=Reason.LATE)
    for ident in (first, second):
        stage.decide(ident, send=True)
    with ledger.opened(stage.path) as held:
        rows = {row.id: row for row in held.open(UID)}
    assert all(row.state == State.ORDERED and row.forced and not row.reason for row in rows.values())
    assert rows[first].message_id.endswith("@x.test>") and rows[second].message_id == "<1@x>"


def test_one_that_is_kept_lies_with_the_drafts(stage: Stage) -> None:
    ident = stage.lay("a")
    stage.decide(ident, send=False)
    assert stage.moved == [("a", files.DRAFTS)]
    for send in (True, False):
        with pytest.raises(InputError):
            stage.decide(ident, send=send)
    with ledger.opened(stage.path) as held:
        assert held.get(UID, ident).state == State.CANCELLED and held.get("jmartin", ident) is None  # type: ignore[union-attr]


def test_one_that_is_leaving_cannot_be_kept(stage: Stage) -> None:
    ident = stage.lay("a")
    with ledger.opened(stage.path) as held:
        held.change(ident, 3.0, state=State.SUBMITTING)
    with pytest.raises(InputError):
        stage.decide(ident, send=False)
    assert stage.moved == []


def test_what_is_turned_off_waits_and_the_choice_is_kept(stage: Stage) -> None:
    stage.lay("a")
    assert box.choose(UID, Choice(on=True), stage.root, stage.path).choice.on
    (one,) = box.choose(UID, Choice(on=False), stage.root, stage.path).messages
    assert one.reason == Reason.OFF and not store.Store(stage.root, default=True).read(UID).on
    assert store.Store(stage.root, default=True).read("jmartin").on and not store.Store(stage.root).read("jmartin").on


def test_nothing_is_left_at_the_end(stage: Stage) -> None:
    stage.lay("a")
    box.choose(UID, Choice(on=True), stage.root, stage.path)
    assert box.forget(UID, stage.root, stage.path) and not box.forget(UID, stage.root, stage.path)
    with ledger.opened(stage.path) as held:
        assert held.open() == []


def test_a_choice_that_cannot_be_read_is_named(stage: Stage) -> None:
    (stage.root / ".later").mkdir()
    (stage.root / ".later" / f"{UID}.json").write_text("{")
    with pytest.raises(MallepostError, match="mdupond"):
        store.Store(stage.root).read(UID)


def test_the_ledger_forgets_what_is_long_done(stage: Stage) -> None:
    ident = stage.lay("a")
    other = stage.lay("b")
    held = Ledger(stage.path)
    held.change(ident, 10.0, state=State.CANCELLED)
    held.change(other, 10.0, state=State.FILED)
    for days, left in ((29, 2), (31, 1), (399, 1), (401, 0)):
        held.clean(10.0 + days * ledger.DAY)
        assert held.laid(UID, 0) == left
    held.close()


def answers(*messages: Message) -> Any:
    def find(query: Query) -> Answer:
        assert (query.message_id, query.about) == ("<1@x>", UID)
        return Answer(messages)

    return find


def told(state: Delivery = Delivery.WAITING, **more: Any) -> Message:
    return Message("4QUEUE", 1, account=more.pop("account", UID), recipients=(Recipient("a@y", state=state),), **more)


@pytest.mark.parametrize(
    ("message", "queued", "number"),
    [
        (told(Delivery.FILED), False, "4QUEUE"), (told(Delivery.DEFERRED), False, "4QUEUE"), (told(), True, "4QUEUE"),
        (told(), False, ""), (told(verdict=Verdict.REFUSED), True, ""), (told(Delivery.LEFT, account="x"), True, ""),
    ],
)  # fmt: skip
def test_a_message_was_taken_once_it_is_in_the_queue_or_something_became_of_it(
    tmp_path: Path, message: Message, queued: bool, number: str
) -> None:
    (tmp_path / "deferred" / "4").mkdir(parents=True)
    if queued:
        (tmp_path / "deferred" / "4" / "4QUEUE").touch()
    assert outgoing.taken(UID, "<1@x>", answers(message), tmp_path) == number
    assert outgoing.was_sent(UID, "<1@x>", answers(message)) == (message.account == UID and not message.refused)
    assert outgoing.taken(UID, "<1@x>", answers(), tmp_path) == ""
