"""The counts of the guard, and that nothing hides from them."""

import base64
import contextlib
import email.message
import email.policy
import itertools
import os
import sys
from collections.abc import Callable
from types import FrameType

import pytest
from malleposte.daemons.guard.scanner import Bounds, Excess, Scanner

from tests.stack.support import hostile, regressions

TOP = b"From: a@lointain.test\r\nMessage-ID: <a@lointain.test>\r\nMIME-Version: 1.0\r\n"
PIECE = 65_535


def scanned(message: bytes, bounds: Bounds | None = None, piece: int = PIECE) -> Scanner:
    """The scanner of a message that is whole, in pieces of so many octets. Raises Excess."""
    scanner = Scanner(bounds or Bounds())
    head, _, body = message.partition(b"\r\n\r\n")
    for field in head.replace(b"\r\n ", b"\n ").split(b"\r\n"):
        name, _, value = field.partition(b":")
        scanner.field(name, value)
    scanner.end_of_header()
    for at in range(0, len(body), piece):
        scanner.body(body[at : at + piece])
    scanner.end()
    return scanner


@pytest.mark.parametrize("rest", hostile.chains().values(), ids=hostile.chains())
@pytest.mark.parametrize("piece", [PIECE, 1000])
def test_what_would_keep_the_filter_busy_is_refused(rest: bytes, piece: int) -> None:
    with pytest.raises(Excess):
        scanned(TOP + rest, piece=piece)


def letter(text: str = "Bonjour à tous, voici le message.\n" * 30) -> email.message.EmailMessage:
    """A letter in text and in HTML."""
    made = email.message.EmailMessage(policy=email.policy.SMTP)
    made["From"], made["To"], made["Subject"] = "a@lointain.test", "b@lointain.test", "Message: à lire"
    made["Message-ID"] = "<1@lointain.test>"
    made.set_content(text, cte="quoted-printable")
    made.add_alternative(f"<p>{text}</p>", subtype="html")
    return made


def forwards(number: int, octets: int) -> bytes:
    """A letter with so many others attached, each with an attachment."""
    made = letter()
    for count in range(number):
        other = letter()
        other.add_attachment(os.urandom(octets), "application", "pdf", filename=f"{count}.pdf")
        made.add_attachment(other)
    return made.as_bytes()


def digest(number: int) -> bytes:
    """Many letters in one, without headers of their parts but the letters' own."""
    body = b"".join(b"--zz\r\n\r\n" + letter().as_bytes() + b"\r\n" for _ in range(number))
    return TOP + b"Content-Type: multipart/digest; boundary=zz\r\n\r\n" + body + b"--zz--\r\n"


def attachments(number: int, octets: int) -> bytes:
    made = letter()
    for count in range(number):
        made.add_attachment(os.urandom(octets), "image", "jpeg", filename=f"{count}.jpg")
    return made.as_bytes()


SIGNED = hostile.P7 + hostile.BASE64 + b"\r\n"
HONEST: dict[str, Callable[[], bytes]] = {
    "letter": lambda: letter().as_bytes(),
    "40 forwards": lambda: forwards(40, 100_000),
    "forward of a large letter": lambda: forwards(1, 9_000_000),
    "digest": lambda: digest(100),
    "300 attachments": lambda: attachments(300, 1000),
    "large attachment": lambda: attachments(1, 6_000_000),
    "dump of a database as the text": lambda: TOP + b"Content-Type: text/plain\r\n\r\n" + b"-- message: 1\r\n" * 50_000,
    "dump of a database attached": lambda: hostile.part(b"Content-Type: text/plain\r\n", b"-- x: y\r\n" * 5000),
    "calendar attached": lambda: hostile.part(b"Content-Type: text/calendar\r\n", b"SUMMARY:message\r\n" * 50_000),
    "many folds": lambda: TOP + b"X-Long:" + b"\r\n a: b" * 12_000 + b"\r\n\r\nx\r\n",
    "encrypted": lambda: (
        TOP + SIGNED + hostile.lines(base64.b64encode(hostile.pkcs7(os.urandom(900_000), hostile.ENVELOPED_DATA)))
    ),
    "signed in one block": lambda: (
        TOP + SIGNED + hostile.lines(base64.b64encode(hostile.pkcs7(hostile.der(4, b"x" * 60_000))))
    ),
    "one long line": lambda: TOP + hostile.MIXED + b"x" * 3_000_000,
}
"""Made by the test of each: large ones need a second."""


@pytest.mark.parametrize("name", HONEST)
def test_honest_mail_passes(name: str) -> None:
    message = HONEST[name]()
    scanned(message if message.startswith(TOP) or b"MIME-Version" in message else TOP + message)


@pytest.mark.parametrize("rest", regressions.messages().values(), ids=regressions.messages())
def test_what_the_filter_must_bear_by_itself_passes(rest: bytes) -> None:
    """Tests of the deployed filter send it these (tests/stack/exclusive/mail/test_hostile.py)."""
    scanned(TOP + rest)


@pytest.mark.parametrize("rest", [hostile.chain(many=249), hostile.MIXED + b"--zz\r\n\r\nx\r\n" * 9999])
@pytest.mark.parametrize("piece", [1, 3, 100, PIECE])
def test_pieces_change_no_count(rest: bytes, piece: int) -> None:
    scanner = scanned(TOP + rest, piece=piece)
    assert (scanner.levels, scanner.boundaries) in [(249, 0), (0, 9999)]


def test_the_one_too_many_is_refused() -> None:
    with pytest.raises(Excess, match="more than 250 messages"):
        scanned(TOP + hostile.chain(many=252))
    assert scanned(TOP + hostile.chain(many=250)).levels == 250


def test_levels_are_dear_in_a_large_message() -> None:
    many = hostile.chain(many=40)
    scanned(TOP + many + b"x" * 30_000_000)
    with pytest.raises(Excess, match="40 messages in a message of"):
        scanned(TOP + many + b"x" * 40_000_000)


def test_every_cut_of_a_form_is_seen() -> None:
    """Wherever a piece ends within it."""
    form = b"Content-Type:\r\n (c)\r\n\tmessage/rfc822\r\n\r\n"
    for cut in range(1, len(form)):
        scanner = Scanner(Bounds())
        scanner.field(b"Content-Type", b" message/rfc822")
        scanner.end_of_header()
        for piece in (form[:cut], form[cut:] + b"x\r\n"):
            scanner.body(piece)
        scanner.end()
        assert scanner.levels == 2, cut


WORST = {
    "types": b"content-type",
    "types and lines": b"content-type\n ",
    "dashes": b"\n--",
    "nearly types": b"content-tycontent-typ",
    "line ends": b"\r\n",
    "bare CR": b"\r",
    "colons": b":\n",
    "blanks": b"\n \n",
    "words": b"message",
}


@pytest.mark.parametrize("unit", WORST.values(), ids=WORST)
def test_no_octets_make_many_steps(unit: bytes) -> None:
    """Steps of Python, not time. Each of them goes forward: tests/bench/guard.py measures that the time does too."""
    message = TOP + hostile.LEVEL + unit * (300_000 // len(unit)) + b"\r\n"
    steps = 0

    def count(_frame: FrameType, _event: str, _argument: object) -> None:
        nonlocal steps
        steps += 1

    sys.setprofile(count)
    try:
        with contextlib.suppress(Excess):
            scanned(message)
    finally:
        sys.setprofile(None)
    # A piece may hold what is refused at its end.
    assert steps < len(message) / 5


def test_forms_of_signed_data_are_found_wherever_they_begin() -> None:
    for before, kind in itertools.product(range(6), (hostile.SIGNED_DATA, hostile.ENVELOPED_DATA)):
        digits = base64.b64encode(b"x" * before + hostile.pkcs7(b"y" * 90_000, kind))
        message = TOP + SIGNED + hostile.lines(digits)
        if kind is hostile.ENVELOPED_DATA:
            scanned(message, Bounds(hidden=1000))
        else:
            with pytest.raises(Excess, match="signed in one block"):
                scanned(message, Bounds(hidden=1000))
