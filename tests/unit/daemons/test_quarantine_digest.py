"""The letters about « Quarantaine »: who gets one, once, and what it says."""

import json
from pathlib import Path

import pytest
from malleposte.daemons.deliveries import digest
from malleposte.deliveries.model import Message, Recipient, State
from malleposte.deliveries.store import IndexedMessage, Store
from malleposte.platform.mailstore import QUARANTINE

NOW = 1_796_100_000
PAGE = "https://pia.ac-exemple.test/compte/quarantaine"


def arrived(
    folder: Path, uid: str, place: str = QUARANTINE, when: int = NOW - 3600, state: State = State.FILED
) -> None:
    store = Store(folder)
    to = Recipient(f"{uid}@ac-exemple.test", uid, state, place, "", when)
    store.add([IndexedMessage(Message(f"Q{uid}{when}{place}", when, "x@exemple.test", recipients=(to,)))])
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


def test_one_whom_no_letter_reaches_keeps_no_letter_from_others(tmp_path: Path) -> None:
    for uid in ("a", "b"):
        arrived(tmp_path, uid)
    assert told(tmp_path, failing="b") == ([("a", 1)], ["b: nobody listens"])
    for uid in ("a", "b", "c"):
        arrived(tmp_path, uid, when=NOW + 3600)
    letters, failures = told(tmp_path, NOW + 86_400, failing="b")
    assert letters == [("a", 1), ("c", 1)] and failures == ["b: nobody listens"]
    assert told(tmp_path, NOW + 2 * 86_400) == ([("b", 2)], []), "all that came meanwhile, once"
    assert told(tmp_path, NOW + 3 * 86_400) == ([], [])


def test_what_is_over_is_owed_to_nobody(tmp_path: Path) -> None:
    arrived(tmp_path, "a")
    told(tmp_path, failing="a")
    assert told(tmp_path, NOW + (digest.OWED_DAYS + 2) * 86_400) == ([], [])


def test_a_round_that_is_cut_off_goes_on_behind_the_last_letter(tmp_path: Path) -> None:
    for number in range(40):
        arrived(tmp_path, f"a{number:02}")
    letters, sizes = list[str](), list[int]()

    def send(uid: str, _count: int) -> None:
        sizes.append((tmp_path / "digest.json").stat().st_size if letters else 0)
        letters.append(uid)
        if len(letters) == 30:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        digest.tell(tmp_path, tmp_path / "digest.json", send, NOW)
    assert max(sizes) == sizes[1], "the memory does not grow with the letters"
    assert [uid for uid, _count in told(tmp_path, NOW + 60)[0]] == [f"a{number:02}" for number in range(29, 40)]


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
