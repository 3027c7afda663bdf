"""Delays against guessed passwords: counting rules, answers to Dovecot.

The scripts that count run in Valkey: tests/stack/shared/sso/test_throttle.py and test_throttle_clients.py.
"""

import asyncio
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.credentials.resolver import AccountResolver
from malleposte.adapters.valkey import Unavailable
from malleposte.daemons import authpolicy
from malleposte.runtime import http
from malleposte.throttle import BROWSER, DEVICES, GUESSERS, Settings, Throttle, digest
from malleposte.throttle.record import model
from malleposte.throttle.record.tell import Teller
from malleposte.throttle.scripts import ATTEMPT, FAILED, FORGET, GUESSED, KNOWN, SUCCEEDED, UNDO, UNPROVED

SETTINGS = Settings("unix:///nowhere", "sel")
KEY = "une-clef-de-seize-signes"


class Fake:
    """Keeps what it was asked; answers what it was told to, of one script or of all."""

    def __init__(self, answer: int = 0, broken: bool = False, of: str = "") -> None:
        self.answer, self.broken, self.of = answer, broken, of
        self.asked: list[tuple[str, tuple[str, ...], tuple[object, ...]]] = []

    def run(self, script: str, keys: Sequence[str], *arguments: object) -> int:
        self.asked.append((script, tuple(keys), arguments))
        if self.broken:
            raise Unavailable("away")
        return self.answer if not self.of or script == self.of else 0


INDEX, CLIENTS, HERE, STRANGERS, ACQUAINTED, CLIENT, ADMITTED, NETWORK, WIDE = range(9)


def keys(address: str, name: str = "jdupont", client: str = "", **changes: Any) -> tuple[str, ...]:
    store = Fake()
    Throttle(Settings("unix:///nowhere", "sel", **changes), store).judge(name, address, "x", client)
    return store.asked[0][1] if store.asked else ()


def place(address: str, name: str = "jdupont", **changes: Any) -> str | None:
    return next(iter(keys(address, name, **changes)[NETWORK:]), None)


def test_the_digest_is_dovecot_s() -> None:
    # sha256("sel" "jdupont" NUL "Faux-Mot-2031") begins with these bits, shifted to whole bytes.
    import hashlib

    whole = hashlib.sha256(b"seljdupont\0Faux-Mot-2031").hexdigest()
    assert digest("sel", "jdupont", "Faux-Mot-2031") == "0" + whole[:3]
    assert digest("sel", "jdupont", "Faux-Mot-2031", 16) == whole[:4]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("192.0.2.1", "::ffff:192.0.2.7", True),
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("fe80::1%eth0", "fe80::2", True),
    ],
)
def test_networks(one: str, other: str, same: bool) -> None:
    assert (place(one) == place(other)) is same


def test_the_size_of_a_network_is_settable() -> None:
    assert place("192.0.2.1", prefix4=32) != place("192.0.2.2", prefix4=32)
    assert place("2001:db8:1:2::1", prefix6=48) == place("2001:db8:1:3::1", prefix6=48)


def test_ipv6_counts_in_a_wider_network_too() -> None:
    one, other, far = (keys(f"2001:db8:{word}::1") for word in ("1:2", "1:3", "2:2"))
    assert one[WIDE] == other[WIDE] != far[WIDE]
    assert one[NETWORK] != other[NETWORK]
    assert len(keys("192.0.2.1")) == WIDE


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (("192.0.2.1", "imap"), ("192.0.2.1", "imap"), True),
        (("192.0.2.1", "imap"), ("192.0.2.1", "page"), False),
        (("192.0.2.1", "imap"), ("192.0.2.2", "imap"), False),
        (("2001:db8::1", "imap"), ("2001:db8::2", "imap"), True),
    ],
)
def test_clients_of_a_network_are_apart(one: tuple[str, str], other: tuple[str, str], same: bool) -> None:
    first, second = (keys(address, client=client) for address, client in (one, other))
    assert (first[CLIENT] == second[CLIENT]) is same
    assert first[NETWORK] == second[NETWORK]
    assert first[CLIENTS] == second[CLIENTS]


def test_accounts_are_apart_and_names_fold() -> None:
    assert place("192.0.2.1", "jdupont") == place("192.0.2.1", " JDupont ")
    assert place("192.0.2.1", "jdupont") != place("192.0.2.1", "jdurand")


def test_neither_names_nor_networks_are_told() -> None:
    key = place("192.0.2.1")
    assert key
    assert "jdupont" not in key
    assert "192" not in key.partition(":")[0]


def test_what_has_no_address_is_one_network() -> None:
    assert place("") == place("local") != place("127.0.0.1")


def test_a_browser_is_one_wherever_it_comes_from_and_a_program_is_not() -> None:
    for client, same in ((BROWSER + "a1", True), ("imap\0a1", False)):
        one, other = (keys(address, client=client) for address in ("192.0.2.1", "198.51.100.1"))
        assert (one[CLIENT] == other[CLIENT]) is same
        assert (one[CLIENTS] == other[CLIENTS]) is same
        assert one[HERE] != other[HERE]
        assert (one[STRANGERS], one[ACQUAINTED]) == (other[STRANGERS], other[ACQUAINTED])


def test_without_valkey_nobody_waits_and_it_is_not_asked_each_time() -> None:
    store, now = Fake(broken=True), [100.0]
    throttle = Throttle(SETTINGS, store, lambda: now[0])
    assert [throttle.judge("a", "192.0.2.1", "x").wait for _ in range(5)] == [0.0] * 5
    assert len(store.asked) == 1
    now[0] += 10
    store.broken, store.answer = False, 7
    assert throttle.judge("a", "192.0.2.1", "x").wait == 7.0


@pytest.mark.parametrize("answer", [0, 1])
def test_a_known_client_is_looked_for_where_its_tries_count(answer: int) -> None:
    store = Fake(answer)
    those = Throttle(SETTINGS, store)
    assert those.knows_client("jdupont", "192.0.2.1", "accountd") is bool(answer)
    those.judge("jdupont", "192.0.2.1", "x", "accountd")
    known, judged = store.asked
    assert known[0] == KNOWN and known[1] == judged[1] and known[2][:5] == judged[2][:5]
    assert not Throttle(SETTINGS, Fake(1, broken=True)).knows_client("jdupont", "192.0.2.1", "accountd")


def test_to_forget_an_account_asks_for_its_index_alone() -> None:
    store = Fake()
    throttle = Throttle(SETTINGS, store)
    throttle.judge("jdupont", "192.0.2.1", "x")
    throttle.forget("JDupont", "jean.dupont@ac-exemple.test", "jdupont")
    throttle.judge(DEVICES + "jdupont", "192.0.2.1", "x")
    assert [asked[0] for asked in store.asked] == [ATTEMPT, *[FORGET] * 4, ATTEMPT]
    judged, mine, device, *_, other = (asked[1] for asked in store.asked)
    assert mine == (judged[INDEX],)
    assert device == (other[INDEX],)


def test_an_address_that_fails_on_many_accounts_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    """The line that fail2ban bans on; of no known network, and nothing in it is what somebody typed."""
    for answer, address, told in ((0, "192.0.2.1", 0), (20, "192.0.2.1", 1), (20, "198.51.100.1", 0)):
        caplog.clear()
        settings = Settings("unix:///nowhere", "sel", networks=("198.51.100.0/24",))
        store = Fake(answer, of=GUESSED)
        Throttle(settings, store).failed("x, rip=203.0.113.1", address, "0abc")
        for _script, asked, arguments in store.asked[1:]:
            assert (asked[1], arguments[3]) == (GUESSERS, address), "and left for the hosts of the edge"
        assert caplog.messages == [f"guesses on 20 accounts within 600 s: rip={address}"] * told


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"nonce": ""}, "nonce is empty"),
        ({"server": "http://x"}, "server is neither"),
        ({"forget": 10}, "forget is not below most"),
        ({"prefix4": 33}, "prefix4"),
        ({"wide6": 65}, "wide6"),
        ({"free_wide": 4}, "free_wide"),
        ({"known_days": 0}, "known_days"),
        ({"networks": ["10.0.0.0/40"]}, "10.0.0.0/40"),
        ({"locks_at": 9}, "locks_at"),
        ({"window": 0}, "window"),
        ({"exempt": []}, "exempt"),
        ({"fre": 3}, "fre"),
    ],
)
def test_settings_that_cannot_be(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Settings.of({"server": "unix:///x", "nonce": "sel"} | changes)


# --- the daemon


def report(fail_type: str = "", **told: Any) -> dict[str, Any]:
    return {"login": "jdupont", "remote": "192.0.2.1", "pwhash": "0abc", "fail_type": fail_type, **told}


@pytest.mark.parametrize(
    ("told", "scripts"),
    [
        (report(success=True), [SUCCEEDED]),
        (report("credentials", success=False), [FAILED, GUESSED]),
        (report("internal", success=False), [UNDO]),
        (report("account", success=False), [UNPROVED, GUESSED]),
        (report("credentials", success=False, policy_reject=True), []),
    ],
)
def test_what_a_report_means(told: dict[str, Any], scripts: list[str]) -> None:
    store = Fake()
    assert json.loads(authpolicy.judge(Throttle(SETTINGS, store), "report", told, "jdupont"))["status"] == 0
    assert [asked[0] for asked in store.asked] == scripts


def test_a_client_is_what_dovecot_calls_protocol_and_device() -> None:
    store = Fake()
    for told in (report(), report(protocol="imap"), report(protocol="imap", device_id="id")):
        authpolicy.judge(Throttle(SETTINGS, store), "allow", told, "jdupont")
    assert len({asked[1][CLIENT] for asked in store.asked}) == 3
    assert len({asked[1][NETWORK] for asked in store.asked}) == 1


def test_whoever_waits_is_told_how_long() -> None:
    answer = json.loads(authpolicy.judge(Throttle(SETTINGS, Fake(31)), "allow", report(), "jdupont"))
    assert answer["status"] == -1
    assert "31 s" in answer["msg"]
    assert answer["msg"].isascii()


def test_a_password_known_to_be_wrong_is_refused_as_before() -> None:
    answer = json.loads(authpolicy.judge(Throttle(SETTINGS, Fake(-200)), "allow", report(), "jdupont"))
    assert answer == {"status": -1, "msg": ""}
    assert Throttle(SETTINGS, Fake(-200)).judge("a", "192.0.2.1", "x").wait == 200.0


def test_who_may_is_let_on_and_counted() -> None:
    store = Fake()
    assert json.loads(authpolicy.judge(Throttle(SETTINGS, store), "allow", report(), "jdupont"))["status"] == 0
    assert store.asked[0][0] == ATTEMPT
    assert store.asked[0][2][6] == "0abc"


@pytest.mark.parametrize(
    ("line", "key", "body", "status"),
    [
        ("POST /?command=allow HTTP/1.1", KEY, b'{"login": "a", "remote": "192.0.2.1"}', 200),
        ("GET /?command=allow HTTP/1.1", KEY, b"", 400),
        ("POST /?command=allow HTTP/1.1", "autre", b"{}", 403),
        ("POST /?command=allow HTTP/1.1", KEY, b"[]", 400),
        ("POST /?command=allow HTTP/1.1", KEY, b'{"login', 400),
        ("POST /?command=drop HTTP/1.1", KEY, b"{}", 400),
        ("POST /?command=allow HTTP/1.1", KEY, b"\xff\xfe", 400),
    ],
)
def test_requests(line: str, key: str, body: bytes, status: int) -> None:
    server = authpolicy.Server(authpolicy.Config(SETTINGS, KEY), Throttle(SETTINGS, Fake()))
    method, target, _version = line.split(" ")
    request = http.Request(method, target, {"x-api-key": key}, body)
    assert asyncio.run(server.respond(request))[0] == status


def test_a_name_counts_for_the_account_that_it_means(tmp_path: Path) -> None:
    """Uid, address and alias are one; without an answer each stands for itself, and nobody is kept waiting for it."""
    said = {"jdupont": "USER\t1\tjdupont\tuid=1", "j.dupont@ac-exemple.test": "USER\t1\tjdupont", "x": "FAIL\t1"}
    asked: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        name = (await reader.readline()).decode().split("\t")[2]
        asked.append(name)
        writer.write(f"VERSION\t1\t2\nSPID\t1\n{said.get(name, 'NOTFOUND' + chr(9) + '1')}\n".encode())
        await writer.drain()
        writer.close()

    async def found() -> list[str]:
        now = [0.0]
        resolver = AccountResolver(tmp_path / "userdb", lambda: now[0])
        async with await asyncio.start_unix_server(serve, str(tmp_path / "userdb")):
            names = (
                "JDupont ",
                "j.dupont@ac-exemple.test",
                "jdupont",
                "nul",
                "\tjdupont",
                "jdupont\0b",
                "\0",
                "x",
                "encore",
            )
            told = [await resolver.account(name) for name in names]
            now[0] += 10
            told.append(await resolver.account("encore"))
        now[0] += 1000
        return [*told, await resolver.account("j.dupont@ac-exemple.test")]

    told = asyncio.run(found())
    assert told == [
        "jdupont",
        "jdupont",
        "jdupont",
        "nul",
        "jdupont",
        "jdupont",
        "",
        "x",
        "encore",
        "encore",
        "jdupont",
    ]
    assert asked == ["jdupont", "j.dupont@ac-exemple.test", "nul", "x", "encore"]
    assert asyncio.run(AccountResolver(tmp_path / "none").account("JDupont")) == "jdupont"
    assert asyncio.run(AccountResolver(None).account("JDupont")) == "jdupont"


def test_a_weak_key_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "authpolicy.json"
    path.write_text(json.dumps({"server": "unix:///x", "nonce": "sel", "api_key": "court"}))
    with pytest.raises(ValueError, match="api_key"):
        authpolicy.Config.read(path)


def test_a_secret_that_was_said_is_told_and_without_valkey_nothing_is() -> None:
    fresh, said, away = Fake(1), Fake(0), Fake(broken=True)
    assert Throttle(SETTINGS, fresh).once("jdupont", "123456", 300)
    assert not Throttle(SETTINGS, said).once("jdupont", "123456", 300)
    assert Throttle(SETTINGS, away).once("jdupont", "123456", 300)
    ((_script, (key,), (seconds,)),) = said.asked
    assert key.startswith("throttle:once:") and "123456" not in key and seconds == 300


def test_a_new_place_is_told_and_without_valkey_none_is() -> None:
    assert Throttle(SETTINGS, Fake(1)).place("jdupont", "192.0.2.0/24", 60)
    assert not Throttle(SETTINGS, Fake(0)).place("jdupont", "192.0.2.0/24", 60)
    assert not Throttle(SETTINGS, Fake(broken=True)).place("jdupont", "192.0.2.0/24", 60)


@pytest.mark.parametrize(
    ("mechanism", "counted"), [("XOAUTH2", False), ("oauthbearer", False), ("PLAIN", True), ("LOGIN", True), ("", True)]
)
def test_tokens_are_no_passwords(mechanism: str, counted: bool) -> None:
    for command in ("allow", "report"):
        store = Fake()
        told = report("credentials", mechanism=mechanism, success=False)
        answer = authpolicy.judge(Throttle(SETTINGS, store), command, told, "jdupont")
        assert json.loads(answer)["status"] == 0
        assert bool(store.asked) is counted, command


def test_a_device_from_outside_its_networks_is_recorded_by_name_and_counts_as_a_password_that_nobody_has() -> None:
    whole = report("account", success=False, away="abcdefgh", protocol="imap", device="-")
    asked = []
    for told in (whole, whole | {"away": "-"}):
        store = Fake()
        assert json.loads(authpolicy.judge(Throttle(SETTINGS, store), "report", told, "jdupont"))["status"] == 0
        asked.append([(script, places) for script, places, _arguments in store.asked])
    assert asked[0] == asked[1]
    expected = model.LogIn("jdupont", False, "imap", "192.0.2.1", "", "abcdefgh", "network")
    assert authpolicy.recorded("jdupont", "report", whole, b"") == expected


@pytest.mark.parametrize(
    ("command", "told", "waits", "accepted", "reason"),
    [
        ("report", {"success": True}, 0, True, ""),
        ("report", {"success": False, "fail_type": "credentials"}, 0, False, "password"),
        ("report", {"success": False, "fail_type": "account"}, 0, False, "closed"),
        ("report", {"success": False, "fail_type": "account", "away": "-"}, 0, False, "closed"),
        ("allow", {}, 31, False, "wait"),
        ("allow", {}, -31, False, "password"),
        ("report", {"success": True, "mechanism": "XOAUTH2"}, 0, True, ""),
    ],
)
def test_the_end_of_a_log_in_is_recorded(
    command: str, told: dict[str, Any], waits: int, accepted: bool, reason: str
) -> None:
    whole = report(**told) | {"protocol": "imap", "device_id": '"name" "K-9"'}
    answer = authpolicy.judge(Throttle(SETTINGS, Fake(waits)), command, whole, "jdupont")
    program = "webmail" if "mechanism" in told else "K-9"
    expected = model.LogIn("jdupont", accepted, "imap", "192.0.2.1", program, "", reason)
    assert authpolicy.recorded("jdupont", command, whole, answer) == expected


@pytest.mark.parametrize(
    ("command", "told"),
    [
        ("allow", {}),
        ("report", {"success": False, "fail_type": "internal"}),
        ("report", {"success": False, "fail_type": "credentials", "policy_reject": True}),
        ("report", {"success": False, "fail_type": "credentials", "mechanism": "XOAUTH2"}),
        ("report", {"success": True, "mechanism": "XOAUTH2", "protocol": "dav"}),
    ],
)
def test_what_says_nothing_of_an_account_is_not_recorded(command: str, told: dict[str, Any]) -> None:
    answer = authpolicy.judge(Throttle(SETTINGS, Fake(0)), command, report(**told), "jdupont")
    assert authpolicy.recorded("jdupont", command, report(**told), answer) is None


def test_a_name_that_means_no_account_is_not_recorded() -> None:
    """In place of a name somebody may have typed a password."""
    told: list[model.LogIn] = []

    class Known(AccountResolver):
        async def uid(self, name: str) -> str:
            return "jdupont" if name == "jdupont" else ""

    class Told(Teller):
        def log_in(self, event: model.LogIn) -> None:
            told.append(event)

    config = authpolicy.Config(SETTINGS, KEY)
    server = authpolicy.Server(config, Throttle(SETTINGS, Fake()), Known(None), None, Told())
    for login in ("Vieux-Chemin7!x", "jdupont"):
        body = json.dumps(report("credentials", success=False) | {"login": login}).encode()
        request = http.Request("POST", "/?command=report", {"x-api-key": KEY}, body)
        assert asyncio.run(server.respond(request))[0] == 200
    assert [one.account for one in told] == ["jdupont"]


@pytest.mark.parametrize(
    ("command", "told", "expected"),
    [
        ("report", {"success": True, "protocol": "smtp"}, [("jdupont", "192.0.2.1")]),
        ("report", {"success": True, "protocol": "smtp", "mechanism": "XOAUTH2"}, [("jdupont", "192.0.2.1")]),
        ("report", {"success": False, "fail_type": "credentials", "protocol": "smtp"}, []),
        ("report", {"success": True, "protocol": "imap"}, []),
        ("allow", {"protocol": "smtp"}, []),
    ],
)
def test_an_accepted_log_in_to_submission_is_told_with_its_address(
    command: str, told: dict[str, Any], expected: list[tuple[str, str]]
) -> None:
    sessions: list[tuple[str, str]] = []

    class Known(AccountResolver):
        async def uid(self, name: str) -> str:
            return name

    class Told(Teller):
        def log_in(self, event: model.LogIn) -> None:
            pass

        def sends(self, account: str, place: str) -> None:
            sessions.append((account, place))

    server = authpolicy.Server(authpolicy.Config(SETTINGS, KEY), Throttle(SETTINGS, Fake(0)), Known(None), None, Told())
    body = json.dumps(report(**told)).encode()
    request = http.Request("POST", f"/?command={command}", {"x-api-key": KEY}, body)
    assert asyncio.run(server.respond(request))[0] == 200
    assert sessions == expected
