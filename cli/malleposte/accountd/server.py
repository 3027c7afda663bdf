"""The daemon: sockets from systemd, one line a request, each carried out in one of a few threads.

On the Unix socket the group says who may ask, and the peer's user is the caller's name. Over TLS the first request is
`hello`: the client's name and secret, compared with a digest. Garbage, a long line or silence ends a connection, never
the daemon.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import pwd
import signal
import socket
import ssl
import struct
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from malleposte.accountd import codec
from malleposte.accountd import settings as held
from malleposte.accountd.call import OF, Call, Who, load
from malleposte.accountd.context import Rules, Tools
from malleposte.accountd.dispatch import LOG, Service
from malleposte.accountd.message import (
    LONGEST,
    BadMessageError,
    Done,
    ErrorCode,
    Hello,
    OtherFormError,
    Owned,
    Refused,
    WithBytes,
)
from malleposte.accountd.notices.letters import Notifier
from malleposte.accountd.proof import Proofs
from malleposte.accounts import facts
from malleposte.accounts.devices import uses
from malleposte.accounts.hosts.hostd import Hostd
from malleposte.accounts.life.rules import LifeRules
from malleposte.core.errors import ExitCode
from malleposte.directory.pool import Pool
from malleposte.runtime import kit, link
from malleposte.runtime.streams import to_the_end, unix_server
from malleposte.throttle import carried, costs
from malleposte.throttle.limits import Limits, network
from malleposte.throttle.record.tell import Teller

THREADS = 8
OWN_THREADS = 4
"""Threads of their own: for what is urgent, which waits behind nothing else, for what may take minutes, and for codes
that are sent once the answer was given."""
CONNECTIONS = 128
WAITING = 64
"""Requests under way or waiting for a thread of one kind; more are told to come back.

A network of strangers has a part of these (`limits.Limits.share`), an agent who is logged in `OF_AN_AGENT`.
"""
OF_AN_AGENT, OF_AN_AGENT_SLOW = 4, 2
"""Requests of one agent from one network: somebody who has a session elsewhere does not hold the owner's up. Of those
that may take minutes there are fewer, so that threads are left to others."""
PATIENCE = 20.0  # seconds within which a line is whole, and TLS shaken
HANDING = 16
"""Copies of agents' data that are handed over at once; more are told to come back."""
HANDING_ONE = 2
"""To one agent."""
HANDING_PATIENCE = 300.0  # seconds for a piece of one to be taken
HANDING_LONGEST = 3600.0  # seconds for one: whoever reads it drop by drop gives the place back
PIECE = 256 * 1024
"""Bytes of one that are in memory."""
REQUESTS = 100
"""Requests of one connection."""

type Reader = asyncio.StreamReader
type Writer = asyncio.StreamWriter


@dataclass(frozen=True)
class Pools:
    """Threads: for urgent calls, for long ones, for what is sent later, for the others."""

    urgent: ThreadPoolExecutor
    slow: ThreadPoolExecutor
    later: ThreadPoolExecutor
    rest: ThreadPoolExecutor

    @classmethod
    @contextlib.contextmanager
    def opened(cls) -> Iterator[Pools]:
        """All of them; at the end they finish what they have."""
        with (
            ThreadPoolExecutor(OWN_THREADS, thread_name_prefix="urgent") as urgent,
            ThreadPoolExecutor(OWN_THREADS, thread_name_prefix="slow") as slow,
            ThreadPoolExecutor(OWN_THREADS, thread_name_prefix="later") as later,
            ThreadPoolExecutor(THREADS, thread_name_prefix="accountd") as rest,
        ):
            yield cls(urgent, slow, later, rest)

    def of(self, call: Call) -> ThreadPoolExecutor:
        """Those that carry out a call."""
        if call.cost in (costs.PROTECT, costs.BLOCK):
            return self.urgent
        return self.slow if call.slow else self.rest


class Server:
    """Serves both sockets with one service."""

    def __init__(
        self,
        service: Service,
        clients: Mapping[str, str],
        pace: float,
        pools: Pools,
        only: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        """`clients`: digests by name, for TLS. `pace` in seconds. `only`: the calls of callers that may not make all.

        `only` has a client's name over TLS, its user's on the Unix socket. Calls of the log-in page are
        refused to clients that it does not name for them.
        """
        self.service, self.clients, self.pace, self.pools = service, clients, pace, pools
        self.only = {f"accountd:{name}": frozenset(calls) for name, calls in (only or {}).items()}
        self.connections = 0
        self.handing: Counter[str] = Counter()
        self.waiting: Counter[tuple[ThreadPoolExecutor, str]] = Counter()
        """By pool and by whose requests they are; of all under an empty name."""
        self.silent: set[Writer] = set()
        """Connections whose requests were answered, and that may be used for others."""

    async def local(self, reader: Reader, writer: Writer) -> None:
        """A connection on the Unix socket."""
        _pid, uid, _gid = struct.unpack(
            "3i", writer.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12)
        )
        await self._guarded(reader, writer, f"accountd:{_user(uid)}")

    async def remote(self, reader: Reader, writer: Writer) -> None:
        """A connection over TLS, which begins with `hello`."""
        await self._guarded(reader, writer, None)

    async def _guarded(self, reader: Reader, writer: Writer, caller: str | None) -> None:
        self.connections += 1
        try:
            if self.connections <= CONNECTIONS:
                await self._served(reader, writer, caller)
        except (OSError, EOFError, TimeoutError, asyncio.LimitOverrunError):
            pass  # gone, silent, or a line that never ends: nobody to answer
        finally:
            self.connections -= 1
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), PATIENCE)

    async def _served(self, reader: Reader, writer: Writer, caller: str | None) -> None:
        for _ in range(REQUESTS):
            try:
                line = await asyncio.wait_for(reader.readuntil(b"\n"), PATIENCE)
            finally:
                self.silent.discard(writer)
            try:
                request = codec.decode(line)
            except BadMessageError as error:
                other = isinstance(error, OtherFormError)
                code = ErrorCode.VERSION if other else ErrorCode.BAD_REQUEST
                if other:
                    LOG.warning("a request of %s was not carried out: %s", caller or _peer(writer), error)
                await self._send_answer(writer, Refused(code, str(error)))
                return
            if caller is None:
                caller = await self._recognised(request, writer)
                if caller is None:
                    return
            if issubclass(OF[type(request)].answer, WithBytes):
                await self._handed(writer, request, caller)
                return
            await self._send_answer(writer, await self._answer(request, caller))
            if not isinstance(request, Hello):
                self.silent.add(writer)
        self.silent.discard(writer)

    def end_silent(self) -> None:
        """End the connections on which nothing is under way: a stop does not wait for what their clients may ask."""
        for one in self.silent:
            one.transport.abort()

    async def _handed(self, writer: Writer, request: Owned[WithBytes], caller: str) -> None:
        """The answer, then its bytes. No thread waits for whoever reads them slowly."""
        if self.handing.total() >= HANDING or self.handing[request.uid] >= HANDING_ONE:
            await self._send_answer(writer, Refused(ErrorCode.SLOW_DOWN, wait=60))
            return
        self.handing[request.uid] += 1
        try:
            answer = await self._answer(request, caller)
            await self._send_answer(writer, answer)
            if isinstance(answer, WithBytes):
                async with asyncio.timeout(HANDING_LONGEST):
                    await self._sent(writer, OF[type(request)], answer)
        finally:
            _less(self.handing, request.uid)

    async def _sent(self, writer: Writer, call: Call, answer: WithBytes) -> None:
        left = answer.size
        assert call.opens
        # Not in a thread: one that is cancelled meanwhile would leave the file open.
        with call.opens(self.service.tools, answer) as file:
            while left:
                piece = await asyncio.to_thread(file.read, min(left, PIECE))
                if not piece:
                    raise EOFError  # another one took its place: the reader misses bytes, and says so
                left -= len(piece)
                writer.write(piece)
                await asyncio.wait_for(writer.drain(), HANDING_PATIENCE)

    async def _recognised(self, request: Any, writer: Writer) -> str | None:
        """Return the client that connects over TLS; None after a refusal."""
        if isinstance(request, Hello) and link.proves(self.clients, request.client, request.secret):
            return f"accountd:{request.client}"
        LOG.warning("a client that is not known was refused: %s", _peer(writer))
        await asyncio.sleep(self.pace)
        await self._send_answer(writer, Refused(ErrorCode.UNAUTHORISED))
        return None

    async def _send_answer(self, writer: Writer, answer: Done | Refused) -> None:
        writer.write(codec.encode_answer(answer))
        await asyncio.wait_for(writer.drain(), PATIENCE)

    async def _answer(self, request: Any, caller: str) -> Done | Refused:
        if isinstance(request, Hello):
            return Done()
        call = OF[type(request)]
        if call.name not in self.only.get(caller, () if call.who is Who.PROVIDER else (call.name,)):
            LOG.warning("%s asked for %s, which it may not", caller, call.name)
            return Refused(ErrorCode.UNAUTHORISED)
        pool = self.pools.of(call)
        whose, share = self._share(call, request)
        counts = ((pool, ""), (pool, whose))
        if self.waiting[pool, ""] >= WAITING or self.waiting[pool, whose] >= share:
            return Refused(ErrorCode.SLOW_DOWN, wait=1)
        self.waiting.update(counts)
        loop = asyncio.get_running_loop()
        begun = loop.time()
        try:
            answer = await loop.run_in_executor(pool, self.service.answer, request, caller)
        finally:
            for one in counts:
                _less(self.waiting, one)
        if call.paced:
            # The answer comes at a multiple of the pace: how much there was to do does not show.
            took = loop.time() - begun
            await asyncio.sleep(max(1, math.ceil(took / self.pace)) * self.pace - took)
        return answer

    def _share(self, call: Call, request: Any) -> tuple[str, int]:
        """The name under which a request counts, and how many of these may be under way."""
        source = getattr(request, "source", "")
        try:
            where = network(source)
        except ValueError:
            return "nowhere", OF_AN_AGENT
        if isinstance(request, Owned):
            return f"{request.uid} {where}", OF_AN_AGENT_SLOW if call.slow else OF_AN_AGENT
        return where, self.service.tools.limits.share(where, WAITING)


def _less[K](counts: Counter[K], key: K) -> None:
    counts[key] -= 1
    if counts[key] <= 0:
        del counts[key]


def _user(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _peer(writer: Writer) -> str:
    name = writer.get_extra_info("peername")
    return str(name[0]) if name else "a Unix socket"


def tls(settings: held.Settings) -> ssl.SSLContext:
    """TLS 1.3 with the host's certificate. Raises OSError, ssl.SSLError."""
    return link.server_context(settings.certificate, settings.key)


async def serve(server: Server, settings: held.Settings, sockets: list[socket.socket]) -> None:
    """Answer until SIGTERM. SIGHUP reads the certificate anew."""
    loop = asyncio.get_running_loop()
    end = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, end.set)
    contexts: list[ssl.SSLContext] = []
    loop.add_signal_handler(signal.SIGHUP, _renew, contexts, settings)
    async with contextlib.AsyncExitStack() as stack:
        for handed in sockets:
            if handed.family == socket.AF_UNIX:
                opened = await unix_server(handed, server.local, LONGEST)
            else:
                contexts.append(tls(settings))
                opened = await asyncio.start_server(
                    to_the_end(server.remote),
                    sock=handed,
                    limit=LONGEST,
                    ssl=contexts[-1],
                    ssl_handshake_timeout=PATIENCE,
                )
            await stack.enter_async_context(opened)
        LOG.info("ready on %d sockets", len(sockets))
        beating = loop.create_task(kit.alive())
        await end.wait()
        beating.cancel()
        server.end_silent()


def _renew(contexts: list[ssl.SSLContext], settings: held.Settings) -> None:
    try:
        for context in contexts:
            context.load_cert_chain(settings.certificate, settings.key)
    except OSError as error:
        LOG.error("the certificate cannot be read again: %s", error)


def tools(settings: held.Settings, later: Callable[[Callable[[], object]], object]) -> Tools:
    """Return the tools that the service works with on this host. Raises InputError."""
    secrets = held.credentials()
    accounts = held.accounts(secrets)
    letters = Notifier(settings.academy, accounts.domain, settings.portal, settings.phone, settings.mail, settings.smtp)
    rules = LifeRules.parse(accounts.life, "accounts.json")
    hosts = Hostd(settings.hostd)
    usage, record = uses.here(secrets / held.THROTTLE), Teller()
    academy = Rules(
        settings.activation, rules.devices, settings.code_minutes, rules.block_hours, rules.recovery_hours,
        settings.desk, settings.factors_close,
    )  # fmt: skip
    return Tools(
        directory=Pool(accounts.bound).directory,
        keys=accounts.keys(),
        policy=facts.policy(),
        domain=accounts.domain,
        journal=settings.journal,
        channels=(hosts,),
        hosts=hosts,
        letters=letters,
        gateway=held.gateway(secrets),
        rules=academy,
        uses=lambda: usage,
        proofs=Proofs(settings.provider),
        note=record.log_in,
        acted=record.act,
        limits=Limits(settings.rates, schools=settings.schools),
        throttle=held.throttle(secrets),
        later=later,
    )


def main(words: Sequence[str]) -> int:
    """The exit code."""
    return kit.start(words, "accountd", "What the portal may ask about accounts.", held.Settings.read, _serve)


def _serve(settings: held.Settings) -> int:
    load()
    with Pools.opened() as pools:
        opened = tools(settings, pools.later.submit)
        carried.take(carried.folder(), opened.limits)
        server = Server(Service(opened), settings.clients, settings.pace, pools, settings.only)
        asyncio.run(serve(server, settings, kit.handed()))
    carried.put(carried.folder(), opened.limits)
    return ExitCode.DONE
