"""Letters of programs: their headers, and the ways to the mail server."""

from __future__ import annotations

import datetime
import email
import email.policy
import smtplib
from email.headerregistry import Address
from email.message import EmailMessage
from typing import Any

import pytest
from malleposte.platform import letters

NOW = datetime.datetime(2026, 11, 24, 3, 0, tzinfo=datetime.UTC)
SENDER = Address("académie d’Exemple", addr_spec="postmaster@ac-exemple.test")


def letter(**changes: Any) -> EmailMessage:
    given: dict[str, Any] = {"sender": SENDER, "to": "marie@ac-exemple.test", "now": NOW} | changes
    return letters.compose("Rappel à l’agent", "Bonjour, à demain.\n--\n\nHello.\n", **given)


def read(one: EmailMessage) -> Any:
    """Return a letter as a mail program reads what is sent."""
    return email.message_from_bytes(one.as_bytes(), policy=email.policy.default)


def text(one: EmailMessage) -> str:
    """Return its text as it is shown."""
    return str(one.get_content()).replace("\r\n", "\n")


def test_its_headers_are_those_of_an_automatic_letter_in_two_languages() -> None:
    one = read(letter(reply_to="assistance@ac-exemple.test"))
    assert one["From"] == "académie d’Exemple <postmaster@ac-exemple.test>"
    assert (one["To"], one["Reply-To"]) == ("marie@ac-exemple.test", "assistance@ac-exemple.test")
    assert (one["Subject"], one["Date"].datetime) == ("Rappel à l’agent", NOW)
    assert (one["Auto-Submitted"], one["X-Auto-Response-Suppress"]) == ("auto-generated", "All")
    assert (one["Content-Language"], one["Content-Transfer-Encoding"]) == ("fr, en", "quoted-printable")
    assert one["Message-ID"].endswith("@ac-exemple.test>") and text(one) == "Bonjour, à demain.\n--\n\nHello.\n"
    assert letter().as_bytes().isascii() and "Reply-To" not in letter()
    assert letter()["Message-ID"] != letter()["Message-ID"]


def test_a_second_part_leaves_the_languages_with_the_text() -> None:
    one = letter()
    one.add_attachment(b"x", maintype="application", subtype="octet-stream", filename="message.eml")
    first, _message = read(one).iter_parts()
    assert first["Content-Language"] == "fr, en" and read(one)["Auto-Submitted"] == "auto-generated"


def test_an_agent_known_by_the_uid_alone_is_in_no_header_as_an_address() -> None:
    one = read(letters.of_service("postmaster@ac-exemple.test", "mdupond", "Boîte pleine", "Bonjour\n", "Hello\n"))
    assert (one["To"], one["To"].addresses) == ("mdupond:;", ())
    assert text(one) == "Bonjour\n\n--\n\nHello\n"


@pytest.mark.parametrize("field", ["sender", "to", "reply_to"])
def test_a_line_end_makes_no_header(field: str) -> None:
    with pytest.raises(ValueError, match=r"linefeed|CR or LF"):
        letter(**{field: "marie@ac-exemple.test\r\nBcc: autre@exemple.test"})


def test_it_is_handed_over_without_a_sender_to_answer_to(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions = list[Any]()

    class Session:
        def __init__(self, host: str, port: int, timeout: float) -> None:
            sessions.append((host, port, timeout))

        def __enter__(self) -> Session:
            return self

        def __exit__(self, *_what: object) -> None: ...

        def send_message(self, message: EmailMessage, from_addr: str, to_addrs: list[str]) -> None:
            sessions.append((message["Subject"], from_addr, to_addrs))

    monkeypatch.setattr(smtplib, "SMTP", Session)
    letters.hand_over(letters.server_of("mail1.ac-exemple.test:10028"), letter(), iter(["a@x.test", "b@x.test"]), 20)
    assert sessions == [
        ("mail1.ac-exemple.test", 10028, 20),
        ("Rappel à l’agent", "", ["a@x.test", "b@x.test"]),
    ]


def test_a_server_that_refuses_is_an_error_of_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(OSError, match=r"refused|Connect"):
        letters.hand_over(("127.0.0.1", 9), letter(), ["a@x.test"])
    with pytest.raises(ValueError, match="invalid literal"):
        letters.server_of("mail1")
