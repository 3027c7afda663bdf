"""Messages that are sealed or were taken back come back by no restore; those that are like them do."""

from pathlib import Path
from typing import Any

import pytest
from malleposte.backup.restore.mail import box as boxes
from malleposte.backup.restore.mail import maildir, messages
from malleposte.backup.restore.mail import withheld as module
from malleposte.core.errors import InputError
from malleposte.deliveries import taken_back
from malleposte.deliveries.retracted import Box, Sign

from tests.support.vault import FolderVault

from .test_box import UID, Dovecot, letter, uidlist

QUEUE, OTHER = "4dLpz91CxGz9rxQ", "4dLpz91CxGz9rxR"
WAVE = """\
Return-Path: <pirate@x.test>
Received: from mail1.ac-exemple.test
\tby mail1 with LMTP
\tid abcdefg
Received: from mx.x.test (mx.x.test [192.0.2.7])
\tby mail1.ac-exemple.test (Postfix) with ESMTPS id {queue};
\tTue, 1 Dec 2026 08:00:00 +0100 (CET)
Message-ID: {ident}
Subject: {subject}

{subject}
"""


def wave(queue: str = QUEUE, ident: str = "<vague@x.test>", subject: str = "alerte") -> str:
    return WAVE.format(queue=queue, ident=ident, subject=subject)


@pytest.fixture
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "taken-back.json"
    monkeypatch.setattr(taken_back, "PATH", path)
    taken_back.note([Box(UID, (Sign(QUEUE, "Vague@x.test"),))])
    return path


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    """An archive of before the retraction: the wave in two folders and deleted, and honest mail that is like it."""
    home = tmp_path / "archive" / "srv" / "mail" / "aa" / UID
    inbox, seen = home / "Maildir", home / "Maildir" / ".À voir"
    letter(inbox, "a", wave())
    letter(inbox, "b", wave(OTHER, subject="another copy of that Message-ID"))
    letter(inbox, "c", wave(QUEUE, "<re@x.test>", "an answer through the same host"))
    letter(inbox, "d", f"Subject: about it\n\n{wave()}")
    letter(inbox, "e", "Subject: honnête\n\nhonnête")
    letter(seen, "f", wave(), "S")
    letter(home / "expunged" / ".mail.INBOX", "g", wave(), "S")
    uidlist(inbox, 7, 9, a=1, b=2, c=3, d=4, e=5)
    return home


def held(home: Path) -> set[str]:
    return {path.name.partition(",")[0] for path in home.rglob("*,S=*")}


def made(tmp_path: Path, archive: Path) -> tuple[Path, FolderVault]:
    """A live box of today, and a vault that has the archive under its name."""
    store = tmp_path / "srv" / "mail"
    home = store / "aa" / UID
    letter(home / "Maildir", "n", "new today")
    place = tmp_path / "vault" / str(store).lstrip("/")
    place.mkdir(parents=True)
    (archive.parent).rename(place / "aa")
    return home, FolderVault(tmp_path / "vault")


def bring(home: Path, vault: FolderVault, **wanted: Any) -> dict[str, int]:
    return messages.restore(UID, vault, Dovecot(home), messages.Query(**wanted), say=lambda _: None).counts


LEFT_OUT = "sealed or taken back, left out"


def test_a_folder_comes_back_without_what_was_taken_back(tmp_path: Path, archive: Path, noted: Path) -> None:
    home, vault = made(tmp_path, archive)
    assert bring(home, vault, folder="INBOX") == {"messages": 4, "already there": 0, LEFT_OUT: 1}
    assert held(home) == {"b", "c", "d", "e", "n"}


def test_all_messages_and_one_by_its_name_come_back_without_it(tmp_path: Path, archive: Path, noted: Path) -> None:
    home, vault = made(tmp_path, archive)
    for wanted in ({"uids": (1,), "folder": "INBOX"}, {"folder": "À voir"}):
        with pytest.raises(InputError, match="sealed or was taken back"):
            bring(home, vault, **wanted)
    assert held(home) == {"n"}
    assert bring(home, vault)[LEFT_OUT] == 2 and held(home) == {"b", "c", "d", "e", "n"}


def test_what_is_given_back_is_restored_again(tmp_path: Path, archive: Path, noted: Path) -> None:
    home, vault = made(tmp_path, archive)
    taken_back.forget([Box(UID, (Sign(QUEUE, "Vague@x.test"),))])
    assert bring(home, vault) == {"messages": 6, "already there": 0}
    assert held(home) == {"a", "b", "c", "d", "e", "f", "n"}


def test_what_is_sealed_in_the_box_stays_out_unless_it_was_released(tmp_path: Path, archive: Path) -> None:
    home, vault = made(tmp_path, archive)
    letter(home / "sealed" / ".dangerous", "s", "Subject: honnête\n\nhonnête")
    assert bring(home, vault, folder="INBOX") == {"messages": 4, "already there": 0, LEFT_OUT: 1}
    letter(home / "Maildir" / ".Projets", "r", "Subject: honnête\n\nhonnête")
    assert bring(home, vault, folder="INBOX") == {"messages": 1, "already there": 4}


def test_a_whole_box_comes_back_without_it_also_when_it_was_lost(tmp_path: Path, archive: Path, noted: Path) -> None:
    home, vault = made(tmp_path, archive)
    boxes.restore(UID, vault, Dovecot(home), say=lambda _: None)
    assert held(home) == {"b", "c", "d", "e", "n"}
    for path in sorted(home.rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    home.rmdir()
    boxes.restore(UID, vault, Dovecot(home), say=lambda _: None)
    assert held(home) == {"b", "c", "d", "e"}


def test_the_box_of_before_a_restore_comes_back_without_what_was_taken_since(
    tmp_path: Path, archive: Path, noted: Path
) -> None:
    home, vault = made(tmp_path, archive)
    taken_back.forget([Box(UID, (Sign(QUEUE, "Vague@x.test"),))])
    letter(home / "Maildir", "w", wave(subject="alerte, the copy of today"))
    letter(home / "Maildir", "x", "Subject: x\n\nsealed since")
    done = boxes.restore(UID, vault, Dovecot(home), say=lambda _: None)
    taken_back.note([Box(UID, (Sign(QUEUE, "Vague@x.test"),))])
    (there,) = home.rglob("x,S=*")
    letter(home / "sealed" / ".dangerous", "x", there.read_text())
    there.unlink()
    boxes.undo(UID, Path(done.aside).name, Dovecot(home))
    assert "w" not in held(home) and "n" in held(home)
    assert [path.parent.parent.name for path in home.rglob("x,S=*")] == [".dangerous"]


@pytest.mark.parametrize(
    ("text", "ident", "withheld"),
    [
        (wave(), "vague@x.test", True),
        (wave(ident="vague@x.test"), "vague@x.test", True),
        (wave().replace("Message-ID: ", "MESSAGE-ID:\n "), "VAGUE@x.test", True),
        (wave().replace("\n", "\r\n"), "vague@x.test", True),
        (wave(), "", True),
        (wave(ident=f"<{'v' * 300}@x>"), "v" * 200, True),
        (wave(OTHER), "vague@x.test", False),
        (wave(), "autre@x.test", False),
        (wave().replace("Received:", "X-Received:"), "vague@x.test", False),
    ],
)
def test_which_message_is_the_one_that_was_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, ident: str, withheld: bool
) -> None:
    monkeypatch.setattr(taken_back, "PATH", tmp_path / "taken-back.json")
    taken_back.note([Box(UID, (Sign(QUEUE, ident),))])
    letter(tmp_path / "Maildir", "a", text)
    here = list(maildir.messages(tmp_path / "Maildir"))
    assert (list(module.of(here, tmp_path)) == here) is withheld
