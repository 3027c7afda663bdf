"""The pager of a host: it tells people of alarms, and of vaults that watch no more (role pager).

On a vault, Alertmanager posts its notifications to the loopback: `/page`, `/ticket`, and `/heartbeat` each minute,
which goes on to the pagers of the other vaults and of the portal's hosts. A pager that misses a vault's heartbeat for
five minutes tells people itself. A vault's also tells its peers the state of the platform (malleposte.watch.state),
for which the one of the portal's host asks; it hands it to the portal's user on a Unix socket.

Two vaults see one cause. Before it tells, a pager waits by its rank and asks the others; what one of them told within
ten minutes is a double. A double of a page still goes by mail: no other host can silence both ways of a page.
"""

from __future__ import annotations

import asyncio
import functools
import json
import pwd
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from malleposte.core.errors import MallepostError
from malleposte.core.loops import named, reason
from malleposte.paging import message as messages
from malleposte.paging import peers, receivers
from malleposte.paging.beats import Beats
from malleposte.paging.doubles import RecentEvents
from malleposte.paging.message import PAGE, Message
from malleposte.paging.settings import Settings
from malleposte.runtime import http, kit, link
from malleposte.runtime.streams import to_the_end
from malleposte.watch.state import vault
from malleposte.watch.state.document import Answer, encoded, short
from malleposte.watch.state.offer import Offer

TURN = 15.0
"""Seconds that a pager waits for each one before it in rank."""
LOOK = 15.0
"""Seconds between two looks at the heartbeats."""
LIMITS = http.Limits(head=8192, body=1_000_000, seconds=10.0)
CONNECTIONS = 8
"""Connections of one host; further ones are closed at once. A host in other hands keeps no vault's heartbeat away."""
VIEWS = 4
"""Connections that may wait for the state of the platform on this host; further ones are closed at once.

The portal's other threads are for its other pages.
"""


class Pager:
    """The state of the pager and its acts. Nothing here blocks the event loop: what takes time runs in a thread."""

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.time, turn: float = TURN) -> None:
        """`clock` in seconds since 1970; `turn`: see TURN."""
        self.settings, self.clock, self.turn = settings, clock, turn
        self.recent = RecentEvents()
        self.beats = Beats([peer.name for peer in settings.peers if peer.vault], clock())
        self.places: Counter[str] = Counter()
        self.views = asyncio.Semaphore(VIEWS)
        vaults = [
            (one.name, functools.partial(peers.state, one, settings.name, settings.secret))
            for one in settings.peers
            if one.vault
        ]
        self.offer = Offer(settings.name, vaults, clock, vault.Asked() if settings.watches else None)

    async def tell(self, message: Message) -> None:
        """Tell people, unless another host did. Raises NobodyToldError."""
        events = [alarm.event for alarm in message.alarms]
        message = messages.without(message, self.recent.among(events, self.clock()))
        if not message.alarms:
            return
        await asyncio.sleep(self.turn * self.settings.rank)
        answers = await self._ask({"told": [alarm.event for alarm in message.alarms][: peers.MOST_EVENTS]})
        elsewhere = [str(event) for answer in answers for event in answer.get("told", [])]
        doubles, fresh = _split(message, elsewhere)
        mine = [alarm.event for alarm in fresh.alarms]
        self.recent.add([*mine, *elsewhere], self.clock())
        try:
            for line in await asyncio.to_thread(self._send, fresh, doubles):
                kit.say(f"<4>{line}")
        except receivers.NobodyToldError:
            self.recent.forget(mine)
            raise

    def _send(self, fresh: Message, doubles: Message) -> list[str]:
        faults: list[str] = []
        if doubles.alarms and doubles.severity == PAGE and self.settings.receivers.by_mail:
            faults += self.settings.receivers.mail(doubles)
        if fresh.alarms:
            faults += self.settings.receivers.send(fresh, self.clock())
        return faults

    async def _ask(self, request: dict[str, Any]) -> list[dict[str, Any]]:
        settings = self.settings
        return await asyncio.to_thread(peers.each, settings.peers, settings.name, settings.secret, request, kit.say)

    async def hook(self, request: http.Request) -> http.Answer:
        """Answer a notification of Alertmanager; anything but 200 makes it come again."""
        way = request.target.removeprefix("/")
        if request.method != "POST" or way not in (messages.PAGE, messages.TICKET, "heartbeat"):
            return 404, [], b""
        try:
            if way == "heartbeat":
                await self._ask({"heartbeat": True})
            else:
                await self.tell(messages.of_alertmanager(json.loads(request.body), way))
        except MallepostError as error:
            kit.say(f"<3>nobody was told: {error}")
            return 503, [], b""
        except (ValueError, LookupError, TypeError, AttributeError) as error:
            kit.say(f"<3>a notification is not understood: {reason(error)}")
            return 400, [], b""
        return 200, [], b""

    async def reply(self, line: bytes) -> bytes:
        """The line that answers a peer's."""
        try:
            client, request = peers.read(line, self.settings.clients)
        except MallepostError as error:
            kit.say("<4>a pager that is not known was refused")
            return encoded(Answer(refused=str(error)))
        if request.get("state"):
            try:
                async with asyncio.timeout(peers.STATE_SECONDS):
                    return encoded(Answer(await self.offer.own()))
            except (MallepostError, TimeoutError) as error:
                return encoded(Answer(refused=short(reason(error))))
        return json.dumps(self.answer(client, request)).encode()

    def answer(self, client: str, request: Mapping[str, Any]) -> dict[str, Any]:
        """The answer to a peer's heartbeat, or its question of what was told."""
        if request.get("heartbeat"):
            self.beats.heard(client, self.clock())
            return {}
        asked = request.get("told", [])
        events = [str(event) for event in asked[: peers.MOST_EVENTS]] if isinstance(asked, list) else []
        return {"told": self.recent.among(events, self.clock())}

    async def peer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection of a peer: one line each way."""
        host = writer.get_extra_info("peername")[0]
        self.places[host] += 1
        try:
            if self.places[host] <= CONNECTIONS:
                line = await asyncio.wait_for(reader.readline(), peers.SECONDS)
                writer.write(await self.reply(line) + b"\n")
                await asyncio.wait_for(writer.drain(), peers.SECONDS)
        except (OSError, ValueError, EOFError, TimeoutError):
            pass
        finally:
            self.places[host] -= 1
            writer.close()

    async def shown(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A connection on this host: the state of the platform, for the portal's user alone."""
        link = writer.get_extra_info("socket")
        _pid, uid, _gid = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        try:
            if uid == pwd.getpwnam(self.settings.state_user).pw_uid and not self.views.locked():
                async with self.views:
                    writer.write(encoded(await self.offer.whole()))
                    await asyncio.wait_for(writer.drain(), peers.SECONDS)
        except (KeyError, OSError, TimeoutError):
            pass
        except MallepostError as error:
            kit.say(f"<4>the state of the platform: {error}")
        finally:
            writer.close()

    async def look(self) -> None:
        """Tell of vaults that went or came back, until cancelled. What nobody took comes again at the next look."""
        while True:
            await asyncio.sleep(LOOK)
            with named(lambda line: kit.say(f"<3>heartbeats: {line}")):
                await self.once()

    async def once(self) -> None:
        """One look at the heartbeats. Raises NobodyToldError."""
        news = self.beats.news(self.clock())
        if news is not None:
            for alarm in news.alarms:
                kit.say(f"<4>{alarm.summary}")
            await self.tell(news)
            self.beats.sent(news, self.clock())

    async def listen(self) -> list[asyncio.Server]:
        """Take connections of peers, and notifications of this host. Raises OSError, ssl.SSLError."""
        settings, servers = self.settings, list[asyncio.Server]()
        if settings.listen:
            host, port = settings.listen
            tls = link.server_context(settings.certificate, settings.key)
            wait = peers.SECONDS
            servers.append(
                await asyncio.start_server(
                    to_the_end(self.peer), host or None, port, ssl=tls, limit=peers.LONGEST, ssl_handshake_timeout=wait
                )
            )
        if settings.webhook:
            host, port = settings.webhook
            serve = functools.partial(http.converse, self.hook, LIMITS)
            servers.append(await asyncio.start_server(to_the_end(serve), host, port, limit=LIMITS.head))
        if settings.state_user:
            servers.append(await asyncio.start_unix_server(to_the_end(self.shown), str(settings.state_socket)))
            # Whoever connects is judged by the user.
            settings.state_socket.chmod(0o666)
        return servers

    async def serve(self) -> None:
        """Serve until cancelled."""
        _servers = await self.listen()
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self.look())
            tasks.create_task(kit.alive())


def _split(message: Message, elsewhere: Sequence[str]) -> tuple[Message, Message]:
    """The part that another host told, and the part that nobody did."""
    fresh = messages.without(message, elsewhere)
    mine = {alarm.event for alarm in fresh.alarms}
    return messages.without(message, list(mine)), fresh


def _serve(settings: Settings) -> int:
    async def serving() -> None:
        await Pager(settings).serve()

    return kit.run(serving())


def main(words: Sequence[str]) -> int:
    """The exit code."""
    return kit.start(words, "pager", __doc__ or "", Settings.read, _serve)
