"""The parts of a message that a tool is told are lines of text that show, whatever the message."""

import pytest
from malleposte.accounts.mailbox.later.letter import split
from malleposte.accounts.mailbox.tools import fields


def head(text: str) -> list[tuple[bytes, bytes]]:
    return split(text.encode() + b"\n\nx")[0]


@pytest.mark.parametrize(
    ("subject", "title"),
    [
        ("Subject: Conseil de classe", "Conseil de classe"),
        ("Subject: =?utf-8?q?R=C3=A9union?=", "Réunion"),
        ("Subject: =?utf-8?q?a=0D=0ABcc=3A_x=40y?=", "a Bcc: x@y"),
        ("Subject: a\n b\n\tc", "a b c"),
        ("Subject: =?utf-8?b?4oCucGRmLmV4ZQ==?=", "pdf.exe"),
        ("Subject: " + "x" * 9000, "x" * 150),
        ("Subject:", fields.UNTITLED),
        ("To: a@b", fields.UNTITLED),
        ("Subject: =?nonsense?q?x?=", "=?nonsense?q?x?="),
    ],
)
def test_a_title(subject: str, title: str) -> None:
    given = fields.title(head(subject))
    assert given == title
    assert given.isprintable()


@pytest.mark.parametrize(
    ("author", "sender"),
    [
        ("From: Jean Martin <j@example.org>", "Jean Martin <j@example.org>"),
        ("From: j@example.org", "j@example.org"),
        ("From: =?utf-8?q?Zo=C3=A9?= <z@example.org>", "Zoé <z@example.org>"),
        ("From: =?utf-8?q?a=0Ab?= <z@example.org>", "a b <z@example.org>"),
        ("From: a@b.c, d@e.f", fields.UNKNOWN),
        ("From: a@b.c\nFrom: d@e.f", fields.UNKNOWN),
        ("From: nobody", fields.UNKNOWN),
        ("From: " + "(" * 5000, fields.UNKNOWN),
        ("To: x@y", fields.UNKNOWN),
    ],
)
def test_a_sender(author: str, sender: str) -> None:
    assert fields.sender(head(author)) == sender


def test_first_lines_are_few_and_without_quotations() -> None:
    text = b"Subject: x\n\nBonjour,\n\n> hier\nUn  mot\x07.\n" + b"ligne\n" * 50
    assert fields.first_lines(text) == "Bonjour,\nUn mot .\nligne\nligne\nligne"
    assert len(fields.first_lines(b"Subject: x\n\n" + b"y" * 9000)) == fields.LONGEST


def test_first_lines_of_the_part_of_plain_text() -> None:
    parts = (
        b'Content-Type: multipart/mixed; boundary="b"\n\n'
        b"--b\nContent-Type: text/plain\nContent-Disposition: attachment\n\nsecret\n"
        b"--b\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\ncaf=E9\n"
        b"--b--\n"
    )
    assert fields.first_lines(parts) == "café"
    assert fields.first_lines(b"Content-Type: text/html\n\n<b>x</b>") == ""


@pytest.mark.parametrize(
    "raw",
    [
        b"", b"\n\n", b"Content-Type: text/plain; charset=none\n\nx", b"Content-Type: multipart/mixed\n\nx",
        b"Content-Type: text/plain; charset=utf-7\n\n+AAA", b"Content-Transfer-Encoding: base64\n\n%%%",
        b"".join(b'Content-Type: multipart/mixed; boundary="%d"\n\n--%d\n' % (n, n) for n in range(3000)),
        b"Content-Type: message/rfc822\n\n" * 3000,
    ],
)  # fmt: skip
def test_first_lines_of_a_hostile_message(raw: bytes) -> None:
    assert all(line.isprintable() for line in fields.first_lines(raw).split("\n"))
