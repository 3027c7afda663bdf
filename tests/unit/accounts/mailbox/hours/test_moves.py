"""Messages that move: the commands of doveadm, and its answers."""

import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.mailbox.hours import moves
from malleposte.accounts.mailbox.hours.due import Due
from malleposte.accounts.mailbox.hours.moves import Box


def answering(*answers: tuple[int, str, str]) -> tuple[Callable[..., Any], list[tuple[str, ...]], list[str]]:
    asked, lists, left = list[tuple[str, ...]](), list[str](), list(answers)

    def run(*words: str, **_options: Any) -> subprocess.CompletedProcess[str]:
        asked.append(words)
        if "-F" in words:
            lists.append(Path(words[words.index("-F") + 1]).read_text("utf-8"))
        code, out, err = left.pop(0) if left else (0, "", "")
        return subprocess.CompletedProcess(list(words), code, out, err)

    return run, asked, lists


def test_many_boxes_move_in_one_process() -> None:
    run, asked, lists = answering()
    assert moves.move([Box("mdupond", 3), Box("jmartin", 1)], run) == []
    assert lists == ["mdupond\njmartin\n"] * 2 and asked[1][:2] == ("quota", "recalc")
    assert asked[0][-4:] == ("INBOX", "mailbox", "Hors horaires", "ALL")
    assert moves.move([], run) == [] and len(asked) == 2


def test_the_boxes_that_failed_are_named_or_all_of_them() -> None:
    boxes = [Box("mdupond", 3), Box("jmartin", 1)]
    run, _asked, _lists = answering((75, "", "doveadm(jmartin): Error: User no longer exists\n"))
    assert moves.move(boxes, run) == ["jmartin"]
    run, _asked, _lists = answering((134, "", "Panic\n"))
    assert moves.move(boxes, run) == ["mdupond", "jmartin"]


@pytest.mark.parametrize("code", [-9, 89, 137])
def test_of_a_run_that_was_killed_no_box_is_sure_though_it_named_another(code: int) -> None:
    boxes = [Box("mdupond", 3), Box("jmartin", 1)]
    run, _asked, _lists = answering((code, "", "doveadm(jmartin): Error: Mailbox INBOX: internal error\n"))
    assert moves.move(boxes, run) == ["mdupond", "jmartin"]


def test_a_run_that_ended_at_a_user_served_nobody_behind() -> None:
    boxes = [Box("mdupond", 3), Box("jmartin", 1)]
    run, _asked, _lists = answering((75, "", "doveadm(mdupond): Error: x\nFailed to iterate through users\n"))
    assert moves.move(boxes, run) == ["mdupond", "jmartin"]


def test_the_first_messages_of_a_large_box_move() -> None:
    rows = json.dumps([{"uid": str(one), "storageid": f"{1000 + one}.M1P2.mail1"} for one in range(999, 0, -1)])
    run, asked, _lists = answering((0, rows, ""))
    assert moves.move([Box("grand", 999)], run) == []
    assert asked[1][-1].split(",") == [str(number) for number in range(1, moves.MOST + 1)]


def test_what_came_later_stays() -> None:
    rows = json.dumps([{"uid": "1", "storageid": "1000.M1P2.mail1"}, {"uid": "2", "storageid": "2000.M1P2.mail1"}])
    run, asked, _lists = answering((0, rows, ""))
    assert moves.move([Box("mdupond", 1, Due(before=2000))], run) == []
    assert asked[1][-1] == "1"
    run, asked, _lists = answering((0, rows, ""))
    assert moves.move([Box("mdupond", 1, Due(before=1000))], run) == [] and len(asked) == 1


def test_broken_moves_from_each_folder_are_ended(tmp_path: Path) -> None:
    waiting = json.dumps([{"uid": one, "guid": f"g{one}", "storageid": one, "flags": ""} for one in "123"])
    came = json.dumps([{"uid": "7", "guid": one, "storageid": one, "flags": ""} for one in ("g2", "g1", "x")])
    run, asked, _lists = answering((0, waiting, ""), (0, came, ""))
    moves.settle("mdupond", run, tmp_path)
    assert [words[-3:] for words in asked if words[0] == "expunge"] == [("Hors horaires", "UID", "1,2")]
    run, asked, _lists = answering((0, waiting, ""), (0, "[]", ""))
    moves.settle("mdupond", run, tmp_path)
    assert [words[-2] for words in asked] == [
        "Hors horaires", "INBOX", "Rappeler/Demain 8 h", "Rappeler/Lundi 8 h", "Rappeler/Dans une semaine",
    ]  # fmt: skip


def test_files_say_what_waits(tmp_path: Path) -> None:
    assert moves.waiting("mdupond", tmp_path) is None
    folder = moves.home_of("mdupond", tmp_path) / "Maildir/.Hors horaires"
    for name in ("new/1000.M1P1.mail1,S=5", "cur/2000.M1P1.mail1,S=5:2,S"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    assert moves.waiting("mdupond", tmp_path) == Box("mdupond", 2)
    assert moves.waiting("mdupond", tmp_path, Due(before=2000)) == Box("mdupond", 1, Due(before=2000))
    assert moves.waiting("mdupond", tmp_path, Due(before=1000)) is None


RECALLED = Due("Rappeler/Demain 8 h", 2000, recalled=True)
SEEN, MARKED = "\\Seen", "\\Flagged"


def rows(*flags: str) -> str:
    """Messages 1, 2… with these flags; one more that was filed later."""
    given = [(1000, one) for one in flags] + [(2000, "")]
    return json.dumps(
        [{"uid": str(n), "storageid": f"{at}.M1P2.mail1", "flags": one} for n, (at, one) in enumerate(given, 1)]
    )


def test_a_recalled_message_is_made_unread_and_marked_and_then_moved() -> None:
    run, asked, _lists = answering((0, rows(SEEN, "", f"{SEEN} {MARKED}"), ""))
    assert moves.move([Box("mdupond", 3, RECALLED)], run) == []
    assert asked[-1] == ("quota", "recalc", "-u", "mdupond")
    assert [(words[0], *words[-5:]) for words in asked[1:-1]] == [
        ("flags", SEEN, "mailbox", "Rappeler/Demain 8 h", "UID", "1,3"),
        ("flags", MARKED, "mailbox", "Rappeler/Demain 8 h", "UID", "1,2"),
        ("move", "INBOX", "mailbox", "Rappeler/Demain 8 h", "UID", "1,2,3"),
    ]
    assert [words[1] for words in asked[1:-1]] == ["remove", "add", "-u"]


def test_what_could_not_be_marked_does_not_move() -> None:
    run, asked, _lists = answering((0, rows(""), ""), (75, "", "doveadm(mdupond): Error: no\n"))
    assert moves.move([Box("mdupond", 1, RECALLED)], run) == ["mdupond"]
    assert [words[0] for words in asked] == ["-f", "flags"]


def test_what_is_marked_already_is_only_moved() -> None:
    run, asked, _lists = answering((0, rows(MARKED), ""))
    assert moves.move([Box("mdupond", 1, RECALLED)], run) == []
    assert [words[0] for words in asked] == ["-f", "move", "quota"]


def test_many_recalled_messages_of_a_box_come_some_at_a_time() -> None:
    run, asked, _lists = answering((0, rows(*[MARKED] * 3 * moves.MOST), ""))
    assert moves.move([Box("grand", 3 * moves.MOST, RECALLED)], run) == []
    assert asked[-2][-1].split(",") == [str(n) for n in range(1, moves.MOST + 1)]


def test_boxes_of_one_process_have_one_folder() -> None:
    back = Due("Rappeler/Demain 8 h")
    boxes = [Box("a", 1), Box("a", 1, back), Box("b", 2), Box("b", 1, back), Box("c", 1, RECALLED)]
    assert list(moves.batches(boxes)) == [[boxes[0], boxes[2]], [boxes[1], boxes[3]], [boxes[4]]]
