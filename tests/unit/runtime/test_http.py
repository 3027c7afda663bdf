"""HTTP as a daemon speaks it: what is read of a connection, and when it ends."""

import asyncio

import pytest
from malleposte.runtime import http

LIMITS = http.Limits(head=256, body=8, seconds=5)


def conversed(sent: bytes) -> tuple[list[http.Request], str]:
    """The requests that were answered, and everything that the client received."""
    seen: list[http.Request] = []

    async def respond(request: http.Request) -> http.Answer:
        seen.append(request)
        return 200, ["X-A: b"], request.body

    async def run() -> str:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await http.converse(respond, LIMITS, reader, writer)

        async with await asyncio.start_server(connected, "127.0.0.1", 0, limit=LIMITS.head) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            writer.write(sent)
            writer.write_eof()
            answer = (await reader.read()).decode()
            writer.close()
            return answer

    return seen, asyncio.run(run())


def test_a_connection_stays_until_the_client_ends_it() -> None:
    one = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\nCookie: a=b\r\nCookie: c=d\r\n\r\nhi"
    seen, told = conversed(one + b"GET /b HTTP/1.1\r\nConnection: close\r\n\r\n")
    assert [(request.method, request.target, request.body) for request in seen] == [
        ("POST", "/a", b"hi"),
        ("GET", "/b", b""),
    ]
    assert seen[0].headers["cookie"] == "a=b; c=d"
    first = "HTTP/1.1 200 -\r\nX-A: b\r\nContent-Length: 2\r\nConnection: keep-alive\r\n\r\nhi"
    assert told.startswith(first)
    assert told.endswith("Content-Length: 0\r\nConnection: close\r\n\r\n")


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"POST\r\n\r\n", "400"),
        (b"POST / HTTP/1.1\r\nContent-Length: 9\r\n\r\n123456789", "413"),
        (b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", "413"),
        ("POST / HTTP/1.1\r\nContent-Length: \xb2\r\n\r\n".encode("latin-1"), "413"),
    ],
)
def test_what_is_no_request_ends_the_connection(sent: bytes, status: str) -> None:
    seen, told = conversed(sent)
    assert seen == []
    assert told == f"HTTP/1.1 {status} -\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@pytest.mark.parametrize(
    "sent", [b"GET / HTTP/1.1\r\nX: " + b"x" * 300, b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nab"]
)
def test_what_never_ends_gets_no_answer(sent: bytes) -> None:
    assert conversed(sent) == ([], "")
