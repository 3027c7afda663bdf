"""A relay to one server over TLS: a connection of its own for each that a client of this host opens."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections.abc import Awaitable, Callable

from malleposte.runtime import kit, link
from malleposte.runtime.streams import to_the_end

LOG = logging.getLogger("relay")
PATIENCE = 30.0
"""Seconds for the server to take a connection."""
PIECE = 65_536

Asked = Callable[[asyncio.StreamReader, asyncio.StreamWriter, asyncio.StreamWriter], Awaitable[None]]
"""Hands on a client's words: from it, to it, to the server."""
Answered = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
"""Hands on the server's answers: from it, to the client."""


def acknowledge(client: asyncio.StreamWriter) -> None:
    """Acknowledge at once what a client has sent.

    SOGo sends a command in two segments, and holds the second until the first is acknowledged (RFC 896), which the
    kernel puts off for 40 ms (tcp(7), TCP_QUICKACK).
    """
    handle = client.get_extra_info("socket")
    if handle is not None and handle.family in (socket.AF_INET, socket.AF_INET6):
        handle.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


async def handed_on(
    source: asyncio.StreamReader, to: asyncio.StreamWriter, client: asyncio.StreamWriter | None = None
) -> None:
    """Everything of one direction; what comes from a `client` is acknowledged at once."""
    while piece := await source.read(PIECE):
        if client is not None:
            acknowledge(client)
        to.write(piece)
        await to.drain()


async def as_asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, server: asyncio.StreamWriter) -> None:
    """A client's words as they are."""
    await handed_on(reader, server, writer)


async def connection(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    host: str,
    port: int,
    away: bytes,
    asked: Asked = as_asked,
    answered: Answered = handed_on,
) -> None:
    """One connection of the client's, which is told `away` where the server does not answer."""
    far: asyncio.StreamWriter | None = None
    try:
        opening = asyncio.open_connection(host, port, ssl=link.client_context(), limit=PIECE)
        answers, server = await asyncio.wait_for(opening, PATIENCE)
        far = server
        tasks = [asyncio.ensure_future(one) for one in (asked(reader, writer, server), answered(answers, writer))]
        # Whoever closes first ends it.
        done, rest = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in rest:
            task.cancel()
        await asyncio.gather(*rest, return_exceptions=True)
        for task in done:
            task.result()
    except (OSError, EOFError, ValueError, TimeoutError) as error:
        LOG.error("%s:%d: %s: %s", host, port, type(error).__name__, error)
        with contextlib.suppress(OSError):
            writer.write(away)
    finally:
        for one in (writer, far):
            if one is not None:
                one.close()


async def serve(host: str, port: int, away: bytes, asked: Asked = as_asked, answered: Answered = handed_on) -> None:
    """Relay on the socket that systemd hands over."""
    (handed,) = kit.handed()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await connection(reader, writer, host, port, away, asked, answered)

    async with await asyncio.start_server(to_the_end(connected), sock=handed, limit=PIECE):
        await kit.alive()
