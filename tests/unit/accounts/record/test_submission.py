"""Sessions of submission: the last account of each process of Postfix, and the end of an account's."""

from __future__ import annotations

import os
import signal
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from malleposte.accounts.channels import submission
from malleposte.accounts.record import ask
from malleposte.accounts.record.store import DAY, Store
from malleposte.errors import MallepostError

NOW = 1_800_000_000


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "record.sqlite", 30)
    yield made
    made.close()


def test_a_process_has_the_account_that_logged_in_last(store: Store) -> None:
    store.sends({101: "anne", 102: "anne", 103: "luc"}, NOW)
    assert (store.processes("anne"), store.processes("luc"), store.processes("zoe")) == ([101, 102], [103], [])
    store.sends({102: "luc"}, NOW + 1)
    assert (store.processes("anne"), store.processes("luc")) == ([101], [102, 103])


def test_sessions_are_erased_with_their_account_and_at_their_age(store: Store) -> None:
    store.sends({101: "anne", 102: "luc"}, NOW)
    store.sends({103: "luc"}, NOW + DAY)
    assert store.erase("anne") == 1
    assert (store.processes("anne"), store.processes("luc")) == ([], [102, 103])
    store.prune(NOW + 30 * DAY + 1)
    assert store.processes("luc") == [103]


@pytest.fixture
def asked(tmp_path: Path) -> Iterator[Path]:
    """A record's socket that answers one question about sessions; for `anne` alone."""
    path = tmp_path / "asked"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()

        def serve() -> None:
            link, _ = listening.accept()
            with link, link.makefile("rwb") as stream:
                known = b'"anne"' in stream.readline()
                stream.write(b'{"processes": [101, 102, 103]}\n' if known else b'{"error": "away"}\n')

        thread = threading.Thread(target=serve)
        thread.start()
        yield path
        thread.join()


def test_processes_that_serve_submission_end_and_no_others(asked: Path, tmp_path: Path) -> None:
    """A number may be another program's by now, or nobody's."""
    for process, name in ((101, "smtpd"), (102, "imap")):
        (tmp_path / str(process)).mkdir()
        (tmp_path / str(process) / "comm").write_text(f"{name}\n")
    ended: list[tuple[int, int]] = []
    assert submission.end("anne", asked, tmp_path, lambda *words: ended.append(words)) == 1
    assert ended == [(101, signal.SIGTERM)]


def test_one_that_ends_meanwhile_is_passed_over(asked: Path, tmp_path: Path) -> None:
    for process in (101, 102, 103):
        (tmp_path / str(process)).mkdir()
        (tmp_path / str(process) / "comm").write_text("smtpd\n")

    def kill(process: int, _signal: signal.Signals) -> None:
        if process == 102:
            raise ProcessLookupError

    assert submission.end("anne", asked, tmp_path, kill) == 2


def test_a_record_that_does_not_answer_is_told(asked: Path, tmp_path: Path) -> None:
    with pytest.raises(MallepostError, match="away"):
        submission.end("luc", asked, tmp_path, os.kill)


def test_a_host_without_a_record_has_no_sessions(tmp_path: Path) -> None:
    assert ask.processes("anne", tmp_path / "none") == []
    assert submission.end("anne", tmp_path / "none", tmp_path, os.kill) == 0
