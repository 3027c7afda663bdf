"""The router of devices: its reading of a request, its queries to Dovecot, its destinations."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from malleposte.daemons import http
from malleposte.daemons.dav_router import proofs, seals, sogo
from malleposte.daemons.dav_router.main import LIMITS
from malleposte.daemons.dav_router.router import Router
from malleposte.daemons.dav_router.settings import Settings

SETTINGS: dict[str, Any] = {
    "auth_socket": "/nowhere",
    "backends": {"radicale": {"prefix": "/radicale"}, "sogo": {"prefix": "/SOGo/dav", "homes": ["Calendar"]}},
    "profiles": {"convergence": "sogo", "roundcube": "radicale"},
    "default": "radicale",
    "log_in_port": 1,
}
KEYS = [b"n" * 32, b"o" * 32]


def settings(folder: Path, **changes: Any) -> Any:
    path = folder / "settings.json"
    path.write_text(json.dumps(SETTINGS | changes))
    keys = folder / "keys"
    keys.write_bytes(b"\n".join(KEYS) + b"\n")
    return Settings.read(path, keys)


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def with_dovecot(folder: Path, dovecot: list[str], question: Callable[[Any], Awaitable[Any]]) -> tuple[Any, list[str]]:
    """The router's answer, and the lines that this test's Dovecot received; `dovecot` is its answer."""
    received: list[str] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"VERSION\t1\t3\nMECH\tPLAIN\tplaintext\nSPID\t1\nDONE\n")
        for _ in range(3):
            received.append((await reader.readline()).decode().rstrip("\n"))
        writer.write("".join(f"{line}\n" for line in dovecot).encode())
        writer.close()

    async def run() -> Any:
        path = str(folder / "auth")
        async with await asyncio.start_unix_server(answer, path):
            return await question(Router(settings(folder, auth_socket=path)))

    return asyncio.run(run()), received


def ask(
    folder: Path,
    dovecot: list[str],
    *,
    tree: str = "root",
    uri: str = "/",
    pair: str = "Un:mot:de passe",
    **headers: str,
) -> tuple[int, dict[str, str], list[str]]:
    """Status, headers, and what Dovecot received."""
    sent = {"authorization": basic(pair), "x-real-ip": "192.0.2.1", "x-original-uri": uri, **headers}
    (status, lines, body), received = with_dovecot(folder, dovecot, lambda router: router.answer(tree, sent))
    assert body == b""
    return status, dict(line.split(": ", 1) for line in lines), received


def test_dovecot_is_asked_with_the_client_s_address(tmp_path: Path) -> None:
    status, told, lines = ask(tmp_path, ["OK\t1\tuser=agent\tprofile=roundcube"])
    assert status == 200
    assert told == {"X-Dav-User": "agent", "X-Dav-Route": "radicale", "X-Dav-Path": "/radicale/agent/"}
    words = lines[2].split("\t")
    assert words[:3] == ["AUTH", "1", "PLAIN"]
    assert "rip=192.0.2.1" in words
    assert "client_id=device" in words
    assert base64.b64decode(words[-1].removeprefix("resp=")) == b"\0Un\0mot:de passe"


@pytest.mark.parametrize(
    ("profile", "tree", "uri", "route", "path"),
    [
        ("convergence", "root", "/", "sogo", "/SOGo/dav/agent/"),
        ("", "root", "/", "radicale", "/radicale/agent/"),
        ("roundcube", "radicale", "/radicale/agent/a%20b/?x", "radicale", "/radicale/agent/a%20b/?x"),
        ("convergence", "radicale", "/radicale/agent/", "moved", "/"),
        ("convergence", "radicale", "/radicale/%61gent", "moved", "/"),
        ("convergence", "radicale", "/radicale/agent/agenda/", "gone", "/"),
        ("roundcube", "sogo", "/SOGo/dav/agent/Calendar/", "moved", "/"),
        ("roundcube", "sogo", "/SOGo/dav/agent/Calendar/personal/", "gone", "/"),
        ("roundcube", "sogo", "/SOGo/dav/autre/", "gone", "/"),
    ],
)
def test_where_a_request_goes(tmp_path: Path, profile: str, tree: str, uri: str, route: str, path: str) -> None:
    status, told, _ = ask(tmp_path, [f"OK\t1\tuser=agent\tprofile={profile}"], tree=tree, uri=uri)
    assert (status, told["X-Dav-Route"], told["X-Dav-Path"]) == (200, route, path)


@pytest.mark.parametrize(
    ("dovecot", "status"),
    [
        (["FAIL\t1\tuser=un"], 401),
        (["FAIL\t1\tuser=un\tuser_disabled"], 401),
        (["FAIL\t1\tuser=un\ttemp"], 503),
        (["OK\t2\tuser=agent"], 503),
        (["OK\t1\tprofile=roundcube"], 503),
        (["OK\t1\tuser=../autre"], 503),
        (["CONT\t1\t"], 401),
        (["VERSION\t2\t0", "OK\t1\tuser=agent"], 503),
        ([], 503),
    ],
)
def test_only_a_clear_yes_is_one(tmp_path: Path, dovecot: list[str], status: int) -> None:
    found, told, _ = ask(tmp_path, dovecot)
    assert found == status
    assert "X-Dav-User" not in told


def test_no_dovecot_is_no_refusal(tmp_path: Path) -> None:
    router = Router(settings(tmp_path))
    sent = {"authorization": basic("a:b"), "x-real-ip": "192.0.2.1", "x-original-uri": "/"}
    assert asyncio.run(router.answer("root", sent)) == (503, [], b"")


@pytest.mark.parametrize(
    ("tree", "headers", "status"),
    [
        ("root", {"x-real-ip": "here"}, 400),
        ("root", {"x-real-ip": "192.0.2.1\tuser=x"}, 400),
        ("moved", {}, 400),
        ("root", {"x-original-uri": "x"}, 400),
        ("root", {"authorization": ""}, 401),
        ("root", {"authorization": "Bearer x"}, 401),
        ("root", {"authorization": "Basic %%%"}, 401),
        ("root", {"authorization": basic("seul")}, 401),
        ("root", {"authorization": basic(":x")}, 401),
        ("root", {"authorization": basic("x:")}, 401),
        ("root", {"authorization": basic("a\0b:x")}, 401),
        ("root", {"authorization": basic("a:b\0c")}, 401),
    ],
)
def test_what_is_no_proof_is_not_asked(tmp_path: Path, tree: str, headers: Mapping[str, str], status: int) -> None:
    found, _, lines = ask(tmp_path, ["OK\t1\tuser=agent"], tree=tree, **headers)
    assert (found, lines) == (status, [])


# --- the log-in of SOGo's page ---


LOGINS: list[tuple[str, Any]] = []
"""The requests that SOGo received: the head, and the JSON."""
ANSWER = b"HTTP/1.1 200 OK\r\nset-cookie: 0xHIGHFLYxSOGo=basic%20x; secure\r\nX-Y: z\r\n\r\n{}"


def log_in(
    folder: Path, dovecot: list[str], body: bytes | str, head: str = "", sogo: bytes = ANSWER
) -> tuple[int, dict[str, str], Any, list[str]]:
    """Status, headers, JSON, and what Dovecot received, of a request as nginx sends it. `sogo` answers the log-in."""
    sent = body.encode() if isinstance(body, str) else body
    head = head or f"POST /log-in?x HTTP/1.1\r\nX-Real-IP: 192.0.2.1\r\nContent-Length: {len(sent)}\r\n\r\n"

    async def question(router: Any) -> Any:
        async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            asked = await reader.readuntil(b"\r\n\r\n")
            LOGINS.append((asked.decode(), json.loads(await reader.read(LIMITS.body))))
            writer.write(sogo)
            writer.close()

        reader = asyncio.StreamReader()
        reader.feed_data(head.encode() + sent)
        reader.feed_eof()
        async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
            router.sogo.port = server.sockets[0].getsockname()[1]
            try:
                return await router.respond(await http.read(reader, LIMITS))
            except http.Refusal as refusal:
                return refusal.args[0], [], b""

    LOGINS.clear()
    (status, lines, told), received = with_dovecot(folder, dovecot, question)
    found = dict(line.split(": ", 1) for line in lines if not line.startswith("Set-Cookie: "))
    if cookies := [line.partition(": ")[2] for line in lines if line.startswith("Set-Cookie: ")]:
        found["Set-Cookie"] = "\n".join(cookies)
    return status, found, json.loads(told) if told else None, received


def page(**fields: Any) -> str:
    return json.dumps({"userName": "Un", "password": "mot de passé", **fields})


def test_a_proved_log_in_goes_on_with_what_was_proved(tmp_path: Path) -> None:
    twice = page(language="French", rememberLogin=1, domain="autre.test")[:-1] + ', "userName": "Deux"}'
    status, told, body, lines = log_in(tmp_path, ["OK\t1\tuser=agent\tprofile=convergence"], twice)
    assert (status, body) == (200, {})
    assert LOGINS[0][0].startswith("POST /SOGo/connect HTTP/1.0\r\nx-real-ip: 192.0.2.1\r\n")
    assert [asked for _head, asked in LOGINS] == [
        {"userName": "agent", "password": "mot de passé", "language": "French", "rememberLogin": 1}
    ]
    words = lines[2].split("\t")
    assert "rip=192.0.2.1" in words
    assert base64.b64decode(words[-1].removeprefix("resp=")) == b"\0Deux\0" + "mot de passé".encode()
    assert "X-Y" not in told


def test_a_session_of_sogo_is_sealed(tmp_path: Path) -> None:
    _status, told, _body, _lines = log_in(tmp_path, ["OK\t1\tuser=agent"], page())
    seal = told["Set-Cookie"].split("\n")[1]
    assert seal.startswith(seals.SEAL + "=")
    assert seal.endswith("; Path=/; Secure; HttpOnly; SameSite=Lax")
    shown = seals.Seals((KEYS[0],)).passed(f"a=b; 0xHIGHFLYxSOGo=basic%20x; {seal.partition(';')[0]}")
    assert shown == ["0xHIGHFLYxSOGo=basic%20x"]


@pytest.mark.parametrize(
    ("sogo", "status"),
    [
        (b"HTTP/1.1 403 No\r\nContent-Type: application/json\r\n\r\n{}", 403),
        (b"HTTP/1.1 200 OK\r\n\r\n{}", 200),
        (b"", 503),
        (b"HTTP\r\n\r\n{}", 503),
        (b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (sogo.LONGEST_ANSWER + 1), 503),
    ],
)
def test_what_sogo_does_not_grant_is_not_sealed(tmp_path: Path, sogo: bytes, status: int) -> None:
    found, told, _, _ = log_in(tmp_path, ["OK\t1\tuser=agent"], page(), sogo=sogo)
    assert (found, seals.SEAL in told.get("Set-Cookie", "")) == (status, False)


def sealed(value: str = "v", key: bytes = KEYS[0]) -> str:
    return f"{seals.SEAL}={seals.Seals((key,)).over(value, key)}"


@pytest.mark.parametrize(
    ("cookies", "shown"),
    [
        ([], ""),
        ([f"{seals.SOGO_COOKIE}=v; {sealed()}"], "v"),
        ([f"{seals.SOGO_COOKIE}=v; {sealed(key=KEYS[1])}"], "v"),
        ([f"{seals.SOGO_COOKIE}=v", sealed()], "v"),
        ([f"{seals.SOGO_COOKIE}=w; {seals.SOGO_COOKIE}=v; {sealed('x')}; {sealed()}"], "v"),
        ([f"{seals.SOGO_COOKIE}=v; {sealed(key=b'z' * 32)}"], ""),
        ([f"{seals.SOGO_COOKIE}=w; {sealed()}"], ""),
        ([f"{seals.SOGO_COOKIE}=v; {seals.SEAL}="], ""),
        ([f"{seals.SOGO_COOKIE}=v; {seals.SEAL}=é"], ""),
        ([f'{seals.SOGO_COOKIE}="v"; {sealed()}'], ""),
        ([f"{seals.SOGO_COOKIE.lower()}=v; {sealed()}"], ""),
        ([f"a,{seals.SOGO_COOKIE}=v; {sealed()}"], ""),
        ([f"{seals.SOGO_COOKIE}=; {seals.SEAL}"], ""),
    ],
)
def test_only_a_sealed_session_goes_on(tmp_path: Path, cookies: list[str], shown: str) -> None:
    head = "".join(f"Cookie: {cookie}\r\n" for cookie in cookies)
    (status, told, body), _ = with_dovecot(tmp_path, [], lambda router: asked(router, "/SOGo/so/un/view", head))
    assert (status, body) == (200, b"")
    assert told == ([f"X-Session-Cookie: {seals.SOGO_COOKIE}={shown}"] if shown else [])


async def asked(router: Any, uri: str, head: str = "") -> Any:
    """nginx's question about a session."""
    reader = asyncio.StreamReader()
    reader.feed_data(f"GET /session HTTP/1.1\r\nX-Original-URI: {uri}\r\n{head}\r\n".encode("latin-1"))
    return await router.respond(await http.read(reader, LIMITS))


def test_cookies_without_a_password_go_on_in_their_form() -> None:
    passed = seals.Seals((KEYS[0],)).passed
    token = "0123456789abcdef" * 2 + "01234567"
    assert passed(f"XSRF-TOKEN={token}; SOGoLogin=un%40x; autre=1") == [f"XSRF-TOKEN={token}", "SOGoLogin=un%40x"]
    assert passed("XSRF-TOKEN=x; SOGoLogin=a b; SOGoLogin=c") == []


def test_who_logs_out_loses_the_seal(tmp_path: Path) -> None:
    for uri, ends in (("/SOGo/so/un/logoff?x", True), ("/SOGo/so/un/view?logoff", False)):
        (_status, told, _body), _ = with_dovecot(tmp_path, [], lambda router, uri=uri: asked(router, uri))
        assert told == ([f"X-Session-End: {seals.SEAL}=; Max-Age=0; {seals.SEAL_SCOPE}"] if ends else [])


@pytest.mark.parametrize(
    ("cookie", "kept"),
    [
        ("", False),
        (f"a=b; mp_device={'0a' * 16}", True),
        (f"a=mp_device={'0a' * 16}", False),
        ("mp_device=court", False),
    ],
)
def test_a_browser_that_logged_in_before_is_named_to_dovecot(tmp_path: Path, cookie: str, kept: bool) -> None:
    """By a random word that opens nothing; another browser is another client, and a refused one gets no name."""
    length = len(page().encode())
    head = f"POST /log-in HTTP/1.1\r\nX-Real-IP: 192.0.2.1\r\nCookie: {cookie}\r\nContent-Length: {length}\r\n\r\n"
    _, told, _, lines = log_in(tmp_path, ["OK\t1\tuser=agent"], page(), head)
    (named,) = [word for word in lines[2].split("\t") if word.startswith("client_id=")]
    word = named.removeprefix("client_id=browser ")
    assert (word == "0a" * 16) is kept
    assert len(word) == 32
    assert told["Set-Cookie"].startswith(f"mp_device={word}; ")
    words = set(told["Set-Cookie"].split("\n")[0].split("; "))
    assert {"Secure", "HttpOnly", "SameSite=Strict", "Path=/SOGo/connect"} <= words
    _, refused, _, _ = log_in(tmp_path, ["FAIL\t1\tuser=un"], page(), head)
    assert "Set-Cookie" not in refused


@pytest.mark.parametrize(
    ("dovecot", "status", "reason"),
    [
        (["FAIL\t1\tuser=un"], 403, 65535),
        (["FAIL\t1\tuser=un\treason=Trop d'essais: patientez 4 s."], 403, "Trop d'essais: patientez 4 s."),
        (["FAIL\t1\tuser=un\ttemp"], 503, sogo.UNSURE),
        ([], 503, sogo.UNSURE),
    ],
)
def test_a_refused_log_in_is_told_in_the_page_s_words(
    tmp_path: Path, dovecot: list[str], status: int, reason: int | str, caplog: pytest.LogCaptureFixture
) -> None:
    found, told, body, _ = log_in(tmp_path, dovecot, page())
    assert (found, body["LDAPPasswordPolicyError"]) == (status, reason)
    assert (told["Content-Type"], LOGINS) == ("application/json", [])
    assert ("refused: user=<Un>, rip=192.0.2.1" in caplog.text) == (status == 403)


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("", 400),
        ("{", 400),
        (b"\xff{}", 400),
        ("[" * 4000, 400),
        (page(password="\ud800"), 400),
        ("[]", 403),
        ("{}", 403),
        (page(userName=""), 403),
        (page(password=""), 403),
        (page(password=["x"]), 403),
        (page(userName="a\0b"), 403),
        ("x" * (LIMITS.body + 1), 413),
    ],
)
def test_what_is_no_log_in_is_not_asked(tmp_path: Path, body: bytes | str, status: int) -> None:
    found, told, _, lines = log_in(tmp_path, ["OK\t1\tuser=agent"], body)
    assert (found, lines, LOGINS) == (status, [], [])
    assert "Set-Cookie" not in told


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /log-in HTTP/1.1\r\nX-Real-IP: 192.0.2.1\r\n\r\n", 405),
        ("POST /log-in HTTP/1.1\r\nX-Real-IP: 192.0.2.1\r\n\r\n", 400),
        ("POST /log-in HTTP/1.1\r\nX-Real-IP: 192.0.2.1\r\nContent-Length: -1\r\n\r\n", 413),
        (f"POST /log-in HTTP/1.1\r\nContent-Length: {len(page())}\r\n\r\n", 400),
    ],
)
def test_a_log_in_has_a_length_and_an_address(tmp_path: Path, head: str, status: int) -> None:
    assert log_in(tmp_path, ["OK\t1\tuser=agent"], page(), head)[0] == status


def test_the_same_refusal_is_written_once() -> None:
    refusals = proofs.Refusals()
    assert refusals.new("192.0.2.1", b"Un", b"x", 0)
    assert not refusals.new("192.0.2.1", b"un", b"x", 599)
    assert refusals.new("192.0.2.1", b"un", b"y", 599)
    assert refusals.new("192.0.2.2", b"un", b"x", 599)
    assert refusals.new("192.0.2.1", b"un", b"x", 601)


def test_memory_of_refusals_is_bounded() -> None:
    refusals = proofs.Refusals()
    for number in range(proofs.REMEMBERED + 50):
        refusals.new("192.0.2.1", b"un", str(number).encode(), 0)
    assert len(refusals.seen) <= proofs.REMEMBERED + 1


def test_dovecot_s_escapes_are_undone() -> None:
    text = "a\tb\nc\x01d"
    assert proofs.unescape(proofs.escape(text)) == text
    assert not set("\t\n") & set(proofs.escape(text))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"default": "ailleurs"}, "no back end is called 'ailleurs'"),
        ({"profiles": {"x": "ailleurs"}}, "profile x"),
        ({"backends": {"Radicale": {"prefix": "/r"}}}, "not a name"),
        ({"backends": {"radicale": {"prefix": "/r/"}}}, "prefix cannot be"),
        ({"backends": {"gone": {"prefix": "/r"}}}, "not a name"),
    ],
)
def test_settings_that_cannot_be(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings(tmp_path, **changes)


@pytest.mark.parametrize("keys", ["", "court\n", f"{'n' * 32}\ncourt\n"])
def test_keys_of_seals_are_long(tmp_path: Path, keys: str) -> None:
    settings(tmp_path)
    (tmp_path / "keys").write_text(keys)
    with pytest.raises(ValueError, match="of 32 characters at least"):
        Settings.read(tmp_path / "settings.json", tmp_path / "keys")
