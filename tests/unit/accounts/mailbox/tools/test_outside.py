"""Only hosts that the academy named are called, at addresses of the Internet; an answer ends in size and in time."""

import http.client
import ipaddress
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from malleposte.accounts.mailbox.tools import outside
from malleposte.accounts.mailbox.tools.kinds.base import Request
from malleposte.accounts.mailbox.tools.outside import Client, Reach, checked, host_of, is_outside
from malleposte.core.errors import InputError, MallepostError

HOST = "appels.ac-exemple.test"
REACH = Reach((HOST, "autre.ac-exemple.test"))
PUBLIC = "93.184.215.14"
REQUEST = Request(f"https://{HOST}/a?b=c", {"X-Key": "k"}, b"{}")
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.1.2.3", "224.0.0.1",
        "255.255.255.255", "192.0.2.1", "198.18.0.1", "240.0.0.1",
        "::1", "::", "fe80::1", "fc00::1", "fd00::1", "ff02::1", "2001:db8::1",
        "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:93.184.215.14", "::127.0.0.1", "64:ff9b::7f00:1",
        "64:ff9b::a00:1", "64:ff9b:1::a00:1", "2002:7f00:1::1", "2001:0:a00:1::1", "100::1",
    ],
)  # fmt: skip
def test_an_address_inside_is_not_called(address: str) -> None:
    assert not is_outside(ipaddress.ip_address(address))
    with pytest.raises(MallepostError):
        checked(HOST, [address], REACH)
    with pytest.raises(MallepostError):
        checked(HOST, [PUBLIC, address], REACH)


@pytest.mark.parametrize("address", [PUBLIC, "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "1.1.1.1"])
def test_an_address_of_the_internet_is(address: str) -> None:
    assert checked(HOST, [address], REACH) == [ipaddress.ip_address(address)]


def test_a_network_that_the_academy_named_is_called() -> None:
    reach = Reach((HOST,), ("10.1.0.0/16",))
    assert checked(HOST, ["10.1.2.3"], reach)
    with pytest.raises(MallepostError):
        checked(HOST, ["10.2.2.3"], reach)
    with pytest.raises(MallepostError):
        checked(HOST, ["::ffff:10.1.2.3"], reach)
    for never in ("127.0.0.1", "169.254.169.254", "::1", "fe80::1"):
        with pytest.raises(MallepostError):
            checked(HOST, [never], Reach((HOST,), ("127.0.0.0/8", "169.254.0.0/16", "::1/128", "fe80::/10")))


def test_few_addresses_of_a_host_are_tried() -> None:
    assert len(checked(HOST, [f"1.1.1.{number}" for number in range(99)], REACH)) == outside.MOST_ADDRESSES


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}/", f"https://{HOST}:8443/", f"https://u:p@{HOST}/", f"https://{HOST}@evil.example/", "https://",
        f"https://{HOST}.evil.example/", "https://evil.example/", "https://127.0.0.1/", "https://[::1]/",
        f"https://evil.example\\@{HOST}/", f"https://{HOST}/a b", f"https://{HOST}/\r\nX: y", f"https://é.{HOST}/",
        f"https://{HOST}:https/", "https://[::1/", f"ftp://{HOST}/", f"https://{HOST}./",
    ],
)  # fmt: skip
def test_an_address_that_may_not_be_called(url: str) -> None:
    assert host_of(f"https://{HOST}/x", REACH) == HOST
    with pytest.raises(InputError):
        host_of(url, REACH)


type Speak = Callable[[socket.socket], None]


class Server:
    """A server of this machine's, over plain HTTP, that answers as a test says; it keeps the heads of requests."""

    def __init__(self, *speak: Speak) -> None:
        self.heads: list[bytes] = []
        self.turns = list(speak)
        server = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                server.heads.append(self.request.recv(65_536))
                server.turns.pop(0)(self.request)

        self.tcp = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.tcp.daemon_threads = True
        threading.Thread(target=self.tcp.serve_forever, args=(0.05,), daemon=True).start()

    def client(self, seconds: float = 20.0, resolve: Callable[..., Any] | None = None) -> Client:
        """A client whose connections come here, whatever address was checked."""
        self.called: list[tuple[str, list[str]]] = []

        def connect(host: str, addresses: Any, _context: Any, end: Any) -> http.client.HTTPConnection:
            self.called.append((host, [str(one) for one in addresses]))
            link = http.client.HTTPConnection(*self.tcp.server_address[:2], timeout=outside.SILENCE)
            link.connect()
            end.watch(link.sock)
            return link

        return Client(resolve=resolve or (lambda *_where: [PUBLIC]), connect=connect, seconds=seconds)


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def begin(*speak: Speak) -> Server:
        servers.append(Server(*speak))
        return servers[-1]

    yield begin
    for one in servers:
        one.tcp.shutdown()
        one.tcp.server_close()


def says(text: bytes) -> Speak:
    return lambda link: link.sendall(text)


def redirect(to: str, status: int = 307) -> Speak:
    return says(f"HTTP/1.1 {status} -\r\nLocation: {to}\r\nContent-Length: 0\r\n\r\n".encode())


def test_a_request_and_its_answer(serve: Callable[..., Server]) -> None:
    server = serve(says(b"HTTP/1.1 429 -\r\nRetry-After: 7\r\nX-Other: y\r\nContent-Length: 2\r\n\r\nno"))
    answer = server.client().call(REQUEST, REACH)
    assert (answer.status, answer.body, dict(answer.headers)) == (429, b"no", {"retry-after": "7"})
    assert server.heads[0].startswith(b"POST /a?b=c HTTP/1.1\r\n")
    assert b"X-Key: k\r\n" in server.heads[0]
    assert server.called == [(HOST, [PUBLIC])]


def test_a_name_is_resolved_once(serve: Callable[..., Server]) -> None:
    answers = [[PUBLIC], ["127.0.0.1"]]
    server = serve(says(OK))
    assert server.client(resolve=lambda *_where: answers.pop(0)).call(REQUEST, REACH).status == 200
    assert server.called == [(HOST, [PUBLIC])]
    assert answers == [["127.0.0.1"]]


def test_the_connection_goes_to_the_address_that_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Any] = []

    def create(address: Any, *_more: Any) -> Any:
        called.append(address)
        raise ConnectionRefusedError

    monkeypatch.setattr(outside.socket, "create_connection", create)
    monkeypatch.setattr(outside.socket, "getaddrinfo", lambda *_a, **_k: [(0, 0, 0, "", (PUBLIC, 443))])
    with pytest.raises(MallepostError):
        Client().call(REQUEST, REACH)
    assert called == [(PUBLIC, 443)]


def test_tls_proves_the_name_and_not_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    near, far = socket.socketpair()
    names: list[Any] = []

    class Context(ssl.SSLContext):
        def wrap_socket(self, *_words: Any, **more: Any) -> Any:
            names.append(more["server_hostname"])
            raise ssl.SSLCertVerificationError

    monkeypatch.setattr(outside.socket, "create_connection", lambda *_a: near)
    with far, pytest.raises(MallepostError):
        Client(Context(ssl.PROTOCOL_TLS_CLIENT), lambda *_where: [PUBLIC]).call(REQUEST, REACH)
    assert names == [HOST]
    context = Client().context
    assert context.check_hostname
    assert context.verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize(
    "to",
    [
        "https://evil.example/",
        "http://appels.ac-exemple.test/",
        "https://127.0.0.1/",
        "//evil.example/x",
        "file:///etc",
    ],
)
def test_a_redirect_to_another_place_is_not_followed(serve: Callable[..., Server], to: str) -> None:
    server = serve(redirect(to), says(OK))
    with pytest.raises(InputError):
        server.client().call(REQUEST, REACH)
    assert len(server.heads) == 1


def test_a_redirect_to_a_host_of_the_tool_is_checked_and_followed(serve: Callable[..., Server]) -> None:
    server = serve(redirect("https://autre.ac-exemple.test/b"), says(OK))
    assert server.client().call(REQUEST, REACH).body == b"ok"
    assert [host for host, _addresses in server.called] == [HOST, "autre.ac-exemple.test"]
    server = serve(redirect("https://autre.ac-exemple.test/b"), says(OK))
    inside = iter([[PUBLIC], ["10.0.0.1"]])
    with pytest.raises(MallepostError, match=r"10\.0\.0\.1"):
        server.client(resolve=lambda *_where: next(inside)).call(REQUEST, REACH)
    assert len(server.heads) == 1


def test_a_redirect_that_would_change_the_request_and_one_without_end(serve: Callable[..., Server]) -> None:
    assert serve(redirect(f"https://{HOST}/b", 302)).client().call(REQUEST, REACH).status == 302
    server = serve(*[redirect(f"https://{HOST}/b")] * 5)
    with pytest.raises(MallepostError, match="redirects"):
        server.client().call(REQUEST, REACH)
    assert len(server.heads) == outside.REDIRECTS + 1


def test_a_long_answer_is_read_to_its_limit(serve: Callable[..., Server]) -> None:
    def endless(link: socket.socket) -> None:
        link.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            for _turn in range(2000):
                link.sendall(b"x" * 65_536)
        except OSError:
            return

    answer = serve(endless).client().call(REQUEST, REACH)
    assert (answer.status, len(answer.body)) == (200, outside.MOST_BYTES)


@pytest.mark.parametrize("part", [b"H", b"HTTP/1.1 200 OK\r\nX: ", b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n"])
def test_an_answer_that_drips_ends_in_time(serve: Callable[..., Server], part: bytes) -> None:
    def drip(link: socket.socket) -> None:
        try:
            link.sendall(part)
            for _turn in range(600):
                link.sendall(b"x")
                time.sleep(0.05)
        except OSError:
            return

    begin = time.monotonic()
    client = serve(drip).client(seconds=0.5)
    if b"Length" in part:
        assert client.call(REQUEST, REACH).status == 200
    else:
        with pytest.raises(MallepostError, match="no answer in"):
            client.call(REQUEST, REACH)
    assert time.monotonic() - begin < 25


@pytest.mark.parametrize(
    "text", [b"", b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n", b"HTTP/1.1 abc\r\n\r\n"]
)
def test_an_answer_that_is_none_is_an_error(serve: Callable[..., Server], text: bytes) -> None:
    with pytest.raises(MallepostError):
        serve(says(text)).client().call(REQUEST, REACH)


def test_an_error_names_the_host_alone(serve: Callable[..., Server]) -> None:
    request = Request(f"https://{HOST}/secret-path", {"Authorization": "Bearer secret"}, b"secret")
    with pytest.raises(MallepostError) as away:
        serve(says(b"")).client().call(request, REACH)
    with pytest.raises(InputError) as forbidden:
        Client().call(Request("https://evil.example/secret-path", {}, b""), REACH)
    assert "secret" not in f"{away.value}{forbidden.value}{request!r}"


def test_a_name_without_an_address_is_an_error() -> None:
    def resolve(*_where: object) -> list[str]:
        raise socket.gaierror(-2, "Name or service not known")

    with pytest.raises(MallepostError, match=HOST):
        Client(resolve=resolve).call(REQUEST, REACH)
    with pytest.raises(MallepostError, match="no address"):
        Client(resolve=lambda *_where: []).call(REQUEST, REACH)
