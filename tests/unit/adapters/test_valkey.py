"""Questions to Valkey: scripts, closed connections, answers that are none."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from malleposte.adapters.valkey import Unavailable, Valkey


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[tuple[str, list[bytes], list[bytes]]]:
    """A server of this test: its address, the requests it received, its coming answers."""
    path = tmp_path / "valkey.sock"
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(path))
    listening.listen()
    sent: list[bytes] = []
    said: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                link = listening.accept()[0]
            except OSError:
                return
            with link:
                while said and (data := link.recv(65536)):
                    sent.append(data)
                    word = said.pop(0)
                    if not word:
                        break
                    link.sendall(word)

    worker = threading.Thread(target=serve, daemon=True)
    worker.start()
    yield f"unix://{path}", sent, said
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    worker.join(5)


def test_a_script_that_valkey_does_not_know_is_sent_whole(valkey: Any) -> None:
    where, sent, said = valkey
    said += [b"+OK\r\n", b"-NOSCRIPT No matching script.\r\n", b":12\r\n", b""]
    client = Valkey(where, "throttle", "mot")
    assert client.run("return 12", ("throttle:a:b",), "0abc", 5) == 12
    client.close()
    assert sent[0].startswith(b"*3\r\n$4\r\nAUTH\r\n")
    assert b"EVALSHA" in sent[1]
    assert b"return 12" in sent[2]


def test_a_closed_connection_is_opened_again_once(valkey: Any) -> None:
    where, _sent, said = valkey
    said += [b":1\r\n", b"", b":2\r\n", b""]
    client = Valkey(where, "default", "")
    assert client.run("x", ("k",)) == 1
    assert client.run("x", ("k",)) == 2
    client.close()


INFO = (
    b"# Memory\r\nused_memory:1049576\r\nused_memory_human:1.00M\r\n"
    b"maxmemory:268435456\r\nmaxmemory_policy:noeviction\r\n"
)


def test_the_memory_that_the_data_take_and_may_take(valkey: Any) -> None:
    where, sent, said = valkey
    said += [b"+OK\r\n", b"$%d\r\n%b\r\n" % (len(INFO), INFO), b"-NOPERM no\r\n", b"-NOPERM no\r\n", b""]
    client = Valkey(where, "watch", "a-password")
    assert client.memory() == (1_049_576, 268_435_456)
    assert sent[1] == b"*2\r\n$4\r\nINFO\r\n$6\r\nmemory\r\n"
    with pytest.raises(Unavailable, match="no"):
        client.memory()
    client.close()


@pytest.mark.parametrize("word", [b"-NOAUTH no\r\n", b"$2\r\nab\r\n", b"what\r\n", b"-OOM no\r\n"])
def test_any_other_answer_is_no_answer(valkey: Any, word: bytes) -> None:
    where, _sent, said = valkey
    said += [word] * 3 + [b""]
    client = Valkey(where, "default", "")
    with pytest.raises(Unavailable):
        client.run("x", ("k",))
    client.close()


def test_nobody_listening_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(Unavailable):
        Valkey(f"unix://{tmp_path}/none", "default", "").run("x", ("k",))


def test_the_values_that_a_set_names_come_without_those_that_are_gone(valkey: Any) -> None:
    where, sent, said = valkey
    said += [b"+OK\r\n", b"*2\r\n$1\r\nb\r\n$1\r\na\r\n", b"*2\r\n$2\r\n{}\r\n$-1\r\n", b"*0\r\n", b""]
    client = Valkey(where, "lemonldap", "mot")
    assert client.named("_session_uid_mdupond") == {"a": b"{}"}
    assert b"MGET" in sent[-1]
    assert client.named("_session_uid_nobody") == {}
    assert b"MGET" not in sent[-1]
    client.close()
