"""A retraction: its plan, its course over the hosts, its end after an interruption, and the way back."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import msgspec
import pytest
from malleposte.accounts.channels import Failure
from malleposte.accounts.hosts import wire
from malleposte.accounts.hosts.acts import retraction as host_acts
from malleposte.accounts.hosts.acts.retraction import MOST
from malleposte.accounts.life.renewal import Facts
from malleposte.accounts.mailbox import retracted
from malleposte.accounts.retraction import acts, likeness, note, plan, store
from malleposte.accounts.retraction.model import Like, Retraction, Stage
from malleposte.core.errors import InputError, MallepostError
from malleposte.deliveries import taken_back
from malleposte.deliveries.model import Answer, Likeness, Message, Query, Recipient, State, Verdict
from malleposte.deliveries.retracted import Box, Copy, Sign, Stop
from malleposte.policy.model import Policy

NOW = datetime.datetime(2026, 11, 30, 10, 15, tzinfo=datetime.UTC)
IDENT = "20261130-101500-3f2a"


def to(uid: str, state: State = State.FILED, detail: str = "") -> Recipient:
    return Recipient(f"{uid}@ac-exemple.test", uid if uid != "dehors" else "", state, "INBOX", detail, 1)


def message(queue: str, *recipients: Recipient, message_id: str = "vague@x", **facts: object) -> Message:
    return Message(queue, 1, "pirate@x", "pirate@x", message_id=message_id, recipients=recipients, **facts)  # type: ignore[arg-type]


class Index:
    """Hosts that trace: answers by the Message-ID that is asked for."""

    def __init__(self, *messages: Message) -> None:
        self.messages = messages

    def trace(self, query: Query) -> tuple[Answer, list[Failure]]:
        asked = query.message_id
        return Answer(tuple(one for one in self.messages if asked in ("", one.message_id))), []


class Boxes:
    """The hosts' boxes: copies in reach and sealed ones."""

    def __init__(self, *copies: Copy) -> None:
        self.there, self.sealed, self.stopped = list(copies), list[Copy](), list[Stop]()
        self.away: list[Failure] = []
        self.noted: list[tuple[list[str], bool]] = []
        self.before: Callable[[], None] = lambda: None

    def copies(self, boxes: tuple[Box, ...]) -> tuple[list[Copy], list[Failure]]:
        names = {box.uid for box in boxes}
        return [one for one in self.there if one.uid in names], self.away

    def seal(self, boxes: tuple[Box, ...]) -> tuple[list[Copy], list[Failure]]:
        self.before()
        moved = self.copies(boxes)[0]
        self.there = [one for one in self.there if one not in moved]
        self.sealed += moved
        return [], self.away

    def unseal(self, back: tuple[Copy, ...]) -> tuple[list[Copy], list[Failure]]:
        gone = [one for one in back if one not in self.sealed]
        self.there += [one for one in back if one in self.sealed]
        return gone, self.away

    def stop(self, wave: Stop) -> list[Failure]:
        self.stopped.append(wave)
        return self.away

    def note_retracted(self, boxes: tuple[Box, ...], back: bool = False) -> list[Failure]:
        self.noted.append(([box.uid for box in boxes], back))
        return self.away


def retraction(**changes: object) -> Retraction:
    boxes = [Box(uid, (Sign("Q100000", "vague@x"),)) for uid in ("a", "b")]
    facts = {"messages": [message("Q100000", to("a"), to("b"))], "boxes": boxes, "contents": ["c0ffee"], **changes}
    return Retraction(IDENT, 1, "root@pc", "essai", **facts)  # type: ignore[arg-type]


def test_a_plan_has_what_filters_made_of_a_message_and_leaves_out_what_was_refused() -> None:
    sent = message("Q1", to("a"), to("b", State.REDIRECTED, "c@ac-exemple.test, moi@ailleurs.test"))
    passed_on, refused = message("Q2", to("c")), message("Q3", to("d", State.REFUSED), verdict=Verdict.REFUSED)
    other = message("Q4", to("e"), message_id="autre@x")
    index = Index(sent, passed_on, refused)
    index.trace = lambda query: (Answer((sent, refused) if not query.message_id else (sent, passed_on)), [])  # type: ignore[method-assign]
    found, failures = plan.messages(index, Query(word="vague"))
    assert [one.queue for one in found] == ["Q1", "Q2"] and failures == []
    assert other not in found
    assert {box.uid: [one.queue for one in box.signs] for box in plan.boxes(found, "ac-exemple.test")} == {
        "a": ["Q1"],
        "b": ["Q1"],
        "c": ["Q2"],
    }
    assert plan.passed_outside(found, "ac-exemple.test") == [("b", "moi@ailleurs.test")]


def test_an_honest_message_whose_id_a_stranger_gave_his_own_stays_in_its_boxes() -> None:
    wave = message("Q1", to("a"), to("b", State.REDIRECTED, "C@ac-exemple.test"), content="c1")
    passed_on, unseen = message("Q2", to("c"), content="c1"), message("Q3", to("c", State.FILED, "d@ac-exemple.test"))
    further = message("Q4", to("d"))
    circular, other_text = message("Q5", *map(to, "abcd"), content="c0"), message("Q6", to("c"), content="c0")
    other_boxes = message("Q7", to("c"), to("e"))
    before = msgspec.structs.replace(message("Q8", to("c")), time=0)
    index = Index(wave, passed_on, unseen, further, circular, other_text, other_boxes, before)
    index.trace = lambda query: (Answer((wave,) if not query.message_id else index.messages), [])  # type: ignore[method-assign]
    found, _failures = plan.messages(index, Query(word="vague"))
    assert [one.queue for one in found] == ["Q1", "Q2", "Q3", "Q4"]


@pytest.mark.parametrize(
    ("host", "ours"),
    [("ac-exemple.test", True), ("test", True), ("mail.ac-exemple.test", True), ("Exemple.test.", False),
     ("lycee.ac-exemple.test", False), ("voleur.example", False), ("", False)],
)  # fmt: skip
def test_no_retraction_refuses_links_to_the_platform(host: str, ours: bool) -> None:
    """A site of a school may be in other hands."""
    assert plan.is_ours(host, ("ac-exemple.test", "mail.ac-exemple.test")) is ours


def test_a_box_knows_which_messages_a_list_of_ours_brought() -> None:
    def sent(queue: str, sender: str) -> Message:
        return msgspec.structs.replace(message(queue, to("a"), message_id=f"{queue}@x"), sender=sender)

    by_list = sent("Q1", "chefs-bounces@ac-exemple.test"), sent("Q2", "chefs-bounces@listes.ac-exemple.test")
    strange = sent("Q3", "chefs-bounces@ac-exemple.test.pirate.test"), sent("Q4", "chefs@ac-exemple.test")
    (box,) = plan.boxes([*by_list, *strange], "ac-exemple.test")
    assert box.listed == ("Q1@x", "Q2@x") and len(box.signs) == 4


def test_like_messages_are_listed_each_once_and_taken_by_their_number_alone() -> None:
    wave = [message(f"W{n}", to(f"w{n}"), alike=27, content="c1", message_id=f"{n}@x") for n in range(3)]
    reply = message("R1", to("chef"), alike=29, message_id="r@x")
    meant = message("Q1", to("a"), alike=32, content="c0")
    groups = plan.like([*wave, meant, reply], [meant])
    assert [(one.alike, [each.queue for each in one.messages]) for one in groups] == [
        (29, ["R1"]),
        (27, ["W0", "W1", "W2"]),
    ]
    assert plan.holders(groups[1].messages) == 3
    one = retraction(messages=[meant], like=groups)
    plan.complete(one, "ac-exemple.test")
    assert [box.uid for box in one.boxes] == ["a"] and one.contents == ["c0"]
    for wrong in ([0], [3], [2, -1]):
        with pytest.raises(InputError, match="no like messages"):
            plan.add(one, wrong, "ac-exemple.test")
    assert one.like == groups and len(one.messages) == 1
    plan.add(one, [2, 2], "ac-exemple.test")
    assert [box.uid for box in one.boxes] == ["a", "w0", "w1", "w2"] and one.contents == ["c0", "c1"]
    assert one.like == groups[:1]


def test_a_message_that_others_are_like_is_named_by_its_identifiers_or_by_a_retraction(tmp_path: Path) -> None:
    asked = list[Query]()

    class Texts:
        def __init__(self) -> None:
            self.failures, self.text = list[Failure](), b"x" * 256

        def likeness(self, query: Query) -> tuple[Likeness, list[Failure]]:
            asked.append(query)
            return Likeness((self.text,) if self.text else ()), self.failures

    hosts = Texts()
    assert likeness.of(hosts, "<vague@x>", 7, tmp_path) == (Likeness((b"x" * 256,)), [])
    likeness.of(hosts, "Q100000", 7, tmp_path)
    store.keep(retraction(messages=[message("W1", content="a"), message("W2", content="a"), message("W3")]), tmp_path)
    likeness.of(hosts, IDENT, 7, tmp_path)
    assert [(one.message_id, one.queue) for one in asked] == [("vague@x", ""), ("", "Q100000"), ("", "W1"), ("", "W3")]
    with pytest.raises(InputError, match="no retraction"):
        likeness.of(hosts, IDENT[:-1] + "0", 7, tmp_path)
    hosts.text = b""
    with pytest.raises(InputError, match="nothing that can be compared"):
        likeness.of(hosts, "Q100000", 7, tmp_path)
    hosts.failures = [Failure("mail2", "no answer")]
    with pytest.raises(MallepostError, match="mail2"):
        likeness.of(hosts, "Q100000", 7, tmp_path)


def test_a_plan_names_who_still_waits() -> None:
    found = [message("Q1", to("a"), to("b", State.DEFERRED), to("dehors", State.LEFT))]
    assert plan.waiting(found) == ["b@ac-exemple.test"]
    (box,) = plan.boxes(found, "ac-exemple.test")
    assert (box.uid, box.since) == ("a", "1969-12-31")


def test_copies_are_noted_before_the_first_one_moves() -> None:
    one, kept = retraction(), list[tuple[Stage, int]]()
    hosts = Boxes(Copy("a", "INBOX", "g1", seen=True), Copy("b", "Corbeille", "g2"))
    hosts.before = lambda: kept.append((one.stage, len(one.copies)))
    acts.retract(hosts, one, lambda _one: None)
    assert kept == [(Stage.BEGUN, 2)]
    assert (one.stage, one.left, one.failures, one.readers) == (Stage.DONE, [], [], ["a"])
    assert hosts.stopped == [Stop(IDENT, ("vague@x",), ("c0ffee",))] and hosts.there == []
    assert hosts.noted == [(["a", "b"], False)]
    acts.undo(hosts, one, lambda _one: None)
    assert hosts.noted[1:] == [(["a", "b"], True)]


def test_after_an_interruption_it_goes_on_and_all_come_back() -> None:
    copies = [Copy("a", "INBOX", "g1"), Copy("b", "INBOX", "g2")]
    hosts, one = Boxes(*copies), retraction()

    def power_loss() -> None:
        hosts.there, hosts.sealed = copies[1:], copies[:1]
        raise KeyboardInterrupt

    hosts.before = power_loss
    with pytest.raises(KeyboardInterrupt):
        acts.retract(hosts, one, lambda _one: None)
    hosts.before = lambda: None
    acts.retract(hosts, one, lambda _one: None)
    assert (str(one.stage), sorted(one.copies, key=str)) == ("done", copies)
    acts.undo(hosts, one, lambda _one: None)
    assert (str(one.stage), sorted(hosts.there, key=str)) == ("undone", copies)
    assert hosts.stopped[-1] == Stop(IDENT)
    with pytest.raises(InputError, match="was taken back"):
        acts.retract(hosts, one, lambda _one: None)


def test_a_host_that_is_away_is_named_and_it_is_not_done() -> None:
    hosts, one = Boxes(Copy("a", "INBOX", "g1")), retraction()
    hosts.away = [Failure("boxes on mail2", "no answer")]
    acts.retract(hosts, one, lambda _one: None)
    assert str(one.stage) == "begun" and any("mail2" in failure for failure in one.failures)
    hosts.away = []
    acts.retract(hosts, one, lambda _one: None)
    assert (str(one.stage), one.failures) == ("done", [])


def test_no_index_says_that_a_message_was_taken_which_its_host_did_not_take() -> None:
    hosts, one = Boxes(Copy("a", "INBOX", "g1"), Copy("b", "INBOX", "g2")), retraction()
    whole = hosts.seal

    def seal(boxes: tuple[Box, ...]) -> tuple[list[Copy], list[Failure]]:
        left, _failures = whole(tuple(box for box in boxes if box.uid != "b"))
        return left, [Failure("boxes on mail2", "no answer in 600 s")]

    hosts.seal = seal  # type: ignore[method-assign]
    acts.retract(hosts, one, lambda _one: None)
    assert one.left == [Copy("b", "INBOX", "g2")] and hosts.noted == [(["a"], False)]
    hosts.seal = whole  # type: ignore[method-assign]
    acts.retract(hosts, one, lambda _one: None)
    assert hosts.noted[1:] == [(["a", "b"], False)] and one.stage is Stage.DONE


def test_what_could_not_be_counted_is_said_though_its_host_answers_again() -> None:
    hosts, one = Boxes(Copy("a", "INBOX", "g1")), retraction()
    hosts.away, hosts.stop = [Failure("boxes on mail2", "no answer")], lambda _wave: []  # type: ignore[method-assign]
    kept = list[Stage]()

    def keep(_one: Retraction) -> None:
        hosts.away = []
        kept.append(_one.stage)

    acts.retract(hosts, one, keep)
    assert kept == [Stage.BEGUN, Stage.BEGUN] and any("mail2" in failure for failure in one.failures)


def test_what_came_back_in_a_try_before_is_not_missing() -> None:
    copies = [Copy("a", "INBOX", "g1"), Copy("b", "INBOX", "g2"), Copy("b", "INBOX", "g3")]
    hosts, one = Boxes(*copies[:2]), retraction(copies=copies, stage=Stage.BEGUN)
    acts.undo(hosts, one, lambda _one: None)
    assert one.left == copies[2:]


def test_what_was_never_begun_cannot_be_taken_back() -> None:
    with pytest.raises(InputError, match="never begun"):
        acts.undo(Boxes(), retraction(), lambda _one: None)


def test_boxes_are_asked_for_by_so_many_as_a_question_takes() -> None:
    asked: list[int] = []
    hosts = Boxes()
    hosts.copies = lambda boxes: (asked.append(len(boxes)) or [], [])  # type: ignore[method-assign,func-returns-value]
    acts.count(hosts, retraction(boxes=[Box(f"a{n}", (Sign("Q100000"),)) for n in range(2 * MOST + 1)]))
    assert sorted(asked) == [1, MOST, MOST]


def test_a_box_that_got_very_much_of_a_wave_fits_a_question_too() -> None:
    sent = [message(f"Q{number:06}", to("a"), message_id=f"{number}-{'x' * 180}@x") for number in range(200)]
    found = plan.boxes(sent, "ac-exemple.test")
    assert {box.uid for box in found} == {"a"} and sum(len(box.signs) for box in found) == 200
    sizes: list[int] = []
    hosts = Boxes()
    hosts.copies = lambda boxes: (sizes.append(len(msgspec.json.encode(boxes))) or [], [])  # type: ignore[method-assign,func-returns-value]
    acts.count(hosts, retraction(boxes=found))
    assert len(sizes) > 1 and max(sizes) < wire.LONGEST


def test_a_host_notes_what_is_taken_before_it_moves_and_forgets_it_when_it_is_given_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, noted = tmp_path / "taken-back.json", list[set[str]]()
    host = SimpleNamespace(
        taken_back=path,
        home=lambda uid: tmp_path / uid,
        deliveries_socket=tmp_path / "none",
        circulars_socket=tmp_path / "none",
    )
    monkeypatch.setattr(retracted, "seal", lambda boxes: noted.append(set(taken_back.by_queue(path))) or boxes)
    boxes = (Box("here", (Sign("Q1"),)), Box("elsewhere", (Sign("Q2"),)))
    (tmp_path / "here").mkdir()
    assert host_acts.seal.function(host, boxes) == [boxes[0]] and noted == [{"Q1", "Q2"}]
    host_acts.note_retracted.function(host, boxes)
    assert set(taken_back.by_queue(path)) == {"Q1", "Q2"}
    host_acts.note_retracted.function(host, boxes, back=True)
    assert taken_back.by_queue(path) == {}


def test_a_retraction_is_kept_listed_and_pruned(tmp_path: Path) -> None:
    like = [Like(20, (message("Q2", alike=20),))]
    one = retraction(copies=[Copy("a", "À voir", "g1", seen=True)], like=like)
    store.keep(one, tmp_path)
    assert store.load(IDENT, tmp_path) == one and list(store.every(tmp_path)) == [one]
    assert (tmp_path / f"{IDENT}.json").stat().st_mode & 0o777 == 0o600
    for name in ("20260101-000000-abcd", "../x", IDENT + "x"):
        with pytest.raises(InputError, match="no retraction"):
            store.load(name, tmp_path)
    (tmp_path / "20261130-101500-0000.json").write_text("{}")
    with pytest.raises(InputError, match="not a retraction"):
        list(store.every(tmp_path))
    store.prune(datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=31), tmp_path)
    assert list(store.every(tmp_path)) == []


def test_the_letter_says_whose_message_it_was_and_what_to_do() -> None:
    facts = Facts(
        "ac-exemple.test", "Académie d’Exemple", "pia.ac-exemple.test", "01", "a@b.test", "8 h", "8", Policy()
    )
    letter = note.letter("mdupond", message("Q1", to("mdupond")), "m.dupond@ac-exemple.test", facts, NOW)
    text = letter.get_content()
    assert "pirate@x" in text and facts.page in text and "changez votre mot de passe" in text.lower()
    assert "retiré de votre boîte" in str(letter["Subject"])
    with pytest.raises(ValueError, match="no address"):
        note.letter("mdupond", message("Q1"), "", facts, NOW)
