"""SOGo: its log-in, and refusals as its page reads them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping

from malleposte.daemons.dav_router.proofs import PATIENCE, Unsure
from malleposte.daemons.http import Answer

LONGEST_ANSWER = 65_536  # bytes
WRONG = 65535  # SOGo's PolicyNoError, which its page shows as a wrong name or password
UNSURE = "Le service ne répond pas : réessayez dans quelques minutes. / No answer: try again in some minutes."
FORWARDED = ("user-agent", "accept-language", "x-real-ip", "x-forwarded-for", "x-forwarded-proto")


def shown(status: int, reason: int | str) -> Answer:
    """A refusal as SOGo's page reads it: a number that it knows, or a text that it shows."""
    body = json.dumps({"LDAPPasswordPolicyError": reason, "additionalInfos": {}})
    return status, ["Content-Type: application/json", "Cache-Control: no-store"], body.encode()


class Sogo:
    """SOGo's own log-in."""

    def __init__(self, port: int) -> None:
        """`port` of the loopback."""
        self.port = port

    async def log_in(self, headers: Mapping[str, str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        """Status, headers (names in small letters) and body. Raises Unsure."""
        try:
            return await asyncio.wait_for(self._ask(headers, body), PATIENCE)
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError) as error:
            raise Unsure(f"{type(error).__name__}: {error}") from error

    async def _ask(self, headers: Mapping[str, str], body: bytes) -> tuple[int, list[tuple[str, str]], bytes]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=LONGEST_ANSWER)
        try:
            told = [
                f"{name}: {value}"
                for name, value in headers.items()
                if name in ("host", *FORWARDED) or name.startswith("x-webobjects-")
            ]
            # HTTP/1.0: the answer ends where the connection does.
            head = [
                "POST /SOGo/connect HTTP/1.0",
                *told,
                "Content-Type: application/json",
                f"Content-Length: {len(body)}",
            ]
            writer.write(("\r\n".join(head) + "\r\n\r\n").encode("latin-1") + body)
            await writer.drain()
            first, *lines = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").rstrip("\r\n").split("\r\n")
            found = [
                (name.strip().lower(), value.strip()) for name, _colon, value in (line.partition(":") for line in lines)
            ]
            text = b""
            while len(text) <= LONGEST_ANSWER and (more := await reader.read(LONGEST_ANSWER)):
                text += more
            if len(text) > LONGEST_ANSWER:
                raise ValueError("its answer is too long")
            return int(first.split(" ")[1]), found, text
        except IndexError as error:
            raise ValueError("it does not answer in HTTP") from error
        finally:
            writer.close()
