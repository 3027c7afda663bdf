"""Gateways of text messages: a POST, a program; nothing of a message in an argument, a log or an error."""

import http.server
import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from malleposte.adapters import sms
from malleposte.core.errors import InputError

NUMBER, TEXT = "+33612345678", "Code INA\u00a0: ABCDE-FGHJK « {number} »"


@dataclass
class Sink:
    """A gateway; `status` is its answer."""

    url: str = ""
    status: int = 200
    got: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)


@pytest.fixture
def sink() -> Iterator[Sink]:
    made = Sink()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            made.got.append((self.path, body, dict(self.headers)))
            self.send_response(made.status)
            if made.status in (301, 302, 307):
                self.send_header("Location", "/elsewhere")
            self.end_headers()

        def log_message(self, *_words: Any) -> None:
            """Nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        made.url = f"http://127.0.0.1:{server.server_port}/send"
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield made
        server.shutdown()
        thread.join()


def of(**given: Any) -> sms.Gateway:
    made = sms.of(given, "sms.json")
    assert made is not None
    return made


def test_a_post_of_json(sink: Sink) -> None:
    body = {"to": ["{number}"], "message": {"text": "{text}", "kind": "plain {text}"}, "price": 3}
    of(url=sink.url, headers={"Authorization": "Bearer secret"}, body=body).send(NUMBER, TEXT)
    ((path, told, headers),) = sink.got
    assert (path, headers["Authorization"]) == ("/send", "Bearer secret")
    assert headers["Content-Type"].startswith("application/json")
    assert json.loads(told) == {"to": [NUMBER], "message": {"text": TEXT, "kind": "plain {text}"}, "price": 3}


def test_a_post_of_a_form(sink: Sink) -> None:
    of(url=sink.url, form=True).send(NUMBER, TEXT)
    assert parse_qs(sink.got[0][1]) == {"number": [NUMBER], "text": [TEXT]}


@pytest.mark.parametrize("status", [302, 307, 401, 500])
def test_any_other_answer_is_an_error_and_goes_nowhere_else(sink: Sink, status: int) -> None:
    sink.status = status
    with pytest.raises(sms.NotSentError, match=str(status)) as caught:
        of(url=sink.url).send(NUMBER, TEXT)
    assert len(sink.got) == 1
    assert "612345678" not in str(caught.value)


def test_the_reason_of_a_gateway_is_told_and_of_any_other_error_its_kind_alone() -> None:
    with pytest.raises(sms.NotSentError) as caught:
        of(url="http://127.0.0.1:1/").send(NUMBER, TEXT)
    assert sms.reason(caught.value) == "no answer from the gateway: ConnectionRefusedError"
    assert sms.reason(OSError(f"{NUMBER} refused")) == "OSError"


def test_a_program(tmp_path: Path) -> None:
    program = tmp_path / "send"
    program.write_text(f'#!/bin/sh\necho "$#" >{tmp_path}/words\ncat >{tmp_path}/given\n', "utf-8")
    program.chmod(0o700)
    of(command=[str(program), "now"]).send(NUMBER, TEXT)
    assert json.loads((tmp_path / "given").read_text("utf-8")) == {"number": NUMBER, "text": TEXT}
    assert (tmp_path / "words").read_text("utf-8") == "1\n"
    program.write_text("#!/bin/sh\nexit 3\n", "utf-8")
    with pytest.raises(sms.NotSentError, match="CalledProcessError"):
        of(command=[str(program)]).send(NUMBER, TEXT)
    with pytest.raises(sms.NotSentError, match="FileNotFoundError"):
        of(command=[str(tmp_path / "nothing")]).send(NUMBER, TEXT)


@pytest.mark.parametrize(
    "given",
    [
        {"url": "http://sms.exemple.fr/"}, {"url": "ftp://x"}, {"headers": {}}, {"url": "https://x", "strange": 1},
        {"command": []}, {"command": "send"}, {"command": ["send"]}, {"command": ["/send"], "url": "https://x"},
    ],
)  # fmt: skip
def test_settings_that_cannot_be_used(given: dict[str, Any]) -> None:
    with pytest.raises(InputError, match=r"sms\.json"):
        sms.of(given, "sms.json")


def test_none_is_none() -> None:
    assert sms.of({}, "sms.json") is None
    assert isinstance(of(url="https://sms.exemple.fr/"), sms.Http)
