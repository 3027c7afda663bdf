"""Root's work in a store of another user: planted files open nothing of root's, and honest work succeeds."""

import contextlib
import ctypes
import os
import shutil
import stat
import sys
import tempfile
import threading
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from io import BytesIO
from pathlib import Path

import pytest
from malleposte.accounts.agendas.model import MAIN, Collection, Item, Kind
from malleposte.accounts.agendas.radicale import Radicale
from malleposte.accounts.disclosure.export import Exporter, Subject
from malleposte.accounts.hosts.acts import contents
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.mailbox import filters, senders
from malleposte.accounts.mailbox.senders import Edit
from malleposte.backup.restore import all as everything
from malleposte.backup.restore import dav, kept
from malleposte.backup.restore.mail import box as boxes
from malleposte.backup.restore.mail import messages
from malleposte.backup.restore.model import Copy
from malleposte.backup.vault import maintenance, repair
from malleposte.backup.vault.ledger import Ledger
from malleposte.core.errors import MallepostError
from malleposte.platform import mailstore
from malleposte.runtime import owner

from tests.support.vault import FolderVault

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root can work as another user")

THEM = 61234
UID = "jdupont"
SECRET = "root's own"
SHM = Path("/dev/shm")  # in memory: a place is made for every case
EVENT = "BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:a\r\nSUMMARY:conseil\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
RULES = LifeRules(channels=())

_LIBC = ctypes.CDLL(None)
_watched: list[str] = []
_touched: list[str] = []
_EVENTS = ("open", "os.chmod", "os.chown", "os.link", "os.listdir", "os.mkdir", "os.remove", "os.rename", "os.rmdir",
           "os.scandir", "os.symlink", "os.truncate")  # fmt: skip


def _hook(event: str, values: tuple[object, ...]) -> None:
    if _watched and event in _EVENTS:
        for value in values[:2]:
            path = os.fsdecode(value) if isinstance(value, str | bytes | os.PathLike) else ""
            if path.startswith(_watched[0]) and _LIBC.setfsuid(-1) == 0:
                _touched.append(f"{event} {path}")


sys.addaudithook(_hook)


def give(path: Path) -> None:
    for one in [path, *path.rglob("*")]:
        os.chown(one, THEM, THEM, follow_symlinks=False)


@dataclass
class Place:
    """A store of theirs, and beside it root's: a file, and a folder with a file."""

    root: Path
    rules: LifeRules
    before: dict[str, tuple[object, ...]] = field(default_factory=dict)

    @property
    def secret(self) -> Path:
        return self.root / "secret"

    @property
    def closed(self) -> Path:
        return self.root / "closed"

    @property
    def home(self) -> Path:
        return mailstore.home_of(UID, self.rules.store)

    @property
    def agenda(self) -> Path:
        return self.rules.radicale / UID / "agenda"

    @property
    def inbox(self) -> Path:
        return self.home / "Maildir"

    def root_s(self) -> dict[str, tuple[object, ...]]:
        """Everything of root's: owner, mode, content."""
        found: dict[str, tuple[object, ...]] = {}
        for path in (self.secret, self.closed, *sorted(self.closed.rglob("*"))):
            status = path.lstat()
            text = path.read_text() if path.is_file() else ""
            found[str(path)] = (status.st_uid, status.st_gid, status.st_mode, status.st_nlink, text)
        return found

    def watch(self) -> None:
        """From here on, nothing of theirs may be touched as root."""
        give(self.root / "theirs")
        self.before = self.root_s()
        _watched.append(str(self.root / "theirs") + "/")

    def untouched(self) -> None:
        _watched.clear()
        assert self.root_s() == self.before
        strangers = [
            str(path) for path in (self.root / "theirs").rglob("*")
            if path.lstat().st_uid != THEM and not path.is_relative_to(self.closed)
        ]  # fmt: skip
        assert strangers == [], "what was made in their store is theirs"
        assert _touched == [], "their store was touched as root"


@pytest.fixture
def place() -> Iterator[Place]:
    root = Path(tempfile.mkdtemp(prefix="malleposte-owner.", dir=SHM if SHM.is_dir() else None))
    root.chmod(0o755)
    theirs = root / "theirs"
    rules = LifeRules(store=theirs / "mail", radicale=theirs / "collections/collection-root", channels=())
    made = Place(root, rules)
    (made.closed / UID / "cur").mkdir(parents=True)
    made.closed.chmod(0o700)
    for path in (made.secret, *(made.closed / name for name in ("x.sieve", "a.ics", ".Radicale.props", f"{UID}/1"))):
        path.write_text(f'redirect "{SECRET}";')
        path.chmod(0o600)
    (made.closed / UID / "cur" / "1,S=9:2,S").write_text(SECRET)
    for name in ("cur", "new", "tmp"):
        (made.inbox / name).mkdir(parents=True)
    (made.inbox / "cur" / "1,S=5:2,S").write_text("alpha")
    (made.home / "sieve").mkdir()
    (made.home / "sieve/sogo.sieve").write_text('redirect "ami@lointain.test";')
    (made.home / ".dovecot.sieve").symlink_to("sieve/sogo.sieve")
    made.agenda.mkdir(parents=True)
    (made.agenda / ".Radicale.props").write_text('{"tag": "VCALENDAR", "D:displayname": "Agenda"}')
    (made.agenda / "a.ics").write_text(EVENT, newline="")
    _touched.clear()
    try:
        yield made
    finally:
        _watched.clear()
        shutil.rmtree(root)


def plant(what: str, at: Path, place: Place) -> None:
    """Put something of the sort where root is about to look."""
    if at.is_symlink() or at.is_file():
        at.unlink()
    elif at.is_dir():
        shutil.rmtree(at)
    if what == "file":
        at.symlink_to(place.secret)
    elif what == "folder":
        at.symlink_to(place.closed)
    else:
        os.mkfifo(at)


# --- the acts, each of them as the command line or hostd calls it ---


class Vault(FolderVault):
    """One whose content is put out by the store's user."""

    def extract(self, copy: Copy, paths: Iterable[str], destination: Path) -> None:
        with owner.as_owner(destination):
            super().extract(copy, paths, destination)


class Dovecot:
    def __init__(self, home: Path) -> None:
        self.place = home

    def home(self, uid: str) -> Path:
        return self.place

    def end_sessions(self, uid: str) -> int:
        return 0

    def modseqs(self, uid: str) -> dict[str, int]:
        return {}

    def renew(self, uid: str, modseqs: dict[str, int]) -> None: ...

    def count(self, uid: str) -> int:
        return 1

    def adopt(self, uid: str, maildir: Path, parent: str) -> None: ...

    def subscribe(self, uid: str, folders: list[str]) -> None: ...


class Host:
    notes: tuple[str, ...] = ()

    def in_use(self) -> list[str]:
        return []

    def databases(self) -> list[str]:
        return []

    def room(self, place: Path) -> tuple[int, int]:
        return 1, 10**9

    def reopened(self, homes: list[Path]) -> None: ...

    def paused(self, units: object) -> threading.Lock:
        return threading.Lock()


def archive(place: Place, what: Path) -> Vault:
    """An archive of today's state of a part of their store, for them to read."""
    root = place.root / "archive"
    target = root / str(what).lstrip("/")
    target.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(what, target, symlinks=True)
    give(root)
    return Vault(root)


def look(place: Place) -> str:
    return repr(filters.read(place.home))


def choose(place: Place) -> str:
    return senders.change(place.home, Edit("strict", block=("pub.test",))).level


def carry(place: Place) -> str:
    try:
        return filters.carry(place.home, "roundcube") + look(place)
    except OSError as error:
        return str(error)


def forget(place: Place) -> str:
    return str(filters.drop(place.home))


def export(place: Place) -> str:
    out = BytesIO()
    report = Exporter(partial(contents.files, LocalHost(place.rules)), ()).write(Subject(UID, {}), out)
    with zipfile.ZipFile(out) as made:
        return repr(report) + "".join(made.read(name).decode("utf-8", "replace") for name in made.namelist())


def purge(place: Place) -> str:
    return repr(contents.empty(LocalHost(place.rules, lambda _database, _text: "", beside=()), UID))


def store(place: Place) -> Radicale:
    return Radicale(place.rules.radicale, lambda text, _tag: text)


def read_agendas(place: Place) -> str:
    return repr((store(place).read(UID), store(place).holders()))


def add_agendas(place: Place) -> str:
    item = Item("b.ics", EVENT.replace("UID:a", "UID:b"), 5.0)
    try:
        store(place).add(UID, [Collection(Kind.AGENDA, MAIN, "", {"b": item})])
    except OSError as error:
        return str(error)
    return read_agendas(place)


def remove_agendas(place: Place) -> str:
    store(place).remove(UID, store(place).read(UID))
    return read_agendas(place)


ACTS = {
    act.__name__: act for act in (look, choose, carry, forget, export, purge, read_agendas, add_agendas, remove_agendas)
}
HONEST = {
    "look": "ami@lointain.test", "choose": "strict", "carry": "sogo", "forget": "False", "export": "alpha",
    "purge": "mail", "read_agendas": "conseil", "add_agendas": "b.ics", "remove_agendas": "set()",
}  # fmt: skip
SPOTS = {
    "script": "mail/{home}/sieve/sogo.sieve", "scripts": "mail/{home}/sieve", "carried": "mail/{home}/carried.sieve",
    "senders": "mail/{home}/senders.sieve",
    "active": "mail/{home}/.dovecot.sieve", "home": "mail/{home}", "bucket": "mail/{bucket}",
    "message": "mail/{home}/Maildir/cur/1,S=5:2,S", "cur": "mail/{home}/Maildir/cur",
    "subfolder": "mail/{home}/Maildir/.Autre", "maildir": "mail/{home}/Maildir",
    "lock": "collections/.Radicale.lock", "base": "collections/collection-root/{uid}",
    "collection": "collections/collection-root/{uid}/agenda", "item": "collections/collection-root/{uid}/agenda/a.ics",
    "properties": "collections/collection-root/{uid}/agenda/.Radicale.props",
}  # fmt: skip


MAIL = [name for name, path in SPOTS.items() if path.startswith("mail/")]
AGENDAS = [name for name in SPOTS if name not in MAIL]
WAITS = ("lock", "pipe")
"""Radicale opens its lock itself: who makes it a pipe stops Radicale, and whoever waits for it."""
CASES = [
    (act, name, what)
    for acts, names in (
        (("look", "choose", "carry", "forget", "export", "purge"), MAIL),
        (("export", "purge", "read_agendas", "add_agendas", "remove_agendas"), AGENDAS),
    )
    for act in acts for name in names for what in ("file", "folder", "pipe") if (name, what) != WAITS
]  # fmt: skip


def spot(place: Place, name: str) -> Path:
    home = place.home.relative_to(place.rules.store)
    return place.root / "theirs" / SPOTS[name].format(home=home, bucket=home.parent, uid=UID)


@pytest.mark.parametrize("act", ACTS)
def test_an_act_does_its_work_and_all_it_makes_is_theirs(place, act):
    place.watch()
    assert HONEST[act] in ACTS[act](place)
    place.untouched()


@pytest.mark.parametrize(("act", "name", "what"), CASES)
def test_nothing_planted_opens_what_is_root_s(place, act, name, what):
    plant(what, spot(place, name), place)
    place.watch()
    try:
        said = ACTS[act](place)
    except OSError as error:
        said = str(error)
    place.untouched()
    assert SECRET not in said


@pytest.mark.parametrize("name", ["script", "carried", "senders", "message", "item"])
def test_they_cannot_link_root_s_file_by_a_second_name(place, name):
    """The kernel's part (fs.protected_hardlinks), and ours where it is off: what they cannot read is not read."""
    at = spot(place, name)
    at.unlink(missing_ok=True)
    os.link(place.secret, at)
    place.before = {}
    give(place.root / "theirs" / "collections")
    for one in (place.rules.store, place.home.parent, place.home, *place.home.rglob("*")):
        if one != at:
            os.chown(one, THEM, THEM, follow_symlinks=False)
    os.chown(place.secret, 0, 0)
    for act in (look, carry, export, read_agendas):
        try:
            said = act(place)
        except OSError as error:
            said = str(error)
        assert SECRET not in said
    assert place.secret.read_text() and place.secret.stat().st_uid == 0


# --- restores ---


def restore_box(place: Place, vault: Vault) -> object:
    return boxes.restore(UID, vault, Dovecot(place.home), say=lambda _: None)


def restore_messages(place: Place, vault: Vault) -> object:
    return messages.restore(UID, vault, Dovecot(place.home), messages.Query(), say=lambda _: None)


def restore_share(place: Place, vault: Vault) -> object:
    plan = everything.Plan((), ("mail-00-ff",), ())
    return everything.restore(plan, vault, Host(), place.root / "work", key="x", store=place.rules.store,
                              say=lambda _: None)  # fmt: skip


def restore_agendas(place: Place, vault: Vault) -> object:
    return dav.restore(UID, "", vault, dav.Store(place.rules.radicale.parent), say=lambda _: None)


RESTORES = {
    act.__name__: (act, part) for act, part in (
        (restore_box, "mail"), (restore_messages, "mail"), (restore_share, "mail"), (restore_agendas, "collections"),
    )
}  # fmt: skip


@pytest.mark.parametrize("name", RESTORES)
def test_a_restore_is_the_work_of_the_store_s_user(place, name):
    act, part = RESTORES[name]
    vault = archive(place, place.root / "theirs" / part)
    (place.inbox / "cur" / "1,S=5:2,S").write_text("bravo")
    place.watch()
    act(place, vault)
    place.untouched()
    text = (place.inbox / "cur" / "1,S=5:2,S").read_text()
    assert text == ("alpha" if name in ("restore_box", "restore_share") else "bravo")


PLANTED = [
    (name, at, when, what)
    for name, spots in (
        ("restore_box", ("home", "bucket", "message", "cur", "subfolder", "maildir", "script", "work", "kept")),
        ("restore_messages", ("home", "message", "cur", "work")),
        ("restore_share", ("home", "bucket", "cur", "work", "kept")),
        ("restore_agendas", ("base", "collection", "item", "properties", "lock", "work", "kept")),
    )
    for at in spots for when in ("live", "archived") for what in ("file", "folder", "pipe")
    if (when == "live" or (what != "pipe" and at not in ("work", "kept", "lock", "bucket"))) and (at, what) != WAITS
]  # fmt: skip


@pytest.mark.parametrize(("name", "at", "when", "what"), PLANTED)
def test_nothing_planted_leads_a_restore_out_of_the_store(place, name, at, when, what):
    act, part = RESTORES[name]
    root = place.root / "theirs" / part
    aim = root / {"work": ".malleposte-restore", "kept": ".malleposte-aside"}[at] if at in ("work", "kept") else spot(
        place, at
    )  # fmt: skip
    honest = place.root / "honest"
    shutil.copytree(root, honest, symlinks=True)
    if when == "live":
        vault = archive(place, root)
        plant(what, aim, place)
    else:
        plant(what, aim, place)
        vault = archive(place, root)
        shutil.rmtree(root)
        honest.rename(root)
    place.watch()
    with contextlib.suppress(MallepostError, OSError, ValueError):  # a refusal is as good
        act(place, vault)
    place.untouched()


def test_what_earlier_restores_kept_as_root_becomes_the_store_s(place):
    aside = place.rules.store / ".malleposte-aside"
    old = aside / UID / "20260101-000000"
    place.watch()
    _watched.clear()
    old.mkdir(parents=True)
    (old / "link").symlink_to(place.secret)
    os.chown(place.rules.store, THEM, THEM)
    for path in (aside, aside / UID):
        path.chmod(0o700)
    restore_box(place, archive(place, place.rules.store / place.home.parent.name))
    assert {path.lstat().st_uid for path in (aside, aside / UID, old, old / "link")} == {THEM}
    place.untouched()


def test_what_is_kept_is_listed_and_removed_as_theirs(place):
    vault = archive(place, place.rules.store)
    (place.inbox / "cur" / "2,S=5:2,S").write_text("bravo")
    place.watch()
    restore_box(place, vault)
    (one,) = kept.everything([("mailbox", place.rules.store)], ["sogo_aside_20260314_091500", "sogo"], place.closed)[1:]
    assert (one.kind, one.name) == ("mailbox", UID) and one.bytes
    dropped: list[str] = []
    both = kept.everything([("mailbox", place.rules.store)], ["sogo_aside_20260314_091500"], place.closed)
    for old in kept.chosen(both, [], 0, datetime(2100, 1, 1, tzinfo=UTC)):
        kept.remove(old, dropped.append)
    assert dropped == ["sogo_aside_20260314_091500"] and not Path(one.where).exists()
    place.untouched()


def test_an_undo_on_a_vault_moves_what_its_client_may_move_and_nothing_of_root_s(place):
    client = place.root / "theirs/borg"
    settings = maintenance.Settings(client, place.root / "state", {UID: ["system"]}, patience=0)
    repository = maintenance.Repository(settings, UID, "system")
    (repository.path / "data/0").mkdir(parents=True)
    for name in ("5", "6", "7"):
        (repository.path / "data/0" / name).write_text(name)
    (repository.path / "index.7").touch()
    (repository.path / "config").write_text("[repository]\nid = a\nkey = b\n")
    (place.closed / UID / "9").write_text(SECRET)
    (repository.path / "data/1").symlink_to(place.closed / UID)
    Ledger({}, 5, repository.identity()).write(repository.ledger_path)
    place.watch()
    _watched.clear()
    for path in (client, client / UID):
        os.chown(path, 0, 0)
    for name in ("lock", "gate"):
        (client / UID / name).touch()
    _watched.append(f"{repository.path}/")
    assert "; 2 later segments lie in " in repair.undo(repository)
    _watched.clear()
    assert place.root_s() == place.before
    assert _touched == [], "the client's repository was touched as root"
    assert [path.name for path in (repository.path / "data/0").iterdir()] == ["5"]
    (aside,) = (client / repair.UNDONE).iterdir()
    assert sorted(path.name for path in aside.iterdir()) == ["6", "7", "index.7"]
    assert (aside.stat().st_uid, aside.stat().st_mode & 0o777) == (0, 0o700)
    plant("file", repository.path / "config", place)
    with pytest.raises(maintenance.Fault, match="system: its config cannot be read"):
        repair.accept(repository)


# --- the module itself ---


def test_inside_the_block_root_is_them_and_after_it_root_again(place):
    place.watch()
    with owner.as_owner(place.home), pytest.raises(PermissionError):
        place.secret.read_text()
    with pytest.raises(RuntimeError), owner.as_owner(place.home):
        raise RuntimeError
    assert place.secret.read_text()
    seen: list[str] = []
    with owner.as_owner(place.home):
        other = threading.Thread(target=lambda: seen.append("before"))
        assert owner.of(place.home) == (THEM, THEM)
        with owner.as_user(0, 0):
            seen.append(place.secret.read_text())
        with pytest.raises(PermissionError):
            place.secret.read_text()
    other.start()
    other.join()
    assert len(seen) == 2


def test_only_a_plain_file_is_read(place):
    with pytest.raises(OSError, match=r"regular file|directory"):
        owner.read(place.home)
    os.mkfifo(place.home / "pipe")
    os.mknod(place.home / "zero", stat.S_IFCHR | 0o600, os.makedev(1, 5))
    (place.home / "link").symlink_to("sieve/sogo.sieve")
    for name in ("pipe", "zero", "link"):
        assert not owner.plain(place.home / name)
        with pytest.raises(OSError, match=r"regular file|symbolic link|Permission"):
            owner.read(place.home / name)
    assert owner.read(place.home / "sieve/sogo.sieve").startswith(b"redirect")


def test_a_file_of_the_longest_name_is_written_anew(place):
    """An agenda's client may name an item with all the 255 bytes that a name can have."""
    path = place.home / ("é" * 125 + ".ics")
    place.watch()
    owner.replace(path, "first")
    owner.replace(path, "second", mode=0o640, changed=1_700_000_000)
    place.untouched()
    found = path.stat()
    assert (path.read_text(), found.st_uid, stat.S_IMODE(found.st_mode)) == ("second", THEM, 0o640)
    assert found.st_mtime == 1_700_000_000
    assert [one.name for one in place.home.iterdir() if one.name.startswith(".malleposte-")] == []
