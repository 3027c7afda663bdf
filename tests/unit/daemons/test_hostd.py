"""hostd: what it answers and refuses, over its Unix socket and over TLS, and what it streams."""

import contextlib
import datetime
import errno
import hashlib
import json
import select
import socket
import ssl
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
import pytest
from malleposte.accounts.agendas import Moved
from malleposte.accounts.channels import Failure
from malleposte.accounts.hosts import acts, wire
from malleposte.accounts.hosts import hostd as front
from malleposte.accounts.hosts.every import Hosts
from malleposte.accounts.hosts.model import File, Removed
from malleposte.accounts.hosts.remote import RemoteHost, Way
from malleposte.accounts.hosts.settings import HostSettings
from malleposte.accounts.hosts.table import ACTS, version
from malleposte.accounts.mailbox.deleted import Wanted
from malleposte.accounts.mailbox.filters import Filters
from malleposte.accounts.mailbox.queue import Waiting
from malleposte.accounts.mailbox.senders import Edit
from malleposte.accounts.traces.model import Trace
from malleposte.adapters.lemonldap import Factor, Session
from malleposte.core.errors import InputError, MallepostError
from malleposte.daemons import hostd
from malleposte.runtime import link

from tests.support.authority import root
from tests.support.directory import MemoryDirectory
from tests.support.hosts import FakeHost

NOW = datetime.datetime(2026, 9, 1, 8, tzinfo=datetime.UTC)
DIGEST = hashlib.sha256(b"secret").hexdigest()


@contextlib.contextmanager
def serving(path: Path, offer: hostd.Offer, idle: float = 0.2) -> Iterator[threading.Thread]:
    """A hostd on a Unix socket. At the end it has been idle, and stops by itself."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    thread = threading.Thread(target=hostd.Server().serve, args=(listener, offer, idle))
    thread.start()
    try:
        yield thread
    finally:
        thread.join(30)


@pytest.fixture
def host() -> FakeHost:
    return FakeHost("mail1", frozenset(("store", "queue", "dovecot")))


def test_each_act_reaches_the_host_and_its_answer_comes_back(tmp_path: Path, host: FakeHost) -> None:
    host.failures = [Failure("dovecot", "no answer")]
    with serving(tmp_path / "s", hostd.one_host(host)):
        away = RemoteHost("mail1", host.holds, Way(f"unix://{tmp_path / 's'}"))
        assert acts.sessions.close(away, "mdupond", ("mdupond", "marie@ac-exemple.test")) == host.failures
        assert acts.sessions.forget(away, "mdupond", ()) == host.failures
        assert acts.queue.queue(away, "hold", "mdupond", ("mdupond",)) == [
            Waiting("4ABC", "active", "mdupond@ac-exemple.test", ("a@b.test",), 1, 2)
        ]
        assert acts.mailbox.carry(away, "mdupond", "roundcube") == "sogo"
        assert acts.agendas.settle(away, "mdupond", "roundcube") == Moved(3, 2)
        assert acts.mailbox.look(away, "mdupond") == Filters("sogo", ("sogo",), ("ami@lointain.test",))
        host.left = [Trace("folder", "Projets/Élèves", "user=voleur")]
        assert acts.traces.traces(away, "mdupond") == [Trace("folder", "Projets/Élèves", "user=voleur")]
        acts.traces.untrace(away, "mdupond", Trace("folder", "Projets/Élèves", "user=voleur"), ("mdupond",))
        assert host.left == []
        host.held = [Factor("dG90cA==", "totp", "Téléphone", NOW), Factor("a2V5", "webauthn", "Clé", None)]
        assert acts.log_ins.factors(away, "mdupond") == host.held
        assert acts.log_ins.enrolled(away) == {"mdupond": ["totp", "webauthn"]}
        assert acts.log_ins.unfactor(away, "mdupond", "a2V5") == Factor("a2V5", "webauthn", "Clé", None)
        assert acts.log_ins.unfactor(away, "mdupond", "a2V5") is None
        host.open = [Session("d1gest", "192.0.2.7", NOW, 4, True, NOW, "Firefox"), Session("autre", "", None, 2)]
        assert acts.log_ins.log_ins(away, "mdupond") == host.open
        assert (
            acts.log_ins.end_log_in(away, "mdupond", "d1gest"),
            acts.log_ins.end_log_in(away, "mdupond", "d1gest"),
        ) == ((), None)
        host.untold = ("sogo",)
        assert acts.log_ins.end_log_in(away, "mdupond", "autre") == ("sogo",)
        assert acts.record.record(away, "mdupond") == FakeHost("mail1", frozenset()).record("mdupond")
        assert acts.mailbox.deleted(away, "mdupond", Wanted("ami"))[0].ident == "Projets:12"
        assert acts.mailbox.undelete(away, "mdupond", ["Projets:12"]) == {"Projets": 1}
        assert acts.mailbox.set_senders(away, "mdupond", Edit("strict", block=("pub.test",))) == acts.mailbox.senders(
            away, "mdupond"
        )
        assert acts.mailbox.drop(away, "mdupond") is True
        assert acts.agendas.holders(away) == {"radicale": ["mdupond"]}
        assert acts.contents.empty(away, "mdupond") == Removed(["store/mdupond"], [])
        acts.upkeep.relist(away)
        acts.upkeep.ping(away)
    assert ("close", "mdupond", ("mdupond", "marie@ac-exemple.test")) in host.done
    assert [act for act, *_ in host.done] == [
        "close", "forget", "queue", "carry", "settle", "look", "traces", "untrace", "factors", "enrolled", "unfactor",
        "unfactor",
        "log_ins", "end_log_in", "end_log_in", "end_log_in",
        "record", "deleted", "undelete", "set_senders", "senders", "drop", "holders", "empty", "relist", "ping",
    ]  # fmt: skip


def test_files_come_whole_and_what_is_missing_is_told(tmp_path: Path, host: FakeHost) -> None:
    whole = bytes(range(256)) * 5000
    host.pieces = [
        File("courrier/INBOX/1.eml", whole, "messages", 12.5),
        "mail: 2 is damaged",
        File("a\n", b"", "filters"),
    ]
    host.left = [Trace("folder", "Projets\udcff", "anyone")]
    with serving(tmp_path / "s", hostd.one_host(host)):
        away = RemoteHost("mail1", host.holds, Way(f"unix://{tmp_path / 's'}"))
        assert list(acts.contents.files(away, "mdupond")) == host.pieces
        host.pieces = [File("courrier/Projets\udcff/1.eml", b"1", "messages"), "mail: Projets\udcff is damaged"]
        assert list(acts.contents.files(away, "mdupond")) == [
            File("courrier/Projets?/1.eml", b"1", "messages"),
            "mail: Projets? is damaged",
        ]
        assert acts.traces.traces(away, "mdupond") == [Trace("folder", "Projets?", "anyone")]


def test_a_stream_that_breaks_is_no_whole_one(tmp_path: Path, host: FakeHost) -> None:
    def broken(*_of: object) -> Iterator[Any]:
        yield File("un", b"1", "messages")
        raise OSError("the disk is gone")

    with serving(tmp_path / "s", hostd.Offer(ACTS, broken)):
        away = RemoteHost("mail1", host.holds, Way(f"unix://{tmp_path / 's'}"))
        found = acts.contents.files(away, "mdupond")
        assert next(found) == File("un", b"1", "messages")
        with pytest.raises(MallepostError, match="the disk is gone"):
            next(found)


def request(act: str, arguments: Any, **more: Any) -> bytes:
    return json.dumps({"act": act, "version": version(), "arguments": arguments} | more).encode()


def reply(line: bytes, offer: hostd.Offer) -> Any:
    """The one line of an answer."""
    (one,) = b"".join(hostd.answer(line, offer, contextlib.nullcontext())).splitlines()
    return json.loads(one)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"", "truncated"),
        (b"[]", "Expected `object`"),
        (b"{", "truncated"),
        (b"{}", "missing required field `act`"),
        (b"[" * 32_000, "Expected `object`"),
        (b'{"act": ' + b"[" * 32_000, "Expected `str`"),
        (request("ping", {}).replace(b"{}", b"[" * 32_000), "recursion"),
        (request("ping", {}).replace(b"ping", b"\xff"), "codec"),
        (b'{"act": "ping", "uid": "mdupond", "word": ""}', "unknown field `uid`"),
        (request("ping", {}, word="x"), "unknown field `word`"),
        (request("ping", {}, version="0"), "another version"),
        (request("shut", {}), "no act 'shut'"),
        (request("ping", {"uid": "mdupond"}), "unknown field `uid`"),
        (request("carry", {"uid": "../x", "profile": "a"}), "Expected `str` matching regex"),
        (request("carry", {"uid": "mdupond\n", "profile": "a"}), "'mdupond\\n' is no log-in name"),
        (request("carry", {"profile": "a"}), "missing required field `uid`"),
        (request("carry", {"uid": "mdupond"}), "missing required field `profile`"),
        (request("carry", {"uid": "mdupond", "profile": 1}), "Expected `str`"),
        (request("untrace", {"uid": "mdupond", "trace": {}}), "missing required field `kind`"),
        (
            request("untrace", {"uid": "mdupond", "trace": {"kind": "folder", "who": "a", "whom": "b"}}),
            "no field 'whom'",
        ),
    ],
)
def test_what_is_no_request_is_refused(host: FakeHost, line: bytes, said: str) -> None:
    answer = reply(line, hostd.one_host(host))
    assert (answer["type"], said in answer["error"]) == ("refused", True), answer
    assert host.done == []


def test_what_is_a_request_is_done(host: FakeHost) -> None:
    line = request("carry", {"uid": "mdupond", "profile": "roundcube"})
    assert reply(line, hostd.one_host(host)) == {"type": "done", "answer": "sogo"}


def test_a_line_that_is_too_long_is_refused_and_the_next_caller_is_answered(tmp_path: Path, host: FakeHost) -> None:
    with serving(tmp_path / "s", hostd.one_host(host)):
        away = RemoteHost("mail1", host.holds, Way(f"unix://{tmp_path / 's'}"))
        with pytest.raises(MallepostError, match="at most 32768 bytes"):
            acts.mailbox.carry(away, "mdupond", "a" * wire.LONGEST)
        acts.upkeep.ping(away)


def test_accountd_may_ask_for_what_is_declared_so_and_for_nothing_else(host: FakeHost) -> None:
    offer = hostd.all_hosts(lambda: contextlib.nullcontext(Hosts(MemoryDirectory(), [host])))
    assert reply(request("end_log_in", {"uid": "mdupond", "ident": "a"}), offer) == {"type": "done", "answer": None}
    for act in ("empty", "files", "queue", "drop", "enrolled", "holders", "ping", "relist"):
        assert reply(request(act, {"uid": "mdupond"}), offer)["error"] == f"no act '{act}'"


def samples(form: Any, schemas: dict[str, Any]) -> Iterator[Any]:
    """Values of each JSON type, and of the form's own with a part of it exchanged."""
    yield from (None, True, -1, 0.5, "", "\x00", "é" * 300, "../..", [], [None], {}, {"a": {}}, [[[]]])
    form = schemas.get(str(form.get("$ref", "")).rpartition("/")[2], form)
    whole = {
        name: {"string": "a", "integer": 1, "array": []}.get(one.get("type"), {})
        for name, one in form.get("properties", {}).items()
    }
    for name in whole:
        yield {key: value for key, value in whole.items() if key != name}
        yield from (whole | {name: other} for other in (None, 7, "b", ["c"], {"d": 1}))
    yield whole | {"more": 1}


@pytest.mark.parametrize("act", ACTS.values(), ids=ACTS)
def test_whatever_the_arguments_are_one_line_answers_and_nothing_else_is_done(act: Any, host: FakeHost) -> None:
    """No argument of an act reaches a host unless it has its type; none is a defect."""
    calls = list[dict[str, Any]]()
    offer = hostd.Offer(
        ACTS, lambda _act, arguments: iter(()) if calls.append(dict(arguments)) or act.streams else None
    )
    schema = msgspec.json.schema(act.request)
    form = schema["$defs"][act.name]
    assert form["additionalProperties"] is False
    for arguments in samples(form, schema["$defs"]):
        answer = reply(request(act.name, arguments), offer)
        assert "defect" not in answer.get("error", "")
        assert (answer["type"] == "done") == bool(calls), (arguments, answer)
        for name, value in (calls.pop() if calls else {}).items():
            msgspec.convert(msgspec.to_builtins(value), act.hints[name])
    for name, part in form["properties"].items():
        whole = {"uid": "mdupond"} | {key: "a" for key in form["required"] if key != "uid"}
        for value in samples(part, schema["$defs"]):
            answer = reply(request(act.name, whole | {name: value}), offer)
            assert "defect" not in answer.get("error", ""), (name, value)
            for key, each in (calls.pop() if calls else {}).items():
                msgspec.convert(msgspec.to_builtins(each), act.hints[key])


def test_a_session_ends_while_agendas_move(tmp_path: Path) -> None:
    """It answers several at once: a hacked account waits behind nobody's change of class."""
    entered, leave, turns = threading.Event(), threading.Event(), list[str]()

    def do(act: Any, arguments: Mapping[str, Any]) -> Any:
        if act is acts.sessions.close:
            return []
        turns.append(arguments["uid"])
        entered.set()
        assert leave.wait(30)
        return Moved()

    with serving(tmp_path / "s", hostd.Offer(ACTS, do)) as thread:
        asked = front.Hostd(tmp_path / "s")
        slow = [threading.Thread(target=asked.settle, args=(uid, "roundcube")) for uid in ("un", "deux")]
        try:
            slow[0].start()
            assert entered.wait(30)
            slow[1].start()
            asked.close("mdupond")
            assert turns == ["un"], "agendas move in turn"
        finally:
            leave.set()
            for one in slow:
                one.join(30)
    assert turns == ["un", "deux"]
    assert not thread.is_alive(), "it ends when it has been idle"


def test_accountd_asks_all_hosts_by_one_socket_and_hears_which_failed(tmp_path: Path) -> None:
    answers = {
        "hold": (["4ABC"], [Failure("queue", "on mail2: no answer")]),
        "close": [Failure("mail2", "dovecot: no answer")],
        "forget": [],
    }
    offer = hostd.Offer({name: ACTS[name] for name in answers}, lambda act, _arguments: answers[act.name])
    with serving(tmp_path / "s", offer):
        asked = front.Hostd(tmp_path / "s")
        assert asked.hold("mdupond") == (["4ABC"], [Failure("queue", "on mail2: no answer")])
        asked.forget("mdupond")
        with pytest.raises(MallepostError, match="mail2: dovecot: no answer"):
            asked.close("mdupond")
        with pytest.raises(MallepostError, match="no act 'carry'"):
            asked.carry("mdupond", "roundcube")
        with pytest.raises(InputError):
            asked.close("../mdupond")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A key, a certificate of localhost and that of its authority, in one file."""
    authority, path = root(), tmp_path / "tls.pem"
    signed = authority.sign("localhost", ["localhost"])
    path.write_text(signed.key_pem + signed.pem + authority.pem)
    return path


@contextlib.contextmanager
def over_tls(certificate: Path, host: FakeHost) -> Iterator[tuple[int, hostd.Offer]]:
    """A hostd that knows `dir1`, on a port of loopback."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    offer = hostd.one_host(host, link.server_context(certificate, certificate), {"dir1": DIGEST})
    thread = threading.Thread(target=hostd.Server().serve, args=(listener, offer, 0.5))
    thread.start()
    try:
        yield port, offer
    finally:
        thread.join(60)


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[link.Link]]:
    """The connections that were made."""
    made = list[link.Link]()
    original = link.opened
    monkeypatch.setattr(link, "opened", lambda *args, **more: made.append(original(*args, **more)) or made[-1])
    yield made
    for one in made:
        one.close()


def test_acts_use_a_connection_again_until_the_other_side_ends_it(
    certificate: Path, host: FakeHost, opened: list[link.Link], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hostd, "SILENT", 1.0)
    with over_tls(certificate, host) as (port, _offer):
        away = RemoteHost("mail1", host.holds, Way(f"tls://localhost:{port}", "dir1", "secret", str(certificate)))
        for _ in range(3):
            acts.upkeep.ping(away)
        assert len(opened) == 1
        end = select.poll()
        end.register(opened[0].fileno(), select.POLLIN)
        assert end.poll(60_000), "a silent connection is ended"
        acts.upkeep.ping(away)
        assert len(opened) == 2
        opened[1].close()


def test_a_stream_that_is_left_is_read_by_nobody_else(
    certificate: Path, host: FakeHost, opened: list[link.Link]
) -> None:
    host.pieces = [File(str(number), b"1" * 100_000, "messages") for number in range(3)]
    with over_tls(certificate, host) as (port, _offer):
        away = RemoteHost("mail1", host.holds, Way(f"tls://localhost:{port}", "dir1", "secret", str(certificate)))
        assert list(acts.contents.files(away, "mdupond")) == host.pieces
        left = acts.contents.files(away, "mdupond")
        assert next(left) == host.pieces[0]
        acts.upkeep.ping(away)
        left.close()
        acts.upkeep.ping(away)
        assert len(opened) == 2
        opened[1].close()


def test_a_client_that_sends_byte_by_byte_holds_its_place_no_longer_than_others(
    certificate: Path, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hostd, "PATIENCE", 1.0)
    with over_tls(certificate, host) as (port, _offer):
        context = link.client_context(str(certificate))
        with (
            socket.create_connection(("127.0.0.1", port), timeout=0.05) as plain,
            context.wrap_socket(plain, server_hostname="localhost", do_handshake_on_connect=False) as secure,
        ):
            secure.settimeout(60)
            secure.do_handshake()
            secure.settimeout(0.05)
            ended = False
            for _ in range(1_200):
                try:
                    secure.sendall(b"x")
                    if ended := not secure.recv(1000):
                        break
                except TimeoutError:
                    continue
                except OSError:
                    ended = True
                    break
            assert ended
    assert host.done == []


def test_over_tls_a_client_proves_itself_first(
    certificate: Path, host: FakeHost, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hostd, "SILENT", 0.5)
    with over_tls(certificate, host) as (port, offer):

        def ask(client: str, secret: str) -> str:
            way = Way(f"tls://localhost:{port}", client, secret, str(certificate))
            return acts.mailbox.carry(RemoteHost("mail1", host.holds, way), "mdupond", "roundcube")

        assert ask("dir1", "secret") == "sogo"
        for client, secret in (("dir1", "wrong"), ("dir2", "secret"), ("", "")):
            with pytest.raises(MallepostError, match="not known here"):
                ask(client, secret)
        away = RemoteHost("mail1", host.holds, Way(f"tls://localhost:{port}", "dir1", "secret"))
        with pytest.raises(MallepostError, match=r"[Cc]ertificate"):
            acts.mailbox.carry(away, "mdupond", "x")
        with socket.create_connection(("127.0.0.1", port)) as plain, contextlib.suppress(OSError):
            plain.sendall(request("carry", {"uid": "mdupond", "profile": "x"}) + b"\n")
            plain.settimeout(30)
            assert b"done" not in plain.recv(100), "nothing is answered without TLS"
    assert len(host.done) == 1
    assert isinstance(offer.tls, ssl.SSLContext)


def test_its_settings_name_what_is_wrong_with_them(tmp_path: Path) -> None:
    path, secrets = tmp_path / "hostd.json", tmp_path / "secrets.json"
    good: dict[str, Any] = {
        "here": {"channels": ["dovecot"], "databases": [["sogo", "host=db1"]]}, "certificate": "/c", "key": "/k",
        "client": "dir1", "secrets": str(secrets),
        "hosts": [{"name": "mail1", "address": "tls://mail1.ac-exemple.test:7444", "holds": ["store", "queue"]}],
    }  # fmt: skip
    path.write_text(json.dumps(good))
    secrets.write_text('{"mail1": "s"}')
    found = HostSettings.read(path)
    assert dict(found.rules().databases) == {"sogo": "host=db1"}
    (other,) = found.others()
    assert (other.name, other.way.client, other.way.secret) == ("mail1", "dir1", "s")
    assert "'s'" not in repr(other.way)
    secrets.write_text("{}")
    with pytest.raises(InputError, match=r"secrets\.json: no secret for mail1"):
        found.others()
    for wrong, word in (
        ({"hosts": [{"name": "a", "address": "", "holds": ["cellar"]}]}, "cellar is not known"),
        ({"strange": 1}, "not the settings of hostd"),
    ):
        path.write_text(json.dumps(good | wrong))
        with pytest.raises(InputError, match=word):
            HostSettings.read(path)


def test_what_to_do_about_a_failure_is_said_once(tmp_path: Path, host: FakeHost) -> None:
    def do(*_of: object) -> Any:
        raise MallepostError("no such thing", "make it")

    with serving(tmp_path / "s", hostd.Offer(ACTS, do)), pytest.raises(MallepostError) as caught:
        acts.mailbox.drop(RemoteHost("mail1", host.holds, Way(f"unix://{tmp_path / 's'}")), "mdupond")
    assert str(caught.value) == "no such thing; make it"


@pytest.mark.parametrize("fault", [ValueError("not a number"), KeyError("mail"), TypeError("no text")])
def test_a_defect_in_an_act_is_told_to_its_caller_and_to_the_journal(
    tmp_path: Path, host: FakeHost, capsys: pytest.CaptureFixture[str], fault: Exception
) -> None:
    def do(act: Any, arguments: Mapping[str, Any]) -> Any:
        if act is acts.upkeep.relist:
            raise fault
        return host.ask(act, **arguments)

    with serving(tmp_path / "s", hostd.Offer(ACTS, do)):
        away = RemoteHost("mail1", host.holds, Way(f"unix://{tmp_path / 's'}"))
        with pytest.raises(MallepostError, match=f"a defect of hostd .{type(fault).__name__}."):
            acts.upkeep.relist(away)
        acts.upkeep.ping(away)
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"<3>relist failed: {type(fault).__name__}: ") and "(test_hostd.py:" in line


@pytest.mark.parametrize(
    ("error", "hint"),
    [
        (OSError(errno.EHOSTUNREACH, "No route to host"), "start that host or wait for it, then type this again"),
        (TimeoutError("timed out"), "start that host or wait for it, then type this again"),
        (ConnectionRefusedError(errno.ECONNREFUSED, "refused"), "look there at 'systemctl status malleposte-hostd'"),
    ],
)
def test_a_host_that_is_away_is_not_looked_at(monkeypatch: pytest.MonkeyPatch, error: OSError, hint: str) -> None:
    def opened(*_way: object, **_more: object) -> None:
        raise error

    monkeypatch.setattr(link, "opened", opened)
    with pytest.raises(MallepostError) as failed:
        RemoteHost("mail1", frozenset(["store"]), Way("tls://mail1.ac-exemple.test")).ask(acts.queue.hold, "mdupond")
    assert failed.value.hint == hint
