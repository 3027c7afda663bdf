"""The folders that are indexed for search by night: those with many messages, whatever brought them."""

from __future__ import annotations

from pathlib import Path

import pytest
from malleposte.adapters import dovecot
from malleposte.platform.mailstore import home_of
from malleposte.programs import dovecot_index


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    monkeypatch.setattr(dovecot, "doveadm", lambda *words, **_options: found.append(words))
    return found


def folder(store: Path, uid: str, name: str, messages: int) -> Path:
    made = home_of(uid, store) / "Maildir" / name
    made.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{number} S1:{number}.M1P1.mail1,S=1\n" for number in range(messages))
    (made / "dovecot-uidlist").write_text(f"3 V1 N{messages + 1} G1\n{lines}")
    return made


def test_folders_with_so_many_messages_are_indexed(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    folder(tmp_path, "mdupond", "", 20)
    folder(tmp_path, "mdupond", ".Réunions.2025", 25)
    folder(tmp_path, "mdupond", ".Petit", 19)
    folder(tmp_path, "jdoe", "", 3)
    home_of("neuf", tmp_path).mkdir(parents=True)
    assert dovecot_index.main([str(tmp_path), "20"]) == 0
    assert asked == [("index", "-u", "mdupond", "--", "INBOX"), ("index", "-u", "mdupond", "--", "Réunions/2025")]


def test_a_night_has_an_end_and_is_no_failure(
    tmp_path: Path, asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder(tmp_path, "mdupond", "", 20)
    monkeypatch.setattr(dovecot_index, "NIGHT", -1.0)
    assert dovecot_index.main([str(tmp_path), "20"]) == 0
    assert asked == [] and "goes on from mdupond" in capsys.readouterr().err


def test_what_is_no_box_and_no_list_is_left(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    folder(tmp_path, "mdupond", "", 20)
    outside = tmp_path / "ailleurs"
    outside.write_text("1\n" * 500)
    (folder(tmp_path, "mdupond", ".Lien", 1) / "dovecot-uidlist").unlink()
    (home_of("mdupond", tmp_path) / "Maildir/.Lien/dovecot-uidlist").symlink_to(outside)
    folder(tmp_path, "mdupond", "", 20).parent.rename(home_of("mdupond", tmp_path).parent / "-Aroot")
    assert dovecot_index.main([str(tmp_path), "20"]) == 0
    assert asked == []


def test_bad_words_are_refused(tmp_path: Path) -> None:
    assert dovecot_index.main([str(tmp_path)]) == 2 == dovecot_index.main([str(tmp_path), "-u"])
