"""Connections over TLS: each is verified by the authorities that the file names now."""

import socket
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from malleposte.runtime import durable, link

from tests.support.authority import root


@pytest.fixture
def authorities(tmp_path: Path) -> Path:
    return tmp_path / "authorities.pem"


@pytest.fixture
def server(tmp_path: Path, authorities: Path) -> Iterator[str]:
    """The address of a server whose authority is in the file of authorities."""
    authority = root()
    signed = authority.sign("localhost", ["localhost"])
    files = (tmp_path / "tls.pem", tmp_path / "key.pem")
    for path, text in zip(files, (signed.pem, signed.key_pem), strict=True):
        path.write_text(text)
    authorities.write_text(authority.pem)
    listener = socket.create_server(("localhost", 0))
    context = link.server_context(*files)

    def answer() -> None:
        while True:
            try:
                plain, _address = listener.accept()
                with plain, context.wrap_socket(plain, server_side=True) as secure:
                    secure.sendall(b"ready\n")
            except ssl.SSLError:
                continue
            except OSError:
                return

    thread = threading.Thread(target=answer)
    thread.start()
    yield f"tls://localhost:{listener.getsockname()[1]}"
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(60)


def line(address: str, authorities: Path) -> bytes:
    with link.connected(address, port=1, timeout=30, ca_file=str(authorities)) as stream:
        return stream.readline()


def test_another_authority_in_the_file_counts_from_the_next_connection(server: str, authorities: Path) -> None:
    own = authorities.read_text()
    assert line(server, authorities) == b"ready\n"
    durable.write(authorities, root().pem)
    with pytest.raises(ssl.SSLCertVerificationError):
        line(server, authorities)
    durable.write(authorities, own)
    assert line(server, authorities) == b"ready\n"
    authorities.unlink()
    with pytest.raises(FileNotFoundError):
        line(server, authorities)


def test_the_authorities_are_read_once_for_many_connections(
    server: str, authorities: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads: list[str | None] = []
    make = ssl.create_default_context

    def counted(*, cafile: str | None = None) -> ssl.SSLContext:
        reads.append(cafile)
        return make(cafile=cafile)

    monkeypatch.setattr(ssl, "create_default_context", counted)
    assert [line(server, authorities) for _ in range(5)] == [b"ready\n"] * 5
    assert reads == [str(authorities)]


def test_the_system_s_authorities_are_those_without_a_file(server: str, authorities: Path) -> None:
    with pytest.raises(ssl.SSLCertVerificationError), link.connected(server, port=1, timeout=30):
        pass
    assert line(server, authorities) == b"ready\n"
