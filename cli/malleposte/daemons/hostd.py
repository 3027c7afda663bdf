"""hostd: the privileged acts of a host on what it holds of accounts.

A connection starts it (`malleposte-hostd.socket`); it runs as root and ends when it has been idle. On the Unix socket,
for a group of the directory's host, an act reaches every host that holds the thing. Over TLS, for the directory's
hosts, it concerns this host alone, and the caller sends the names of the account: no credential of the directory is
needed.
"""

from __future__ import annotations

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from malleposte.accounts.hosts import acts as _declared  # noqa: F401  # fills the table
from malleposte.accounts.hosts import wire
from malleposte.accounts.hosts.every import Hosts
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import File, Piece
from malleposte.accounts.hosts.settings import HostSettings
from malleposte.accounts.hosts.table import ACTS, Act, Host, version
from malleposte.accounts.life.rules import LifeRules
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.core.loops import named, reason
from malleposte.runtime import kit, link

IDLE = 60.0  # seconds without a request
CONNECTIONS = 64
PATIENCE = 20.0  # seconds within which TLS is shaken, and a line is whole
SILENT = 10.0  # seconds of a connection over TLS between an answer and the next request
DEFECT = "look there at 'journalctl -u malleposte-hostd'"

AnyAct = Act[..., Any, Any]
Do = Callable[[AnyAct, Mapping[str, Any]], Any]
"""Does an act with its arguments; an iterator is a stream of files."""


@dataclass(frozen=True)
class Offer:
    """The acts that a listener offers. Over TLS, `clients` has the digest of each client's secret by name."""

    acts: Mapping[str, AnyAct]
    do: Do
    tls: ssl.SSLContext | None = None
    clients: Mapping[str, str] = field(default_factory=dict)

    def read(self, line: bytes) -> tuple[AnyAct, dict[str, Any]]:
        """Return the act of a request and its arguments. Raises InputError."""
        request = wire.read(line, wire.Request)
        if request.version != version():
            raise InputError("the caller has another version of Malleposte", "deploy all hosts from one version of it")
        if request.act not in self.acts:
            raise InputError(f"no act {request.act!r}")
        act = self.acts[request.act]
        return act, act.read(request.arguments)


def one_host(host: Host, tls: ssl.SSLContext | None = None, clients: Mapping[str, str] | None = None) -> Offer:
    """Every act, on that host alone."""
    return Offer(ACTS, lambda act, arguments: host.ask(act, **arguments), tls, clients or {})


def all_hosts(opened: Callable[[], contextlib.AbstractContextManager[Hosts]]) -> Offer:
    """The acts that accountd may ask for, on every host that they concern."""

    def do(act: AnyAct, arguments: Mapping[str, Any]) -> Any:
        with opened() as hosts:
            return hosts.ask(act, **arguments)

    return Offer({name: act for name, act in ACTS.items() if act.accountd}, do)


def answer(line: bytes, offer: Offer, turn: contextlib.AbstractContextManager[Any]) -> Iterator[bytes]:
    """Return the answer to one request, piece by piece. An act that goes in turn holds `turn`."""
    name = "a request"
    try:
        act, arguments = offer.read(line)
        name = act.name
        with turn if act.in_turn else contextlib.nullcontext():
            result = offer.do(act, arguments)
            if act.streams:
                for piece in result:
                    yield from _sent(piece)
                result = None
        yield wire.line(wire.Done(msgspec.Raw(wire.encoded(result))))
    except (MallepostError, OSError) as error:
        yield wire.line(wire.Refused(str(getattr(error, "message", error)), getattr(error, "hint", None)))
    except Exception as error:  # noqa: BLE001  # one act's defect: its caller is told, and so is the journal
        kit.say(f"<3>{name} failed: {reason(error)}")
        yield wire.line(wire.Refused(f"a defect of hostd ({type(error).__name__})", DEFECT))


def _sent(piece: Piece) -> Iterator[bytes]:
    if isinstance(piece, File):
        yield wire.line(wire.Content(piece.name, piece.kind, piece.when, len(piece.content)))
        yield piece.content
    else:
        yield wire.line(wire.Missing(piece))


class Lines:
    """The lines of a connection, each of which comes whole within `PATIENCE`."""

    def __init__(self, connection: socket.socket) -> None:
        """Whoever opened the connection closes it."""
        self._socket, self._rest = connection, bytearray()

    def wait(self, seconds: float) -> bool:
        """Wait for the first bytes of a line; say whether they came."""
        self._socket.settimeout(seconds)
        return bool(self._rest) or self._more()

    def next(self) -> bytes | None:
        """Return a line without its end, empty at the end of all; None for one that is too long. Raises OSError."""
        until = time.monotonic() + PATIENCE
        while b"\n" not in self._rest:
            if len(self._rest) > wire.LONGEST:
                return None
            self._socket.settimeout(max(0.0, until - time.monotonic()))
            if not self._more():
                return b""
        line, _end, self._rest = self._rest.partition(b"\n")
        return None if len(line) > wire.LONGEST else bytes(line)

    def send(self, piece: bytes) -> None:
        """Send it within `IDLE`. Raises OSError."""
        self._socket.settimeout(IDLE)
        self._socket.sendall(piece)

    def _more(self) -> bool:
        piece = self._socket.recv(wire.LONGEST)
        self._rest += piece
        return bool(piece)


class Server:
    """Answers each connection in a thread: a channel is closed while agendas move.

    No account waits for another's act; those that are declared so go one after the other.
    """

    def __init__(self) -> None:
        self.turn = threading.Lock()
        self.places = threading.BoundedSemaphore(CONNECTIONS)

    def serve(self, listener: socket.socket, offer: Offer, idle: float = IDLE) -> None:
        """Answer until nobody came for `idle` seconds and nothing is under way."""
        under_way: list[threading.Thread] = []
        with listener:
            listener.settimeout(idle)
            while True:
                under_way = [thread for thread in under_way if thread.is_alive()]
                try:
                    link_, _address = listener.accept()
                except TimeoutError:
                    if under_way:
                        continue
                    return
                if not self.places.acquire(blocking=False):
                    link_.close()
                    continue
                thread = threading.Thread(target=self._one, args=(link_, offer), daemon=True)
                under_way.append(thread)
                thread.start()

    def _one(self, plain: socket.socket, offer: Offer) -> None:
        try:
            # Whoever goes away in the middle is no fault of this host; anything else is.
            with named(lambda line: kit.say(f"<3>a connection failed: {line}")), contextlib.suppress(OSError), plain:
                plain.settimeout(PATIENCE)
                if offer.tls is None:
                    self._talk(Lines(plain), offer)
                    return
                with offer.tls.wrap_socket(plain, server_side=True) as secure:
                    lines = Lines(secure)
                    if _recognised(lines, offer.clients):
                        while self._talk(lines, offer) and lines.wait(SILENT):
                            pass
        finally:
            self.places.release()

    def _talk(self, lines: Lines, offer: Offer) -> bool:
        """Answer one request; say whether there may be another."""
        line = lines.next()
        if line is None:
            lines.send(wire.line(wire.Refused(f"a request has at most {wire.LONGEST} bytes")))
        elif line:
            for piece in answer(line, offer, self.turn):
                lines.send(piece)
        return bool(line)


def _recognised(lines: Lines, clients: Mapping[str, str]) -> bool:
    try:
        proof = wire.read(lines.next() or b"", wire.Proof)
    except InputError:
        proof = wire.Proof("", "")
    proved = link.proves(clients, proof.client, proof.secret)
    refused = wire.Refused("not known here", "deploy the directory's host again")
    lines.send(wire.line(wire.Done() if proved else refused))
    if not proved:
        kit.say("<4>a client that is not known was refused")
    return proved


def main(words: Sequence[str]) -> int:
    """Serve the sockets that systemd hands over; the exit code."""
    return kit.start(words, "hostd", "Acts on what this host holds of accounts.", _read, _serve, files=())


def _read() -> tuple[HostSettings, LifeRules]:
    settings = HostSettings.read()
    return settings, settings.rules()


def _serve(read: tuple[HostSettings, LifeRules]) -> int:
    settings, rules = read
    handed = kit.handed()[0]
    if handed.family == socket.AF_UNIX:
        offer = all_hosts(_platform())
    else:
        offer = one_host(LocalHost(rules), link.server_context(settings.certificate, settings.key), settings.clients)
    Server().serve(handed, offer)
    return ExitCode.DONE


def _platform() -> Callable[[], contextlib.AbstractContextManager[Hosts]]:
    from malleposte.accounts import here
    from malleposte.accounts.disclosure import lines
    from malleposte.accounts.settings import Settings  # on the directory's host alone
    from malleposte.directory.pool import Pool

    pool = Pool(lambda: Settings.read().bound())

    @contextlib.contextmanager
    def opened() -> Iterator[Hosts]:
        settings = Settings.read()

        def journal(uid: str) -> list[list[str]]:
            return [list(one) for one in lines.newest(lines.of([settings.journal], uid))]

        with pool.directory() as directory:
            yield here.hosts(settings, directory, journal)

    return opened
