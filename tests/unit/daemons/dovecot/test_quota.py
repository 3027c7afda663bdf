"""Sums of quotas that go after commands of clients, and the bound of what was deleted for good."""

import asyncio
import socket
import time
from pathlib import Path

import pytest
from malleposte.daemons.dovecot import quota
from malleposte.platform import expunged
from malleposte.platform.mailstore import home_of


def command(user: str, name: str, arguments: str = "") -> str:
    return f"field:user={user}\tfield:cmd_name={name}\tfield:cmd_args={arguments}\n"


def summed(store: Path, *uids: str) -> list[Path]:
    files = [home_of(uid, store) / "Maildir" / "maildirsize" for uid in uids]
    for one in files:
        one.parent.mkdir(parents=True, exist_ok=True)
        one.write_text("5242880000S\n0 0\n", "utf-8")
    return files


def message(folder: Path, filed: int, size: int, *, flags: str = ":2,S") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{filed}.M1P2.mail1,S={size},W={size + 5}{flags}"
    path.touch()
    return path


def listen(store: Path, lines: str, most: int = 1000, *, paused: bool = False) -> quota.Listener:
    """Hand the lines over as Dovecot does, and give the listener time for what they ask."""

    async def run() -> quota.Listener:
        listener = quota.Listener(store, most, (60.0, 60.0) if paused else (0.0, 0.0))
        theirs, ours = socket.socketpair()
        ours.close()
        reader, writer = await asyncio.open_unix_connection(sock=theirs)
        writer.close()
        reader = asyncio.StreamReader(limit=quota.LONGEST)
        reader.feed_data(lines.encode())
        reader.feed_eof()
        await listener._read(reader, writer)
        await asyncio.sleep(0.05)
        if paused:
            assert listener.waiting
            listener.finish()
        return listener

    return asyncio.run(run())


@pytest.mark.parametrize(
    ("user", "name", "arguments", "gone"),
    [
        ("mdupond", "UID MOVE", "1:* INBOX", {"mdupond"}),
        ("mdupond", "MOVE", '1 "Archives/Mon dossier"', {"mdupond"}),
        ("mdupond", "UID REPLACE", "8 INBOX <20 byte literal>", {"mdupond"}),
        ("mdupond", "UID MOVE", "1:* Partages/ce.9990001x/Dossier", {"mdupond", "ce.9990001x"}),
        ("mdupond", "MOVE", '3 "Partages/ce.9990001x"', {"mdupond", "ce.9990001x"}),
        ("mdupond", "REPLACE", '3 "Partages/ce.9990001x/A \\"b" (\\Seen) <9 byte literal>', {"mdupond", "ce.9990001x"}),
        ("mdupond", "UID COPY", "1:* Partages/ce.9990001x/Dossier", set()),
        ("mdupond", "UID EXPUNGE", "1:*", set()),
        ("../mdupond", "MOVE", "1 INBOX", set()),
    ],
)
def test_the_sums_go_that_a_command_may_have_made_wrong(
    tmp_path: Path, user: str, name: str, arguments: str, gone: set[str]
) -> None:
    uids = ("mdupond", "ce.9990001x", "autre")
    files = summed(tmp_path, *uids)
    listen(tmp_path, command(user, name, arguments))
    assert {uid for uid, file in zip(uids, files, strict=True) if not file.exists()} == gone


def test_what_waits_at_the_end_is_done(tmp_path: Path) -> None:
    (file,) = summed(tmp_path, "mdupond")
    listen(tmp_path, command("mdupond", "MOVE", "1 INBOX"), paused=True)
    assert not file.exists()


def test_commands_of_one_box_count_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dropped: list[str] = []
    monkeypatch.setattr(quota.Listener, "set_right", lambda _self, uid: dropped.append(uid))
    listen(tmp_path, command("mdupond", "UID MOVE", "1 INBOX") * 50 + command("autre", "MOVE", "1 INBOX"))
    assert sorted(dropped) == ["autre", "mdupond"]


def test_a_box_that_cannot_be_touched_stops_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (home_of("casse", tmp_path) / "Maildir" / "maildirsize").mkdir(parents=True)
    (file,) = summed(tmp_path, "mdupond")
    monkeypatch.setattr(quota, "MOST", 0)
    listen(tmp_path, command("casse", "MOVE", "1 INBOX") + command("mdupond", "MOVE", "1 INBOX"))
    assert not file.exists() and "<4>casse: set_right: " in "".join(capsys.readouterr())


def test_the_oldest_of_what_was_deleted_ends_beyond_the_bound(tmp_path: Path) -> None:
    home = home_of("mdupond", tmp_path) / "expunged"
    files = [
        message(home / f".mail.{name}" / part, filed, 300)
        for filed, (name, part) in enumerate((("INBOX", "cur"), ("Projets", "new"), ("INBOX", "cur"), ("INBOX", "new")))
    ]
    other = message(home_of("autre", tmp_path) / "expunged" / ".mail.INBOX" / "cur", 1, 5000)
    listen(tmp_path, command("mdupond", "UID EXPUNGE", "1"), most=1200)
    assert all(one.exists() for one in files)
    listen(tmp_path, command("mdupond", "CLOSE"), most=1100)
    # 990 octets are left at most: three messages of 300.
    assert [one.exists() for one in files] == [False, True, True, True] and other.exists()


def test_files_of_another_name_count_by_what_they_are(tmp_path: Path) -> None:
    folder = tmp_path / "expunged" / ".mail.INBOX" / "new"
    folder.mkdir(parents=True)
    (folder / "restored").write_bytes(b"x" * 900)
    new = message(folder, 4_000_000_000, 300)
    assert expunged.trim(tmp_path, 1000) == 1 and new.exists()
    assert expunged.trim(tmp_path, 1000) == 0 and expunged.trim(tmp_path / "nobody", 1) == 0


def test_a_line_without_an_end_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    listen(tmp_path, "x" * (quota.LONGEST * 2 + 1))
    assert "<4>" in "".join(capsys.readouterr())


def test_other_words_are_an_error_of_use(capsys: pytest.CaptureFixture[str]) -> None:
    assert quota.main([]) == quota.main(["/srv/mail", "viel"]) == 2
    assert "usage: dovecot-quota STORE MEGABYTES" in capsys.readouterr().err


def test_what_lives_in_another_folder_is_not_deleted(tmp_path: Path) -> None:
    home, now = home_of("mdupond", tmp_path), int(time.time())
    kept = message(home / "expunged" / ".mail.INBOX" / "cur", now, 10)
    moved, twice = (message(home / "Maildir" / ".Archives" / "cur", now + filed, 10) for filed in (2, 3))
    new = home / "expunged" / ".mail.INBOX" / "new"
    new.mkdir()
    copies = [new / f"{now + number}.M1P2.mail1,S=10" for number in range(4, 8)]
    old = new / f"{now - 3600}.M1P2.mail1,S=10"
    for copy, source in zip([*copies, old], [moved, twice, twice, moved, kept], strict=True):
        copy.hardlink_to(source)
    twice.unlink()  # it was deleted in two folders: both are the last
    listen(tmp_path, command("mdupond", "UID MOVE", "1 Archives"))
    assert [one.exists() for one in (kept, moved, *copies)] == [True, True, False, True, True, False]
    kept.rename(home / "Maildir" / ".Archives" / "cur" / kept.name)
    assert expunged.drop_living(home, now - 60) == 0 and old.exists(), "it was filed before"
    assert expunged.drop_living(home) == 1 and not old.exists()
    assert expunged.drop_living(tmp_path / "nobody") == 0
