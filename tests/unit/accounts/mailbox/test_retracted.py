"""Copies of a message in boxes: what doveadm is asked, and how copies come back."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.mailbox import retracted
from malleposte.accounts.mailbox.retracted import AT_ONCE, SIGNS
from malleposte.core.errors import MallepostError
from malleposte.deliveries.retracted import Box, Copy, Sign

WAVE = Sign("7E2201029D4", "vague@lointain.test")


class Dovecot:
    """Answers each command with the next rows of its kind, and remembers what was run and which boxes were named."""

    def __init__(self, *fetched: list[dict[str, str]]) -> None:
        self.fetched, self.ran, self.users = list(fetched), [[""]][:0], [[""]][:0]
        self.failing: dict[str, str] = {}
        self.code = retracted.PARTLY

    def __call__(self, *words: str, **_options: Any) -> subprocess.CompletedProcess[str]:
        self.ran.append(list(words))
        if "-F" in words:
            self.users.append(Path(words[words.index("-F") + 1]).read_text().split())
        if "-u" in words and words[words.index("-u") + 1] in self.failing and "fetch" in words:
            raise MallepostError(f"doveadm fetch: {self.failing[words[words.index('-u') + 1]]}")
        rows = self.fetched.pop(0) if "fetch" in words and self.fetched else []
        if "-F" in words and self.failing and "fetch" in words:
            said = "".join(f"doveadm({uid})<7><>: {why}\n" if uid else why for uid, why in self.failing.items())
            return subprocess.CompletedProcess(words, self.code, json.dumps(rows), said)
        return subprocess.CompletedProcess(words, 0, json.dumps(rows) if "fetch" in words else "", "")


def row(user: str, mailbox: str = "INBOX", guid: str = "g1", flags: str = "") -> dict[str, str]:
    return {"user": user, "mailbox": mailbox, "guid": guid, "flags": flags}


def test_a_message_is_looked_for_by_both_its_signs_in_folders_and_among_what_was_deleted() -> None:
    dovecot = Dovecot([row("mdupond", flags="\\Seen \\Recent")], [row("jmartin", ".EXPUNGED/mail/INBOX", "g2")])
    found = retracted.find([Box("mdupond", (WAVE,)), Box("jmartin", (WAVE,))], dovecot)
    assert found == [Copy("mdupond", "INBOX", "g1", seen=True), Copy("jmartin", ".EXPUNGED/mail/INBOX", "g2")]
    assert dovecot.users == [["mdupond", "jmartin"]] * 3
    first, second, third = (words[words.index("--") + 2 :] for words in dovecot.ran)
    by_both = ["(", "(", "HEADER", "Message-ID", "vague@lointain.test", "HEADER", "Received", "7E2201029D4", ")", ")"]
    assert first == ["mailbox", "*", "NOT", "mailbox", "Partages/*", "SAVEDSINCE", "1970-01-01", *by_both]
    assert second == ["mailbox", ".EXPUNGED/*", "SAVEDSINCE", "1970-01-01", *by_both]
    assert third == ["mailbox", ".EXPUNGED/INBOX", "SAVEDSINCE", "1970-01-01", *by_both]


def test_what_is_still_there_after_the_move_is_said() -> None:
    dovecot = Dovecot([row("mdupond")], [])
    assert retracted.seal([Box("mdupond", (WAVE,))], dovecot) == [Copy("mdupond", "INBOX", "g1")]
    assert [words[0] if words[0] != "-f" else words[2] for words in dovecot.ran] == ["move"] * 3 + ["fetch"] * 3
    assert dovecot.ran[0][4:6] == [".SEALED/retracted", "mailbox"]


def test_copies_come_back_to_their_folders_by_what_tells_them_apart() -> None:
    """One message lay in two folders, read in one of them; another is not there any more."""
    sealed = [{"uid": "1", "guid": "g1", "flags": ""}, {"uid": "2", "guid": "g1", "flags": "\\Seen"}]
    dovecot = Dovecot(sealed)
    copies = [Copy("m", "INBOX", "g1", seen=True), Copy("m", "À voir", "g1"), Copy("m", "Archives", "g9")]
    assert retracted.unseal(copies, dovecot) == [Copy("m", "Archives", "g9")]
    moves = [(words[4], words[-1]) for words in dovecot.ran if words[0] == "move"]
    assert sorted(moves) == [("INBOX", "2"), ("À voir", "1")]
    assert ["mailbox", "create", "-u", "m", "-s", "--", "À voir"] in dovecot.ran
    assert ["mailbox", "create", "-u", "m", "-s", "--", "INBOX"] not in dovecot.ran
    assert dovecot.ran[-1] == ["quota", "recalc", "-u", "m"]


def test_a_message_that_was_moved_just_before_comes_back_to_its_folder_and_not_among_what_was_deleted() -> None:
    dovecot = Dovecot([{"uid": "1", "guid": "g1", "flags": ""}])
    deleted = Copy("m", ".EXPUNGED/mail/INBOX", "g1")
    assert retracted.unseal([deleted, Copy("m", "À voir", "g1")], dovecot) == [deleted]
    assert [words[4] for words in dovecot.ran if words[0] == "move"] == ["À voir"]


def test_a_box_that_could_not_be_opened_is_not_emptied() -> None:
    """The words of doveadm 2.4.1 on a suspended account, and on a damaged box: no code tells of either."""
    boxes, all_ = [Box(uid, (WAVE,)) for uid in ("mdupond", "jmartin", "zdurand")], {"mdupond", "jmartin", "zdurand"}
    for code, said in (
        (retracted.PARTLY, "Error: cmd fetch: Syncing mailbox INBOX failed: Permission denied"),
        (0, "Error: opendir(/srv/mail/x/Maildir) failed: Permission denied"),
        (0, "Info: cmd fetch: User no longer exists, skipping"),
    ):
        dovecot = Dovecot([row("mdupond")])
        dovecot.code, dovecot.failing = code, {"jmartin": said, "mdupond": "Info: all is well"}
        assert retracted.seal(boxes, dovecot) == [Copy("mdupond", "INBOX", "g1"), Copy("jmartin", "", "")]
    dovecot.code, dovecot.failing = retracted.PARTLY, {"": "no name is said"}
    assert {one.uid for one in retracted.seal(boxes, dovecot)} == all_
    dovecot.fetched = [[row("mdupond")]]
    assert retracted.find(boxes, dovecot) == [Copy("mdupond", "INBOX", "g1")], "a plan has what was seen"


def test_one_whose_look_up_ends_the_run_keeps_nobody_else_s_copy_in_place() -> None:
    """doveadm 2.4.1 ends at the first user whom it cannot look up, and looks at nobody behind."""
    ran = list[list[str]]()

    def run(*words: str, **_options: Any) -> subprocess.CompletedProcess[str]:
        users = Path(words[words.index("-F") + 1]).read_text().split()
        ran.append(users)
        if "a" not in users:
            rows = [row(users[0])] if "fetch" in words and users == ["c"] else []
            return subprocess.CompletedProcess(words, 0, json.dumps(rows), "")
        said = "doveadm(a): Error: cmd: User lookup failed\ndoveadm: Error: cmd: Failed to iterate through some users\n"
        return subprocess.CompletedProcess(words, retracted.PARTLY, "[]", said)

    left = retracted.seal([Box(uid, (WAVE,)) for uid in "abc"], run)
    assert {one.uid for one in left} == {"a", "c"} and Copy("a", "", "") in left
    assert ran[:4] == [["a", "b", "c"], ["a"], ["b"], ["c"]]


def test_a_box_that_takes_nothing_back_is_named_and_stops_no_other() -> None:
    dovecot = Dovecot([{"uid": "1", "guid": "g2", "flags": ""}])
    dovecot.failing["a"] = "user does not exist"
    with pytest.raises(MallepostError, match="1 boxes took nothing back: a: doveadm fetch: user does not exist"):
        retracted.unseal([Copy("a", "INBOX", "g1"), Copy("b", "INBOX", "g2")], dovecot)
    assert [words[2:5] for words in dovecot.ran if words[0] == "move"] == [["b", "--", "INBOX"]]


def test_a_process_looks_through_so_many_boxes_and_for_so_many_messages() -> None:
    alike = [Box(f"a{number}", (WAVE,)) for number in range(AT_ONCE + 1)]
    assert [len(batch) for batch in retracted.batches(alike)] == [AT_ONCE, 1]
    apart = [Box(f"a{number}", (Sign(f"Q{number}00000"),)) for number in range(SIGNS + 2)]
    assert [len(batch) for batch in retracted.batches(apart)] == [SIGNS, 2]
    assert list(retracted.batches([])) == []


def test_a_name_that_is_none_is_refused() -> None:
    with pytest.raises(MallepostError):
        retracted.find([Box("../x", (WAVE,))], Dovecot())
