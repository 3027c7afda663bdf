"""Questions to Prometheus: its answers read, whatever is none refused."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from malleposte.core.errors import MallepostError
from malleposte.watch.state import prometheus, table


class Server(ThreadingHTTPServer):
    """Answers with `body`, and keeps what it was asked."""

    body: bytes = b""
    status: int = 200
    asked: dict[str, str]

    def says(self, *result: Any) -> None:
        self.body = json.dumps({"status": "success", "data": {"result": result}}).encode()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self) -> None:
        self.server.asked = {name: one[0] for name, one in parse_qs(urlsplit(self.path).query).items()}
        self.send_response(self.server.status)
        self.end_headers()
        self.wfile.write(self.server.body)

    def log_message(self, *words: Any) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as made:
        thread = threading.Thread(target=made.serve_forever)
        thread.start()
        yield made
        made.shutdown()
        thread.join()


def test_values_of_now_come_with_their_labels_but_what_is_no_number(server: Server) -> None:
    rows = [{"metric": {"queue": name}, "value": [5, value]} for name, value in (("active", "3"), ("hold", "NaN"))]
    server.says(*rows)
    assert prometheus.instant("q", 5.0, server.address) == [({"queue": "active"}, 3.0)]
    assert server.asked["query"] == "q"


def test_values_of_a_history_stand_at_their_times(server: Server) -> None:
    server.says({"metric": {}, "values": [[1000, "1"], [1200, "+Inf"], [1300, "2.00000049"]]})
    assert prometheus.ranged("q", 1300.0, 300.0, 100.0, server.address) == [1.0, None, None, 2.0]
    assert (server.asked["start"], server.asked["end"], server.asked["step"]) == ("1000.0", "1300.0", "100.0")
    server.says()
    assert prometheus.ranged("q", 1300.0, 300.0, 100.0, server.address) == []


@pytest.mark.parametrize("body", [b"", b"[]", b'{"data": {}}', b'{"data": {"result": 3}}', b" " * 2_000_001])
def test_another_answer_is_refused(server: Server, body: bytes) -> None:
    server.body = body
    with pytest.raises(MallepostError, match="Prometheus"):
        prometheus.instant("q", 5.0, server.address)


def test_a_question_that_it_refuses_and_no_answer_are_said(server: Server) -> None:
    server.status = 422
    with pytest.raises(MallepostError, match="422"):
        prometheus.instant("q", 5.0, server.address)
    with pytest.raises(MallepostError, match="does not answer"):
        prometheus.instant("q", 5.0, "http://127.0.0.1:1")


def test_histories_have_no_more_points_than_the_document_takes() -> None:
    from malleposte.watch.state.document import MOST_POINTS

    for whole, step in ((table.DAY, table.DAY_STEP), (table.MONTH, table.MONTH_STEP)):
        assert 90 <= whole / step + 1 <= MOST_POINTS
    assert table.over("rate(a[$range])", 900.0) == "rate(a[900s])"
