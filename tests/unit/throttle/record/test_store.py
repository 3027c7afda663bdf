"""The record's file: what is the same is one row, the oldest go, and what is erased is gone."""

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from malleposte.throttle.record.model import IN, Kept, LogIn, Refusal, Seen
from malleposte.throttle.record.store import DAY, Store

NOW = 1_800_000_000
IMAP = LogIn("mdupond", True, "imap", "192.0.2.7", "Thunderbird")
WRONG = LogIn("mdupond", False, "imap", "192.0.2.7", "Thunderbird", reason="password")
SPAM = Refusal("mdupond", IN, "pub@lointain.test", "spam")


def seen(event: LogIn | Refusal, at: int = NOW, count: int = 1) -> Seen[LogIn | Refusal]:
    return Seen(event, at, at, count)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "record.sqlite", 30, each=3, most=6)
    yield made
    made.close()


def test_the_same_event_is_one_row_with_its_count(store: Store) -> None:
    store.add([seen(IMAP)])
    store.add([seen(IMAP, NOW + 60, 2), seen(WRONG), seen(SPAM)])
    held = store.of("mdupond")
    assert held.logins == (Seen(IMAP, NOW, NOW + 60, 3), Seen(WRONG, NOW, NOW, 1))
    assert held.refusals == (Seen(SPAM, NOW, NOW, 1),)
    assert msgspec.json.decode(msgspec.json.encode(held), type=Kept) == held, "as it goes between hosts"


def test_a_record_of_another_account_is_never_told(store: Store) -> None:
    store.add([seen(IMAP), seen(SPAM)])
    assert store.of("autre") == Kept()
    assert store.of("MDUPOND' OR '1'='1") == Kept()


def test_an_account_has_so_many_rows_and_guesses_push_out_no_log_in(store: Store) -> None:
    store.add([seen(IMAP)])
    for number in range(5):
        store.add([seen(LogIn("mdupond", False, "imap", f"192.0.2.{number}", reason="password"), NOW + number)])
    held = store.of("mdupond").logins
    assert [one.event.place for one in held if not one.event.accepted] == ["192.0.2.4", "192.0.2.3", "192.0.2.2"]
    assert [one.event for one in held if one.event.accepted] == [IMAP]


def test_what_is_too_old_goes_and_the_oldest_of_too_much(store: Store) -> None:
    store.add([seen(IMAP, NOW - 31 * DAY), seen(WRONG, NOW - 29 * DAY), seen(SPAM, NOW - 31 * DAY)])
    assert store.prune(NOW) == 2
    assert store.of("mdupond") == Kept((Seen(WRONG, NOW - 29 * DAY, NOW - 29 * DAY),))
    store.add([seen(LogIn(f"agent{number}", True, "imap"), NOW + number) for number in range(7)])
    assert store.prune(NOW) == 2
    assert [bool(store.of(f"agent{number}").logins) for number in range(2)] == [False, True]


def test_a_row_that_goes_on_says_nothing_of_long_ago(store: Store) -> None:
    store.add([seen(IMAP, NOW - 40 * DAY, 9)])
    store.add([seen(IMAP, NOW)])
    assert store.of("mdupond").logins == (Seen(IMAP, NOW, NOW, 1),)


def test_what_is_erased_is_in_no_file(store: Store, tmp_path: Path) -> None:
    store.add([seen(IMAP), seen(SPAM), seen(LogIn("autre", True, "imap"))])
    assert store.erase("mdupond") == 2
    assert (store.of("mdupond"), len(store.of("autre").logins)) == (Kept(), 1)
    assert store.erase("mdupond") == 0
    whole = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"autre" in whole and b"Thunderbird" not in whole and b"lointain" not in whole


def test_the_file_is_found_again(tmp_path: Path) -> None:
    path = tmp_path / "record.sqlite"
    first = Store(path, 30)
    first.add([seen(IMAP)])
    first.close()
    again = Store(path, 30)
    assert again.of("mdupond").last_log_in() == Seen(IMAP, NOW, NOW)
    again.close()
