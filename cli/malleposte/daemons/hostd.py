"""hostd: the privileged acts of a host on what it holds of accounts.

A connection starts it (`malleposte-hostd.socket`); it runs as root and ends when it has been idle. On the Unix socket,
for a group of the directory's host, an act reaches every host that holds the thing. Over TLS, for the directory's
hosts, it concerns this host alone, and the caller sends the names of the account: no credential of the directory is
needed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import io
import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from malleposte.accounts.channels import checked, close_all, forget_all
from malleposte.accounts.hosts.every import Hosts
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import File, Host, Piece
from malleposte.accounts.hosts.remote import LONGEST
from malleposte.accounts.hosts.settings import HostSettings
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.mailbox.deleted import Wanted
from malleposte.accounts.mailbox.senders import Edit
from malleposte.accounts.traces.model import Trace
from malleposte.core.errors import ExitCode, InputError, MallepostError
from malleposte.core.loops import named, reason
from malleposte.runtime import kit, link

IDLE = 60.0  # seconds without a request
CONNECTIONS = 64
DEFECT = "look there at 'journalctl -u malleposte-hostd'"
IN_TURN = ("carry", "settle")
"""Acts that take long and write what another of them may read."""


@dataclass(frozen=True)
class Request:
    """One act on one account; `names` are all of its names, `word` a class, a device, or what to do with a queue."""

    act: str
    uid: str = ""
    names: tuple[str, ...] = ()
    word: str = ""


Act = Callable[[Request], Any]
Acts = Mapping[str, Act]
"""The functions of the acts; an iterator is a stream of files."""


@dataclass(frozen=True)
class Offer:
    """The acts that a listener offers. Over TLS, `clients` has the digest of each client's secret by name."""

    acts: Acts
    tls: ssl.SSLContext | None = None
    clients: Mapping[str, str] = field(default_factory=dict)


ALIKE: Mapping[str, Callable[[Host | Hosts, Request], Any]] = {
    "carry": lambda to, one: to.carry(one.uid, one.word),
    "settle": lambda to, one: asdict(to.settle(one.uid, one.word)),
    "look": lambda to, one: _filters(to.look(one.uid)),
    "factors": lambda to, one: [each.as_dict() for each in to.factors(one.uid)],
    "unfactor": lambda to, one: to.unfactor(one.uid, one.word).as_dict(),
    "log_ins": lambda to, one: [each.as_dict() for each in to.log_ins(one.uid)],
    "end_log_in": lambda to, one: to.end_log_in(one.uid, one.word),
    "deleted": lambda to, one: [asdict(each) for each in to.deleted(one.uid, Wanted.read(one.word))],
    "undelete": lambda to, one: dict(to.undelete(one.uid, _idents(one.word))),
    "senders": lambda to, one: asdict(to.senders(one.uid)),
    "set_senders": lambda to, one: asdict(to.set_senders(one.uid, Edit.read(one.word))),
}
"""The acts that are the same on one host and on every host that holds the thing."""


def host_acts(host: Host) -> Acts:
    """The acts on one host."""

    return {
        **{name: functools.partial(act, host) for name, act in ALIKE.items()},
        "close": lambda one: [[each.channel, each.reason] for each in host.close(one.uid, one.names)],
        "forget": lambda one: [[each.channel, each.reason] for each in host.forget(one.uid, one.names)],
        "cut": lambda one: host.cut(one.uid, one.word, one.names),
        "queue": lambda one: [asdict(each) for each in host.queue(one.word, one.uid, one.names)],
        "traces": lambda one: [asdict(each) for each in host.traces(one.uid)],
        "untrace": lambda one: host.untrace(one.uid, _trace(one.word), one.names),
        "record": lambda one: host.record(one.uid).rows(),
        "drop": lambda one: host.drop(one.uid),
        "holders": lambda _one: {name: list(uids) for name, uids in host.holders().items()},
        "enrolled": lambda _one: {uid: list(kinds) for uid, kinds in host.enrolled().items()},
        "files": lambda one: host.files(checked(one.uid)),
        "empty": lambda one: asdict(host.empty(one.uid)),
        "relist": lambda _one: host.relist(),
        "ping": lambda _one: host.ping(),
    }


def platform_acts(opened: Callable[[], contextlib.AbstractContextManager[Hosts]]) -> Acts:
    """The acts on every host that holds the thing."""

    def each(act: Callable[[Hosts, Request], Any]) -> Act:
        def done(request: Request) -> Any:
            with opened() as hosts:
                return act(hosts, request)

        return done

    def hold(hosts: Hosts, one: Request) -> list[Any]:
        held, failures = hosts.hold(one.uid)
        return [held, [[each.channel, each.reason] for each in failures]]

    def record(hosts: Hosts, one: Request) -> list[Any]:
        found, failures = hosts.record(one.uid)
        return [found.rows(), [[each.channel, each.reason] for each in failures]]

    def traces(hosts: Hosts, one: Request) -> list[Any]:
        found, failures = hosts.traces(one.uid)
        return [[asdict(each) for each in found], [[each.channel, each.reason] for each in failures]]

    def untrace(hosts: Hosts, one: Request) -> list[Any]:
        return [[each.channel, each.reason] for each in hosts.untrace(one.uid, _trace(one.word))]

    def channels(act: Callable[..., Any]) -> Callable[[Hosts, Request], Any]:
        return lambda hosts, one: [[each.channel, each.reason] for each in act(hosts.channels(), one.uid)]

    return {
        **{name: each(act) for name, act in ALIKE.items()},
        "close": each(channels(close_all)),
        "forget": each(channels(forget_all)),
        "cut": each(lambda hosts, one: [[each.channel, each.reason] for each in hosts.cut(one.uid, one.word)]),
        "hold": each(hold),
        "record": each(record),
        "traces": each(traces),
        "untrace": each(untrace),
    }


def _idents(word: str) -> list[str]:
    found = json.loads(word or "[]")
    if not isinstance(found, list):
        raise InputError("not a list of messages")
    return [str(one) for one in found]


def _trace(word: str) -> Trace:
    try:
        return Trace.read(json.loads(word))
    except (ValueError, KeyError, TypeError) as error:
        raise InputError("not a trace") from error


def _filters(found: Any) -> dict[str, Any]:
    return {key: value for key, value in asdict(found).items() if key != "texts"}


def parsed(line: bytes) -> Request:
    """The request of a line. Raises InputError."""
    try:
        raw = json.loads(line)
        found = Request(
            str(raw["act"]), str(raw.get("uid", "")), tuple(map(str, raw.get("names", ()))), str(raw.get("word", ""))
        )
    except (ValueError, AttributeError, KeyError, TypeError) as error:
        raise InputError("not a request") from error
    return dataclasses.replace(found, uid=checked(found.uid) if found.uid else "")


def answer(line: bytes, acts: Acts) -> Iterator[bytes]:
    """Return the answer to one request, piece by piece."""
    try:
        request = parsed(line)
        if request.act not in acts:
            raise InputError(f"no act {request.act!r}")
        if not request.uid and request.act not in ("holders", "enrolled", "relist", "ping"):
            raise InputError(f"{request.act}: no account is named")
        done = acts[request.act](request)
        if isinstance(done, Iterator):
            for piece in done:
                yield from _sent(piece)
            done = True
        yield _json({"done": done})
    except (MallepostError, OSError) as error:
        yield _json({"error": str(error), "hint": getattr(error, "hint", None)})
    except Exception as error:  # noqa: BLE001  # one act's defect: its caller is told, and so is the journal
        kit.say(f"<3>{_act(line) or 'a request'} failed: {reason(error)}")
        yield _json({"error": f"a defect of hostd ({type(error).__name__})", "hint": DEFECT})


def _sent(piece: Piece) -> Iterator[bytes]:
    if isinstance(piece, File):
        yield _json({"file": piece.name, "kind": piece.kind, "when": piece.when, "size": len(piece.content)})
        yield piece.content
    else:
        yield _json({"missing": piece})


def _json(content: Mapping[str, Any]) -> bytes:
    return json.dumps(content).encode() + b"\n"


class Server:
    """Answers each connection in a thread: a channel is closed while agendas move.

    No account waits for another's act; acts that take long (`IN_TURN`) go one after the other.
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
                plain.settimeout(IDLE)
                if offer.tls is None:
                    self._talk(plain, offer)
                    return
                with offer.tls.wrap_socket(plain, server_side=True) as secure:
                    if _recognised(secure, offer.clients):
                        self._talk(secure, offer)
        finally:
            self.places.release()

    def _talk(self, link_: socket.socket, offer: Offer) -> None:
        line = _line(link_)
        if not line:
            return
        with self.turn if _act(line) in IN_TURN else contextlib.nullcontext():
            for piece in answer(line, offer.acts):
                link_.sendall(piece)


def _recognised(link_: socket.socket, clients: Mapping[str, str]) -> bool:
    try:
        told = json.loads(_line(link_) or b"{}")
    except ValueError:
        told = None
    known = isinstance(told, dict) and link.proves(clients, str(told.get("client")), str(told.get("secret")))
    link_.sendall(_json({"done": True} if known else {"error": "not known here: deploy the directory's host again"}))
    if not known:
        kit.say("<4>a client that is not known was refused")
    return known


def _line(link_: socket.socket) -> bytes:
    """One line, read no further than its end: what follows is another reader's."""
    buffer = io.BytesIO()
    while (one := link_.recv(1)) and buffer.tell() < LONGEST:
        if one == b"\n":
            return buffer.getvalue()
        buffer.write(one)
    return b""


def _act(line: bytes) -> str:
    try:
        return str(json.loads(line).get("act", ""))
    except (ValueError, AttributeError):
        return ""


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
        offer = Offer({**platform_acts(_platform), "journal": journal})
    else:
        tls = link.server_context(settings.certificate, settings.key)
        offer = Offer(host_acts(LocalHost(rules)), tls, settings.clients)
    Server().serve(handed, offer)
    return ExitCode.DONE


def journal(request: Request) -> list[list[str]]:
    """The lines of root's journal about an account, as its owner is told of them. Raises InputError, OSError."""
    from malleposte.accounts.disclosure import lines
    from malleposte.accounts.settings import Settings  # on the directory's host alone

    return [list(one) for one in lines.newest(lines.of([Settings.read().journal], request.uid))]


@contextlib.contextmanager
def _platform() -> Iterator[Hosts]:
    from malleposte.accounts import here  # the directory's library: on its host alone
    from malleposte.accounts.settings import Settings

    settings = Settings.read()
    with settings.directory() as directory:
        yield here.hosts(settings, directory)
