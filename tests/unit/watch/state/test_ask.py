"""The state as the portal asks for it: at the pager's socket, or in the file of the host's own measures."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import pytest
from malleposte.core.errors import MallepostError
from malleposte.watch.faults import Fault
from malleposte.watch.state import ask, document, host
from malleposte.watch.state.document import State, encoded
from malleposte.watch.status import Row
from malleposte.watch.textfile import Sample

STATE = State("vault", "vault1", 1000.0)


def served(path: Path, *parts: bytes) -> threading.Thread:
    """A pager that says these parts to the first that connects."""
    listener = socket.socket(socket.AF_UNIX)
    listener.bind(str(path))
    listener.listen()

    def serve() -> None:
        with listener, listener.accept()[0] as link:
            for part in parts:
                try:
                    link.sendall(part)
                except OSError:
                    return

    thread = threading.Thread(target=serve)
    thread.start()
    return thread


def test_the_pager_s_answer_is_read_to_its_end(tmp_path: Path) -> None:
    text = encoded(STATE)
    thread = served(tmp_path / "state", text[:10], text[10:])
    assert ask.read(tmp_path / "state") == STATE
    thread.join()


@pytest.mark.parametrize("parts", [(), (b"{",), (b" " * 300_000,) * 4])
def test_an_answer_that_is_none_or_never_ends_is_refused(tmp_path: Path, parts: tuple[bytes, ...]) -> None:
    thread = served(tmp_path / "state", *parts)
    with pytest.raises(MallepostError):
        ask.read(tmp_path / "state")
    thread.join()


def test_a_host_without_vaults_writes_what_the_portal_reads(tmp_path: Path) -> None:
    fault = Fault("unit rspamd.service", "page", "rspamd.service (rspamd) is not active", "a-unit-is-not-active")
    values = {
        "malleposte_queue_oldest_seconds": [Sample(3.0, {"queue": "active"})],
        "malleposte_unit_active": [Sample(0.0, {"name": "rspamd.service"})],
    }
    state = host.state([Row(fault, 900.0, 1300.0)], values, ["disk /srv: gone"], 1000.0)
    host.write(tmp_path, state)
    assert (tmp_path / host.NAME).stat().st_mode & 0o777 == host.MODE
    assert ask.read(tmp_path / host.NAME) == state
    assert (state.kind, state.history) == (document.HOST, {})
    (alarm,) = state.alarms
    assert (alarm.text, alarm.runbook) == (fault.text, "docs/watch.md#a-unit-is-not-active")
    assert (alarm.since, alarm.silenced) == (900.0, 1300.0)
    assert [(row.what, row.value) for row in state.tables["queues"]] == [("active", 3.0)]
    assert state.blind == ("disk /srv: gone",)


def test_no_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(MallepostError, match="No such file"):
        ask.read(tmp_path / host.NAME)
