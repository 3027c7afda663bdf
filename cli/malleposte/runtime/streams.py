"""Connections of asyncio's servers, each served to its end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

Connected = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


def to_the_end(connected: Connected) -> Connected:
    """The callback of `asyncio.start_server`, whose task is referenced until it ends.

    The event loop has weak references to tasks alone (asyncio, `create_task`). Once its client has left, the transport
    references the task no more, and the garbage collector may end it in the middle of its work.
    """
    tasks = set[asyncio.Task[None]]()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None, "asyncio calls it in a task"
        tasks.add(task)
        try:
            await connected(reader, writer)
        finally:
            tasks.discard(task)

    return serve


async def unix_server(handed: socket.socket, connected: Connected, limit: int) -> asyncio.Server:
    """Serve a Unix socket that systemd has opened, with lines of at most `limit` octets.

    Its file stays when the server ends, since systemd goes on to listen there: asyncio alone would remove it.
    """
    handed.setblocking(False)
    return await asyncio.start_unix_server(to_the_end(connected), sock=handed, limit=limit, cleanup_socket=False)
