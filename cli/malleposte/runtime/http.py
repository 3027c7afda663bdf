"""HTTP/1.1 as nginx and Dovecot speak it with a daemon: bodies of a known length, over a socket of systemd's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace

from malleposte.runtime import kit
from malleposte.runtime.streams import to_the_end

Answer = tuple[int, list[str], bytes]
"""Status, headers, body."""


@dataclass(frozen=True)
class Request:
    """The names of `headers` are in small letters."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes = b""


@dataclass(frozen=True)
class Limits:
    """Most bytes of a request's head and of its body; seconds for each to come."""

    head: int
    body: int
    seconds: float


class Refusal(Exception):
    """A request that is not read to its end. The argument is the status."""


Respond = Callable[[Request], Awaitable[Answer]]


async def read(reader: asyncio.StreamReader, limits: Limits) -> Request:
    """The next request. Raises Refusal, and what a StreamReader raises."""
    request, length = await read_head(reader, limits)
    return await read_body(request, length, reader, limits)


async def read_head(reader: asyncio.StreamReader, limits: Limits) -> tuple[Request, int]:
    """Read a request up to its body, and the length of that. Raises as `read` does."""
    text = (await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), limits.seconds)).decode("latin-1")
    first, *lines = text.rstrip("\r\n").split("\r\n")
    words = first.split(" ")
    if len(words) != 3:
        raise Refusal(400)
    headers: dict[str, str] = {}
    for name, _colon, value in (line.partition(":") for line in lines):
        key = name.strip().lower()
        # Several lines of cookies are one (RFC 9113, 8.2.3); of any other header the last one counts.
        before = [headers[key]] if key == "cookie" and key in headers else []
        headers[key] = "; ".join([*before, value.strip()])
    length = headers.get("content-length") or "0"
    if not length.isdecimal() or not length.isascii() or len(length) > 9 or int(length) > limits.body:
        raise Refusal(413)
    return Request(words[0], words[1], headers), int(length)


async def read_body(request: Request, length: int, reader: asyncio.StreamReader, limits: Limits) -> Request:
    """Read the body of a request. Raises what a StreamReader raises."""
    return replace(request, body=await asyncio.wait_for(reader.readexactly(length), limits.seconds))


async def converse(
    respond: Respond, limits: Limits, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """One connection, until the client closes it or says that it will."""
    try:
        stays = True
        while stays:
            try:
                request = await read(reader, limits)
                stays = request.headers.get("connection", "").lower() != "close"
                status, headers, body = await respond(request)
            except Refusal as refusal:
                stays, (status, headers, body) = False, (refusal.args[0], [], b"")
            headers = [*headers, f"Content-Length: {len(body)}", f"Connection: {'keep-alive' if stays else 'close'}"]
            head = [f"HTTP/1.1 {status} -", *headers]
            writer.write(("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + body)
            await writer.drain()
    except (OSError, EOFError, asyncio.LimitOverrunError):
        pass
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()


async def serve(respond: Respond, limits: Limits) -> None:
    """Answer on the socket that systemd hands over."""
    (handed,) = kit.handed()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await converse(respond, limits, reader, writer)

    async with await asyncio.start_server(to_the_end(connected), sock=handed, limit=limits.head):
        await kit.alive()
