"""The accounts with which the backup servers probe."""

from __future__ import annotations

import datetime
from pathlib import Path

import pytest
from malleposte.accounts import watchers
from malleposte.accounts.devices import follow
from malleposte.accounts.journal import Journal
from malleposte.accounts.watchers import Watcher
from malleposte.core.errors import InputError
from malleposte.policy import devices as form

from tests.support.directory import MemoryDirectory

NOW = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)
UID = "probe-vault1-1"


def watcher(password: str, *networks: str) -> Watcher:
    return Watcher.of({"uid": UID, "password": password, "networks": list(networks or ("192.0.2.1",))})


def test_an_account_has_no_password_and_one_device_that_opens_from_the_vault(tmp_path: Path) -> None:
    directory = MemoryDirectory()
    with Journal(tmp_path / "journal", "root") as journal:
        first, second = form.generate(), form.generate()

        def ensure(one: Watcher) -> list[str]:
            return watchers.ensure(directory, journal, [one], "ac-exemple.test", "roundcube", NOW)

        assert ensure(watcher(first)) == [UID]
        assert ensure(watcher(first)) == []
        (entry,) = directory.search("people", ["userPassword", "mpHidden", "mail", "mpQuota"], {"uid": UID})
        assert "userPassword" not in entry.attributes
        assert entry.attributes["mail"] == [f"{UID}@ac-exemple.test"]
        (device,) = follow.of(directory, UID)
        assert (set(device.scopes), device.networks) == ({"imap", "smtp", "dav"}, ("192.0.2.1/32",))
        assert ensure(watcher(second)) == [UID]
        assert [one.ident for one in follow.of(directory, UID)] == [form.identifier(second)]
        assert ensure(watcher(second, "192.0.2.1", "2001:db8::1")) == [UID]
        assert first not in (tmp_path / "journal").read_text("utf-8")


@pytest.mark.parametrize(
    "given",
    [
        {},
        {"uid": UID, "password": "Secret-1", "networks": ["192.0.2.1"]},
        {"uid": UID, "password": "x", "networks": []},
    ],
)
def test_what_is_no_account_is_refused_and_repeats_no_password(given: dict[str, object]) -> None:
    with pytest.raises(InputError) as refused:
        Watcher.of(given)
    assert "Secret-1" not in str(refused.value)
