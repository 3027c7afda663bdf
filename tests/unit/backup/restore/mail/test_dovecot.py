"""Requests of a restore to doveadm: which words, for which folders."""

import subprocess
from pathlib import Path

import pytest
from malleposte.adapters import dovecot
from malleposte.backup.restore.mail import dovecot as restore_dovecot


def test_a_box_that_came_back_is_indexed_for_search_in_the_background(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, ...]] = []

    def doveadm(*words: str, **_options: object) -> subprocess.CompletedProcess[str]:
        asked.append(words)
        return subprocess.CompletedProcess(words, 0, f"{tmp_path}\n" if words[0] == "user" else "", "")

    for module in (dovecot, restore_dovecot):
        monkeypatch.setattr(module, "doveadm", doveadm)
    for name, held in (("", True), (".Réunions", True), (".Vide", False)):
        (tmp_path / "Maildir" / name / "cur").mkdir(parents=True)
        if held:
            (tmp_path / "Maildir" / name / "cur" / "1.x:2,S").write_bytes(b"")
    restore_dovecot.Dovecot().renew("mdupond", {"INBOX": 12})
    queued = [words for words in asked if words[0] == "index"]
    assert queued == [("index", "-q", "-u", "mdupond", "--", name) for name in ("INBOX", "Réunions")]
    numbered = [words for words in asked if words[:2] == ("mailbox", "update")]
    assert [words[-1] for words in numbered] == ["INBOX", "Réunions"] and asked.index(numbered[-1]) < asked.index(
        queued[0]
    )
