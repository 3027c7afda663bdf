"""A suspect message that an agent reports by a folder."""

import email
import email.policy
import io
import smtplib
from typing import Any

import pytest
from malleposte.accounts.mailbox import report_message

TO, AGENT = "dsi@ac-exemple.test", "mdupond@ac-exemple.test"
ORIGINAL = (
    b"DKIM-Signature: v=1;\n\tb=abc\nFrom: =?utf-8?q?=C3=89?= <x@lointain.test>\nSubject: Gain\n\nBonjour  \n--fin\n"
)


def wrapped(report: bytes) -> Any:
    """The report as a mail program reads it."""
    return email.message_from_bytes(report, policy=email.policy.default)


def test_the_original_is_in_it_byte_for_byte() -> None:
    report = report_message.compose(TO, AGENT, ORIGINAL)
    # The end of line before a boundary is the boundary's (RFC 2046, 5.1.1): the original's own stands before it.
    assert b"\r\n\r\n" + ORIGINAL.replace(b"\n", b"\r\n") + b"\r\n--" in report
    read = wrapped(report)
    assert (read["From"], read["To"], read["X-Malleposte-Report"]) == (AGENT, TO, "yes")
    text, part = read.iter_parts()
    assert "signale le message joint comme suspect" in text.get_content()
    assert (part.get_content_type(), part["Content-Transfer-Encoding"]) == ("message/rfc822", "7bit")
    assert part.get_content()["Subject"] == "Gain"
    assert not read.defects and not part.defects


@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_lines_end_once_and_bytes_beyond_ascii_are_told(ends: bytes) -> None:
    report = report_message.compose(TO, AGENT, ends.join([b"Subject: x", b"", "Été".encode(), b""]))
    assert b"\r\r" not in report and b"\n" not in report.replace(b"\r\n", b"")
    assert "Content-Transfer-Encoding: 8bit\r\n\r\nSubject: x\r\n\r\nÉté\r\n".encode() in report


class Server:
    """An SMTP server that takes what it is given, or does not answer."""

    def __init__(self, sent: list[tuple[Any, ...]], *, down: bool) -> None:
        self.sent, self.down = sent, down

    def __call__(self, host: str, port: int, timeout: float) -> "Server":
        if self.down:
            raise ConnectionRefusedError("refused")
        self.sent.append((host, port))
        return self

    def __enter__(self) -> "Server":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def sendmail(self, *words: object) -> None:
        self.sent.append(words)


@pytest.mark.parametrize(("down", "code"), [(False, 0), (True, 1)])
def test_it_says_whether_the_report_left(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], *, down: bool, code: int
) -> None:
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr(smtplib, "SMTP", Server(sent, down=down))
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(ORIGINAL)))
    assert report_message.main(["127.0.0.1:10027", TO, AGENT]) == code
    if down:
        assert capsys.readouterr().err == f"report-message: {AGENT}: the message was not sent to {TO}: refused\n"
        assert sent == []
        return
    assert sent[0] == ("127.0.0.1", 10027)
    assert sent[1][:2] == (AGENT, [TO])
    assert ORIGINAL.replace(b"\n", b"\r\n") in sent[1][2]


def test_a_word_too_few_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert report_message.main(["127.0.0.1:10027", TO]) == 2
    assert capsys.readouterr().err.startswith("usage: report-message")
