"""The night job of the mail store: boxes that hold expunged messages, and large folders to be indexed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from malleposte.adapters import dovecot
from malleposte.core.errors import MallepostError
from malleposte.daemons.dovecot import nightly
from malleposte.platform.mailstore import DANGEROUS, home_of

INDEXING = "mail_plugins=mail_compress fts fts_flatcurve"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, ...]]:
    found: list[tuple[str, ...]] = []
    monkeypatch.setattr(dovecot, "doveadm", lambda *words, **_options: found.append(words))
    return found


def test_only_boxes_that_hold_some_are_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    lists: list[str] = []

    def doveadm(*words: str, check: bool = True, timeout: float | None = None) -> None:
        asked.append(words)
        if words[0] == "expunge":
            lists.append(Path(words[2]).read_text("utf-8"))

    monkeypatch.setattr(dovecot, "doveadm", doveadm)
    home_of("sans", tmp_path).mkdir(parents=True)
    assert nightly.main([str(tmp_path), "30", "30", "5000"]) == 0
    assert asked == []
    (home_of("mdupond", tmp_path) / "expunged").mkdir(parents=True)
    assert nightly.main([str(tmp_path), "30", "30", "5000"]) == 0
    assert lists == ["mdupond\n"]
    assert asked[0][3:] == ("mailbox", ".EXPUNGED/*", "SAVEDBEFORE", "30d")
    assert nightly.main([str(tmp_path), "0", "30", "5000"]) == 0
    assert asked[1][3:] == ("mailbox", ".EXPUNGED/*", "ALL")


def test_an_account_that_cannot_be_looked_up_keeps_nobody_else_s_messages(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """doveadm 2.4.1 ends at the first such user, and looks at nobody behind."""
    emptied = set[str]()

    def doveadm(*words: str, **_options: object) -> None:
        for uid in Path(words[2]).read_text("utf-8").split() if words[0] == "expunge" else ():
            if uid == "carl":
                raise MallepostError("doveadm expunge: cmd expunge: Failed to iterate through some users")
            emptied.add(uid)

    monkeypatch.setattr(dovecot, "doveadm", doveadm)
    for uid in ("anne", "berthe", "carl", "denis", "emile"):
        (home_of(uid, tmp_path) / "sealed").mkdir(parents=True)
    assert nightly.main([str(tmp_path), "30", "30", "5000"]) == 1
    assert emptied == {"anne", "berthe", "denis", "emile"}
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("<3>sealed messages of carl stay: ")


def test_folders_in_which_nothing_is_left_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[str, ...]] = []
    monkeypatch.setattr(dovecot, "doveadm", lambda *words, **_options: asked.append(words))
    for name, held in ((".mail.INBOX", True), (".mail.Projets.2025", False)):
        new = home_of("mdupond", tmp_path) / "expunged" / name / "new"
        new.mkdir(parents=True)
        if held:
            (new / "1").touch()
    assert nightly.main([str(tmp_path), "30", "30", "5000"]) == 0
    assert asked[1:] == [("mailbox", "delete", "-u", "mdupond", "-e", "--", ".EXPUNGED/mail/Projets/2025")]


def test_sealed_messages_end_at_their_own_time(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    for name in ("dangerous", "retracted"):
        (home_of("mdupond", tmp_path) / "sealed" / f".{name}" / "new").mkdir(parents=True)
    (home_of("mdupond", tmp_path) / "sealed/.retracted/new/1").touch()
    assert nightly.main([str(tmp_path), "0", "21", "5000"]) == 0
    removal, ended = asked
    assert removal[3:] == ("mailbox", ".SEALED/*", "SAVEDBEFORE", "21d")
    assert ended == ("mailbox", "delete", "-u", "mdupond", "-e", "--", DANGEROUS)


def refusing(monkeypatch: pytest.MonkeyPatch, reason: str) -> list[tuple[str, ...]]:
    """Have doveadm expunge nothing; what it was asked."""
    asked: list[tuple[str, ...]] = []

    def doveadm(*words: str, **_options: object) -> None:
        asked.append(words)
        if words[0] == "expunge":
            raise MallepostError(reason)

    monkeypatch.setattr(dovecot, "doveadm", doveadm)
    return asked


def test_a_box_that_fails_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def looked(_place: nightly.Place, home: Path) -> Iterator[str]:
        if home.name == "anne":
            raise PermissionError(13, "Permission denied")
        yield ".EXPUNGED/mail/Projets"

    asked = refusing(monkeypatch, "doveadm expunge: the box of anne is damaged")
    monkeypatch.setattr(nightly.Place, "empty", looked)
    for uid in ("anne", "zoe"):
        (home_of(uid, tmp_path) / "expunged").mkdir(parents=True)
    assert nightly.main([str(tmp_path), "30", "30", "5000"]) == 1
    assert [words[3] for words in asked if words[:2] == ("mailbox", "delete")] == ["zoe"]
    told = capsys.readouterr().err.splitlines()
    assert told == [
        "<3>expunged messages stay: doveadm expunge: the box of anne is damaged", "<3>anne: Permission denied",
    ]  # fmt: skip


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
    assert nightly.main([str(tmp_path), "30", "30", "20"]) == 0
    assert asked == [("-o", INDEXING, "index", "-u", "mdupond", "--", name) for name in ("INBOX", "Réunions/2025")]


def test_a_night_has_an_end_and_is_no_failure(
    tmp_path: Path, asked: list[tuple[str, ...]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    folder(tmp_path, "mdupond", "", 20)
    monkeypatch.setattr(nightly, "LONGEST", -1.0)
    assert nightly.main([str(tmp_path), "30", "30", "20"]) == 0
    assert asked == [] and "goes on from mdupond" in capsys.readouterr().err


def test_what_is_no_box_and_no_list_is_left(tmp_path: Path, asked: list[tuple[str, ...]]) -> None:
    folder(tmp_path, "mdupond", "", 20)
    outside = tmp_path / "ailleurs"
    outside.write_text("1\n" * 500)
    (folder(tmp_path, "mdupond", ".Lien", 1) / "dovecot-uidlist").unlink()
    (home_of("mdupond", tmp_path) / "Maildir/.Lien/dovecot-uidlist").symlink_to(outside)
    folder(tmp_path, "mdupond", "", 20).parent.rename(home_of("mdupond", tmp_path).parent / "-Aroot")
    assert nightly.main([str(tmp_path), "30", "30", "20"]) == 0
    assert asked == []


def test_bad_words_are_refused(tmp_path: Path) -> None:
    assert nightly.main([str(tmp_path), "30", "30"]) == 2 == nightly.main([str(tmp_path), "30", "-u", "20"])


def test_a_half_that_fails_leaves_the_other_to_be_done(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = refusing(monkeypatch, "doveadm expunge: no answer")
    folder(tmp_path, "mdupond", "", 20)
    (home_of("mdupond", tmp_path) / "expunged").mkdir()
    assert nightly.main([str(tmp_path), "30", "30", "20"]) == 1
    assert asked[-1] == ("-o", INDEXING, "index", "-u", "mdupond", "--", "INBOX")
    assert capsys.readouterr().err.splitlines() == ["<3>expunged messages stay: doveadm expunge: no answer"]
