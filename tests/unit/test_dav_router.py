"""The router of devices: what it reads of a request, what it asks Dovecot, where it leads."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.unit.test_filter_postfix import load

ROUTER = load("roles/dav/files/dav_router.py")
SETTINGS: dict[str, Any] = {
    "auth_socket": "/nowhere",
    "backends": {"radicale": {"prefix": "/radicale"}, "sogo": {"prefix": "/SOGo/dav", "homes": ["Calendar"]}},
    "profiles": {"convergence": "sogo", "roundcube": "radicale"},
    "default": "radicale",
}


def settings(folder: Path, **changes: Any) -> Any:
    path = folder / "settings.json"
    path.write_text(json.dumps(SETTINGS | changes))
    return ROUTER.Settings.read(path)


def basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def with_dovecot(folder: Path, dovecot: list[str], question: Callable[[Any], Awaitable[Any]]) -> tuple[Any, list[str]]:
    """What the router answers, and the lines that a Dovecot of this test received; `dovecot` is what it says."""
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
            return await question(ROUTER.Router(settings(folder, auth_socket=path)))

    return asyncio.run(run()), received


def ask(folder: Path, dovecot: list[str], *, tree: str = "root", uri: str = "/", pair: str = "Un:mot:de passe",
        **headers: str) -> tuple[int, dict[str, str], list[str]]:
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
    router = ROUTER.Router(settings(tmp_path))
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


def log_in(
    folder: Path, dovecot: list[str], body: bytes | str, head: str = ""
) -> tuple[int, dict[str, str], Any, list[str]]:
    """Status, headers, JSON, and what Dovecot received, of a whole request as nginx sends it."""
    sent = body.encode() if isinstance(body, str) else body
    head = head or f"POST /log-in?x HTTP/1.1\r\nX-Real-IP: 192.0.2.1\r\nContent-Length: {len(sent)}\r\n\r\n"

    async def question(router: Any) -> Any:
        reader = asyncio.StreamReader()
        reader.feed_data(head.encode() + sent)
        reader.feed_eof()
        return await router._question(reader)

    (status, lines, told), received = with_dovecot(folder, dovecot, question)
    return status, dict(line.split(": ", 1) for line in lines), json.loads(told) if told else None, received


def page(**fields: Any) -> str:
    return json.dumps({"userName": "Un", "password": "mot de passé", **fields})


def test_a_proved_log_in_goes_on_with_what_was_proved(tmp_path: Path) -> None:
    twice = page(language="French", rememberLogin=1, domain="autre.test")[:-1] + ', "userName": "Deux"}'
    status, told, body, lines = log_in(tmp_path, ["OK\t1\tuser=agent\tprofile=convergence"], twice)
    assert (status, body, told["X-Accel-Redirect"]) == (200, None, "@sogo_login")
    assert json.loads(told["X-Door-Body"]) == {
        "userName": "agent", "password": "mot de passé", "language": "French", "rememberLogin": 1,
    }
    assert told["X-Door-Body"].isascii()
    words = lines[2].split("\t")
    assert "rip=192.0.2.1" in words
    assert base64.b64decode(words[-1].removeprefix("resp=")) == b"\0Deux\0" + "mot de passé".encode()


@pytest.mark.parametrize(
    ("dovecot", "status", "reason"),
    [
        (["FAIL\t1\tuser=un"], 403, 65535),
        (["FAIL\t1\tuser=un\treason=Trop d'essais: patientez 4 s."], 403, "Trop d'essais: patientez 4 s."),
        (["FAIL\t1\tuser=un\ttemp"], 503, ROUTER.UNSURE),
        ([], 503, ROUTER.UNSURE),
    ],
)
def test_a_refused_log_in_is_told_in_the_page_s_words(
    tmp_path: Path, dovecot: list[str], status: int, reason: int | str, caplog: pytest.LogCaptureFixture
) -> None:
    found, told, body, _ = log_in(tmp_path, dovecot, page())
    assert (found, body["LDAPPasswordPolicyError"]) == (status, reason)
    assert told["Content-Type"] == "application/json"
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
        ("x" * (ROUTER.LONGEST_BODY + 1), 413),
    ],
)
def test_what_is_no_log_in_is_not_asked(tmp_path: Path, body: bytes | str, status: int) -> None:
    found, told, _, lines = log_in(tmp_path, ["OK\t1\tuser=agent"], body)
    assert (found, lines) == (status, [])
    assert "X-Accel-Redirect" not in told


@pytest.mark.parametrize(
    ("head", "status"),
    [
        ("GET /log-in HTTP/1.1\r\nX-Real-IP: 192.0.2.1\r\n\r\n", 405),
        ("POST /log-in HTTP/1.1\r\nX-Real-IP: 192.0.2.1\r\n\r\n", 413),
        ("POST /log-in HTTP/1.1\r\nX-Real-IP: 192.0.2.1\r\nContent-Length: -1\r\n\r\n", 413),
        (f"POST /log-in HTTP/1.1\r\nContent-Length: {len(page())}\r\n\r\n", 400),
    ],
)
def test_a_log_in_has_a_length_and_an_address(tmp_path: Path, head: str, status: int) -> None:
    assert log_in(tmp_path, ["OK\t1\tuser=agent"], page(), head)[0] == status


def test_the_same_refusal_is_written_once() -> None:
    refusals = ROUTER.Refusals()
    assert refusals.new("192.0.2.1", b"Un", b"x", 0)
    assert not refusals.new("192.0.2.1", b"un", b"x", 599)
    assert refusals.new("192.0.2.1", b"un", b"y", 599)
    assert refusals.new("192.0.2.2", b"un", b"x", 599)
    assert refusals.new("192.0.2.1", b"un", b"x", 601)


def test_memory_of_refusals_is_bounded() -> None:
    refusals = ROUTER.Refusals()
    for number in range(ROUTER.REMEMBERED + 50):
        refusals.new("192.0.2.1", b"un", str(number).encode(), 0)
    assert len(refusals.seen) <= ROUTER.REMEMBERED + 1


def test_dovecot_s_escapes_are_undone() -> None:
    text = "a\tb\nc\x01d"
    assert ROUTER.unescape(ROUTER.escape(text)) == text
    assert not set("\t\n") & set(ROUTER.escape(text))


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
