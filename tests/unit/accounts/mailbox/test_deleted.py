"""Messages deleted for good: the search, the identifiers, and where each comes back."""

import json
import subprocess
from typing import Any

import pytest
from malleposte.accounts.mailbox.deleted import Deleted, Wanted, find, parted, restore
from malleposte.core.errors import InputError


class Dovecot:
    """Remembers what was run; answers with the rows of the command."""

    def __init__(self, **rows: list[dict[str, str]]) -> None:
        self.rows, self.ran = rows, [[""]][:0]

    def __call__(self, *words: str, **_options: Any) -> subprocess.CompletedProcess[str]:
        self.ran.append(list(words))
        act = next((word for word in ("fetch", "search") if word in words), "")
        return subprocess.CompletedProcess(words, 0, json.dumps(self.rows.get(act, [])), "")


ROW = {
    "mailbox": ".EXPUNGED/mail/Projets/2026",
    "uid": "12",
    "hdr.from.utf8": "Ami <ami@lointain.test>",
    "hdr.subject.utf8": "Été",
    "date.received": "2026-01-01 10:00:00",
    "date.saved": "2026-01-02 10:00:00",
    "size.physical": "300",
}


def test_a_search_by_sender_subject_and_days() -> None:
    dovecot = Dovecot(fetch=[ROW, ROW | {"uid": "13", "date.saved": "2026-01-03 10:00:00"}])
    found = find("mdupond", Wanted("ami", "été", 7), dovecot)
    assert [one.ident for one in found] == ["Projets/2026:13", "Projets/2026:12"]
    assert found[1] == Deleted(
        "Projets/2026:12", "Projets/2026", "Ami <ami@lointain.test>", "Été", "2026-01-01 10:00:00",
        "2026-01-02 10:00:00", 300,
    )  # fmt: skip
    words = dovecot.ran[0]
    assert words[words.index("mailbox", 6) :] == [
        *("mailbox", ".EXPUNGED/mail/*", "HEADER", "FROM", "ami", "HEADER", "SUBJECT", "été", "SAVEDSINCE", "7d"),
    ]


def test_each_message_comes_back_to_its_folder_and_what_was_thrown_away_to_the_inbox() -> None:
    dovecot = Dovecot(search=[{"uid": "12"}, {"uid": "3"}])
    assert restore("mdupond", ["Projets:12", "Corbeille:3"], dovecot) == {"Projets": 1, "INBOX": 1}
    moves = [words for words in dovecot.ran if words[0] == "move"]
    assert moves == [
        ["move", "-u", "mdupond", "--", "Projets", "mailbox", ".EXPUNGED/mail/Projets", "UID", "12"],
        ["move", "-u", "mdupond", "--", "INBOX", "mailbox", ".EXPUNGED/mail/Corbeille", "UID", "3"],
    ]
    assert ["mailbox", "create", "-u", "mdupond", "-s", "--", "Projets"] in dovecot.ran
    assert dovecot.ran[-1] == ["quota", "recalc", "-u", "mdupond"]


@pytest.mark.parametrize("word", ["-A", "-uautre", "--help", "-F/etc/passwd"])
def test_no_word_of_an_agent_is_an_option(word: str) -> None:
    dovecot = Dovecot(fetch=[], search=[{"uid": "12"}])
    find("mdupond", Wanted(word, word), dovecot)
    restore("mdupond", [f"{word}:12"], dovecot)
    for words in dovecot.ran:
        if word in words:
            assert words.index("--") < words.index(word), words
    assert [words[0] for words in dovecot.ran] == ["-f", "-f", "mailbox", "move", "quota"]


def test_a_message_that_is_gone_is_told_and_nothing_moves() -> None:
    dovecot = Dovecot(search=[{"uid": "12"}])
    with pytest.raises(InputError, match="Projets:13 is not there"):
        restore("mdupond", ["Projets:12", "Projets:13"], dovecot)
    assert not [words for words in dovecot.ran if words[0] == "move"]


@pytest.mark.parametrize("ident", ["", "Projets", "Projets:0", "*:1", "Projets:1,2", "a:b:1", "Pro\njets:1"])
def test_what_is_no_message_is_refused(ident: str) -> None:
    with pytest.raises(InputError, match="is no message"):
        parted([ident])
