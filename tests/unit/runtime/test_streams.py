"""Servers on sockets that systemd has opened."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from malleposte.runtime import streams


async def _echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(await reader.readline())
    await writer.drain()
    writer.close()


async def _answer(path: Path) -> bytes:
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(b"bonjour\n")
    answer = await reader.read()
    writer.close()
    return answer


def test_a_server_begins_again_on_the_socket_of_the_one_before(tmp_path: Path) -> None:
    """systemd opens the socket once: clients reach its file after each end of the program."""
    path = tmp_path / "asked"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        async def served_once() -> bytes:
            async with await streams.unix_server(listening.dup(), _echo, 100):
                return await _answer(path)

        assert [asyncio.run(served_once()) for _ in range(2)] == [b"bonjour\n"] * 2
