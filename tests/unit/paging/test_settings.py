"""The settings of the pager: what the role writes is what is read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from malleposte.core.errors import InputError
from malleposte.core.paths import ROOT
from malleposte.paging.settings import SECRETS, Settings

ROLE = yaml.safe_load((ROOT / "roles/pager/vars/main.yml").read_text("utf-8"))
GIVEN: dict[str, Any] = {
    "name": "pia1", "rank": 2, "listen": ["", 7450], "webhook": [], "clients": {},
    "peers": [{"name": "vault1", "address": "tls://vault1.test:7450", "vault": True}],
    "watches": False, "state_user": "portal",
}  # fmt: skip


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    secrets = tmp_path / "credentials"
    secrets.mkdir()
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(secrets))
    (secrets / SECRETS).write_text(json.dumps({"secret": "s", "receivers": {}}))
    (tmp_path / "pager.json").write_text(json.dumps(GIVEN))
    return tmp_path / "pager.json"


def test_the_role_writes_every_key_that_is_read(written: Path) -> None:
    assert ROLE["__pager_settings"].keys() == GIVEN.keys()
    settings = Settings.read(written)
    assert (settings.watches, settings.state_user, settings.peers[0].vault) == (False, "portal", True)
    assert str(settings.state_socket) == "/run/malleposte-pager/state"
    unit = (ROOT / "roles/pager/templates/etc/systemd/system/malleposte-pager.service.j2").read_text("utf-8")
    assert "RuntimeDirectory=malleposte-pager\nRuntimeDirectoryMode=0755" in unit


@pytest.mark.parametrize("key", sorted(GIVEN))
def test_a_key_that_is_missing_is_said(written: Path, key: str) -> None:
    written.write_text(json.dumps({name: value for name, value in GIVEN.items() if name != key}))
    with pytest.raises(KeyError, match=key):
        Settings.read(written)


def test_no_secret_is_said(written: Path) -> None:
    (written.parent / "credentials" / SECRETS).write_text("{}")
    with pytest.raises(InputError, match="no secret"):
        Settings.read(written)
