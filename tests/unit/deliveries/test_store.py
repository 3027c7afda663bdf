"""The index on disk: what is merged, what is bounded, what is found, what goes."""

import random
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from malleposte.core.errors import InputError
from malleposte.deliveries.conditions import HOST, SENDER_DOMAIN, WORD
from malleposte.deliveries.model import Answer, Message, Query, Recipient, State, Verdict
from malleposte.deliveries.retracted import Box, Sign
from malleposte.deliveries.store import DAY, IndexedMessage, Limits, Store

NOW = 20_000 * DAY + 36_000
TO, OTHER = "marie.dupond@ac-exemple.test", "autre@ac-exemple.test"
NEWS = "news@lointain.test"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path


@pytest.fixture
def store(folder: Path) -> Iterator[Store]:
    made = Store(folder)
    yield made
    made.close()


def recipient(state: State = State.WAITING, address: str = TO, account: str = "mdupond", **more: Any) -> Recipient:
    return Recipient(address, account, state, more.get("folder", ""), more.get("detail", ""), more.get("time", NOW))


def known(queue: str = "Q1", *recipients: Recipient, time: int = NOW, **fields: Any) -> IndexedMessage:
    marks = fields.pop("marks", ())
    given = {"sender": NEWS, "author": NEWS, "place": "192.0.2.7", "message_id": "x@y"} | fields
    return IndexedMessage(Message(queue, time, recipients=recipients, **given), marks, fields.pop("prints", b""))


def find(store: Store, *words: bytes, **asked: Any) -> list[Message]:
    return list(store.find(Query(**asked).checked(), words).messages)


def states(store: Store, **asked: Any) -> dict[str, State]:
    return {one.address: one.state for message in find(store, **asked) for one in message.recipients}


def test_what_was_taken_back_is_said_until_it_is_given_back(store: Store) -> None:
    store.add([known("Q1", recipient(State.FILED, folder="Projets"), recipient(State.LEFT, "x@exemple.test", ""))])
    boxes = [Box("mdupond", (Sign("Q1"), Sign("Q9"))), Box("nobody", (Sign("Q1"),))]
    for back, state in ((False, State.RETRACTED), (False, State.RETRACTED), (True, State.FILED)):
        store.retract(boxes, back=back)
        assert states(store, queue="Q1") == {TO: state, "x@exemple.test": State.LEFT}
        assert find(store, queue="Q1")[0].recipients[0].folder == "Projets"


# --- what is merged ---


def test_news_of_a_message_complete_it(store: Store) -> None:
    store.add([IndexedMessage(Message("Q1", NOW, place="192.0.2.7"))])
    store.add([known("Q1", recipient(), time=NOW + 1, verdict=Verdict.JUNK, reason="spam")])
    store.add(
        [IndexedMessage(Message("Q1", NOW + 9, recipients=(recipient(State.FILED, folder="Junk", time=NOW + 9),)))]
    )
    assert find(store, queue="Q1") == [
        Message("Q1", NOW, NEWS, NEWS, "", "192.0.2.7", "x@y", 0, Verdict.JUNK, "spam",
                (recipient(State.FILED, folder="Junk", time=NOW + 9),))
    ]  # fmt: skip
    answer = store.find(Query(queue="Q1").checked())
    assert msgspec.json.decode(msgspec.json.encode(answer), type=Answer) == answer, "as it goes between hosts"


@pytest.mark.parametrize("end", [State.FILED, State.LEFT, State.BOUNCED, State.REFUSED, State.REDIRECTED])
def test_what_is_over_does_not_begin_again(store: Store, end: State) -> None:
    store.add([known("Q1", recipient(State.DEFERRED))])
    store.add([known("Q1", recipient(end))])
    for late in (State.WAITING, State.DEFERRED, State.LATER):
        store.add([known("Q1", recipient(late))])
    assert states(store, queue="Q1") == {TO: end}
    store.add([known("Q2", recipient(State.DEFERRED)), known("Q2", recipient(State.DEFERRED, detail="452"))])
    assert find(store, queue="Q2")[0].recipients[0].detail == "452", "what is not over may change"


@pytest.mark.parametrize("known_first", [True, False])
def test_an_account_is_known_from_whatever_source_knows_it(store: Store, known_first: bool) -> None:
    accounts = ["mdupond", ""] if known_first else ["", "mdupond"]
    store.add([known("Q1", recipient(State.DEFERRED, account=accounts[0]))])
    store.add([known("Q1", recipient(State.WAITING, account=accounts[1]))])
    assert [one.queue for one in find(store, recipient="mdupond")] == ["Q1"]
    assert find(store, about="mdupond")[0].recipients[0].state is State.DEFERRED


def test_a_message_is_known_again_on_the_days_after(store: Store) -> None:
    store.add([known("Q1", recipient(State.DEFERRED))])
    store.add([known("Q1", recipient(State.FILED, folder="INBOX"), time=NOW + 4 * DAY)])
    (message,) = find(store, queue="Q1")
    assert (message.time, message.recipients[0].state) == (NOW, State.FILED)
    store.add([known("Q1", recipient(State.FILED), time=NOW + 20 * DAY)])
    assert len(find(store, queue="Q1")) == 2


def test_what_postfix_gave_up_is_returned_and_what_was_filed_is_not(store: Store) -> None:
    store.add([known("Q1", recipient(State.DEFERRED), recipient(State.FILED, OTHER, "autre"))])
    store.add([IndexedMessage(Message("Q1", NOW + 5 * DAY), expired=True)])
    assert states(store, queue="Q1") == {TO: State.BOUNCED, OTHER: State.FILED}


def test_what_is_told_twice_is_there_once(store: Store) -> None:
    """As after a kill, when the journal is read from the last note again."""
    news = [known("Q1", recipient(State.FILED, folder="INBOX"), marks=[(HOST, "exemple.org")])]
    for _ in range(3):
        store.add(news, {"cursor": "s=1"})
    assert len(find(store, about="mdupond")) == len(find(store, host="exemple.org")) == 1
    assert store.note("cursor") == "s=1"


def test_the_note_of_the_last_write_outlives_the_process_and_the_day(folder: Path, store: Store) -> None:
    store.add([known()], {"cursor": "s=1"})
    store.add([known("Q2", time=NOW + DAY)], {"cursor": "s=2"})
    store.add([], {"cursor": "s=3"})
    again = Store(folder)
    assert again.note("cursor") == "s=3" and again.note("other") == ""
    assert len(find(again, sender=NEWS)) == 2
    again.close()


# --- what is found ---


def test_each_part_of_a_question_narrows(store: Store) -> None:
    word = b"0123456789"
    store.add(
        [
            known("Q1", recipient(State.FILED), marks=[(WORD, word), (HOST, "exemple.org"), (SENDER_DOMAIN, "x.test")]),
            known("Q2", recipient(State.FILED, OTHER, "autre"), time=NOW + 9, account="mdupond", message_id="z@y"),
        ]
    )
    for asked, queues in (
        ({"sender": NEWS.upper()}, ["Q2", "Q1"]), ({"sender": "mdupond"}, ["Q2"]), ({"sender": "@x.test"}, ["Q1"]),
        ({"recipient": TO}, ["Q1"]), ({"recipient": "autre"}, ["Q2"]), ({"about": "mdupond"}, ["Q2", "Q1"]),
        ({"message_id": "<z@y>"}, ["Q2"]), ({"host": "exemple.org."}, ["Q1"]), ({"sender": NEWS, "until": NOW}, ["Q1"]),
        ({"sender": NEWS, "since": NOW + 1}, ["Q2"]), ({"sender": NEWS, "recipient": "nobody"}, []),
        ({"sender": "' OR '1'='1"}, []), ({"sender": "%"}, []), ({"host": "org"}, []),
    ):  # fmt: skip
        assert [one.queue for one in find(store, **asked)] == queues, asked
    assert [one.queue for one in find(store, word, word="jury")] == ["Q1"]
    assert find(store, word, b"other", word="jury autre") == [] == find(store, word="le"), "no word is no message"


def test_a_question_for_everything_is_refused() -> None:
    with pytest.raises(InputError, match="needs a sender"):
        Query(since=NOW, word=" ").checked()


def test_a_message_of_two_queue_ids_is_found_under_both(store: Store) -> None:
    """It was redirected: it came in again."""
    store.add([known("Q1", recipient(State.REDIRECTED, detail=OTHER))])
    store.add([known("Q2", recipient(State.FILED, OTHER, "autre"), time=NOW + 2)])
    assert [one.queue for one in find(store, message_id="x@y")] == ["Q2", "Q1"]
    assert [one.queue for one in find(store, about="mdupond")] == ["Q1"]


def test_the_latest_are_found_and_the_answer_says_that_there_are_others(store: Store) -> None:
    store.add([known(f"Q{number}", recipient(), time=NOW + number * DAY // 2) for number in range(6)])
    answer = store.find(Query(about="mdupond", most=4).checked())
    assert [one.queue for one in answer.messages] == ["Q5", "Q4", "Q3", "Q2"]
    assert answer.more and answer.since == NOW
    assert not store.find(Query(about="mdupond", most=6).checked()).more


def test_others_copies_are_not_shown_nor_their_folders_and_filters_to_the_sender() -> None:
    own, others = recipient(State.FILED, folder="Divorce"), recipient(State.FILED, OTHER, "autre")
    message = known("Q1", own, others, account="chef").message
    assert message.shown_to("mdupond").recipients == (own,) and message.shown_to("mdupond").place == ""
    left = recipient(State.LEFT, "x@lointain.test", "", detail="250 ok")
    sent = known("Q1", own, recipient(State.DISCARDED, OTHER, "autre"), left, account="chef").message.shown_to("chef")
    assert sent.recipients == (recipient(State.FILED), recipient(State.FILED, OTHER, "autre"), left)
    mine = known("Q1", own, account="mdupond").message
    assert mine.shown_to("mdupond") == mine


# --- bounds ---


def rows(store: Store) -> int:
    return sum(1 + len(one.recipients) for one in find(store, sender="@lointain.test", most=10_000))


def coming(number: int, place: str, **fields: Any) -> IndexedMessage:
    return known(f"{place}-{number}", recipient(), place=place, marks=[(SENDER_DOMAIN, "lointain.test")], **fields)


def test_one_network_takes_half_of_the_room_and_others_still_get_in(folder: Path) -> None:
    store = Store(folder, Limits(rows_a_day=1000))
    for number in range(900):
        store.add([coming(number, f"192.0.2.{number % 250}")])
    assert rows(store) == 500
    store.add([coming(1, "198.51.100.7")])
    assert rows(store) == 502
    store.close()


def test_one_account_takes_half_of_the_room_wherever_it_sends_from(folder: Path) -> None:
    store = Store(folder, Limits(rows_a_day=1000))
    for number in range(900):
        store.add([coming(number, f"10.{number % 250}.0.1", account="mdupond")])
    assert rows(store) == 500
    store.close()


def test_refused_mail_takes_a_quarter_from_however_many_networks(folder: Path) -> None:
    store = Store(folder, Limits(rows_a_day=1000))
    for number in range(900):
        store.add([coming(number, f"10.{number % 250}.0.1", verdict=Verdict.REFUSED)])
    assert rows(store) == 250
    store.add([coming(1, "198.51.100.7")])
    assert rows(store) == 252
    store.close()


def test_recipients_that_come_later_count_as_well(folder: Path) -> None:
    """A message is known before its recipients: rows beyond the bound would be one stranger's."""
    store = Store(folder, Limits(rows_a_day=100))
    marks = [(SENDER_DOMAIN, "lointain.test")]
    store.add([known("Q1", marks=marks)])
    many = [recipient(State.FILED, f"a{number}@ac-exemple.test", f"a{number}") for number in range(200)]
    store.add([known("Q1", *many)])
    assert rows(store) == 50
    store.add([known("Q1", recipient(State.LEFT, "a0@ac-exemple.test"))])
    assert rows(store) == 50, "what is there may change"
    assert store.find(Query(about="a0").checked()).left_out == 151
    store.close()


def test_rows_are_counted_as_before_once_the_process_began_again(folder: Path) -> None:
    counts = []
    for again in (False, True):
        place = folder / str(again)
        place.mkdir()
        store = Store(place, Limits(rows_a_day=1000))
        for number in range(400):
            if again and number % 100 == 50:
                store.close()
                store = Store(place, Limits(rows_a_day=1000))
            store.add([coming(number, "192.0.2.7"), coming(number, "192.0.2.8", verdict=Verdict.REFUSED)])
        counts.append((rows(store), store.find(Query(sender="x").checked()).left_out))
        store.close()
    assert counts[0] == counts[1] and counts[0][0] == 500


def test_what_could_not_be_written_takes_no_room(folder: Path) -> None:
    """As on a full disk: a write fails in its middle, and is rolled back."""
    store = Store(folder, Limits(rows_a_day=100))
    store.add([coming(0, "192.0.2.7")])
    broken: Any = [(WORD, object())]
    for number in range(1, 60):
        with pytest.raises(sqlite3.Error):
            store.add([coming(number, "192.0.2.7"), known("Q1", recipient(), marks=broken)])
    assert rows(store) == 2
    for number in range(1, 60):
        store.add([coming(number, "192.0.2.7")])
    assert rows(store) == 50
    store.close()


# --- what goes ---


def test_what_is_erased_is_gone_and_others_mail_stays(folder: Path, store: Store) -> None:
    marks: list[tuple[str, str | bytes]] = [(WORD, b"0123456789"), (SENDER_DOMAIN, "lointain.test")]
    store.add(
        [
            known("Q1", recipient(State.FILED), sender="secret-ami@lointain.test", marks=marks),
            known("Q2", recipient(State.FILED), recipient(State.FILED, OTHER, "autre"), time=NOW + DAY, marks=marks),
            known("Q3", recipient(State.LEFT, "x@lointain.test", ""), account="mdupond", marks=marks),
            known("Q4", recipient(State.FILED, OTHER, "autre"), marks=marks),
        ]
    )
    assert store.erase(["nobody"]) == 0
    assert store.erase(["mdupond", "nobody"]) > 0
    assert find(store, about="mdupond") == [] == find(store, recipient=TO)
    assert [one.queue for one in find(store, about="autre")] == ["Q2", "Q4"]
    assert [one.queue for one in find(store, b"0123456789", word="jury")] == ["Q2", "Q4"]
    content = b"".join(path.read_bytes() for path in folder.iterdir())
    assert TO.encode() not in content and b"secret-ami" not in content and OTHER.encode() in content
    assert store.erase(["mdupond"]) == 0


def test_days_that_are_too_old_go_with_their_files(folder: Path) -> None:
    store = Store(folder, Limits(days=30))
    store.add([known(f"Q{age}", recipient(), time=NOW - age * DAY) for age in (31, 30, 1)])
    assert store.prune(NOW) == 1
    assert [one.queue for one in find(store, about="mdupond")] == ["Q1", "Q30"]
    assert sorted(path.name for path in folder.glob("*.sqlite*") if path.name.startswith(str(NOW // DAY - 31))) == []
    store.close()


def test_the_oldest_days_go_while_all_take_too_much_and_today_stays(folder: Path) -> None:
    store = Store(folder, Limits(mb=1))
    dice = random.Random(1)
    for age in (3, 2, 1, 0):
        marks = [(WORD, dice.randbytes(10)) for _ in range(9000)]
        store.add([known(f"Q{age}", recipient(), time=NOW - age * DAY, marks=marks)])
    assert store.prune(NOW) >= 2
    taken = sum(path.stat().st_size for path in folder.iterdir())
    left = [one.queue for one in find(store, about="mdupond")]
    assert left[0] == "Q0" and (taken <= 1_000_000 or left == ["Q0"])
    store.close()


def test_a_file_that_is_no_day_is_left_alone(folder: Path) -> None:
    (folder / "notes.sqlite").write_text("x")
    Store(folder).close()
    assert (folder / "notes.sqlite").read_text() == "x"


@pytest.mark.parametrize("left", [b"", b"not a database at all, but long enough for a header" * 40])
def test_a_day_that_cannot_be_read_is_set_aside_until_it_goes(folder: Path, left: bytes) -> None:
    path = folder / f"{NOW // DAY}.sqlite"
    path.write_bytes(left)
    store = Store(folder)
    store.add([known("Q1", recipient())])
    assert [one.queue for one in find(store, about="mdupond")] == ["Q1"]
    assert [one.read_bytes() for one in folder.glob("*.broken-*")] == ([left] if left else [])
    store.prune(NOW + 40 * DAY)
    assert list(folder.iterdir()) == []
    store.close()
