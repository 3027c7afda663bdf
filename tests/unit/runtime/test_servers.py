"""Sockets of a daemon: LMTP, Postfix's policy protocol, questions of root."""

import json
import socket
import threading

import pytest
from malleposte.core.errors import InputError
from malleposte.runtime import servers


def talk(make_server, words: bytes) -> bytes:
    listener = socket.create_server(("127.0.0.1", 0))
    server = make_server(listener)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    with socket.create_connection(listener.getsockname(), timeout=10) as link:
        link.sendall(words)
        link.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: link.recv(65536), b""))
    server.shutdown()
    listener.close()
    return answer


def test_lmtp_answers_for_each_recipient_and_undoes_the_dots():
    seen = []

    def take(envelope, content):
        seen.append((envelope.sender, envelope.recipient, content))
        if envelope.recipient.startswith("bad"):
            raise OSError("disk")
        return "250 2.0.0 taken"

    words = (
        b"LHLO x\r\nMAIL FROM:<a@b> BODY=8BITMIME\r\nRCPT TO:<l1@c>\r\nRCPT TO:<bad@c>\r\nDATA\r\n"
        b"Subject: x\r\n\r\n..dot\r\n\xc3\xa9\r\n.\r\nQUIT\r\n"
    )
    answer = talk(lambda listener: servers.lmtp(listener, "mx", take, lambda _line: None), words)
    assert seen[0] == ("a@b", "l1@c", b"Subject: x\r\n\r\n.dot\r\n\xc3\xa9\r\n")
    assert answer.count(b"250 2.0.0 taken") == 1
    assert b"\r\n451 " in answer


def lmtp(words: bytes, **limits):
    """Return envelope and message of each delivery of a session, and the answers."""
    seen = []

    def take(envelope, content):
        seen.append((envelope, content))
        return "250 2.0.0 taken"

    return seen, talk(lambda listener: servers.lmtp(listener, "mx", take, lambda _line: None, **limits), words)


@pytest.mark.parametrize(
    ("said", "client"),
    [
        (b"XFORWARD ADDR=192.0.2.7\r\n", "192.0.2.7"),
        (b"XFORWARD NAME=mx.test PROTO=ESMTP\r\nXFORWARD ADDR=IPV6:2001:db8::7\r\n", "2001:db8::7"),
        (b"XFORWARD ADDR=192.0.2.7\r\nXFORWARD PORT=25\r\n", "192.0.2.7"),
        (b"XFORWARD NAME=[UNAVAILABLE] ADDR=[UNAVAILABLE]\r\n", ""),
        (b"", ""),
    ],
)
def test_postfix_says_where_a_message_came_from_and_it_is_forgotten_with_it(said, client):
    message = b"MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nx\r\n.\r\n"
    seen, answer = lmtp(b"LHLO x\r\n" + said + message + message + b"QUIT\r\n")
    assert b"250-XFORWARD ADDR\r\n" in answer
    assert [envelope.client for envelope, _content in seen] == [client, ""]


def test_a_message_that_is_too_long_is_cut_where_that_is_wanted_and_else_ends_the_session():
    lines = b"." + b"x" * 70 + b"\r\n"
    words = b"LHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n" + lines * 100 + b".\r\nQUIT\r\n"
    seen, answer = lmtp(words, longest=1000, cut=True)
    assert 1000 < len(seen[0][1]) < 1100 and b"250 2.0.0 taken" in answer and answer.endswith(b"221 2.0.0 bye\r\n")
    seen, answer = lmtp(words, longest=1000)
    assert seen == [] and b"taken" not in answer and b"bye" not in answer
    seen, answer = lmtp(words, longest=10_000)
    assert seen[0][1] == (b"x" * 70 + b"\r\n") * 100 and b"250 2.0.0 taken" in answer


def test_dots_inside_a_long_line_stay():
    line = b"x" * servers.CHUNK + b".y" + b"z" * servers.CHUNK + b"\r\n"
    seen, _answer = lmtp(b"MAIL FROM:<>\r\nRCPT TO:<c@d>\r\nDATA\r\n" + line + b".\r\nQUIT\r\n")
    assert seen[0][1] == line


def test_postfix_is_answered_and_a_failure_is_not_a_yes():
    def ask(_sender, recipient, _size, login):
        if recipient == "broken@c":
            raise OSError("no directory")
        return "550 5.7.1 non" if recipient == "l@c" and login == "marie" else ""

    words = b"".join(
        f"request=smtpd_access_policy\nsender=a@b\nrecipient={r}\nsize=10\nsasl_username=marie\n\n".encode()
        for r in ("l@c", "other@c", "broken@c")
    )
    answer = talk(lambda listener: servers.policy(listener, ask, lambda _line: None), words)
    assert answer.split(b"\n\n")[:3] == [b"action=550 5.7.1 non", b"action=DUNNO", b"action=" + servers.LATER.encode()]


def test_a_stop_waits_for_no_idle_client_and_answers_what_it_was_asked():
    """Postfix keeps its connections for the next question: for 100 seconds, unless it is busy."""
    asked, go_on = threading.Event(), threading.Event()

    def ask(_sender, _recipient, _size, _login):
        asked.set()
        go_on.wait(60)
        return ""

    listener = socket.create_server(("127.0.0.1", 0))
    server = servers.policy(listener, ask, lambda _line: None)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with (
        socket.create_connection(listener.getsockname(), timeout=60) as idle,
        socket.create_connection(listener.getsockname(), timeout=60) as busy,
    ):
        busy.sendall(b"request=smtpd_access_policy\nrecipient=l@c\n\n")
        assert asked.wait(60)
        ended = threading.Thread(target=lambda: (server.shutdown(), server.server_close()), daemon=True)
        ended.start()
        assert idle.recv(1) == b"", "whoever asks nothing is let go"
        assert ended.is_alive(), "what was asked is awaited"
        go_on.set()
        assert busy.recv(100) == b"action=DUNNO\n\n"
        ended.join(60)
        assert not ended.is_alive()
    listener.close()


def test_an_operators_words():
    acts = {"queue": lambda _request: [1], "approve": lambda request: {}[request["id"]]}
    words = b'{"act": "queue"}\n{"act": "approve", "id": "x"}\nnonsense\n'
    lines = talk(lambda listener: servers.control(listener, acts, lambda _line: None), words).splitlines()
    assert json.loads(lines[0]) == {"done": [1]}
    assert ["error" in json.loads(line) for line in lines[1:]] == [True, True]


def test_root_asks_and_a_refusal_is_an_error(tmp_path):
    path = tmp_path / "asked.sock"
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()
    server = servers.control(listener, {"twice": lambda request: 2 * request["count"]}, lambda _line: None)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        assert servers.ask(path, "twice", {"count": 4}) == 8
        with pytest.raises(InputError, match="KeyError"):
            servers.ask(path, "nothing", {})
    finally:
        server.shutdown()
        listener.close()
    with pytest.raises(FileNotFoundError):
        servers.ask(tmp_path / "none.sock", "twice", {"count": 4})
