"""The boxes that hold expunged messages, and what Dovecot is told about them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from malleposte.core.errors import MallepostError
from malleposte.platform.mailstore import home_of
from malleposte.programs import dovecot_expunged


def test_only_boxes_that_hold_some_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    lists: list[str] = []

    def doveadm(*words: str, check: bool = True) -> None:
        asked.append(words)
        if words[0] == "expunge":
            lists.append(Path(words[2]).read_text("utf-8"))

    monkeypatch.setattr(dovecot_expunged, "doveadm", doveadm)
    home_of("sans", tmp_path).mkdir(parents=True)
    assert dovecot_expunged.main([str(tmp_path), "30"]) == 0
    assert asked == []
    (home_of("mdupond", tmp_path) / "expunged").mkdir(parents=True)
    assert dovecot_expunged.main([str(tmp_path), "30"]) == 0
    assert lists == ["mdupond\n"]
    assert asked[0][3:] == ("mailbox", "EXPUNGED/mail/*", "SAVEDBEFORE", "30d")
    assert dovecot_expunged.main([str(tmp_path), "0"]) == 0
    assert asked[1][3:] == ("mailbox", "EXPUNGED/mail/*", "ALL")
    assert dovecot_expunged.main([str(tmp_path)]) == 2


def test_folders_in_which_nothing_is_left_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(dovecot_expunged, "doveadm", lambda *words, **_options: asked.append(words))
    for name, held in ((".mail.INBOX", True), (".mail.Projets.2025", False)):
        new = home_of("mdupond", tmp_path) / "expunged" / name / "new"
        new.mkdir(parents=True)
        if held:
            (new / "1").touch()
    assert dovecot_expunged.main([str(tmp_path), "30"]) == 0
    assert asked[1:] == [("mailbox", "delete", "-u", "mdupond", "-e", "--", "EXPUNGED/mail/Projets/2025")]


def test_a_box_that_fails_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked: list[tuple[str, ...]] = []

    def doveadm(*words: str, check: bool = True) -> None:
        asked.append(words)
        if words[0] == "expunge":
            raise MallepostError("doveadm expunge: the box of anne is damaged")

    def looked(folder: Path) -> Iterator[str]:
        if folder.parent.name == "anne":
            raise PermissionError(13, "Permission denied")
        yield "EXPUNGED/mail/Projets"

    monkeypatch.setattr(dovecot_expunged, "doveadm", doveadm)
    monkeypatch.setattr(dovecot_expunged, "empty", looked)
    for uid in ("anne", "zoe"):
        (home_of(uid, tmp_path) / "expunged").mkdir(parents=True)
    assert dovecot_expunged.main([str(tmp_path), "30"]) == 1
    assert [words[3] for words in asked if words[:2] == ("mailbox", "delete")] == ["zoe"]
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "<3>expunged messages stay: doveadm expunge: the box of anne is damaged", "<3>anne: Permission denied",
    ]  # fmt: skip
