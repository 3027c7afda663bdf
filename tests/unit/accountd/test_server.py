"""The daemon's sockets: authorised clients, ends of connections, and a daemon that survives every error."""

import asyncio
import contextlib
import hashlib
import itertools
import os
import pwd
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
from malleposte.accountd import client as client_module
from malleposte.accountd import codec
from malleposte.accountd import server as daemon
from malleposte.accountd.call import CALLS, OF
from malleposte.accountd.calls import enrolment, factors, log_ins, passwords
from malleposte.accountd.calls.own_data import FetchOwnData, OwnDataCopy
from malleposte.accountd.calls.protection import Block, EndSessions
from malleposte.accountd.client import Client, OtherVersionError, RefusedError, UnavailableError
from malleposte.accountd.message import LONGEST, Done, ErrorCode, Hello, Refused, Request
from malleposte.accountd.settings import Settings
from malleposte.runtime import link
from malleposte.throttle.limits import Limits
from msgspec import structs

from tests.support.authority import root

SECRET = "s" * 32
CHANGE = passwords.Change("192.0.2.7", "mdupond", "old", "new")


class Service:
    """Stands for the real one: says who asked, as slowly as it is told."""

    def __init__(self) -> None:
        self.callers: list[str] = []
        self.takes = 0.0
        self.tools = SimpleNamespace(copies=self, limits=Limits())
        self.path, self.size = Path("/nowhere"), 0

    def open(self, uid: str) -> BinaryIO:
        assert uid in ("mdupond", "jmartin")
        return self.path.open("rb")

    def answer(self, request: Request[Any], client: str) -> Done | Refused:
        self.callers.append(client)
        time.sleep(self.takes)
        if isinstance(request, FetchOwnData):
            if not self.size:
                return Refused(ErrorCode.REFUSED_VALUE)
            return OwnDataCopy("mdupond", size=self.size)
        return Done("mdupond")


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A key, and a certificate of `localhost` with that of its authority."""
    folder, authority = tmp_path_factory.mktemp("tls"), root()
    signed = authority.sign("localhost", ["localhost"])
    (folder / "chain.pem").write_text(signed.pem + authority.pem)
    (folder / "key.pem").write_text(signed.key_pem)
    return folder


class Running:
    def __init__(self, service: Service, path: Path, port: int, folder: Path, end_silent: Callable[[], object]) -> None:
        self.service, self.path, self.port, self.folder, self.end_silent = service, path, port, folder, end_silent

    def local(self) -> Client:
        return Client(f"unix://{self.path}", timeout=10)

    def remote(self, name: str = "pia1", secret: str = SECRET, ca: str | None = None) -> Client:
        return Client(f"tls://localhost:{self.port}", name, secret, ca or str(self.folder / "chain.pem"), 10)

    def has_copy(self, folder: Path, content: bytes, size: int = 0) -> None:
        """Have a copy ready that is said to have `size` bytes, else as many as it has."""
        self.service.path, self.service.size = folder / "copy", size or len(content)
        self.service.path.write_bytes(content)

    def raw(self, content: bytes) -> bytes:
        """Send bytes on the Unix socket and read until the end."""
        with socket.socket(socket.AF_UNIX) as link:
            link.settimeout(10)
            link.connect(str(self.path))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                link.sendall(content)
                link.shutdown(socket.SHUT_WR)
            found = b""
            with contextlib.suppress(ConnectionResetError):
                while part := link.recv(65536):
                    found += part
            return found


@pytest.fixture
def running(pair: Path, tmp_path: Path) -> Iterator[Running]:
    unix, tcp = socket.socket(socket.AF_UNIX), socket.socket()
    unix.bind(str(tmp_path / "socket"))
    tcp.bind(("127.0.0.1", 0))
    port = tcp.getsockname()[1]
    service = Service()
    settings = Settings("a", "p", "t", "m", tmp_path, pair / "chain.pem", pair / "key.pem")
    loop = asyncio.new_event_loop()
    clients = {"pia1": hashlib.sha256(SECRET.encode()).hexdigest()}
    with daemon.Pools.opened() as pools:
        clients["sso-pia1"] = clients["pia1"]
        server = daemon.Server(service, clients, 0.2, pools, {"sso-pia1": ["prove", "entered"]})  # type: ignore[arg-type]

        async def opened() -> tuple[asyncio.Server, asyncio.Server]:
            return (
                await asyncio.start_unix_server(server.local, sock=unix, limit=LONGEST),
                await asyncio.start_server(server.remote, sock=tcp, limit=LONGEST, ssl=daemon.tls(settings)),
            )

        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        both = asyncio.run_coroutine_threadsafe(opened(), loop).result(10)
        yield Running(service, tmp_path / "socket", port, pair, lambda: loop.call_soon_threadsafe(server.end_silent))
        for one in both:
            loop.call_soon_threadsafe(one.close)
        loop.call_soon_threadsafe(server.end_silent)

        async def ended() -> None:
            mine = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
            for task in mine:
                task.cancel()
            await asyncio.gather(*mine, return_exceptions=True)

        asyncio.run_coroutine_threadsafe(ended(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
    loop.close()


def test_on_the_unix_socket_the_peer_s_user_is_the_caller(running: Running) -> None:
    assert running.local().call(CHANGE) == Done("mdupond")
    assert running.local().call(Hello()) == Done()
    assert running.service.callers == [f"accountd:{pwd.getpwuid(os.getuid()).pw_name}"]


def test_over_tls_the_client_proves_itself(running: Running) -> None:
    assert running.remote().call(CHANGE) == Done("mdupond")
    assert running.service.callers == ["accountd:pia1"]
    for name, secret in (("pia1", "wrong"), ("other", SECRET), ("", ""), ("pia1", "")):
        with pytest.raises(RefusedError) as refused:
            running.remote(name, secret).call(CHANGE)
        assert refused.value.refused.error == ErrorCode.UNAUTHORISED
    assert len(running.service.callers) == 1


def test_over_tls_calls_in_turn_share_a_connection(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = list[str]()
    plain = link.opened
    monkeypatch.setattr(link, "opened", lambda address, **more: (opened.append(address), plain(address, **more))[1])
    client = running.remote()
    for _ in range(3):
        assert client.call(CHANGE) == Done("mdupond")
    assert len(opened) == 1 and running.service.callers == ["accountd:pia1"] * 3
    with pytest.raises(RefusedError):
        client.call(FetchOwnData("192.0.2.7", "mdupond", "chef"))
    client.within(5).call(CHANGE)
    client.within(5).call(CHANGE)
    assert len(opened) == 2, "after a refusal another one"
    monkeypatch.setattr(client_module, "USES", 2)
    for _ in range(3):
        client.call(CHANGE)
    assert len(opened) == 3, "not beyond what accountd takes"
    assert client_module.USES < daemon.REQUESTS and client_module.WAITING_SECONDS < daemon.PATIENCE


def test_a_connection_that_accountd_has_ended_costs_no_call(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    client = running.remote()
    monkeypatch.setattr(daemon, "PATIENCE", 0.2)
    assert client.call(CHANGE) == Done("mdupond")
    time.sleep(1)  # the server has ended the silent connection meanwhile
    assert client.call(CHANGE) == Done("mdupond")


def test_a_stop_waits_for_no_client_that_asks_nothing(running: Running) -> None:
    client = running.remote()
    assert client.call(CHANGE) == Done("mdupond")
    ((_since, line),) = client.waiting._waiting
    running.end_silent()
    with contextlib.suppress(ConnectionError):
        assert line.link.stream.read(1) == b""
    assert client.call(CHANGE) == Done("mdupond"), "the next call has another connection"


def test_a_client_that_may_make_one_call_may_make_no_other(running: Running) -> None:
    mine = running.remote("sso-pia1")
    assert mine.call(passwords.Prove("192.0.2.7", "mdupond", "old")) == Done("mdupond")
    assert mine.call(Hello()) == Done()
    for other in (
        CHANGE,
        Block("192.0.2.7", "mdupond", "mdupond", "volé"),
        passwords.IssueCode("192.0.2.7", "mdupond"),
    ):
        with pytest.raises(RefusedError) as refused:
            mine.call(other)
        assert refused.value.refused.error == ErrorCode.UNAUTHORISED
    assert running.service.callers == ["accountd:sso-pia1"]
    assert running.remote().call(CHANGE) == Done("mdupond")


def test_the_server_s_certificate_is_verified(running: Running) -> None:
    with pytest.raises(UnavailableError, match="verify failed"):
        running.remote(ca="/etc/ssl/certs/ca-certificates.crt").call(CHANGE)
    with pytest.raises(UnavailableError):
        Client(f"tls://127.0.0.1:{running.port}", "pia1", SECRET, str(running.folder / "chain.pem"), 10).call(CHANGE)


def test_over_tls_nothing_comes_before_hello(running: Running) -> None:
    context = ssl.create_default_context(cafile=str(running.folder / "chain.pem"))
    with (
        socket.create_connection(("127.0.0.1", running.port), 10) as plain,
        context.wrap_socket(plain, server_hostname="localhost") as link,
    ):
        link.sendall(codec.encode(CHANGE))
        assert b"unauthorised" in link.recv(65536)
        assert link.recv(65536) == b""
    assert running.service.callers == []


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"GET / HTTP/1.0\r\n\r\n", b"bad_request"),
        (b"\x16\x03\x01" + b"\0" * 100 + b"\n", b"bad_request"),
        (b'{"form":"0","call":"hello","args":{}}\n', b'"version"'),
        (b"[" * 16_000 + b"\n", b"bad_request"),
        (b"x" * 5_000_000, b""),
        (b"no end", b""),
        (b"", b""),
    ],
)
def test_what_is_no_request_ends_its_connection_alone(running: Running, content: bytes, said: bytes) -> None:
    answer = running.raw(content)
    assert said in answer
    assert len(answer) < 1000
    assert running.local().call(CHANGE) == Done("mdupond")


def test_several_requests_of_one_connection_are_answered_in_turn(running: Running) -> None:
    answer = running.raw(codec.encode(Hello()) * 3)
    assert answer == codec.encode_answer(Done()) * 3


def test_answers_come_at_fixed_moments(running: Running) -> None:
    def took(seconds: float) -> float:
        running.service.takes = seconds
        begun = time.monotonic()
        running.local().call(CHANGE)
        return time.monotonic() - begun

    for seconds, least in ((0.0, 0.2), (0.1, 0.2), (0.25, 0.4)):
        assert took(seconds) >= least
    running.service.takes = 0.0
    begun = time.monotonic()
    running.local().call(EndSessions("192.0.2.7", "mdupond", "chef"))
    running.local().call(Hello())
    assert time.monotonic() - begun < 5


def test_too_many_at_once_are_told_to_come_back(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "WAITING", 2)
    running.service.takes = 0.5
    end = EndSessions("192.0.2.7", "mdupond", "chef")
    tell: Callable[[int], object] = lambda _number: _tried(running.local(), end)  # noqa: E731
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(tell, range(8)))
    assert "slow_down" in answers
    assert "mdupond" in [getattr(one, "uid", "") for one in answers]


def test_one_agent_or_network_takes_a_part_of_the_places(running: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(daemon, "WAITING", 40)
    leave = threading.Event()

    def answer(request: Request[Any], client: str) -> Done | Refused:
        assert leave.wait(60)
        return Done("mdupond")

    monkeypatch.setattr(running.service, "answer", answer)
    noisy = EndSessions("192.0.2.7", "mdupond", "chef")
    proof = enrolment.Enrol("192.0.2.7", "billet", "look")
    with ThreadPoolExecutor(48) as pool:
        try:
            asked = [pool.submit(_tried, running.local(), one) for one in [noisy] * 12 + [proof] * 20]
            told = [one.result(60) for one in itertools.islice(as_completed(asked, 60), 18)]
            assert told == ["slow_down"] * 18, "four of the agent's, ten of the network's go on"
            others = [
                pool.submit(_tried, running.local(), one)
                for one in (structs.replace(noisy, uid="jmartin"), structs.replace(noisy, source="198.51.100.7"),
                            structs.replace(proof, source="198.51.100.7"))
            ]  # fmt: skip
        finally:
            leave.set()
        assert [getattr(one.result(60), "uid", "") for one in others] == ["mdupond"] * 3
        assert [getattr(one.result(60), "uid", "") for one in asked].count("mdupond") == 14


def test_whoever_reads_drop_by_drop_gives_the_place_back(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "HANDING_LONGEST", 0.0)
    running.has_copy(tmp_path, b"x" * 50_000_000)
    copy = running.local().fetch(FETCH)
    with pytest.raises(ConnectionError):
        list(copy)
    copy.close()


def test_one_agent_fetches_few_copies_at_once(running: Running, tmp_path: Path) -> None:
    running.has_copy(tmp_path, b"x" * 50_000_000)
    with contextlib.ExitStack() as held:
        for _ in range(2):
            held.callback(running.local().fetch(FETCH).close)
        with pytest.raises(RefusedError, match="slow_down"):
            running.local().fetch(FETCH)
        other = structs.replace(FETCH, uid="jmartin")
        held.callback(running.local().fetch(other).close)


FETCH = FetchOwnData("192.0.2.7", "mdupond", "jeton")


@pytest.mark.parametrize("way", ["local", "remote"])
def test_a_copy_comes_after_its_answer(running: Running, tmp_path: Path, way: str) -> None:
    content = os.urandom(daemon.PIECE * 3 + 7)
    running.has_copy(tmp_path, content)
    copy = getattr(running, way)().fetch(FETCH)
    assert copy.answer.size == len(content)
    assert b"".join(copy) == content
    copy.close()
    assert running.local().call(CHANGE) == Done("mdupond")


def test_no_copy_is_no_bytes(running: Running) -> None:
    with pytest.raises(RefusedError, match="refused_value"):
        running.local().fetch(FETCH)
    with pytest.raises(RefusedError, match="unauthorised"):
        running.remote("sso-pia1").fetch(FETCH)


def test_a_copy_that_ends_too_early_is_an_error(running: Running, tmp_path: Path) -> None:
    running.has_copy(tmp_path, b"x" * 60, 100)
    copy = running.local().fetch(FETCH)
    with pytest.raises(ConnectionError):
        list(copy)
    copy.close()


def test_who_reads_slowly_keeps_no_thread_and_has_a_limit(
    running: Running, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "HANDING", 2)
    running.has_copy(tmp_path, b"x" * 50_000_000)
    held = [running.local().fetch(FETCH), running.local().fetch(FETCH)]
    with pytest.raises(RefusedError, match="slow_down"):
        running.local().fetch(FETCH)
    assert running.local().call(CHANGE) == Done("mdupond")
    assert sum(map(len, held[0])) == 50_000_000
    for one in held:
        one.close()
    # A reader who has gone gives the place back.
    for _ in range(50):
        with contextlib.suppress(RefusedError):
            running.local().fetch(FETCH).close()
            break
        time.sleep(0.1)
    else:
        raise AssertionError("the places are still taken")


def _tried(client: Client, request: Request) -> object:
    try:
        return client.call(request)
    except RefusedError as error:
        return str(error.refused.error)


def test_a_client_without_server_says_so(tmp_path: Path) -> None:
    for address in (f"unix://{tmp_path}/none", "tls://localhost:1", "http://localhost"):
        with pytest.raises(UnavailableError, match=address):
            Client(address, timeout=2).call(CHANGE)
    with pytest.raises(UnavailableError, match=r"none\.json"):
        Client.of(tmp_path / "none.json")
    assert SECRET not in repr(Client("unix:///x", "pia1", SECRET))


@pytest.mark.parametrize("other", ["client", "accountd"])
@pytest.mark.parametrize("way", ["local", "remote"])
def test_hosts_of_two_versions_say_so(running: Running, caplog: pytest.LogCaptureFixture, way: str, other: str) -> None:
    ask = getattr(running, way)()
    assert ask.call(CHANGE) == Done("mdupond")
    before = list(running.service.callers)
    # Both sides live in this process: the client takes a call by its request, accountd by its name.
    call = replace(CALLS["change"], answer=Hello)
    with pytest.MonkeyPatch.context() as patch:
        if other == "client":
            patch.setitem(OF, passwords.Change, call)
        else:
            patch.setitem(CALLS, "change", call)
        with pytest.raises(OtherVersionError) as said:
            ask.call(CHANGE)
    words = "accountd's call change has another form on the other host: finish the deploy"
    assert words in str(said.value)
    assert words in caplog.text
    assert running.service.callers == before
    assert "old" not in caplog.text and SECRET not in caplog.text
    assert ask.call(CHANGE) == Done("mdupond")


def test_calls_of_the_log_in_page_are_for_the_client_that_is_named_for_them(running: Running) -> None:
    entered = log_ins.Entered("192.0.2.7", "mdupond", "totp")
    assert running.remote("sso-pia1").call(entered) == Done("mdupond")
    for asked in (running.remote(), running.local()):
        with pytest.raises(RefusedError, match="unauthorised"):
            asked.call(entered)
    with pytest.raises(RefusedError, match="unauthorised"):
        running.remote("sso-pia1").call(factors.MakeRecoveryCodes("192.0.2.7", "mdupond"))
    assert running.service.callers == ["accountd:sso-pia1"]
