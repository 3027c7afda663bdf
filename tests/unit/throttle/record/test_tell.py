"""Telling the record: it takes no time and no error, whether somebody listens or not."""

import json
import logging
import socket
from pathlib import Path

import pytest
from malleposte.throttle.record.model import LogIn
from malleposte.throttle.record.tell import Teller

EVENT = LogIn("mdupond", True, "imap", "192.0.2.7")


def test_a_log_in_is_told(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(str(tmp_path / "told"))
        teller = Teller(tmp_path / "told")
        teller.log_in(EVENT)
        teller.act("set_class")
        teller.close()
        assert json.loads(there.recv(4096)) == {
            "account": "mdupond", "accepted": True, "service": "imap", "place": "192.0.2.7", "program": "",
            "device": "", "reason": "",
        }  # fmt: skip
        assert json.loads(there.recv(4096)) == {"act": "set_class"}


def test_where_nobody_listens_the_log_says_so_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    teller = Teller(tmp_path / "told")
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            teller.log_in(EVENT)
    teller.close()
    assert [one.getMessage().split(":")[0] for one in caplog.records] == ["log-ins are not recorded"]


def test_a_record_that_is_slow_keeps_nobody_waiting(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as there:
        there.bind(str(tmp_path / "told"))
        teller = Teller(tmp_path / "told")
        for _ in range(2000):
            teller.log_in(EVENT)
        teller.close()
        assert there.recv(4096), "nobody read until now"
