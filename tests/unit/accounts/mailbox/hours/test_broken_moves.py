"""Moves that were broken off: by GUIDs, and by files where Dovecot had noted none."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.mailbox.hours import broken_moves, messages
from malleposte.platform.mailstore import home_of

UID, SOURCE = "mdupond", "Hors horaires"
MAILDIR = {SOURCE: ".Hors horaires", "INBOX": "", "Archives/2024": ".Archives.2024"}


class Dovecot:
    """A box whose folders hold messages: file, GUID, flags; without a GUID it is that of the file."""

    def __init__(self, root: Path) -> None:
        self.maildir = home_of(UID, root) / "Maildir"
        self.folders: dict[str, list[dict[str, str]]] = {name: [] for name in MAILDIR}
        self.closed = False

    def put(self, folder: str, name: str, guid: str = "", flags: str = "", like: str = "") -> None:
        """Add a message, as a link to that of the same box in `like`."""
        letters = "".join(one[1] for one in flags.split())
        path = (
            self.maildir
            / MAILDIR[folder]
            / ("cur" if letters else "new")
            / (f"{name}:2,{letters}" if letters else name)
        )
        path.parent.mkdir(parents=True, exist_ok=True)
        if like:
            path.hardlink_to(next(self.maildir.rglob(f"{like}*")))
        else:
            path.write_text("x")
        number = str(len(self.folders[folder]) + 1)
        self.folders[folder].append({"uid": number, "guid": guid or name, "storageid": name, "flags": flags})

    def run(self, *words: str, also: Sequence[int] = (), **_options: Any) -> subprocess.CompletedProcess[str]:
        code, out = 0, ""
        folder = words[words.index("mailbox") + 1]
        if self.closed:
            code = messages.CLOSED
        elif words[0] == "expunge":
            gone = words[-1].split(",")
            self.folders[folder] = [one for one in self.folders[folder] if one["uid"] not in gone]
        else:
            out = json.dumps(self.folders[folder])
        assert code == 0 or code in also
        return subprocess.CompletedProcess(list(words), code, out, "")

    def names(self, folder: str) -> list[str]:
        return [one["storageid"] for one in self.folders[folder]]


@pytest.fixture
def box(tmp_path: Path) -> Dovecot:
    return Dovecot(tmp_path)


def test_what_was_noted_in_the_other_folder_leaves_the_first(box: Dovecot, tmp_path: Path) -> None:
    for number in (1, 2, 3):
        box.put(SOURCE, f"10{number}.M1", f"g{number}")
    box.put("INBOX", "201.M1", "g1", like="101.M1")
    box.put("INBOX", "203.M1", "g3", "\\Seen", like="103.M1")
    broken_moves.mend(UID, SOURCE, "INBOX", box.run, root=tmp_path)
    assert box.names(SOURCE) == ["102.M1"] and box.names("INBOX") == ["201.M1", "203.M1"]


def test_what_was_linked_and_not_noted_moves_anew(box: Dovecot, tmp_path: Path) -> None:
    for number in (1, 2):
        box.put(SOURCE, f"10{number}.M1", f"g{number}", "\\Flagged")
    box.put("INBOX", "50.M1")
    box.put("INBOX", "202.M1", flags="\\Flagged \\Recent", like="102.M1")
    box.put("INBOX", "201.M1", flags="\\Flagged", like="101.M1")
    broken_moves.mend(UID, SOURCE, "INBOX", box.run, root=tmp_path)
    assert box.names(SOURCE) == ["101.M1", "102.M1"] and box.names("INBOX") == ["50.M1"]


def test_one_that_somebody_read_there_meanwhile_stays(box: Dovecot, tmp_path: Path) -> None:
    box.put(SOURCE, "101.M1", "g1")
    box.put("INBOX", "201.M1", flags="\\Seen", like="101.M1")
    broken_moves.mend(UID, SOURCE, "INBOX", box.run, root=tmp_path)
    assert box.names(SOURCE) == [] and box.names("INBOX") == ["201.M1"]


def test_messages_that_are_not_meant_stay_in_both(box: Dovecot, tmp_path: Path) -> None:
    for number in (1, 2):
        box.put("INBOX", f"10{number}.M1", f"g{number}")
        box.put("Archives/2024", f"20{number}.M1", f"g{number}", like=f"10{number}.M1")
    broken_moves.mend(UID, "INBOX", "Archives/2024", box.run, root=tmp_path, among={"g2"})
    assert box.names("INBOX") == ["101.M1"] and len(box.names("Archives/2024")) == 2


def test_a_closed_box_is_said(box: Dovecot, tmp_path: Path) -> None:
    box.closed = True
    with pytest.raises(messages.ClosedError, match="the mailbox of mdupond is closed"):
        broken_moves.mend(UID, SOURCE, "INBOX", box.run, root=tmp_path)
