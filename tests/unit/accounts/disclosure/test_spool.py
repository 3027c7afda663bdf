"""Copies of agents' own data: one a day, fetched for seven days, gone when they are ended."""

import datetime
import os
from pathlib import Path

import pytest
from malleposte.accounts.disclosure.spool import APART, ASKED, AWAY, ENDED, FAILED, KEPT, MAKING, READY, Copy, Spool
from malleposte.accounts.hosts.acts import contents
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.life.rules import LifeRules
from malleposte.core.errors import InputError

NOW = datetime.datetime(2026, 11, 26, 12, tzinfo=datetime.UTC)
HOUR = datetime.timedelta(hours=1)
UID, OTHER = "mdupond", "autre"


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return Spool(tmp_path)


def made(spool: Spool, uid: str = UID, content: bytes = b"zip") -> Copy:
    """A copy that is ready."""
    assert spool.ask(uid, NOW) is not None
    with spool.part(uid) as file:
        file.write(content)
    copy = spool.publish(uid, NOW + HOUR, 2)
    assert copy is not None
    return copy


def test_a_copy_is_asked_for_made_and_fetched(spool: Spool) -> None:
    assert spool.of(UID, NOW) == Copy() and spool.waiting() == []
    assert spool.ask(UID, NOW) == Copy(ASKED, "20261126120000Z") == spool.of(UID, NOW)
    assert spool.waiting() == [UID]
    spool.begin(UID)
    assert spool.of(UID, NOW).state == MAKING and spool.of(UID, NOW).pending()
    with spool.part(UID) as file:
        file.write(b"content")
    copy = spool.publish(UID, NOW + HOUR, 2)
    assert copy == Copy(READY, "20261126120000Z", "20261126130000Z", "20261203130000Z", 7, 2) == spool.of(UID, NOW)
    assert spool.waiting() == []
    with spool.open(UID) as file:
        assert file.read() == b"content"
    assert (spool.folder / "mdupond.zip").stat().st_mode & 0o777 == 0o600


def test_one_a_day_and_the_next_takes_its_place(spool: Spool) -> None:
    copy = made(spool)
    assert copy.again == "20261127120000Z"
    assert spool.ask(UID, NOW + APART - HOUR) is None
    assert spool.of(UID, NOW).state == READY
    assert spool.ask(OTHER, NOW) is not None, "another agent's is another's"
    assert spool.ask(UID, NOW + APART) is not None
    assert not (spool.folder / "mdupond.zip").exists()
    assert spool.ask(UID, NOW + 3 * APART) is None, "it still waits"


def test_who_ends_a_copy_still_asks_once_a_day(spool: Spool) -> None:
    made(spool)
    made(spool, OTHER)
    assert spool.end(UID) and not spool.end(UID)
    assert spool.of(UID, NOW).state == ENDED
    with pytest.raises(FileNotFoundError):
        spool.open(UID)
    assert spool.ask(UID, NOW + HOUR) is None
    assert spool.of(OTHER, NOW).state == READY


def test_its_time_ends(spool: Spool) -> None:
    made(spool)
    assert spool.of(UID, NOW + KEPT).state == READY
    over = spool.of(UID, NOW + HOUR + KEPT)
    assert (over.state, over.size) == (ENDED, 0)


def test_what_is_called_off_while_it_is_made_is_not_kept(spool: Spool) -> None:
    spool.ask(UID, NOW)
    spool.begin(UID)
    with spool.part(UID) as file:
        file.write(b"x")
        assert spool.end(UID)
    assert spool.publish(UID, NOW, 0) is None
    assert spool.of(UID, NOW).state == ENDED
    assert [path.name for path in spool.folder.iterdir()] == ["mdupond.json"]
    spool.ask(OTHER, NOW)
    spool.end(OTHER)
    spool.fail(OTHER, AWAY)
    assert spool.of(OTHER, NOW).state == ENDED


def test_what_fails_leaves_nothing_but_the_reason(spool: Spool) -> None:
    spool.ask(UID, NOW)

    def broken() -> None:
        with spool.part(UID) as file:
            file.write(b"x")
            raise OSError("full")

    with pytest.raises(OSError, match="full"):
        broken()
    spool.fail(UID, AWAY)
    assert (spool.of(UID, NOW).state, spool.of(UID, NOW).reason) == (FAILED, AWAY)
    assert [path.name for path in spool.folder.iterdir()] == ["mdupond.json"]
    assert spool.waiting() == []


def test_all_of_an_account_is_removed_and_nothing_of_another(spool: Spool) -> None:
    made(spool)
    made(spool, OTHER)
    assert spool.holders() == [OTHER, UID]
    assert spool.remove(UID) and not spool.remove(UID)
    assert spool.holders() == [OTHER]
    assert Spool(spool.folder / "missing").remove(UID) is False


def test_who_asked_first_is_first(spool: Spool) -> None:
    spool.ask(UID, NOW)
    spool.ask(OTHER, NOW)
    os.utime(spool.folder / "mdupond.asked", (1, 1))
    assert spool.waiting() == [UID, OTHER]


def test_a_name_leads_nowhere_else(spool: Spool) -> None:
    for name in ("../x", "", "a/b", "-A"):
        with pytest.raises(InputError):
            spool.of(name, NOW)


def test_a_link_is_not_followed_and_damage_is_no_state(spool: Spool, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_bytes(b"root's")
    made(spool)
    (spool.folder / "mdupond.zip").unlink()
    (spool.folder / "mdupond.zip").symlink_to(secret)
    with pytest.raises(OSError, match="symbolic"):
        spool.open(UID)
    assert spool.of(UID, NOW).state == ENDED
    (spool.folder / "mdupond.json").write_text("[]")
    assert spool.of(UID, NOW) == Copy()


def test_room_leaves_the_reserve(spool: Spool, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = type("Disk", (), {"total": 1000, "free": 300})()
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: disk)
    assert spool.room() and spool.room(200) and not spool.room(201)


def test_a_purge_removes_the_copy(spool: Spool) -> None:
    made(spool)
    made(spool, OTHER)
    host = LocalHost(LifeRules(channels=("dovecot",)), copies=spool)
    removed = contents.empty(host, UID)
    assert (removed.stores, removed.failures) == (["copy of own data"], [])
    assert spool.holders() == [OTHER]
    assert contents.empty(host, UID).stores == []
