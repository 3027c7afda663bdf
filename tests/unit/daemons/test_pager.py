"""The pager: notifications, doubles of two vaults, heartbeats."""

from __future__ import annotations

import asyncio
import functools
import hashlib
import json
import os
import pwd
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from malleposte.core.errors import MallepostError
from malleposte.daemons.pager import CONNECTIONS, VIEWS, Pager
from malleposte.paging import peers
from malleposte.paging.beats import MISSING
from malleposte.paging.message import Message
from malleposte.paging.receivers import NobodyToldError, Receivers
from malleposte.paging.settings import Peer, Settings
from malleposte.runtime import link
from malleposte.runtime.http import Request
from malleposte.watch.state.document import Answer, State, decoded, encoded
from malleposte.watch.state.offer import Offer
from malleposte.watch.state.vault import Asked

from tests.support.certificates import pair


@dataclass
class Recorded(Receivers):
    """Keeps what is sent; `broken` sends nothing."""

    broken: bool = False
    sent: list[str] = field(default_factory=list)
    mailed: list[str] = field(default_factory=list)

    @property
    def by_mail(self) -> bool:
        return True

    def send(self, message: Message, now: float) -> list[str]:
        if self.broken:
            raise NobodyToldError("nobody")
        self.sent.append(message.headline)
        return []

    def mail(self, message: Message, faults: Sequence[str] = ()) -> list[str]:
        self.mailed.append(message.headline)
        return []


def digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def made(name: str = "vault1", rank: int = 0, now: float = 1000.0) -> tuple[Pager, Recorded]:
    names = ["vault1", "vault2", "pia1"]
    others = tuple(Peer(one, f"tls://{one}.test", one.startswith("vault")) for one in names if one != name)
    recorded = Recorded()
    settings = Settings(
        name, rank, ("127.0.0.1", 0), ("127.0.0.1", 0), others,
        {one.name: digest(f"secret of {one.name}") for one in others}, Path("/none"), Path("/none"),
        f"secret of {name}", recorded,
    )  # fmt: skip
    return Pager(settings, lambda: now, 0.0), recorded


def notification(*keys: str, status: str = "firing") -> bytes:
    alerts = [
        {
            "status": status, "fingerprint": key, "startsAt": "", "labels": {"alertname": key},
            "annotations": {"summary": f"it is {key}"},
        }
        for key in keys
    ]  # fmt: skip
    return json.dumps({"alerts": alerts}).encode()


def answers(monkeypatch: pytest.MonkeyPatch, *told: str) -> list[dict[str, Any]]:
    """Other pagers told of these events; return the questions they get."""
    asked: list[dict[str, Any]] = []

    def each(
        peers: Sequence[Peer], name: str, secret: str, request: dict[str, Any], say: object
    ) -> list[dict[str, Any]]:
        asked.append(request)
        return [{"told": [one for one in request.get("told", []) if one in told]}]

    monkeypatch.setattr("malleposte.paging.peers.each", each)
    return asked


def reply(one: Pager, line: Any) -> Any:
    return json.loads(asyncio.run(one.reply(json.dumps(line).encode())))


def post(one: Pager, path: str, body: bytes) -> int:
    return asyncio.run(one.hook(Request("POST", path, {}, body)))[0]


def test_a_page_is_told_once_and_again_when_it_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    one, recorded = made()
    assert post(one, "/page", notification("a")) == 200
    assert post(one, "/page", notification("a")) == 200
    assert recorded.sent == ["it is a"]
    assert post(one, "/page", notification("a", "b")) == 200
    assert post(one, "/page", notification("a", status="resolved")) == 200
    assert recorded.sent == ["it is a", "it is b", "over: it is a"]


def test_an_alarm_that_ends_and_begins_again_within_minutes_is_told_each_time(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    one, recorded = made()
    for status in ("firing", "resolved", "firing", "firing", "resolved"):
        assert post(one, "/page", notification("a", status=status)) == 200
    assert recorded.sent == ["it is a", "over: it is a", "it is a", "over: it is a"]


def test_a_double_of_another_vault_calls_nobody_but_a_page_still_goes_by_mail(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch, "a:rings")
    one, recorded = made("vault2", 1)
    assert post(one, "/page", notification("a")) == 200
    assert (recorded.sent, recorded.mailed) == ([], ["it is a"])
    assert post(one, "/ticket", notification("c")) == 200
    assert recorded.sent == ["it is c"]


def test_what_reached_nobody_comes_again(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    one, recorded = made()
    recorded.broken = True
    assert post(one, "/page", notification("a")) == 503
    recorded.broken = False
    assert post(one, "/page", notification("a")) == 200
    assert recorded.sent == ["it is a"]


@pytest.mark.parametrize(("path", "body", "status"), [("/page", b"{", 400), ("/page", b"{}", 400), ("/x", b"{}", 404)])
def test_what_is_no_notification_is_refused(path: str, body: bytes, status: int) -> None:
    one, recorded = made()
    assert post(one, path, body) == status
    assert recorded.sent == []


def test_a_heartbeat_goes_on_to_every_peer_and_counts_with_a_secret_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = answers(monkeypatch)
    one, _recorded = made()
    assert post(one, "/heartbeat", b"{}") == 200
    assert asked == [{"heartbeat": True}]

    now = [0.0]
    portal, recorded = made("pia1", 2)
    portal.clock = lambda: now[0]
    portal.beats.last = dict.fromkeys(portal.beats.last, 0.0)
    now[0] = MISSING + 1
    line = {"client": "vault1", "secret": "secret of vault1", "heartbeat": True}
    assert reply(portal, line) == {}
    assert reply(portal, {**line, "client": "vault2"})["refused"]
    assert reply(portal, [])["refused"]
    asyncio.run(portal.once())
    assert len(recorded.sent) == 1
    assert recorded.sent[0].startswith("vault2 watches no more")
    asyncio.run(portal.once())
    assert len(recorded.sent) == 1


def test_a_peer_is_told_what_was_told(monkeypatch: pytest.MonkeyPatch) -> None:
    answers(monkeypatch)
    one, _recorded = made()
    assert post(one, "/page", notification("a")) == 200
    line = {"client": "vault2", "secret": "secret of vault2", "told": ["a:rings", "a:over", 3]}
    assert reply(one, line) == {"told": ["a:rings"]}


def nothing_measured(query: str, *_when: float) -> list[Any]:
    return []


def test_a_vault_tells_the_state_to_a_peer_that_proves_itself_alone() -> None:
    line = {"client": "pia1", "secret": "secret of pia1", "state": True}
    vault, _recorded = made("vault1")
    vault.offer = Offer("vault1", [], lambda: 1000.0, Asked(nothing_measured, nothing_measured, list))
    told = reply(vault, line)
    assert (told["state"]["source"], told["state"]["kind"], told["refused"]) == ("vault1", "vault", "")
    assert reply(vault, {**line, "secret": "of another"}) == {"state": None, "refused": "not known here"}

    portal, _recorded = made("pia1", 2)
    asked = {"client": "vault1", "secret": "secret of vault1", "state": True}
    assert reply(portal, asked) == {"state": None, "refused": "no vault"}


def test_a_peer_that_holds_its_connections_keeps_no_other_away() -> None:
    one, _recorded = made("vault1")

    async def ask(port: int, host: str) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=(host, 0))
        try:
            writer.write(
                json.dumps({"client": "vault2", "secret": "secret of vault2", "heartbeat": True}).encode() + b"\n"
            )
            return await reader.readline()
        except ConnectionResetError:  # closed before the line was read
            return b""
        finally:
            writer.close()

    async def asked() -> list[bytes]:
        server = await asyncio.start_server(one.peer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        silent = [
            await asyncio.open_connection("127.0.0.1", port, local_addr=("127.0.0.2", 0)) for _ in range(CONNECTIONS)
        ]
        while one.places["127.0.0.2"] < CONNECTIONS:
            await asyncio.sleep(0.01)
        held = [await ask(port, "127.0.0.2"), await ask(port, "127.0.0.3")]
        for _reader, writer in silent:
            writer.close()
        while one.places["127.0.0.2"]:
            await asyncio.sleep(0.01)
        answers = [*held, await ask(port, "127.0.0.2")]
        server.close()
        return answers

    assert asyncio.run(asked()) == [b"", b"{}\n", b"{}\n"]


def shown(one: Pager, path: Path) -> bytes:
    """Return all that a program on this host reads at the pager's socket."""

    async def read() -> bytes:
        servers = await one.listen()
        reader, writer = await asyncio.open_unix_connection(str(path))
        try:
            return await reader.read()
        finally:
            writer.close()
            for server in servers:
                server.close()

    return asyncio.run(read())


def test_the_portal_s_user_alone_reads_the_state_on_its_host(tmp_path: Path) -> None:
    path = tmp_path / "state"
    me = pwd.getpwuid(os.getuid()).pw_name
    another = next(one.pw_name for one in pwd.getpwall() if one.pw_uid != os.getuid())
    for user, answered in ((me, True), (another, False), ("nobody-of-this-name", False)):
        one, _recorded = made("pia1", 2)
        one.settings = replace(one.settings, listen=None, webhook=None, state_user=user, state_socket=path)

        async def ask() -> bytes:
            return encoded(Answer(State("vault", "vault1", 5.0)))

        one.offer = Offer("pia1", [("vault1", ask)], lambda: 1000.0)
        text = shown(one, path)
        assert bool(text) is answered, user
        if answered:
            assert decoded(State, text).source == "vault1"
        path.unlink(missing_ok=True)


def test_views_that_wait_hold_up_few_threads_of_the_portal(tmp_path: Path) -> None:
    one, _recorded = made("pia1", 2)
    me = pwd.getpwuid(os.getuid()).pw_name
    one.settings = replace(one.settings, listen=None, webhook=None, state_user=me, state_socket=tmp_path / "state")

    async def views() -> list[bytes]:
        answered = asyncio.Event()

        async def ask() -> bytes:
            await answered.wait()
            return encoded(Answer(State("vault", "vault1", 5.0)))

        one.offer = Offer("pia1", [("vault1", ask)], lambda: 1000.0)
        servers = await one.listen()
        links = [await asyncio.open_unix_connection(str(tmp_path / "state")) for _ in range(VIEWS)]
        while not one.views.locked():
            await asyncio.sleep(0)
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "state"))
        refused = await reader.read()
        answered.set()
        read = [await reader.read() for reader, _writer in links]
        writer.close()
        for _reader, other in links:
            other.close()
        for server in servers:
            server.close()
        return [refused, *read]

    refused, *read = asyncio.run(views())
    assert refused == b""
    assert [decoded(State, text).source for text in read] == ["vault1"] * VIEWS


@pytest.fixture
def by_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[Path, Path]:
    """The chain and the key of a pager that is called localhost; its authority is the one that pagers trust."""
    made_pair = pair("ec", "localhost")
    for name, content in zip(("key.pem", "chain.pem", "authority.pem"), made_pair, strict=True):
        (tmp_path / name).write_bytes(content)
    trusted = functools.partial(link.client_context, str(tmp_path / "authority.pem"))
    monkeypatch.setattr(link, "client_context", trusted)
    return tmp_path / "chain.pem", tmp_path / "key.pem"


def test_a_long_state_goes_from_a_vault_to_the_portal_s_host_over_tls(by_tls: tuple[Path, Path]) -> None:
    vault, _recorded = made("vault1")
    chain, key = by_tls
    vault.settings = replace(vault.settings, webhook=None, certificate=chain, key=key)
    rows = [({"instance": f"host{number:03}", "queue": "q" * 200}, float(number)) for number in range(500)]
    vault.offer = Offer("vault1", [], lambda: 1000.0, Asked(lambda _query, _at: rows, nothing_measured, list))

    async def read(secret: str) -> State:
        (server,) = await vault.listen()
        port = server.sockets[0].getsockname()[1]
        peer = Peer("vault1", f"tls://localhost:{port}", True)
        ask = functools.partial(peers.state, peer, "pia1", secret)
        try:
            return await Offer("pia1", [("vault1", ask)], lambda: 1000.0).whole()
        finally:
            server.close()

    state = asyncio.run(read("secret of pia1"))
    assert state.source == "vault1"
    assert len(state.tables["queues"]) == 500
    assert len(encoded(state)) > 200_000, "more than a line of the pagers' talk"
    with pytest.raises(MallepostError, match="vault1: not known here"):
        asyncio.run(read("of another"))
