"""Messages that were kept apart: how they are listed, and released."""

import json
import subprocess
from typing import Any

import pytest
from malleposte.accounts.mailbox.quarantine import LEARNED, MOST, Held, find, release
from malleposte.core.errors import InputError, MallepostError


class Dovecot:
    """Remembers what was run; a fetch gives the rows."""

    def __init__(self, *rows: dict[str, str]) -> None:
        self.rows, self.ran, self.full = rows, list[list[str]](), False

    def __call__(self, *words: str, **_options: Any) -> subprocess.CompletedProcess[str]:
        self.ran.append(list(words))
        if self.full and words[0] == "move":
            raise MallepostError("doveadm move: the box is damaged")
        if "search" in words:
            return subprocess.CompletedProcess(words, 0, json.dumps([{"uid": one["uid"]} for one in self.rows]), "")
        if "UID" in words and "fetch" in words:
            numbers = words[-1].split(",")
            asked = [one for one in self.rows if one["uid"] in numbers]
            return subprocess.CompletedProcess(words, 0, json.dumps(asked), "")
        return subprocess.CompletedProcess(words, 0, json.dumps(self.rows if "fetch" in words else []), "")

    def acts(self) -> list[list[str]]:
        return [words for words in self.ran if not {"fetch", "search"} & set(words)]


def row(number: int, header: str, saved: str = "2026-10-02 10:00:00") -> dict[str, str]:
    return {
        "uid": str(number), "hdr.from.utf8": "Ami <ami@lointain.test>", "hdr.subject.utf8": "Été", "date.saved": saved,
        "hdr.x-malleposte-quarantine": header, "text": f"Subject: {number}", "size.physical": "4000",
    }  # fmt: skip


def test_they_are_listed_the_latest_first_with_the_reasons_that_are_known() -> None:
    dovecot = Dovecot(row(1, "quarantine score archive"), row(2, "sealed form <b>", "2026-10-03 10:00:00"))
    assert find("mdupond", "quarantine", dovecot) == [
        Held("2", "Ami <ami@lointain.test>", "Été", "2026-10-03 10:00:00", ("form",)),
        Held("1", "Ami <ami@lointain.test>", "Été", "2026-10-02 10:00:00", ("score", "archive")),
    ]
    assert dovecot.ran[0][-3:] == ["mailbox", "Quarantaine", "ALL"]
    find("mdupond", "sealed", dovecot)
    assert dovecot.ran[2][-3:] == ["mailbox", ".SEALED/dangerous", "ALL"]
    assert find("mdupond", "sealed", Dovecot()) == []


def test_of_a_flood_the_latest_alone_are_opened() -> None:
    dovecot = Dovecot(*(row(number, "quarantine score") for number in range(1, MOST + 3)))
    found = find("mdupond", "quarantine", dovecot)
    assert (len(found), found[0].ident) == (MOST, str(MOST + 2))
    opened = next(words[-1] for words in dovecot.ran if "fetch" in words).split(",")
    assert len(opened) == MOST and "1" not in opened


def test_a_release_moves_counts_anew_and_teaches() -> None:
    dovecot, learned = Dovecot(row(1, "quarantine score"), row(2, "quarantine score")), list[str]()
    assert release("mdupond", "quarantine", ["1", "2", "1"], dovecot, learned.append) == 2
    assert dovecot.acts() == [
        ["move", "-u", "mdupond", "--", "INBOX", "mailbox", "Quarantaine", "UID", "1,2"],
        ["quota", "recalc", "-u", "mdupond"],
    ]
    assert learned == ["Subject: 1", "Subject: 2"]


def test_no_large_message_is_read_and_no_two_at_once() -> None:
    rows = [row(number, "quarantine score") for number in (1, 2, 3)]
    rows[1]["size.physical"] = str(LEARNED + 1)
    dovecot, learned = Dovecot(*rows), list[str]()
    assert release("mdupond", "quarantine", ["1", "2", "3"], dovecot, learned.append) == 3
    texts = [words for words in dovecot.ran if "fetch" in words and "text" in " ".join(words).split()]
    assert [words[-1] for words in texts] == ["1", "3"] and learned == ["Subject: 1", "Subject: 3"]


def test_nothing_is_learned_of_what_does_not_move() -> None:
    dovecot, learned = Dovecot(row(1, "quarantine score")), list[str]()
    dovecot.full = True
    with pytest.raises(MallepostError):
        release("mdupond", "quarantine", ["1"], dovecot, learned.append)
    assert learned == []


@pytest.mark.parametrize("idents", [["9"], ["1", "9"], ["0"], ["1,2"], ["-A"], ["*"], []])
def test_what_is_not_there_or_no_number_moves_nothing(idents: list[str]) -> None:
    dovecot = Dovecot(row(1, "quarantine score"))
    with pytest.raises(InputError):
        release("mdupond", "quarantine", idents, dovecot, [].append)
    assert dovecot.acts() == []


def test_another_place_and_another_name_are_refused() -> None:
    dovecot = Dovecot()
    for uid, place in (("mdupond", "INBOX"), ("-A", "quarantine")):
        with pytest.raises(InputError):
            find(uid, place, dovecot)
    assert dovecot.ran == []
