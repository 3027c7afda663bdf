"""The router of devices: its reading of a request, its queries to Dovecot, its destinations."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from malleposte.daemons.dav_router import proofs
from malleposte.daemons.dav_router.router import Router
from malleposte.daemons.dav_router.settings import Settings

SETTINGS: dict[str, Any] = {
    "auth_socket": "/nowhere",
    "backends": {"radicale": {"prefix": "/radicale"}, "sogo": {"prefix": "/SOGo/dav", "homes": ["Calendar"]}},
    "profiles": {"convergence": "sogo", "roundcube": "radicale"},
    "default": "radicale",
    "sign_on": {
        "issuer": "https://sso.test/",
        "client_id": "sogo",
        "back": "https://agenda.test/connexion/retour",
        "sessions": "/nowhere",
        "idle_minutes": 240,
        "algorithms": ["RS256"],
        "roundcube_client_id": "roundcube",
    },
}


def settings(folder: Path, **changes: Any) -> Any:
    path = folder / "settings.json"
    path.write_text(json.dumps(SETTINGS | changes))
    secret = folder / "secret"
    secret.write_text("s" * 32)
    return Settings.read(path, secret)


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


TOKEN = "eyJhbGciOiJSUzI1NiJ9.e30.c2ln"


def with_token(folder: Path, dovecot: list[str], uri: str, tree: str = "radicale") -> tuple[int, list[str], list[str]]:
    sent = {"authorization": f"Bearer {TOKEN}", "x-real-ip": "192.0.2.1", "x-original-uri": uri}
    (status, lines, _body), received = with_dovecot(folder, dovecot, lambda router: router.answer(tree, sent))
    return status, lines, received


def test_a_token_opens_the_tree_of_its_agent(tmp_path: Path) -> None:
    status, lines, received = with_token(tmp_path, ["OK\t1\tuser=un"], "/radicale/un/agenda/1.ics")
    assert (status, lines) == (
        200, ["X-Dav-User: un", "X-Dav-Route: radicale", "X-Dav-Path: /radicale/un/agenda/1.ics"],
    )  # fmt: skip
    words = received[2].split("\t")
    assert words[2] == "XOAUTH2" and {"service=dav", "rip=192.0.2.1", "client_id=webmail"} <= set(words)
    assert base64.b64decode(words[-1].removeprefix("resp=")) == f"user=un\1auth=Bearer {TOKEN}\1\1".encode()


@pytest.mark.parametrize(
    ("dovecot", "uri", "tree", "status"),
    [
        (["FAIL\t1\tuser=un"], "/radicale/un/", "radicale", 401),
        (["CONT\t1\te30="], "/radicale/un/", "radicale", 401),
        (["OK\t1\tuser=deux"], "/radicale/un/", "radicale", 401),
        (["FAIL\t1\tuser=un\ttemp"], "/radicale/un/", "radicale", 503),
        ([], "/radicale/un/", "radicale", 503),
    ],
)
def test_a_token_is_worth_what_dovecot_says_of_it(
    tmp_path: Path, dovecot: list[str], uri: str, tree: str, status: int
) -> None:
    assert with_token(tmp_path, dovecot, uri, tree)[0] == status


@pytest.mark.parametrize("uri", ["/radicale/", "/radicale//un/", "/radicale/u%01n/", "/autre/un/"])
def test_a_token_opens_no_other_tree(tmp_path: Path, uri: str) -> None:
    status, lines, received = with_token(tmp_path, ["OK\t1\tuser=un"], uri)
    assert (status, received) == (401, []) and lines[0].startswith("WWW-Authenticate: Basic")


@pytest.mark.parametrize(("uri", "tree"), [("/", "root"), ("/SOGo/dav/un/", "sogo")])
def test_tokens_are_for_one_service_alone(tmp_path: Path, uri: str, tree: str) -> None:
    status, lines, received = with_token(tmp_path, ["OK\t1\tuser=un"], uri, tree)
    assert (status, received) == (401, []) and lines[0].startswith("WWW-Authenticate: Basic")


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


def test_sogo_hears_the_uid_with_the_password_that_was_proved(tmp_path: Path) -> None:
    """It sends invitations with it, and takes it beside the name alone that its front gives."""
    _, told, _ = ask(tmp_path, ["OK\t1\tuser=agent\tprofile=convergence"], pair="Alias@x:mot:de passé")
    assert told["X-Dav-Authorization"] == basic("agent:mot:de passé")
    _, told, _ = ask(tmp_path, ["OK\t1\tuser=agent\tprofile=roundcube"])
    assert "X-Dav-Authorization" not in told


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


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"issuer": "http://sso.test/"}, "issuer cannot be"),
        ({"back": "agenda.test"}, "back cannot be"),
    ],
)
def test_addresses_of_the_log_in_are_whole(tmp_path: Path, change: dict[str, str], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        settings(tmp_path, sign_on=SETTINGS["sign_on"] | change)


@pytest.mark.parametrize("algorithms", [[], ["none"], ["HS256"], ["RS256", "none"]])
def test_settings_by_which_any_token_would_be_believed_are_refused(tmp_path: Path, algorithms: list[str]) -> None:
    settings(tmp_path)
    with pytest.raises(ValueError, match="no algorithm of tokens"):
        settings(tmp_path, sign_on=SETTINGS["sign_on"] | {"algorithms": algorithms})


def test_the_secret_is_long(tmp_path: Path) -> None:
    settings(tmp_path)
    (tmp_path / "secret").write_text("court\n")
    with pytest.raises(ValueError, match="24 characters at least"):
        Settings.read(tmp_path / "settings.json", tmp_path / "secret")
