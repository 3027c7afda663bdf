"""A message as it leaves: recipients, what stays behind, what does not go."""

import time

import pytest
from malleposte.accounts.mailbox.later import letter
from malleposte.accounts.mailbox.later.letter import WaitsError
from malleposte.accounts.mailbox.later.model import Reason

IDENT = "<later.1@ac-exemple.test>"
HEAD = "From: Marie Dupond <marie.dupond@ac-exemple.test>\n"


def prepared(text: str) -> letter.Letter:
    return letter.prepared(text.encode(), IDENT, 0.0)


def reason(text: str) -> Reason:
    with pytest.raises(WaitsError) as error:
        prepared(text)
    return error.value.reason


def test_all_recipients_get_it_and_the_hidden_ones_are_in_no_header() -> None:
    one = prepared(
        HEAD + 'To: "Un, Deux" <un@example.org>,\n <deux@example.org>\nCc: equipe: trois@example.org, un@example.org;\n'
        "Bcc: cache@example.org\nbcc : autre@example.org\nSubject: x\nX-Malleposte-Send-At: +10\nFcc: imap://x\n"
        "X-Mozilla-Draft-Info: internal/draft\nX-Mine: stays\nDate: Mon, 1 Jan 2024 00:00:00 +0000\n"
        "Message-ID: <a@b>\n\nBcc: of the text\n"
    )
    assert one.sender == "marie.dupond@ac-exemple.test"
    assert one.recipients == tuple(f"{name}@example.org" for name in ("un", "deux", "trois", "cache", "autre"))
    head, _empty, body = one.text.partition(b"\r\n\r\n")
    assert body == b"Bcc: of the text\r\n" and b"\nX-Mine: stays" in head
    for name in (b"cache", b"autre", b"send-at", b"mozilla", b"fcc", b"2024", b"<a@b>"):
        assert name not in head.lower()
    assert head.count(b"Message-ID: " + IDENT.encode()) == 1 and head.count(b"Date: ") == 1
    assert b"\n" not in one.text.replace(b"\r\n", b"")


def test_a_message_to_hidden_recipients_alone_leaves() -> None:
    one = prepared(HEAD + "Bcc: cache@example.org\n\nx")
    assert one.recipients == ("cache@example.org",) and b"cache" not in one.text


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("", Reason.RECIPIENTS),
        ("To: undisclosed-recipients:;\n", Reason.RECIPIENTS),
        ("To: un@example.org, personne\n", Reason.RECIPIENTS),
        ("To: un@example.org <deux@example.org\n", Reason.RECIPIENTS),
        ('To: eve@example.org, <un@example.org>, "x" y@example.org <z@example.org>\n', Reason.RECIPIENTS),
        ("From: autre@example.org\nTo: un@example.org\n", Reason.AUTHOR),
        ("To: un@example.org\nReceived: from x by y; Mon, 1 Jan 2024 00:00:00 +0000\n", Reason.RECEIVED),
        ("To: un@example.org\nResent-To: deux@example.org\n", Reason.RECEIVED),
        ("To: un@example.org\nno field\n", Reason.BROKEN),
        ("To: " + ", ".join(f"p{n}@example.org" for n in range(1001)) + "\n", Reason.CROWD),
        ("X-Long: " + "x" * 200_000 + "\nTo: un@example.org\n", Reason.CROWD),
    ],
)
def test_what_does_not_go_says_why(more: str, why: Reason) -> None:
    assert reason(HEAD + more + "\nx") == why
    assert prepared(HEAD + "To: un@example.org\n\nx").recipients == ("un@example.org",)


@pytest.mark.parametrize("line", ["From: a@example.org, b@example.org\n", "", "From: personne\n", "From: <>\n"])
def test_one_author_sends(line: str) -> None:
    assert reason(line + "To: un@example.org\n\nx") in (Reason.AUTHOR, Reason.RECIPIENTS)


def test_the_longest_header_is_read_in_little_time() -> None:
    begin = time.process_time()
    for filler in ("(" * 90_000, "<" * 90_000, '"' * 90_000, ", " * 45_000, "a:" * 45_000, "@" * 90_000):
        with pytest.raises(WaitsError):
            prepared(f"{HEAD}To: {filler}\n\nx")
    assert time.process_time() - begin < 20


def test_digests_do_not_depend_on_the_ends_of_lines() -> None:
    assert letter.digest(b"a\r\nb\r\n") == letter.digest(b"a\nb\n") != letter.digest(b"a\nb")


@pytest.mark.parametrize(
    ("text", "ident"),
    [("Message-ID: <a@b>\n", "<a@b>"), ("message-id:\n <a@b>\n", "<a@b>"), ("", ""), ("Message-ID: a b\n", ""),
     ("Message-ID: <a@b>\nMessage-ID: <c@d>\n", ""), (f"Message-ID: <{'a' * 300}@b>\n", "")],
)  # fmt: skip
def test_the_message_id_that_can_be_looked_for(text: str, ident: str) -> None:
    assert letter.ident(letter.split(text.encode() + b"\n")[0]) == ident


def test_the_subject_as_a_person_reads_it() -> None:
    fields, _body = letter.split(b"Subject: =?utf-8?q?R=C3=A9union?=\n de lundi\n\n")
    assert letter.subject(fields) == "Réunion de lundi"
