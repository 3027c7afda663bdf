"""The end of a deploy looks at the certificate itself, and at what each port shows."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from socketserver import BaseRequestHandler, ThreadingTCPServer
from typing import Any

import pytest

from tests.support.authority import Signed, root
from tests.support.modules import run_module

NAMES = ["mail.ac-exemple.test", "imap.ac-exemple.test"]
AUTHORITY = root()
UNTRUSTED = "this host does not trust {chain}: "
Look = Callable[..., dict[str, Any]]


@pytest.fixture
def look(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Look:
    """Lay a pair on a host that trusts one authority, and look."""
    (tmp_path / "store.pem").write_text(AUTHORITY.pem)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "store.pem"))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))

    def run(pair: Signed | None, key: str = "", more: str = "", check: bool = False, **asked: Any) -> dict[str, Any]:
        if pair is not None:
            (tmp_path / "chain.pem").write_text(pair.pem + more)
            (tmp_path / "key.pem").write_text(key or pair.key_pem)
        given = {"names": NAMES, "patience": 0, "remedy": "ask again"} | asked
        paths = {"key": str(tmp_path / "key.pem"), "chain": str(tmp_path / "chain.pem")}
        return run_module("certificate", check=check, **paths, **given)

    return run


@contextmanager
def server(pair: Signed, folder: Path, *, only: str = "") -> Iterator[int]:
    """A daemon on a port of the loopback that shows a pair; to those alone that ask for the name `only`."""
    (folder / "shown.pem").write_text(pair.pem + pair.key_pem)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "shown.pem")
    if only:
        refused = ssl.AlertDescription.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        context.sni_callback = lambda _socket, name, _context: None if name == only else refused

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            try:
                context.wrap_socket(self.request, server_side=True).close()
            except OSError:
                return

    with ThreadingTCPServer(("127.0.0.1", 0), Handler) as daemon, ExitStack() as end:
        threading.Thread(target=daemon.serve_forever, daemon=True).start()
        end.callback(daemon.shutdown)
        yield daemon.server_address[1]


def port(number: int) -> dict[str, Any]:
    return {"port": number, "tls": "direct", "unit": "dovecot.service"}


def test_a_good_pair_that_its_port_shows_is_well(look: Look, tmp_path: Path) -> None:
    middle = AUTHORITY.sign("Intermédiaire", ca=True)
    pair = middle.sign("x", ["*.ac-exemple.test"])
    with server(pair, tmp_path) as number:
        found = look(pair, more=middle.pem, ports=[port(number)])
    assert (found.get("failed", False), found["changed"], found["faults"]) == (False, False, [])


def test_a_site_is_asked_for_by_a_name_that_it_serves(look: Look, tmp_path: Path) -> None:
    pair = AUTHORITY.sign("x", NAMES)
    with server(pair, tmp_path, only=NAMES[1]) as number:
        assert look(pair, ports=[port(number)])["faults"] == []
    with server(pair, tmp_path, only="another.test") as number:
        assert look(pair, ports=[port(number)])["faults"] == [
            f"port {number} shows no certificate: journalctl --unit=dovecot.service"
        ]


def test_a_daemon_that_still_shows_the_old_one_and_one_that_is_away_are_named(look: Look, tmp_path: Path) -> None:
    pair, old = AUTHORITY.sign("x", NAMES), AUTHORITY.sign("x", NAMES)
    with server(old, tmp_path) as number:
        found = look(pair, ports=[port(number)])
    chain = tmp_path / "chain.pem"
    assert found["failed"]
    assert found["msg"] == f"port {number} shows another certificate than {chain}: systemctl restart dovecot.service"
    found = look(pair, ports=[port(number)])
    assert found["msg"] == f"nothing listens on port {number}: systemctl status dovecot.service"


def test_one_that_comes_within_the_patience_is_waited_for(look: Look, tmp_path: Path) -> None:
    pair, found = AUTHORITY.sign("x", NAMES), dict[str, Any]()
    with server(pair, tmp_path) as number:
        pass
    looking = threading.Thread(target=lambda: found.update(look(pair, ports=[port(number)], patience=120)))
    looking.start()
    ThreadingTCPServer.allow_reuse_address = True
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "shown.pem")

    class Handler(BaseRequestHandler):
        def handle(self) -> None:
            context.wrap_socket(self.request, server_side=True).close()

    with ThreadingTCPServer(("127.0.0.1", number), Handler) as daemon:
        threading.Thread(target=daemon.serve_forever, daemon=True).start()
        looking.join()
        daemon.shutdown()
    assert found["faults"] == []


@pytest.mark.parametrize(
    ("pair", "key", "says"),
    [
        (None, "", "there is no certificate in {chain}"),
        (root("mail1"), "", "{chain} is still the self-signed placeholder: the host has no certificate"),
        (AUTHORITY.sign("x", NAMES), root().key_pem, "{chain} is not for the key {key}"),
        (AUTHORITY.sign("x", NAMES[:1]), "", f"{{chain}} does not bear {NAMES[1]}"),
        (root("Une autre").sign("x", NAMES), "", UNTRUSTED + "unable to get local issuer certificate"),
        (AUTHORITY.sign("x", NAMES, begins=-9, days=2), "", UNTRUSTED + "certificate has expired"),
    ],
    ids=["none", "placeholder", "key", "names", "stranger", "ended"],
)  # fmt: skip
def test_a_certificate_that_is_not_good_fails_with_the_remedy(
    look: Look, tmp_path: Path, pair: Signed | None, key: str, says: str
) -> None:
    found = look(pair, key)
    assert found["failed"]
    assert found["msg"] == says.format(chain=tmp_path / "chain.pem", key=tmp_path / "key.pem") + "; ask again"


def test_a_rehearsal_does_not_look(look: Look) -> None:
    assert look(None, check=True) == {"changed": False, "faults": []}
