"""Talk among pagers over TLS: heartbeats, and whether another one told of an event already. One line each way, JSON."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from malleposte.core.errors import InputError
from malleposte.core.loops import named
from malleposte.paging.settings import Peer
from malleposte.runtime import link

PORT = 7450
SECONDS = 5.0
"""A limit for connection and answer of a peer."""
LONGEST = 65_536
"""Bytes of a line."""
STATE_SECONDS = 10.0
"""A limit for a vault to say the state of the platform."""
LONGEST_STATE = 600_000
"""Bytes of that line."""
MOST_EVENTS = 500
"""Events that one question may name."""


def ask(peer: Peer, name: str, secret: str, request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a peer's answer. Raises OSError, ValueError."""
    line = json.dumps({"client": name, "secret": secret, **request}).encode() + b"\n"
    with link.connected(peer.address, port=PORT, timeout=SECONDS) as stream:
        stream.write(line)
        stream.flush()
        answer = json.loads(stream.readline(LONGEST))
    if not isinstance(answer, dict) or "refused" in answer:
        raise ValueError(f"{peer.name} refused: {answer}")
    return answer


async def state(peer: Peer, name: str, secret: str) -> bytes:
    """Return a vault's line with the state of the platform. Raises OSError, TimeoutError among them; ValueError."""
    where = urlsplit(peer.address)
    async with asyncio.timeout(STATE_SECONDS):
        reader, writer = await asyncio.open_connection(
            where.hostname, where.port or PORT, ssl=link.client_context(), limit=LONGEST_STATE
        )
        try:
            writer.write(json.dumps({"client": name, "secret": secret, "state": True}).encode() + b"\n")
            await writer.drain()
            return await reader.readline()
        finally:
            writer.close()


def each(
    peers: Sequence[Peer], name: str, secret: str, request: Mapping[str, Any], say: Callable[[str], object]
) -> list[dict[str, Any]]:
    """Ask peers side by side; return the answers of those that gave one. The others are said."""

    answers: list[dict[str, Any]] = []

    def one(peer: Peer) -> None:
        with named(say, f"<4>{peer.name}"):
            answers.append(ask(peer, name, secret, request))

    if peers:
        with ThreadPoolExecutor(len(peers)) as pool:
            list(pool.map(one, peers))
    return answers


def read(line: bytes, clients: Mapping[str, str]) -> tuple[str, dict[str, Any]]:
    """Return the client of a line that proves it, and the request. Raises InputError."""
    try:
        request = json.loads(line)
        client, secret = str(request.pop("client")), str(request.pop("secret"))
    except (ValueError, KeyError, AttributeError, TypeError, RecursionError) as error:
        raise InputError("not a request") from error
    if not link.proves(clients, client, secret):
        raise InputError("not known here")
    return client, request
