"""The letters about « Quarantaine »: who gets one, once, and what it says."""

import json
from pathlib import Path

import pytest
from malleposte.daemons.deliveries import digest
from malleposte.deliveries.model import Message, Recipient, State
from malleposte.deliveries.store import Known, Store
from malleposte.platform.mailstore import QUARANTINE

NOW = 1_796_100_000
PAGE = "https://pia.ac-exemple.test/compte/quarantaine"


def arrived(
    folder: Path, uid: str, place: str = QUARANTINE, when: int = NOW - 3600, state: State = State.FILED
) -> None:
    store = Store(folder)
    to = Recipient(f"{uid}@ac-exemple.test", uid, state, place, "", when)
    store.add([Known(Message(f"Q{uid}{when}{place}", when, "x@exemple.test", recipients=(to,)))])
    store.close()


def told(folder: Path, now: int = NOW, failing: str = "") -> tuple[list[tuple[str, int]], list[str]]:
    letters: list[tuple[str, int]] = []

    def send(uid: str, count: int) -> None:
        if uid == failing:
            raise OSError("nobody listens")
        letters.append((uid, count))

    _sent, failures = digest.tell(folder, folder / "digest.json", send, now)
    return letters, failures


def test_those_with_new_messages_apart_get_one_letter_and_others_none(tmp_path: Path) -> None:
    arrived(tmp_path, "a")
    arrived(tmp_path, "a", when=NOW - 7200)
    arrived(tmp_path, "b", "INBOX")
    arrived(tmp_path, "c", when=NOW - 30 * 3600)
    arrived(tmp_path, "d", state=State.RETRACTED)
    assert told(tmp_path) == ([("a", 2)], [])
    assert told(tmp_path, NOW + 60) == ([], []), "the same is not told twice"
    arrived(tmp_path, "b", when=NOW + 3600)
    assert told(tmp_path, NOW + 86_400) == ([("b", 1)], [])


def test_nothing_is_told_where_there_is_no_index_yet(tmp_path: Path) -> None:
    assert told(tmp_path) == ([], [])


def test_a_round_that_fails_in_part_goes_on_without_a_second_letter(tmp_path: Path) -> None:
    for uid in ("a", "b", "c"):
        arrived(tmp_path, uid)
    letters, failures = told(tmp_path, failing="b")
    assert letters == [("a", 1), ("c", 1)] and failures == ["b: nobody listens"]
    assert told(tmp_path, NOW + 600) == ([("b", 1)], [])


def test_a_memory_that_cannot_be_read_is_set_aside(tmp_path: Path) -> None:
    (tmp_path / "digest.json").write_text("[]")
    arrived(tmp_path, "a")
    assert told(tmp_path) == ([("a", 1)], [])
    assert json.loads((tmp_path / "digest.json").read_text())["over"] is True


@pytest.mark.parametrize(("count", "words"), [(1, "un message"), (3, "3 messages")])
def test_the_letter_has_a_number_one_link_and_nothing_of_a_message(count: int, words: str) -> None:
    letter = digest.compose("postmaster@ac-exemple.test", "mdupond", count, PAGE, "30")
    text = letter.get_content()
    assert words in text and words in str(letter["Subject"])
    assert {part for part in text.split() if part.startswith("http")} == {PAGE}
    assert "30 jours" in text and "30 days" in text


def test_other_words_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert digest.main(["a"]) == 2 and digest.main(["--x", "b", "c", "d", "e", "f"]) == 2
    assert "usage" in capsys.readouterr().err
    assert digest.main(["/nowhere", "127.0.0.1:1", "p@x.test", "d", PAGE, "30"]) == 1
    assert "nobody was told" in capsys.readouterr().err
