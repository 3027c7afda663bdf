"""A host without vaults tells its pager what rings: once, again when it lasts, and that it is over."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Mapping
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any, ClassVar

import pytest
from malleposte.core.errors import MallepostError
from malleposte.watch import ring
from malleposte.watch.faults import HOUR, Fault
from malleposte.watch.status import Row

NOW = 1_795_996_000.0
PAGE = Fault("unit a.service", "page", "a.service (a) is not active", "a-unit-is-not-active", 120, "a.service")
TICKET = Fault("held mail", "ticket", "mail is held", "mail-is-held")


class Pager:
    """The notifications: the way, and of each alert its state and its name. While `away`, nothing is taken."""

    def __init__(self) -> None:
        self.posted: list[tuple[str, list[tuple[str, str]]]] = []
        self.away = False

    def __call__(self, url: str, payload: Mapping[str, Any]) -> None:
        if self.away:
            raise MallepostError("the pager does not answer")
        alerts = [(one["status"], one["labels"]["alertname"]) for one in payload["alerts"]]
        self.posted.append((url.rpartition("/")[2], alerts))


@pytest.fixture
def pager() -> Pager:
    return Pager()


def test_a_fault_rings_when_it_has_lasted_and_once(tmp_path: Path, pager: Pager) -> None:
    path, rows = tmp_path / "notices.json", [Row(PAGE, NOW)]
    ring.ring("http://x", rows, NOW + 60, path, pager)
    assert pager.posted == [], "it must last two minutes"
    for minute in (2, 3, 4):
        ring.ring("http://x", rows, NOW + 60 * minute, path, pager)
    assert pager.posted == [("page", [("firing", "unit a.service")])]
    ring.ring("http://x", rows, NOW + 120 + 4 * HOUR, path, pager)
    assert len(pager.posted) == 2, "a page that lasts is told again after four hours"
    ring.ring("http://x", [], NOW + 5 * HOUR, path, pager)
    ring.ring("http://x", [], NOW + 6 * HOUR, path, pager)
    assert pager.posted[2:] == [("page", [("resolved", "unit a.service")])]


def test_what_is_silenced_does_not_ring_and_one_that_was_told_is_not_over(tmp_path: Path, pager: Pager) -> None:
    path = tmp_path / "notices.json"
    ring.ring("http://x", [Row(PAGE, NOW, NOW + 600)], NOW + 300, path, pager)
    assert pager.posted == []
    ring.ring("http://x", [Row(PAGE, NOW)], NOW + 700, path, pager)
    ring.ring("http://x", [Row(PAGE, NOW, NOW + 2000)], NOW + 1000, path, pager)
    assert pager.posted == [("page", [("firing", "unit a.service")])]


def test_one_notification_a_kind_and_a_ticket_that_becomes_a_page_rings(tmp_path: Path, pager: Pager) -> None:
    path = tmp_path / "notices.json"
    later = Fault("certificate host", "page", "it ends", "a-certificate-ends")
    sooner = Fault("certificate host", "ticket", "it ends", "a-certificate-ends")
    ring.ring("http://x", [Row(PAGE, NOW), Row(TICKET, NOW), Row(sooner, NOW)], NOW + 300, path, pager)
    assert pager.posted == [
        ("page", [("firing", "unit a.service")]),
        ("ticket", [("firing", "held mail"), ("firing", "certificate host")]),
    ]
    ring.ring("http://x", [Row(PAGE, NOW), Row(TICKET, NOW), Row(later, NOW)], NOW + 360, path, pager)
    assert pager.posted[2:] == [("page", [("firing", "certificate host")])]


def test_what_the_pager_does_not_take_is_tried_again(tmp_path: Path, pager: Pager) -> None:
    path = tmp_path / "notices.json"
    pager.away = True
    for minute in (5, 6):
        with pytest.raises(MallepostError, match="does not answer"):
            ring.ring("http://x", [Row(PAGE, NOW)], NOW + 60 * minute, path, pager)
    pager.away = False
    ring.ring("http://x", [Row(PAGE, NOW)], NOW + 420, path, pager)
    assert pager.posted == [("page", [("firing", "unit a.service")])]


class _Hook(BaseHTTPRequestHandler):
    status = 200
    seen: ClassVar[list[tuple[str, Any]]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.seen.append((self.path, json.loads(body)))
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_words: object) -> None:
        """Nothing."""


@pytest.fixture
def hook() -> Iterator[str]:
    """A server in the pager's place."""
    _Hook.seen.clear()
    server = HTTPServer(("127.0.0.1", 0), _Hook)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def test_it_is_posted_as_alertmanager_does(hook: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_Hook, "status", 200)
    ring.ring(hook, [Row(PAGE, NOW)], NOW + 300, tmp_path / "notices.json")
    ((path, payload),) = _Hook.seen
    assert (path, payload["version"]) == ("/page", "4")
    (alert,) = payload["alerts"]
    assert (alert["status"], alert["startsAt"]) == ("firing", "2026-11-29T23:46:40+00:00")
    assert alert["annotations"]["runbook"] == "docs/watch.md#a-unit-is-not-active"
    assert alert["annotations"]["summary"].endswith(": a.service (a) is not active")
    monkeypatch.setattr(_Hook, "status", 503)
    with pytest.raises(MallepostError, match="told nobody"):
        ring.ring(hook, [Row(TICKET, NOW)], NOW + 300, tmp_path / "notices.json")
    with pytest.raises(MallepostError, match="does not answer"):
        ring.post("http://127.0.0.1:9/page", {})
