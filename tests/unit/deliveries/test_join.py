"""The filter's words and the journals' events of one message, in whatever order they come."""

from itertools import permutations
from typing import Any

import pytest
from malleposte.deliveries import join as module
from malleposte.deliveries.conditions import HOST, PART, SENDER_DOMAIN, WORD
from malleposte.deliveries.join import Join, with_parents
from malleposte.deliveries.likeness import PRINT
from malleposte.deliveries.mail_log import Arrived, Event, Filtered, Identified, Outcome, Queued, Refused
from malleposte.deliveries.model import Message, Recipient, Seen, State, Verdict
from malleposte.deliveries.store import IndexedMessage

NOW = 1_800_000_000
Q, TO = "4dLpz91CxGz9rxQ", "marie.dupond@ac-exemple.test"
SESSION = "5N+WH+HqDWtpaAAAiS2GAw"
SAVED = Outcome(Q, TO, "mdupond@stores.invalid", State.LEFT, "250 Saved", "mdupond", SESSION)
FILED = Filtered(SESSION, "mdupond", State.FILED, "Projets")


def seen(**changed: Any) -> Seen:
    given: dict[str, Any] = {
        "queue": Q, "action": "no action", "sender": "News@Lointain.test", "author": "ami@exemple.test",
        "place": "192.0.2.7", "message_id": "<X@y>", "subject": "Réunion du jury", "size": 900, "recipients": [TO],
        "hosts": ["www.visio.exemple.org"], "parts": ["ab12"], "prints": ["1", "18446744073709551615", "x"],
    }  # fmt: skip
    return Seen(**given | changed)


def see(join: Join, account: str = "", **changed: Any) -> None:
    join.see(seen(**changed), account, {TO: "mdupond"}, NOW)


def one(join: Join) -> IndexedMessage:
    (known,) = join.take()
    return known


def test_the_filter_s_words_in_whatever_order_with_the_journals() -> None:
    events: list[Event | None] = [
        None, Arrived(Q, "192.0.2.7"), Identified(Q, "X@y"), Queued(Q, "news@lointain.test", 900),
    ]  # fmt: skip
    results = set()
    for order in permutations([*events, "end"]):
        join = Join(b"k" * 32)
        for event in order:
            if event is None:
                see(join)
            elif isinstance(event, str):
                join.note(FILED, NOW)
                join.note(SAVED, NOW)
            else:
                join.note(event, NOW)
        known = one(join)
        results.add(known.message)
        assert {kind for kind, _value in known.marks} == {WORD, HOST, PART, SENDER_DOMAIN}
    assert results == {
        Message(
            Q, NOW, "news@lointain.test", "ami@exemple.test", "", "192.0.2.7", "X@y", 900, Verdict.CLEAN, "",
            (Recipient(TO, "mdupond", State.FILED, "Projets", "", NOW),),
        )
    }  # fmt: skip


def test_marks_of_a_message() -> None:
    join = Join(b"k" * 32)
    see(join)
    known = one(join)
    values = [value for kind, value in known.marks if kind in (HOST, PART, SENDER_DOMAIN)]
    assert values == ["www.visio.exemple.org", "visio.exemple.org", "exemple.org", "ab12", "lointain.test",
                      "exemple.test"]  # fmt: skip
    assert len([1 for kind, _value in known.marks if kind == WORD]) == 2
    assert known.prints == b"", "not all shingles"


def test_shingles_of_a_message_are_whole_or_none_and_one_in_four_is_a_mark() -> None:
    join = Join(b"k" * 32)
    numbers = [str(number) for number in range(2**64 - 32, 2**64)]
    for given in (numbers, [*numbers, "7"]):
        see(join, prints=given)
        known = one(join)
        assert known.prints == b"".join(int(number).to_bytes(8, "big") for number in numbers)
        marks = [value for kind, value in known.marks if kind == PRINT]
        assert marks == [bytes((place,)) + known.prints[8 * place : 8 * place + 8] for place in range(0, 32, 4)]
    for given in (numbers[1:], [*numbers[1:], "x"], [*numbers[1:], ""]):
        see(join, prints=given)
        known = one(join)
        assert known.prints == b"" and PRINT not in {kind for kind, _value in known.marks}
    assert join.take() == [], "once"


def test_a_host_and_the_domains_above_it() -> None:
    assert list(with_parents("a.b.c.fr.")) == ["a.b.c.fr", "b.c.fr", "c.fr"]
    assert list(with_parents("localhost")) == ["localhost"]
    assert len(list(with_parents("x." * 3000 + "fr"))) == 5


@pytest.mark.parametrize(
    ("acts", "state", "folder", "detail"),
    [
        ([], State.FILED, "", ""),
        ([FILED], State.FILED, "Projets", ""),
        ([Filtered(SESSION, "mdupond", State.REDIRECTED, "ami@lointain.test")], State.REDIRECTED, "",
         "ami@lointain.test"),
        ([Filtered(SESSION, "mdupond", State.REDIRECTED, "ami@lointain.test"), FILED], State.FILED, "Projets",
         "ami@lointain.test"),
        ([Filtered(SESSION, "mdupond", State.DISCARDED, "")], State.DISCARDED, "", ""),
        ([Filtered(SESSION, "autre", State.DISCARDED, "")], State.FILED, "", ""),
        ([Filtered("other", "mdupond", State.DISCARDED, "")], State.FILED, "", ""),
    ],
    ids=["none", "filed", "redirected", "both", "discarded", "another-s", "another-session"],
)  # fmt: skip
def test_the_filter_of_a_box_says_what_became_of_a_message(
    acts: list[Filtered], state: State, folder: str, detail: str
) -> None:
    join = Join(b"k")
    for act in acts:
        join.note(act, NOW)
    join.note(SAVED, NOW + 5)
    assert one(join).message.recipients == (Recipient(TO, "mdupond", state, folder, detail, NOW + 5),)


@pytest.mark.parametrize("first", ["filter", "journal"])
def test_the_account_that_the_filter_knows_stays(first: str) -> None:
    """Postfix does not say whose an address is, as long as the message waits."""
    waits = Outcome(Q, TO, TO, State.DEFERRED, "450 no route")
    join = Join(b"k")
    if first == "filter":
        see(join)
    join.note(waits, NOW)
    if first == "journal":
        see(join)
    (recipient,) = one(join).message.recipients
    assert (recipient.account, recipient.state) == ("mdupond", State.DEFERRED)


def test_who_logged_in_is_the_sender_also_without_the_filter() -> None:
    join = Join(b"k")
    join.note(Arrived(Q, "192.0.2.7", "mdupond"), NOW, "mdupond")
    see(join)
    assert one(join).message.account == "mdupond"


@pytest.mark.parametrize(
    ("action", "symbols", "verdict", "state", "reason"),
    [
        ("no action", [], Verdict.CLEAN, State.WAITING, ""),
        ("add header", [], Verdict.JUNK, State.WAITING, "spam"),
        ("reject", ["CLAM_VIRUS"], Verdict.REFUSED, State.REFUSED, "virus"),
        ("soft reject", [], Verdict.LATER, State.LATER, "spam"),
        ("no action", ["MP_OUTBOUND_HOLD"], Verdict.HELD, State.HELD, "many"),
    ],
)
def test_verdicts(action: str, symbols: list[str], verdict: Verdict, state: State, reason: str) -> None:
    join = Join(b"k")
    see(join, action=action, symbols=symbols)
    message = one(join).message
    assert (message.verdict, message.reason) == (verdict, reason)
    assert message.recipients[0].state is state


def refusal(
    queue: str = Q, *, later: bool = False, whole: bool = False, address: str = "nul@ac-exemple.test"
) -> Refused:
    return Refused(queue, "192.0.2.7", "news@lointain.test", address, "550 5.1.1 no", later, whole)


def test_one_refused_recipient_does_not_refuse_the_message() -> None:
    join = Join(b"k")
    join.note(refusal(), NOW)
    join.note(SAVED, NOW)
    message = one(join).message
    assert message.verdict is Verdict.CLEAN
    assert {each.address: each.state for each in message.recipients} == {
        "nul@ac-exemple.test": State.REFUSED,
        TO: State.FILED,
    }
    join.note(refusal(whole=True), NOW)
    assert one(join).message.verdict is Verdict.REFUSED


def test_the_filter_s_reason_stays_beside_postfix_s_refusal_in_both_orders() -> None:
    for order in permutations(("filter", "journal")):
        join = Join(b"k")
        for source in order:
            if source == "filter":
                see(join, action="reject", symbols=["CLAM_VIRUS"])
            else:
                join.note(refusal(whole=True, address=TO), NOW)
        message = one(join).message
        assert (message.verdict, message.reason) == (Verdict.REFUSED, "virus")
        assert [(each.state, each.account) for each in message.recipients] == [(State.REFUSED, "mdupond")]


def test_refusals_before_there_is_a_message_are_messages_of_their_own() -> None:
    join = Join(b"k")
    for address in (TO, "nul@ac-exemple.test"):
        join.note(refusal("", later=True, address=address), NOW, "mdupond" if address == TO else "")
    taken = join.take()
    assert [(known.message.queue, known.message.verdict) for known in taken] == [("", Verdict.LATER)] * 2
    assert [known.message.recipients[0].account for known in taken] == ["mdupond", ""]


def test_what_waits_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 3)
    join = Join(b"k")
    for number in range(4):
        join.note(Identified(f"4dLpz91CxGz{number}", "x"), NOW)
        join.note(refusal(""), NOW)
        join.note(Filtered(f"s{number}", "mdupond", State.DISCARDED, ""), NOW)
    assert join.dropped == 5 and len(join.sessions) == 3
    assert len(join.take()) == 3
    join.note(Identified(Q, "x"), NOW)
    assert len(join.take()) == 1, "once there is room"


def test_a_message_has_so_many_recipients_and_marks() -> None:
    join = Join(b"k")
    many = [f"a{number}@lointain.test" for number in range(500)]
    see(join, recipients=many, hosts=[f"h{number}" for number in range(500)], parts=many, prints=["1"] * 500)
    known = one(join)
    assert len(known.message.recipients) == 200 and len(known.prints) == 256
    assert len([1 for kind, _value in known.marks if kind == HOST]) == 20


def test_mail_without_a_queue_id_is_none() -> None:
    join = Join(b"k")
    see(join, queue="")
    assert join.take() == []
    join.note(Outcome(Q, "", "", State.BOUNCED, "expired"), NOW)
    assert one(join).expired
