"""A mailbox back into place: merged lists of UIDs, doubles, and an interruption at every step."""

import os
import shutil
from collections.abc import Callable
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import zstandard
from malleposte.backup.archive.archives import NoArchiveError
from malleposte.backup.archive.borg import BorgError
from malleposte.backup.restore import all as everything
from malleposte.backup.restore.mail import box as boxes
from malleposte.backup.restore.mail import maildir, messages, swap
from malleposte.backup.restore.model import Copy, Outcome
from malleposte.core.errors import InputError, MallepostError
from malleposte.platform.mailstore import utf7
from malleposte.runtime import zstd

from tests.support.vault import FolderVault

UID = "jdupont"


class Stopped(BaseException):
    """The process ends here."""


@pytest.fixture
def store(tmp_path: Path) -> Path:
    place = tmp_path / "srv/mail"
    place.mkdir(parents=True)
    return place


def letter(folder: Path, base: str, text: str, flags: str = "", part: str = "cur") -> None:
    (folder / part).mkdir(parents=True, exist_ok=True)
    (folder / part / f"{base},S={len(text)}{':2,' + flags if part == 'cur' else ''}").write_text(text)


def uidlist(folder: Path, validity: int, following: int, **uids: int) -> None:
    lines = [f"3 V{validity} N{following} Gabc"]
    sizes = {p.name.partition(",")[0]: maildir.split(p.name)[0] for p in maildir.files(folder)}
    lines += [f"{uid} :{sizes.get(base, base)}" for base, uid in uids.items()]
    (folder / "dovecot-uidlist").write_text("\n".join(lines) + "\n")


def archived(tmp_path: Path, store: Path) -> Path:
    """An archive: inbox with a and b (urgent), Réunions with c."""
    home = tmp_path / "archive" / str(store).lstrip("/") / "aa" / UID
    inbox, meetings = home / "Maildir", home / "Maildir" / ".Réunions"
    letter(inbox, "a", "alpha", "S")
    letter(inbox, "b", "bravo", "Sa")
    letter(meetings, "c", "charlie")
    uidlist(inbox, 7, 5, a=2, b=4)
    uidlist(meetings, 8, 2, c=1)
    (inbox / "dovecot-keywords").write_text("0 urgent\n")
    (inbox / "dovecot.index.log").write_text("old")
    (home / "sieve").mkdir()
    (home / ".dovecot.sieve").symlink_to("sieve/tri.sieve")
    return home


def live(store: Path) -> Path:
    """The box of today: a is gone, b lost its flags, d came (other keywords), c moved to the inbox as e."""
    home = store / "aa" / UID
    inbox = home / "Maildir"
    letter(inbox, "b", "bravo")
    letter(inbox, "d", "delta", "Fab")
    letter(inbox, "e", "charlie")
    letter(inbox, "f", "foxtrot", part="new")
    letter(inbox / ".Né", "g", "golf", "S")
    uidlist(inbox, 7, 9, b=4, d=6, e=8)
    uidlist(inbox / ".Né", 11, 4, g=3)
    (inbox / "dovecot-keywords").write_text("0 neuf\n1 urgent\n")
    return home


class Vault(FolderVault):
    """One with dumps too, which are empty."""

    def dump(self, name: str, into: Path) -> Copy:
        into.write_text("")
        return self.find(name)


class Dovecot:
    """Counts files; `stop` ends the process at that call."""

    def __init__(self, home: Path, stop: str = "") -> None:
        self.place, self.stop, self.subscribed = home, stop, []

    def _maybe(self, name: str) -> None:
        if self.stop == name:
            self.stop = ""
            raise Stopped(name)

    def home(self, uid: str) -> Path:
        return self.place

    def end_sessions(self, uid: str) -> int:
        self._maybe("end_sessions")
        assert swap.is_hold(self.place)
        return 1

    def modseqs(self, uid: str) -> dict[str, int]:
        self._maybe("modseqs")
        return {"INBOX": 12}

    def renew(self, uid: str, modseqs: dict[str, int]) -> None:
        self._maybe("renew")
        assert not swap.is_hold(self.place)

    def count(self, uid: str) -> int:
        return sum(1 for _ in maildir.messages(self.place / "Maildir"))

    def adopt(self, uid: str, tree: Path, parent: str) -> None:
        self._maybe("adopt")
        for folder in tree.iterdir():
            if folder.name.startswith("."):
                shutil.copytree(folder, self.place / "Maildir" / ("." + folder.name[1:]), dirs_exist_ok=True)
        for file in (tree / "cur").iterdir():
            shutil.copy2(file, self.place / "Maildir/cur" / file.name)

    def subscribe(self, uid: str, folders: list[str]) -> None:
        self.subscribed += folders


@pytest.fixture
def vault(tmp_path: Path, store: Path) -> Vault:
    archived(tmp_path, store)
    return Vault(tmp_path / "archive")


@pytest.fixture
def home(store: Path) -> Path:
    return live(store)


def restore(vault: Vault, dovecot: Dovecot, options: boxes.Options | None = None) -> Outcome:
    return boxes.restore(UID, vault, dovecot, options or boxes.Options(), lambda _: None)


def seen(home: Path) -> dict[str, dict[int | None, tuple[str, str]]]:
    """Text and flags by folder and UID; keywords by their names."""
    found: dict[str, dict[int | None, tuple[str, str]]] = {}
    for one in maildir.messages(home / "Maildir"):
        names = maildir.read_keywords(maildir.folder_path(home / "Maildir", one.folder))
        flags = "".join(f"[{names[ord(c) - 97]}]" if c.islower() else c for c in one.flags)
        found.setdefault(one.folder, {})[one.uid] = (one.path.read_text(), flags)
    return found


MERGED = {
    "INBOX": {
        2: ("alpha", "S"),
        4: ("bravo", "S[urgent]"),
        6: ("delta", "F[urgent][neuf]"),
        None: ("foxtrot", ""),
    },
    "Né": {3: ("golf", "S")},
    "Réunions": {1: ("charlie", "")},
}


def test_a_box_comes_back_and_keeps_what_only_it_had(store, vault, home):
    done = restore(vault, Dovecot(home))
    assert seen(home) == MERGED
    assert maildir.read_uidlist(home / "Maildir").following == 9
    assert maildir.read_uidlist(home / "Maildir/.Né").validity == 11
    assert done.counts == {"messages": 6, "newer kept": 3}
    assert not list(home.rglob("dovecot.index*"))
    assert (home / ".dovecot.sieve").is_symlink()
    assert seen(Path(done.aside))["INBOX"][8] == ("charlie", "")
    assert not list((store / ".malleposte-restore").iterdir())


@pytest.mark.parametrize("stop", ["modseqs", "end_sessions", "renew", "merge", "release", "finish", "link"])
def test_interrupted_anywhere_and_run_again_it_ends_in_the_same_place(store, stop, monkeypatch, vault, home):
    dovecot = Dovecot(home, stop)
    owners = {"merge": (boxes, "merge"), "release": (boxes.Box, "release"), "finish": (boxes.Box, "finish")}
    if stop in owners:
        place, name = owners[stop]
        real = getattr(place, name)

        def cut(*args, **kwargs):
            monkeypatch.setattr(place, name, real)
            if stop == "release":
                real(*args, **kwargs)
            raise Stopped(name)

        monkeypatch.setattr(place, name, cut)
    if stop == "link":
        link, made = os.link, []

        def once(*args):
            if len(made) == 1:
                monkeypatch.setattr(os, "link", link)
                raise Stopped("link")
            made.append(link(*args))

        monkeypatch.setattr(os, "link", once)
    with pytest.raises(Stopped):
        restore(vault, dovecot)
    assert (home / "Maildir").exists() or swap.is_hold(home)
    restore(vault, dovecot)
    assert seen(home) == MERGED
    kept = sorted((store / ".malleposte-aside" / UID).iterdir())
    assert any(8 in seen(path).get("INBOX", {}) for path in kept)
    if stop not in {"renew"}:
        assert vault.asked == 1


def test_a_lost_box_comes_back_and_no_uid_is_given_twice(store, vault):
    home = store / "aa" / UID
    done = restore(vault, Dovecot(home))
    assert maildir.read_uidlist(home / "Maildir").following == 5 + boxes.UID_GAP
    assert maildir.read_uidlist(home / "Maildir").uid("b,S=5") == 4
    assert (done.aside, done.undo) == ("", "")


def test_without_newer_and_discard(vault, home):
    options = boxes.Options(keep_newer=False, discard=True)
    done = restore(vault, Dovecot(home), options)
    assert set(seen(home)) == {"INBOX", "Réunions"} and set(seen(home)["INBOX"]) == {2, 4}
    assert maildir.read_uidlist(home / "Maildir").following == 9
    assert done.aside == ""


def test_what_is_sealed_today_stays_sealed_and_what_was_released_stays_out(tmp_path, store, vault, home):
    archive = tmp_path / "archive" / str(store).lstrip("/") / "aa" / UID
    letter(archive / "expunged" / ".mail.INBOX", "w", "whisky", "S")
    letter(archive / "sealed" / ".dangerous", "r", "released")
    letter(home / "sealed" / ".retracted", "s", "alpha", "S")
    letter(home / "sealed" / ".retracted", "t", "whisky", "S")
    letter(home / "sealed" / ".retracted", "u", "delta", "S")
    restore(vault, Dovecot(home))
    texts = {path.read_text() for path in (home / "Maildir").rglob("*,S=*")}
    assert "alpha" not in texts and {"bravo", "charlie", "delta"} <= texts
    assert not list((home / "expunged").rglob("w,S=*"))
    assert sorted(path.read_text() for path in (home / "sealed").rglob("*,S=*")) == ["alpha", "delta", "whisky"]


def test_the_sealed_messages_of_a_lost_box_come_from_the_archive(tmp_path, store, vault):
    letter(tmp_path / "archive" / str(store).lstrip("/") / "aa" / UID / "sealed" / ".dangerous", "r", "romeo")
    home = store / "aa" / UID
    restore(vault, Dovecot(home))
    assert [path.read_text() for path in (home / "sealed").rglob("*,S=*")] == ["romeo"]


def test_undo_puts_the_replaced_box_back(vault, home):
    before = seen(home)
    dovecot = Dovecot(home)
    done = restore(vault, dovecot)
    stamp = Path(done.aside).name
    dovecot.stop = "end_sessions"
    with pytest.raises(Stopped):
        boxes.undo(UID, stamp, dovecot)
    with pytest.raises(MallepostError, match="undo was interrupted"):
        restore(vault, dovecot)
    boxes.undo(UID, stamp, dovecot)
    assert seen(home) == before
    with pytest.raises(InputError, match="nothing was put aside as nowhere"):
        boxes.undo(UID, "nowhere", dovecot)


def test_a_restore_given_up_opens_the_box_as_it_was(vault, home):
    before, dovecot = seen(home), Dovecot(home, "end_sessions")
    with pytest.raises(InputError, match="no restore holds"):
        boxes.undo(UID, "", dovecot)
    with pytest.raises(Stopped):
        restore(vault, dovecot)
    boxes.undo(UID, "", dovecot)
    assert seen(home) == before


def test_an_archive_without_the_box_touches_nothing(tmp_path, home):
    before = seen(home)
    (tmp_path / "archive").mkdir()
    with pytest.raises(InputError, match="nothing of it in mail-a0-af@1"):
        restore(Vault(tmp_path / "archive"), Dovecot(home))
    assert seen(home) == before


def test_of_a_message_caught_twice_by_the_walk_one_stays(tmp_path):
    letter(tmp_path, "a", "alpha", "S")
    letter(tmp_path, "a", "alpha", "FS")
    letter(tmp_path, "a", "alpha", part="new")
    assert maildir.drop_doubles(tmp_path) == 2
    assert [one.flags for one in maildir.messages(tmp_path)] == ["FS"]


def test_uids_of_another_life_of_a_folder_are_not_taken_over():
    kept = maildir.parse_uidlist("3 V7 N5 Gx\n2 :a\n4 W12 S5 :b:2,S\n")
    other = maildir.parse_uidlist("3 V8 N90 Gy\n6 :d\n")
    assert maildir.merge_uidlists(kept, other, {"a", "b", "d"}).text() == "3 V7 N5 Gx\n2 :a\n4 W12 S5 :b:2,S\n"
    same = maildir.parse_uidlist("3 V7 N90 Gy\n4 :d\n6 :e\n7 :gone\n")
    merged = maildir.merge_uidlists(kept, same, {"a", "b", "d", "e"})
    assert merged.text() == "3 V7 N90 Gx\n2 :a\n4 W12 S5 :b:2,S\n6 :e\n"
    assert maildir.parse_uidlist("1 2 3\n") == maildir.UidList()


def test_more_than_26_keywords_are_dropped_not_mistaken():
    target = [f"k{number}" for number in range(26)]
    assert maildir.translate("Sab", ["k3", "other"], target) == "Sd"


@pytest.mark.parametrize(
    ("text", "coded"), [("Élèves/Été", "&AMk-l&AOg-ves/&AMk-t&AOk-"), ("A&B", "A&-B"), ("plain", "plain")]
)
def test_modified_utf7(text, coded):
    assert utf7(text) == coded


def test_a_broken_stream_is_told():
    assert zstd.plain(b"as it is") == b"as it is"
    whole = zstandard.compress(b"as it was, " * 1000)
    assert zstd.plain(whole) == b"as it was, " * 1000
    assert zstd.plain(whole + whole) == b"as it was, " * 2000
    for broken in (zstd.MAGIC + b"nonsense", whole[:-3]):
        with pytest.raises(zstd.StoredMailError):
            zstd.plain(broken)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        (messages.Query(), {"a", "b", "c"}),
        (messages.Query(folder="Réunions"), {"c"}),
        (messages.Query(folder="INBOX", uids=(4,)), {"b"}),
        (messages.Query(message_ids=("<B@x.test>",)), set()),
        (messages.Query(message_ids=("b@x.test", "<c@x.test>")), {"b", "c"}),
        (messages.Query(search="RÉUNION"), {"c"}),
        (messages.Query(since=datetime(2026, 1, 2, tzinfo=UTC)), {"b"}),
    ],
)
def test_which_messages_are_wanted(tmp_path, wanted, chosen):
    for folder, base, day in ((tmp_path, "a", 1), (tmp_path, "b", 3), (tmp_path / ".Réunions", "c", 1)):
        subject = "=?utf-8?q?la_r=C3=A9union?=" if base == "c" else "rien"
        letter(folder, base, f"Message-ID: <{base}@x.test>\nSubject: {subject}\n\nx")
        file = next(path for path in maildir.files(folder) if path.name.startswith(base))
        when = datetime(2026, 1, day, tzinfo=UTC).timestamp()
        os.utime(file, (when, when))
    uidlist(tmp_path, 1, 9, a=2, b=4)
    assert {one.base.partition(",")[0] for one in maildir.messages(tmp_path) if wanted.fits(one)} == chosen


def test_messages_come_back_without_doubles_and_an_interruption_loses_nothing(store, vault, home):
    dovecot = Dovecot(home, "adopt")
    with pytest.raises(Stopped):
        messages.restore(UID, vault, dovecot, messages.Query("INBOX"), say=lambda _: None)
    done = messages.restore(UID, vault, dovecot, messages.Query("INBOX"), say=lambda _: None)
    assert done.counts == {"messages": 1, "already there": 1}
    assert [one.path.read_text() for one in maildir.messages(home / "Maildir")].count("alpha") == 1
    assert dovecot.subscribed == []
    assert not list((store / ".malleposte-messages").iterdir())
    with pytest.raises(InputError, match="no folder 'Jamais'"):
        messages.restore(UID, vault, dovecot, messages.Query("Jamais"), say=lambda _: None)


def test_of_messages_that_are_named_those_that_are_not_there_are_told(tmp_path, store):
    archive = archived(tmp_path, store) / "Maildir"
    home, vault = live(store), Vault(tmp_path / "archive")
    letter(archive, "a", "Message-ID: <a@x.test>\n\nalpha", "S")

    def bring(**named: Any) -> dict[str, Any]:
        return messages.restore(UID, vault, Dovecot(home), messages.Query(**named), say=lambda _: None).as_dict()

    assert bring(message_ids=("<a@x.test>",))["missing"] == []
    told = bring(message_ids=("<a@x.test>", "<gone@x.test>"))
    assert (told["missing"], told["counts"]) == (["the message <gone@x.test>"], {"messages": 0, "already there": 1})
    assert bring(folder="INBOX", uids=(2, 77))["missing"] == ["the message of UID 77"]
    with pytest.raises(InputError, match="no such message"):
        bring(message_ids=("<gone@x.test>",))


class Host:
    """Notes what is asked."""

    notes = ("the archives have a database old",)

    def __init__(self, *present: str, free: int = 10**9) -> None:
        self.present, self.free, self.asked = list(present), free, []

    def in_use(self) -> list[str]:
        return self.present

    def room(self, place: Path) -> tuple[int, int]:
        return 1, self.free

    def directory(self) -> Outcome:
        self.asked.append("directory")
        return Outcome("directory", counts={"entries": 3})

    def databases(self) -> list[str]:
        return ["roundcube"]

    def database(self, name: str) -> Outcome:
        self.asked.append(name)
        return Outcome(name, counts={"rows": 2})

    @contextmanager
    def paused(self, units: list[str]):
        self.asked += [f"stop {name}" for name in units]
        try:
            yield
        finally:
            self.asked += [f"start {name}" for name in units]

    def reopened(self, homes: list[Path]) -> None:
        self.asked.append(f"reopened {len(homes)}")


STOPPED = ("dovecot.service",)
PLAN = everything.Plan((), ("mail-a0-af",), ("ldap",), stop=STOPPED)


@pytest.fixture
def replace_all(tmp_path: Path, store: Path) -> Callable[..., Outcome]:
    """Restores all that a host has."""

    def restore_all(vault: Vault, host: Host, plan: everything.Plan = PLAN, key: str = "x") -> Outcome:
        return everything.restore(plan, vault, host, tmp_path / "work", key=key, store=store, say=lambda _: None)

    return restore_all


def test_what_is_not_done_after_a_part_is_told_of_the_whole(monkeypatch, vault, replace_all):
    host = Host()
    left = Outcome("roundcube", counts={"rows": 2}, missing=["sogo.service was not restarted"])
    monkeypatch.setattr(host, "database", lambda _name: left)
    done = replace_all(vault, host)
    assert done.missing == left.missing and done.counts["messages"] == 3


def test_everything_comes_back_in_order_and_goes_on_after_a_stop(tmp_path, store, monkeypatch, vault, replace_all):
    host, work = Host(), tmp_path / "work"
    real = everything.put_in_place

    def cut(*_args):
        monkeypatch.setattr(everything, "put_in_place", real)
        raise Stopped

    monkeypatch.setattr(everything, "put_in_place", cut)
    with pytest.raises(Stopped):
        replace_all(vault, host, key="any newest")
    assert host.asked == ["stop dovecot.service", "directory", "roundcube", "start dovecot.service"]
    assert everything.begun(work, "any newest") is not None and everything.begun(work, "vault2 newest") is None
    host.asked, host.present = [], ["3 accounts"]
    done = replace_all(vault, host, key="any newest")
    assert host.asked == ["stop dovecot.service", "start dovecot.service", "reopened 1"]
    assert done.counts == {"entries": 3, "databases": 1, "rows": 2, "boxes": 1, "messages": 3}
    assert seen(store / "aa" / UID)["INBOX"] == {2: ("alpha", "S"), 4: ("bravo", "S[urgent]")}
    assert not (store / ".malleposte-restore").exists()


def test_what_an_interrupted_restore_of_a_box_left_stops_nothing_and_is_kept(store, vault, home, replace_all):
    dovecot = Dovecot(home, "end_sessions")
    with pytest.raises(Stopped):
        restore(vault, dovecot)
    swap.remove_hold(home)  # somebody took it for an empty box
    only = store / ".malleposte-restore/autre/old/Maildir"
    only.mkdir(parents=True)
    replace_all(vault, Host())
    assert set(seen(home)["INBOX"]) == {2, 4}
    (kept,) = (store / ".malleposte-aside" / UID).iterdir()
    assert 8 in seen(kept)["INBOX"]
    assert only.is_dir() and [one.name for one in (store / ".malleposte-restore").iterdir()] == ["autre"]


def test_mail_that_came_before_the_restore_of_everything_stays(store, vault, replace_all):
    home = store / "aa" / UID
    letter(home / "Maildir", "z", "zoulou")
    uidlist(home / "Maildir", 99, 2, z=1)
    replace_all(vault, Host())
    assert {text for text, _ in seen(home)["INBOX"].values()} == {"alpha", "bravo", "zoulou"}


class Empty(Vault):
    """Of the mail it holds nothing: nobody ever had a box in that share."""

    failure: MallepostError = NoArchiveError("vault2 holds no archive of mail-a0-af")

    def latest(self, source: str) -> Copy:
        if source.startswith("mail-"):
            raise self.failure
        return super().latest(source)


def test_a_share_without_a_mailbox_is_told_and_the_run_goes_on(tmp_path, replace_all):
    host = Host()
    done = replace_all(Empty(tmp_path), host)
    assert done.notes[0] == "the archives have a database old"
    assert "1 of 1 shares of the mail have no archive" in done.notes[1] and "mail-a0-af" in done.notes[1]
    assert host.asked[-2:] == ["start dovecot.service", "reopened 0"]


def test_a_vault_that_fails_ends_the_run_before_anything_is_stopped(tmp_path, replace_all):
    vault, host = Empty(tmp_path), Host()
    vault.failure = BorgError("closed", 80)
    with pytest.raises(BorgError):
        replace_all(vault, host)
    assert host.asked == []


def test_without_room_for_both_nothing_is_replaced(vault, replace_all):
    host = Host(free=2999)  # of the mail, the directory and the database
    with pytest.raises(InputError, match=r"takes 3.0 kB, and 3.0 kB are free|takes 3.0 kB"):
        replace_all(vault, host)
    assert host.asked == []
    host.free = 3000
    replace_all(vault, host)


def test_files_that_are_replaced_are_kept_and_the_daemon_that_uses_them_stops(tmp_path, replace_all):
    spool = tmp_path / "var/spool/lists"
    held = tmp_path / "archive" / str(spool).lstrip("/")
    for folder, text in ((held, "then"), (spool, "now")):
        folder.mkdir(parents=True)
        (folder / "message").write_text(text)
    plan = everything.Plan((str(spool),), (), (), units={str(spool): ("lists.service", "lists.socket")}, stop=STOPPED)
    host = Host()
    replace_all(Vault(tmp_path / "archive"), host, plan)
    assert (spool / "message").read_text() == "then"
    (kept,) = (spool.parent / ".malleposte-aside/lists").iterdir()
    assert (kept / "message").read_text() == "now"
    assert host.asked[2:6] == ["stop lists.service", "stop lists.socket", "start lists.service", "start lists.socket"]


def test_a_host_in_use_is_not_replaced_unasked(tmp_path, replace_all):
    host = Host("30 accounts")
    with pytest.raises(InputError, match="30 accounts"):
        replace_all(Vault(tmp_path), host)
    assert host.asked == []
