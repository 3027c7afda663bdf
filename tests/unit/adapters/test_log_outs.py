"""The services that an ended log-in had opened, and the log-in page that is asked by FastCGI to tell them."""

import hashlib
import json
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from malleposte.adapters import fastcgi, log_outs
from malleposte.adapters.log_outs import Opened

HERE = Opened("sogo", "mdupond", "s1d")
OTHER = Opened("portail", "mdupond", "s1d2")
NAME = hashlib.sha256(b"s3cret").hexdigest()


def row(**other: Any) -> dict[str, Any]:
    return {
        "_type": "refresh_token", "client_id": "sogo", "_oidc_sid": "s1d", "_session_uid": "mdupond",
        "user_session_id": "s3cret",
    } | other  # fmt: skip


def test_what_a_log_in_opened_is_what_has_tokens_of_it() -> None:
    rows = [
        row(), row(), row(client_id="portail", _oidc_sid="s1d2"), row(user_session_id="autre", _oidc_sid="x"),
        row(_type="access_token"), row(_oidc_sid=""), {"_session_kind": "Persistent"}, row(user_session_id=None),
    ]  # fmt: skip
    assert log_outs.opened(rows, {NAME}) == [HERE, OTHER]
    assert log_outs.opened(rows, set()) == []
    assert "s1d" not in repr(HERE)


class Page:
    """A FastCGI server of one answer; what it was asked."""

    def __init__(self, path: Path) -> None:
        self.path, self.parameters, self.body = path, dict[str, str](), b""
        self.answer: Callable[[bytes], bytes] = lambda content: b"".join(
            struct.pack(">BBHHBx", 1, kind, 1, len(one), 3) + one + b"pad"
            for kind, one in ((6, content[:20]), (7, b"a warning"), (6, content[20:]), (6, b""), (3, bytes(8)))
        )
        self.content = b'Status: 200 OK\r\nContent-Type: application/json\r\n\r\n{"untold": ["sogo"]}'

    def serve(self, listener: socket.socket) -> None:
        link, _address = listener.accept()
        with link, link.makefile("rb") as stream:
            streams: dict[int, bytes] = {4: b"", 5: b""}
            while True:
                _version, kind, _request, length, _padding = struct.unpack(">BBHHBx", stream.read(8))
                piece = stream.read(length)
                if kind in streams:
                    streams[kind] += piece
                if kind == 5 and not piece:
                    break
            pairs, self.body = streams[4], streams[5]
            while pairs:
                name, value = (one & 0x7FFFFFFF for one in struct.unpack(">II", pairs[:8]))
                both = pairs[8 : 8 + name + value]
                self.parameters[both[:name].decode()] = both[name:].decode()
                pairs = pairs[8 + name + value :]
            link.sendall(self.answer(self.content))


@pytest.fixture
def page(tmp_path: Path) -> Iterator[Page]:
    found = Page(tmp_path / "socket")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(found.path))
        listener.listen()
        thread = threading.Thread(target=found.serve, args=(listener,), daemon=True)
        thread.start()
        yield found
        thread.join(5)


@pytest.fixture
def configuration(tmp_path: Path) -> Path:
    path = tmp_path / "lmConf-1.json"
    path.write_text(json.dumps({"portal": "https://sso.ac-exemple.test/"}))
    return path


def test_the_log_in_page_is_asked_as_no_client_of_the_web_front_can(page: Page, configuration: Path) -> None:
    assert log_outs.tell([HERE, OTHER], page.path, configuration) == ("sogo",)
    assert json.loads(page.body) == [
        {"client": "sogo", "uid": "mdupond", "sid": "s1d"},
        {"client": "portail", "uid": "mdupond", "sid": "s1d2"},
    ]
    assert page.parameters["MALLEPOSTE_WITHIN"] == "1"
    assert page.parameters["HTTP_HOST"] == "sso.ac-exemple.test"
    assert page.parameters["CONTENT_LENGTH"] == str(len(page.body))


@pytest.mark.parametrize(
    "content", [b"Status: 404 Not Found\r\n\r\n{}", b"no headers", b"X: y\r\n\r\nno JSON", b"X: y\r\n\r\n[]"]
)
def test_without_a_right_answer_nobody_was_told(page: Page, configuration: Path, content: bytes) -> None:
    page.content = content
    assert log_outs.tell([HERE, HERE, OTHER], page.path, configuration) == ("sogo", "portail")


def test_an_answer_that_breaks_off_is_none(page: Page) -> None:
    page.answer = lambda content: struct.pack(">BBHHBx", 1, 6, 1, 900, 0) + content
    with pytest.raises(fastcgi.NoAnswerError, match="before the end"):
        fastcgi.ask(page.path, {}, b"x" * 70_000, 5)
    assert len(page.body) == 70_000


def test_a_log_in_page_that_is_away_told_nobody_and_nothing_to_tell_asks_nobody(
    tmp_path: Path, configuration: Path
) -> None:
    assert log_outs.tell([HERE], tmp_path / "none", configuration) == ("sogo",)
    assert log_outs.tell([HERE], tmp_path / "none", tmp_path / "none") == ("sogo",)
    assert log_outs.tell([], tmp_path / "none", tmp_path / "none") == ()
