"""The relay: what a client sends is acknowledged at once, and handed on as it is."""

from __future__ import annotations

import asyncio
import socket
from typing import Any

from malleposte.runtime import relay

from tests.support.streams import Writer


class Handle:
    """A socket that notes the options that are set."""

    def __init__(self, family: int) -> None:
        self.family = family
        self.options: list[tuple[int, ...]] = []

    def setsockopt(self, *option: int) -> None:
        self.options.append(option)


class Client(Writer):
    """The client's side, over a socket of some family."""

    def __init__(self, family: int) -> None:
        super().__init__()
        self.handle = Handle(family)

    def get_extra_info(self, name: str) -> object:
        return self.handle


def asked(family: int) -> tuple[bytes, list[tuple[int, ...]]]:
    """The octets that the server gets of a command in two segments, and the options of the client's socket."""
    client: Any = Client(family)
    server: Any = Writer()

    async def run() -> None:
        reader = asyncio.StreamReader()
        relaying = asyncio.ensure_future(relay.as_asked(reader, client, server))
        for segment in (b"7 SELECT INBOX", b"\r\n"):
            reader.feed_data(segment)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        reader.feed_eof()
        await relaying

    asyncio.run(run())
    return server.data, client.handle.options


def test_each_segment_of_a_client_is_acknowledged_at_once() -> None:
    octets, options = asked(socket.AF_INET)
    assert octets == b"7 SELECT INBOX\r\n"
    assert options == [(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)] * 2


def test_a_unix_socket_has_nothing_to_acknowledge() -> None:
    assert asked(socket.AF_UNIX) == (b"7 SELECT INBOX\r\n", [])
