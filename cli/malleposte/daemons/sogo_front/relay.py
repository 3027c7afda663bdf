"""Requests from nginx to SOGo's daemon, each on a connection of its own.

SOGo has few workers, and a request holds one to its end, whether its client waits or has left. Each agent has a share.
"""

from __future__ import annotations

import asyncio
import contextlib
import datetime
import json
import logging
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from http import HTTPStatus
from urllib.parse import quote, unquote
from xml.etree import ElementTree

from malleposte.daemons.sogo_front import drafts, times
from malleposte.daemons.sogo_front.drafts import Spool
from malleposte.daemons.sogo_front.times import Question, Store
from malleposte.daemons.sogo_front.turns import CrowdedError, Shares, Turns, addresses, too_early
from malleposte.runtime import http
from malleposte.runtime.http import Limits, Request

LOG = logging.getLogger("sogo-front")
LIMITS = Limits(head=65_536, body=64 << 20, seconds=60)
"""nginx has the whole of a request before it hands it over."""
MOST = 100
"""Guests of one question whose times are looked up."""
PATIENCE = 120.0
"""Seconds for a turn: a save with many invitations takes its time. As many for a place among SOGo's workers."""
WAITING = 60
"""Requests of an agent that wait for a place; a page asks for a dozen things at once."""
PIECE = 65_536
"""Bytes that are handed on at once."""
AGENDA = "x-sogo-agenda"
"""The header by which nginx marks saves of agendas and questions for busy times."""
DRAGGED = re.compile(r"/SOGo/so(/[^?]+?)(/occ[a-z]+\d+)?/adjust")
"""An event that was dragged: SOGo's page sends how far alone."""
LARGEST = 4 << 20
"""Bytes of an event that is saved; it is read whole."""
LARGE = "Ce rendez-vous est trop gros. Retirez ses pièces jointes."
EARLY = "Un rendez-vous ne peut pas commencer avant 1900."
CROWDED = "Beaucoup de vos demandes sont en cours. Réessayez dans quelques minutes."
BUSY = "Plusieurs personnes enregistrent un rendez-vous avec les mêmes invités. Réessayez dans quelques minutes."


@dataclass
class Sogo:
    """SOGo's daemon at an address of the loopback, its spool, the store of the agents whose agenda it does not have."""

    host: str
    port: int
    store: Store | None = None
    turns: Turns = field(default_factory=Turns)
    shares: Shares = field(default_factory=lambda: Shares(2, WAITING))
    spool: Spool | None = None

    async def ask(self, request: Request) -> bytes:
        """The whole answer, as it comes. Raises OSError."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(head_of(request) + request.body)
            await writer.drain()
            # SOGo ends it, or its watchdog ends SOGo's process: whoever asks may leave before, the turn lasts as long.
            return await reader.read()
        finally:
            writer.close()

    async def named(self, request: Request) -> frozenset[str]:
        """The addresses that a save is about."""
        dragged = DRAGGED.fullmatch(request.target.partition("?")[0])
        if not dragged:
            return addresses(request.body)
        return addresses(await self.look(request, f"/SOGo/dav{dragged[1]}"))

    async def look(self, request: Request, target: str) -> bytes:
        """The answer of SOGo at another address, to the agent of a request. Raises OSError."""
        headers = {name: value for name, value in request.headers.items() if not name.startswith("content-")}
        # SOGo shows its pages' data to no program that it takes for a device.
        headers["user-agent"] = "sogo-front"
        return await self.ask(replace(request, method="GET", target=target, headers=headers, body=b""))

    async def save(self, request: Request, gone: asyncio.StreamReader) -> bytes:
        """The answer to a save, in its turn; nothing is saved for a client that left before."""
        try:
            async with self.turns.of(await self.named(request), PATIENCE):
                return b"" if gone.at_eof() else await self.ask(request)
        except TimeoutError:
            LOG.warning("a save had no turn within %d s", PATIENCE)
            return refusal(HTTPStatus.SERVICE_UNAVAILABLE, BUSY)

    async def hand_on(
        self, request: Request, length: int, client: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Hand a request and its answer on as they come. Raises OSError, EOFError.

        A client that leaves ends nothing: SOGo's worker goes on, and its place is taken as long.
        """
        sogo, to_sogo = await asyncio.open_connection(self.host, self.port)
        try:
            to_sogo.write(head_of(request))
            async for piece in pieces(client, length):
                to_sogo.write(piece)
                await to_sogo.drain()
            there = True
            while piece := await sogo.read(PIECE):
                try:
                    if there:
                        writer.write(piece)
                        await writer.drain()
                except OSError:
                    there = False
        finally:
            to_sogo.close()

    async def answer(self, request: Request, gone: asyncio.StreamReader) -> bytes:
        """The answer to a request: SOGo's, with the times of agents whose agenda it does not have."""
        if self.store and request.method == "GET":
            return await self.file(request, self.store)
        if too_early(request.body):
            return refusal(HTTPStatus.FORBIDDEN, EARLY)
        question = times.asked(request.body) if self.store else None
        if not self.store or not question:
            return await self.save(request, gone)
        return await self.informed(request, question, self.store)

    async def file(self, request: Request, store: Store) -> bytes:
        """The file of a colleague's busy times."""
        now = datetime.datetime.now(datetime.UTC)
        named = times.FILE.fullmatch(request.target)
        asked = times.file_of(now)
        busy = await store.times(unquote(named[1]), asked) if named else None
        if busy is None:
            return await self.ask(request)
        return http_answer(HTTPStatus.OK, "text/calendar", times.reply(asked, "", busy, now).encode())

    async def informed(self, request: Request, question: Question, store: Store) -> bytes:
        """SOGo's answer about several colleagues, completed."""
        answer = await self.ask(request)
        head, _end, body = answer.partition(b"\r\n\r\n")
        try:
            free = times.free(body)[:MOST] if head.split()[1:2] == [b"200"] else []
        except ElementTree.ParseError as error:
            LOG.error("SOGo's answer to a device: %s", error)
            free = []
        busy_spans = await asyncio.gather(*(self.busy(request, address, question, store) for address in free))
        busy = {address: spans for address, spans in zip(free, busy_spans, strict=True) if spans is not None}
        if not busy:
            return answer
        now = datetime.datetime.now(datetime.UTC)
        return http_answer(HTTPStatus.OK, "application/xml", times.merged(body, question, busy, now))

    async def busy(self, request: Request, address: str, question: Question, store: Store) -> times.Spans | None:
        """The times of an address. Whomever the agent of the request does not find there is nobody."""
        mail = address.partition(":")[2]
        search = f"Contacts/allContactSearch?search={quote(mail)}&excludeGroups=1&excludeLists=1"
        me = quote(request.headers.get("x-webobjects-remote-user", ""))
        contacts = await self.look(request, f"/SOGo/so/{me}/{search}")
        uid = times.uid_in(contacts.partition(b"\r\n\r\n")[2], mail)
        return await store.times(uid, question) if uid else None

    async def has_no_room(self, request: Request) -> bool:
        """Say whether a request would write beyond the room of its agent's drafts."""
        if not self.spool or not drafts.writes(request.target):
            return False
        return await asyncio.to_thread(self.spool.full, request.headers.get("x-webobjects-remote-user", ""))

    async def relay(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection of nginx, which brings one request."""
        try:
            request, length = await http.read_head(reader, LIMITS)
            async with self.shares.of(request.headers.get("x-webobjects-remote-user", ""), PATIENCE):
                await self.respond(request, length, reader, writer)
        except http.Refusal as error:
            writer.write(refusal(error.args[0], ""))
        except CrowdedError:
            LOG.warning("an agent has %d requests before SOGo", self.shares.most + WAITING)
            writer.write(refusal(HTTPStatus.SERVICE_UNAVAILABLE, CROWDED))
        except (OSError, EOFError, ValueError, TimeoutError, asyncio.LimitOverrunError) as error:
            # nginx then says that SOGo is away.
            LOG.error("%s:%d: %s: %s", self.host, self.port, type(error).__name__, error)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def respond(
        self, request: Request, length: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        """Answer a request that has its place. Raises as `ask` and the readers do."""
        headers = {name: value for name, value in request.headers.items() if name != AGENDA}
        of_agenda, request = AGENDA in request.headers, replace(request, headers=headers)
        if of_agenda and length > LARGEST:
            await refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, LARGE, length, reader, writer)
        elif await self.has_no_room(request):
            LOG.warning("an agent's drafts take all their room in SOGo's spool")
            await refuse(HTTPStatus.INSUFFICIENT_STORAGE, drafts.FULL, length, reader, writer)
        elif of_agenda:
            writer.write(await self.answer(await http.read_body(request, length, reader, LIMITS), reader))
            await writer.drain()
        elif length or not reader.at_eof():
            await self.hand_on(request, length, reader, writer)


async def pieces(reader: asyncio.StreamReader, length: int) -> AsyncIterator[bytes]:
    """The body of a request, bit by bit. Raises EOFError where it ends early."""
    while length:
        piece = await reader.readexactly(min(length, PIECE))
        length -= len(piece)
        yield piece


async def refuse(
    status: int, text: str, length: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
) -> None:
    """Answer in SOGo's stead once the body of the request has come. Raises OSError, EOFError."""
    async for _piece in pieces(reader, length):
        pass
    writer.write(refusal(status, text))
    await writer.drain()


def head_of(request: Request) -> bytes:
    """The head of a request to SOGo."""
    headers = {**request.headers, "connection": "close"}
    head = [f"{request.method} {request.target} HTTP/1.0", *(f"{name}: {value}" for name, value in headers.items())]
    return ("\r\n".join(head) + "\r\n\r\n").encode("latin-1")


def http_answer(status: int, kind: str, body: bytes) -> bytes:
    """An answer in SOGo's stead."""
    head = f"HTTP/1.0 {status} -\r\nContent-Type: {kind}; charset=utf-8\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def refusal(status: int, text: str) -> bytes:
    """A refusal in SOGo's stead; its page shows the text."""
    return http_answer(status, "application/json", json.dumps({"message": text}, ensure_ascii=False).encode())
