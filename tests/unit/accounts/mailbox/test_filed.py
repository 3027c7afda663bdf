"""Messages that were filed before the store could say so are found, and dropped when they come again."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.mailbox import filed
from malleposte.adapters import dovecot
from malleposte.core.errors import MallepostError

LOST = (
    "lost connection with mail.ac.test[private/dovecot-lmtp] while sending end of data "
    "-- message may be sent more than once"
)
SECOND = "Sun, 29 Nov 2026 16:33:44 +0100 (CET)"
ARRIVED = 1_796_000_000


def row(ident: str, *recipients: tuple[str, str]) -> str:
    """A line of `postqueue -j`."""
    named = [{"address": address, **({"delay_reason": reason} if reason else {})} for address, reason in recipients]
    return json.dumps({"queue_name": "deferred", "queue_id": ident, "arrival_time": ARRIVED, "recipients": named})


def message(ident: str, second: str = SECOND) -> str:
    """The headers of a message as the store has it."""
    ours = f"from a.test (a.test [192.0.2.1])\r\n\tby mail.ac.test (Postfix) with ESMTPS id {ident}\r\n"
    ours += f"\tfor <b@ac.test>; {second}"
    theirs = f"by a.test id FORGED0001; {SECOND}"
    return f"Return-Path: <x@a.test>\r\nX-Spam: No\r\nReceived: {ours}\r\nReceived: {theirs}\r\nSubject: x\r\n"


class Host:
    """A queue and boxes; `asked` are the boxes that were read."""

    def __init__(self) -> None:
        self.queue, self.boxes, self.asked = "", dict[str, list[str]](), list[str]()
        self.sealed: list[str] = []
        self.down = False

    def postqueue(self, *_words: Any, **_options: Any) -> subprocess.CompletedProcess[str]:
        return subprocess.CompletedProcess([], 0, self.queue, "")

    def doveadm(self, *words: str, **_options: Any) -> subprocess.CompletedProcess[str]:
        assert words[:3] == ("-f", "json", "fetch") and words[-2:] == ("savedsince", str(ARRIVED - 60))
        if self.down:
            raise MallepostError("doveadm -f: connection refused")
        if words[7] == ".SEALED/*":
            return subprocess.CompletedProcess([], 0, json.dumps([{"hdr": one} for one in self.sealed]), "")
        self.asked.append(words[4])
        rows = [{"hdr": headers} for headers in self.boxes.get(words[4], [])]
        return subprocess.CompletedProcess([], 0, json.dumps(rows), "")


@pytest.fixture
def host(monkeypatch: pytest.MonkeyPatch) -> Host:
    made = Host()
    monkeypatch.setattr(subprocess, "run", made.postqueue)
    monkeypatch.setattr(dovecot, "doveadm", made.doveadm)
    return made


def test_what_is_in_a_sealed_mailbox_is_dropped_too(host: Host, tmp_path: Path) -> None:
    host.queue = row("AAAAAAAA01", ("mdupond@stores.invalid", LOST))
    assert run(tmp_path) == 0 and not list(tmp_path.glob("*.sieve"))
    host.sealed = [message("AAAAAAAA01")]
    assert run(tmp_path) == 0
    assert "* id AAAAAAAA01*" in (tmp_path / "mdupond.sieve").read_text("utf-8")


def run(folder: Path) -> int:
    return filed.main([str(folder), "stores.invalid"])


def test_what_is_in_the_box_is_dropped_and_nothing_else(host: Host, tmp_path: Path) -> None:
    host.queue = "\n".join(
        (
            row("AAAAAAAA01", ("mdupond@stores.invalid", LOST), ("jdoe@stores.invalid", LOST)),
            row("AAAAAAAA02", ("mdupond+liste@stores.invalid", LOST)),
            row("AAAAAAAA03", ("mdupond@stores.invalid", "connect to private/dovecot-lmtp: Connection refused")),
            row("AAAAAAAA04", ("x@ailleurs.test", LOST), ("../etc@stores.invalid", LOST)),
        )
    )
    host.boxes = {"mdupond": [message("AAAAAAAA01"), message("AAAAAAAA03")], "jdoe": [message("BBBBBBBB01")]}
    assert run(tmp_path) == 0
    assert sorted(host.asked) == ["jdoe", "mdupond"]
    assert [path.name for path in tmp_path.glob("*.sieve")] == ["mdupond.sieve"]
    text = (tmp_path / "mdupond.sieve").read_text()
    assert text.count("discard;") == 1 and "BBBB" not in text
    assert 'envelope :is "to" "mdupond@stores.invalid"' in text and f'"* id AAAAAAAA01*; {SECOND}"' in text


def test_it_is_known_until_it_has_left_the_queue(host: Host, tmp_path: Path) -> None:
    """A try that fails otherwise overwrites Postfix's note."""
    host.queue = row("AAAAAAAA01", ("mdupond@stores.invalid", LOST))
    host.down = True
    assert run(tmp_path) == 1 and not list(tmp_path.glob("*.sieve"))
    host.queue = row("AAAAAAAA01", ("mdupond@stores.invalid", "connect to private/dovecot-lmtp: Connection refused"))
    host.down, host.boxes = False, {"mdupond": [message("AAAAAAAA01")]}
    assert run(tmp_path) == 0
    script = tmp_path / "mdupond.sieve"
    assert "AAAAAAAA01" in script.read_text()
    compiled = script.with_suffix(".svbin")
    compiled.write_text("compiled")
    assert run(tmp_path) == 0 and compiled.exists(), "what is as it was is not written"
    host.queue = ""
    assert run(tmp_path) == 0 and not script.exists() and not compiled.exists()


def test_a_stranger_s_header_is_not_ours(host: Host, tmp_path: Path) -> None:
    host.queue = row("FORGED0001", ("mdupond@stores.invalid", LOST))
    host.boxes = {"mdupond": [message("AAAAAAAA01"), message("FORGED0001", 'x"; keep; #')]}
    assert run(tmp_path) == 0 and not list(tmp_path.glob("*.sieve"))


def test_a_quiet_queue_asks_nothing(host: Host, tmp_path: Path) -> None:
    host.queue = row("AAAAAAAA01", ("mdupond@stores.invalid", ""))
    assert run(tmp_path) == 0 and host.asked == []
    assert filed.main([]) == 2
