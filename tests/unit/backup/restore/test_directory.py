"""The restore of the directory: kept passwords, messages, and requests to slapd."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from malleposte.backup.restore import directory as restoring
from malleposte.backup.restore import ldif
from malleposte.backup.restore.model import Copy
from malleposte.core.errors import InputError, MallepostError

BASE = "dc=ac-exemple,dc=test"


def entry(uid: str, password: str, state: str = "active", **more: str) -> str:
    lines = [f"dn: uid={uid},ou=people,{BASE}", "objectClass: mpAgent", f"uid: {uid}", f"mpState: {state}"]
    lines += [f"userPassword:: {password}", "pwdChangedTime: 20260101000000Z", "entryCSN: 1"]
    return "\n".join(lines + [f"{name}: {value}" for name, value in more.items()]) + "\n"


def service(password: str) -> str:
    return f"dn: cn=dovecot,ou=services,{BASE}\ncn: dovecot\nuserPassword:: {password}\n"


THEN = "\n".join([entry("anne", "b2xk"), entry("bruno", "b2xk"), entry("chloe", "b2xk"), service("b2xk")])
NOW = "\n".join([entry("anne", "bmV3"), entry("chloe", "bmV3", "blocked"), entry("dora", "bmV3"), service("bmV3")])


class Slapd:
    def __init__(self, tmp_path: Path, live: str) -> None:
        self.text, self.path, self.done, self.loaded = live, tmp_path / "malleposte.restore", [], ""

    def live(self) -> bytes:
        return self.text.encode()

    def load(self, text: str, name: str) -> Path:
        self.loaded = text
        self.path.mkdir()
        return self.path

    def swap(self, fresh: Path) -> None:
        self.done.append("swap")

    def change(self, text: str, *, add: bool) -> None:
        self.done.append(("add" if add else "modify", text))


class Vault:
    def __init__(self, text: str) -> None:
        self.text = text

    def dump(self, name: str, into: Path) -> Copy:
        assert name == "ldap"
        into.write_text(self.text)
        return Copy("ldap@1", "vault1", datetime(2026, 3, 14, tzinfo=UTC))

    def find(self, path: str) -> Copy:
        raise AssertionError

    def extract(self, copy: Copy, paths: list[str], destination: Path) -> None:
        raise AssertionError


def by_uid(text: str) -> dict[str, ldif.Entry]:
    return {one.dn.partition(",")[0].partition("=")[2]: one for one in ldif.parse(text.encode())}


def test_whole_passwords_of_today_stay_and_what_changes_is_said(tmp_path):
    slapd = Slapd(tmp_path, NOW)
    done = restoring.restore(Vault(THEN), slapd, tmp_path / "work", say=lambda _: None)
    loaded = by_uid(slapd.loaded)
    passwords = {uid: one.values("userPassword") for uid, one in loaded.items()}
    assert passwords == {"anne": ["new"], "bruno": ["old"], "chloe": ["new"], "dovecot": ["new"]}
    assert loaded["chloe"].values("mpState") == ["active"]
    said = "\n".join(done.notes)
    assert "1 accounts were not there and let in by their password of then: bruno" in said
    assert "1 accounts that are not active today are active again: chloe" in said
    assert "1 entries made since are gone from the directory: dora" in said
    assert slapd.done == ["swap"]
    assert Path(done.aside).is_dir()
    assert list((tmp_path / "work").iterdir()) == []


def test_whole_with_old_passwords_services_keep_theirs(tmp_path):
    slapd = Slapd(tmp_path, NOW)
    restoring.restore(Vault(THEN), slapd, tmp_path / "work", old_passwords=True, say=lambda _: None)
    passwords = {uid: one.values("userPassword") for uid, one in by_uid(slapd.loaded).items()}
    assert passwords == {"anne": ["old"], "bruno": ["old"], "chloe": ["old"], "dovecot": ["new"]}


def test_an_empty_dump_changes_nothing(tmp_path):
    slapd = Slapd(tmp_path, NOW)
    with pytest.raises(MallepostError, match="is empty"):
        restoring.restore(Vault("\n"), slapd, tmp_path / "work", say=lambda _: None)
    assert slapd.done == []


@pytest.mark.parametrize(("old", "present"), [(False, False), (True, True)])
def test_an_entry_that_is_gone_comes_without_its_password(tmp_path, old, present):
    slapd = Slapd(tmp_path, NOW)
    done = restoring.restore_entry(Vault(THEN), slapd, tmp_path / "work", "Bruno", old_passwords=old)
    ((verb, text),) = slapd.done
    assert verb == "add"
    assert ("userPassword" in text) is present
    assert "entryCSN" not in text
    assert ("password of then" if old else "no password") in done.notes[0]


def test_an_entry_that_is_there_is_changed_back_and_keeps_its_password(tmp_path):
    slapd = Slapd(tmp_path, NOW)
    done = restoring.restore_entry(Vault(THEN), slapd, tmp_path / "work", "chloe")
    ((verb, text),) = slapd.done
    assert verb == "modify" and "replace: mpState\nmpState: active\n-" in text and "assword" not in text
    assert "its password of today stays" in done.notes
    assert "its state was ['blocked'], is ['active'] again" in done.notes
    restoring.restore_entry(Vault(NOW), Slapd(tmp_path, NOW), tmp_path / "work", "anne")
    with pytest.raises(InputError, match="account zoe: not in the directory of ldap@1"):
        restoring.restore_entry(Vault(THEN), slapd, tmp_path / "work", "zoe")


def test_ldif_is_unfolded_decoded_and_written_back():
    text = "# c\ndn:: dWlkPcOpLGRjPXQ=\ncn: a long\n er value\nmail;x-y: a@b.test\n\nversion: 1\n\ndn: dc=t\ndc: t\n"
    first, second = ldif.parse(text.encode())
    assert first.dn == "uid=é,dc=t"
    assert first.values("cn") == ["a longer value"]
    assert first.values("mail") == ["a@b.test"]
    assert list(ldif.parse(first.text().encode())) == [first]
    assert second.values("dc") == ["t"]


def test_a_loaded_database_is_on_disk_and_out_of_the_cache(tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(restoring.os, "fsync", lambda _file: asked.append("fsync"))
    monkeypatch.setattr(restoring.os, "posix_fadvise", lambda *_of: asked.append("forget"))
    (tmp_path / "data.mdb").write_bytes(b"x")
    (tmp_path / "lock.mdb").write_bytes(b"")
    restoring.Slapd.settle(tmp_path)
    assert asked == ["fsync", "forget"] * 2
