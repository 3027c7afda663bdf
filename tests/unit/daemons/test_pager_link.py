"""Two pagers that speak over TLS, and a notification that is posted as Alertmanager does."""

from __future__ import annotations

import asyncio
import hashlib
import json
import urllib.request
from pathlib import Path

import pytest
from malleposte.daemons.pager import Pager
from malleposte.paging import peers
from malleposte.paging.settings import SECRETS, Peer, Settings

from tests.support import certificates

NAMES = ("vault1", "pia1")


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def settings(folder: Path, name: str, *others: Peer, webhook: bool) -> Settings:
    """The settings as the role writes them: a file, and what systemd hands over."""
    given = {
        "name": name, "rank": 0, "listen": ["127.0.0.1", 0], "webhook": ["127.0.0.1", 0] if webhook else [],
        "peers": [{"name": one.name, "address": one.address, "vault": one.vault} for one in others],
        "clients": {one: digest(f"secret of {one}") for one in NAMES if one != name},
        "watches": False, "state_user": "",
    }  # fmt: skip
    (folder / "pager.json.settings").write_text(json.dumps(given))
    (folder / SECRETS).write_text(json.dumps({"secret": f"secret of {name}", "receivers": {}}))
    return Settings.read(folder / "pager.json.settings")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that systemd hands over: a certificate for localhost, whose authority is trusted."""
    pair = certificates.pair("ec", "localhost")
    (tmp_path / "chain.pem").write_bytes(pair.chain)
    (tmp_path / "key.pem").write_bytes(pair.key)
    (tmp_path / "authority.pem").write_bytes(pair.authority)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "authority.pem"))
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(tmp_path))
    return tmp_path


def post(port: int, way: str, body: bytes) -> int:
    asked = urllib.request.Request(f"http://127.0.0.1:{port}/{way}", body, method="POST")
    with urllib.request.urlopen(asked, timeout=60) as answer:  # noqa: S310
        status: int = answer.status
        return status


def test_a_heartbeat_goes_from_alertmanager_to_the_portal_s_pager(folder: Path) -> None:
    async def scene() -> None:
        portal = Pager(settings(folder, "pia1", Peer("vault1", "tls://localhost:1", True), webhook=False))
        (listening,) = await portal.listen()
        address = f"tls://localhost:{listening.sockets[0].getsockname()[1]}"
        vault = Pager(settings(folder, "vault1", Peer("pia1", address, False), webhook=True), turn=0)
        _own, hook = await vault.listen()
        portal.beats.last["vault1"] = 0.0
        assert await asyncio.to_thread(post, hook.sockets[0].getsockname()[1], "heartbeat", b"{}") == 200
        assert portal.beats.last["vault1"] > 0
        portal.recent.add(["a:rings"], portal.clock())
        me = Peer("pia1", address, False)
        asked = {"told": ["a:rings", "b:rings"]}
        assert await asyncio.to_thread(peers.ask, me, "vault1", "secret of vault1", asked) == {"told": ["a:rings"]}
        with pytest.raises(ValueError, match="refused"):
            await asyncio.to_thread(peers.ask, me, "vault1", "another secret", asked)
        for server in (listening, _own, hook):
            server.close()

    asyncio.run(scene())


def test_a_pager_alone_takes_notifications_and_opens_no_port(folder: Path) -> None:
    settings(folder, "vault1", webhook=True)
    file = folder / "pager.json.settings"
    file.write_text(json.dumps(json.loads(file.read_text("utf-8")) | {"listen": []}))
    alert = {"status": "firing", "fingerprint": "a", "startsAt": "", "labels": {"alertname": "A"}, "annotations": {}}
    body = json.dumps({"alerts": [alert]}).encode()

    async def scene() -> None:
        alone = Pager(Settings.read(file), turn=0)
        (hook,) = await alone.listen()
        with pytest.raises(OSError, match="503"):
            await asyncio.to_thread(post, hook.sockets[0].getsockname()[1], "page", body)
        hook.close()

    asyncio.run(scene())
