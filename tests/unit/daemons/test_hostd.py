"""hostd: what it answers and refuses, over its Unix socket and over TLS, and what it streams."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.agendas import Moved
from malleposte.accounts.channels import Failure
from malleposte.accounts.hosts import hostd as front
from malleposte.accounts.hosts.model import File, Removed
from malleposte.accounts.hosts.remote import RemoteHost, Way
from malleposte.accounts.hosts.settings import HostSettings
from malleposte.accounts.mailbox.deleted import Wanted
from malleposte.accounts.mailbox.filters import Filters
from malleposte.accounts.mailbox.queue import Waiting
from malleposte.accounts.mailbox.senders import Edit
from malleposte.accounts.traces.model import Trace
from malleposte.adapters.lemonldap import Factor, Session
from malleposte.core.errors import InputError, MallepostError
from malleposte.daemons import hostd
from malleposte.runtime import link

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
    with serving(tmp_path / "s", hostd.Offer(hostd.host_acts(host))):
        away = RemoteHost("mail1", host.holds, Way(f"unix://{tmp_path / 's'}"))
        assert away.close("mdupond", ["mdupond", "marie@ac-exemple.test"]) == host.failures
        assert away.forget("mdupond", []) == host.failures
        assert away.queue("hold", "mdupond", ["mdupond"]) == [
            Waiting("4ABC", "active", "mdupond@ac-exemple.test", ("a@b.test",), 1, 2)
        ]
        assert away.carry("mdupond", "roundcube") == "sogo"
        assert away.settle("mdupond", "roundcube") == Moved(3, 2)
        assert away.look("mdupond") == Filters("sogo", ("sogo",), ("ami@lointain.test",))
        host.left = [Trace("folder", "Projets/Élèves", "user=voleur")]
        assert away.traces("mdupond") == [Trace("folder", "Projets/Élèves", "user=voleur")]
        away.untrace("mdupond", Trace("folder", "Projets/Élèves", "user=voleur"), ["mdupond"])
        assert host.left == []
        host.held = [Factor("dG90cA==", "totp", "Téléphone", NOW), Factor("a2V5", "webauthn", "Clé", None)]
        assert away.factors("mdupond") == host.held
        assert away.enrolled() == {"mdupond": ["totp", "webauthn"]}
        assert away.unfactor("mdupond", "a2V5").name == "Clé"
        host.open = [Session("d1gest", "192.0.2.7", NOW, 4, True, NOW, "Firefox"), Session("autre", "", None, 2)]
        assert away.log_ins("mdupond") == host.open
        assert (away.end_log_in("mdupond", "d1gest"), away.end_log_in("mdupond", "d1gest")) == ((), None)
        host.untold = ("sogo",)
        assert away.end_log_in("mdupond", "autre") == ("sogo",)
        assert away.record("mdupond") == FakeHost("mail1", frozenset()).record("mdupond")
        assert away.deleted("mdupond", Wanted("ami"))[0].ident == "Projets:12"
        assert away.undelete("mdupond", ["Projets:12"]) == {"Projets": 1}
        assert away.set_senders("mdupond", Edit("strict", block=("pub.test",))) == away.senders("mdupond")
        assert away.drop("mdupond") is True
        assert away.holders() == {"radicale": ["mdupond"]}
        assert away.empty("mdupond") == Removed(["store/mdupond"], [])
        away.relist()
        away.ping()
    assert ("close", "mdupond", ("mdupond", "marie@ac-exemple.test")) in host.done
    assert [act for act, *_ in host.done] == [
        "close", "forget", "queue", "carry", "settle", "look", "traces", "untrace", "factors", "enrolled", "unfactor",
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
    with serving(tmp_path / "s", hostd.Offer(hostd.host_acts(host))):
        away = RemoteHost("mail1", host.holds, Way(f"unix://{tmp_path / 's'}"))
        assert list(away.files("mdupond")) == host.pieces


def test_a_stream_that_breaks_is_no_whole_one(tmp_path: Path, host: FakeHost) -> None:
    def broken(_request: hostd.Request) -> Iterator[Any]:
        yield File("un", b"1", "messages")
        raise OSError("the disk is gone")

    with serving(tmp_path / "s", hostd.Offer({"files": broken})):
        found = RemoteHost("mail1", host.holds, Way(f"unix://{tmp_path / 's'}")).files("mdupond")
        assert next(found) == File("un", b"1", "messages")
        with pytest.raises(MallepostError, match="the disk is gone"):
            next(found)


def test_what_is_no_request_is_refused_and_what_is_one_is_not(host: FakeHost) -> None:
    acts = hostd.host_acts(host)
    for line in (
        b"",
        b"[]",
        b"{",
        b"{}",
        b'{"act": "carry", "uid": "../x"}',
        b'{"act": "carry"}',
        b'{"act": "shut", "uid": "a"}',
        b'{"act": "untrace", "uid": "mdupond", "word": "{}"}',
    ):
        assert "error" in json.loads(b"".join(hostd.answer(line, acts))), line
    assert host.done == []
    assert json.loads(b"".join(hostd.answer(b'{"act": "carry", "uid": "mdupond", "word": "x"}', acts))) == {
        "done": "sogo"
    }


def test_a_session_ends_while_agendas_move(tmp_path: Path) -> None:
    """It answers several at once: a hacked account waits behind nobody's change of class."""
    entered, leave, turns = threading.Event(), threading.Event(), list[str]()

    def settle(request: hostd.Request) -> dict[str, int]:
        turns.append(request.uid)
        entered.set()
        assert leave.wait(30)
        return {"agenda": 0, "contacts": 0, "left": 0}

    offer = hostd.Offer({"settle": settle, "close": lambda _request: []})
    with serving(tmp_path / "s", offer) as thread:
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
    acts = {
        "hold": lambda one: [[one.uid], [["queue", "on mail2: no answer"]]],
        "close": lambda _one: [["mail2", "dovecot: no answer"]],
        "forget": lambda _one: [],
    }
    with serving(tmp_path / "s", hostd.Offer(acts)):
        asked = front.Hostd(tmp_path / "s")
        assert asked.hold("mdupond") == (["mdupond"], [Failure("queue", "on mail2: no answer")])
        asked.forget("mdupond")
        with pytest.raises(MallepostError, match="mail2: dovecot: no answer"):
            asked.close("mdupond")
        with pytest.raises(MallepostError, match="no act 'carry'"):
            asked.carry("mdupond", "roundcube")
        with pytest.raises(InputError):
            asked.close("../mdupond")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate for localhost with its key, in one file."""
    import datetime

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, now = ec.generate_private_key(ec.SECP256R1()), datetime.datetime.now(datetime.UTC)
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(x509.random_serial_number()).not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.KeyUsage(True, False, False, False, False, True, True, False, False), critical=True)
        .sign(key, hashes.SHA256())
    )  # fmt: skip
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (tmp_path / "tls.pem").write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return tmp_path / "tls.pem"


def test_over_tls_a_client_proves_itself_first(certificate: Path, host: FakeHost) -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    offer = hostd.Offer(hostd.host_acts(host), link.server_context(certificate, certificate), {"dir1": DIGEST})
    thread = threading.Thread(target=hostd.Server().serve, args=(listener, offer, 0.5))
    thread.start()
    try:

        def ask(client: str, secret: str) -> str:
            way = Way(f"tls://localhost:{port}", client, secret, str(certificate))
            return RemoteHost("mail1", host.holds, way).carry("mdupond", "roundcube")

        assert ask("dir1", "secret") == "sogo"
        for client, secret in (("dir1", "wrong"), ("dir2", "secret"), ("", "")):
            with pytest.raises(MallepostError, match="not known here"):
                ask(client, secret)
        with pytest.raises(MallepostError, match=r"[Cc]ertificate"):
            RemoteHost("mail1", host.holds, Way(f"tls://localhost:{port}", "dir1", "secret")).carry("mdupond", "x")
        with socket.create_connection(("127.0.0.1", port)) as plain, contextlib.suppress(OSError):
            plain.sendall(b'{"act": "carry", "uid": "mdupond"}\n')
            plain.settimeout(30)
            assert b"done" not in plain.recv(100), "nothing is answered without TLS"
    finally:
        thread.join(60)
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
    with pytest.raises(InputError, match=r"secrets\.json: not the secrets"):
        found.others()
    for wrong, word in (
        ({"hosts": [{"name": "a", "address": "", "holds": ["cellar"]}]}, "cellar is not known"),
        ({"strange": 1}, "not the settings of hostd"),
    ):
        path.write_text(json.dumps(good | wrong))
        with pytest.raises(InputError, match=word):
            HostSettings.read(path)


@pytest.mark.parametrize("fault", [ValueError("not a number"), KeyError("mail"), TypeError("no text")])
def test_a_defect_in_an_act_is_told_to_its_caller_and_to_the_journal(
    tmp_path: Path, host: FakeHost, capsys: pytest.CaptureFixture[str], fault: Exception
) -> None:
    def broken(_request: hostd.Request) -> Any:
        raise fault

    with serving(tmp_path / "s", hostd.Offer({**hostd.host_acts(host), "relist": broken})):
        away = RemoteHost("mail1", host.holds, Way(f"unix://{tmp_path / 's'}"))
        with pytest.raises(MallepostError, match=f"a defect of hostd .{type(fault).__name__}."):
            away.relist()
        away.ping()
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"<3>relist failed: {type(fault).__name__}: ") and "(test_hostd.py:" in line
