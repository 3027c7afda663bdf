"""The milter protocol: packets, what is agreed on, and one session of the mail server."""

import struct

import pytest
from malleposte.daemons.guard import milter
from malleposte.daemons.guard.main import BETWEEN, WITHIN, Session
from malleposte.daemons.guard.scanner import Bounds

from tests.stack.support import hostile

EVERYTHING = struct.pack("!III", 6, 0x1FF, 0x1FFFFF)
CONTINUE = milter.packet(milter.CONTINUE)


def test_packets_come_as_they_were_sent() -> None:
    sent = milter.packet(b"B", b"abc") + milter.packet(b"E")
    assert milter.Packets().add(sent) == [(b"B", b"abc"), (b"E", b"")]
    for cut in range(len(sent)):
        packets = milter.Packets()
        assert packets.add(sent[:cut]) + packets.add(sent[cut:]) == [(b"B", b"abc"), (b"E", b"")]
    packets = milter.Packets()
    one_by_one = [packets.add(sent[at : at + 1]) for at in range(len(sent))]
    assert [command for piece in one_by_one for command in piece] == [(b"B", b"abc"), (b"E", b"")]


@pytest.mark.parametrize("size", [0, milter.LARGEST + 1, 0xFFFFFFFF])
def test_a_packet_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(milter.ProtocolError, match="octets"):
        milter.Packets().add(struct.pack("!I", size) + b"B")


def test_only_headers_and_body_are_asked_for() -> None:
    answer, agreed = milter.negotiated(EVERYTHING)
    version, actions, steps = struct.unpack("!III", answer[5:])
    assert (answer[4:5], version, actions, steps) == (b"O", 6, 0, agreed)
    assert steps & milter.NO_ENVELOPE == milter.NO_ENVELOPE and steps & milter.NO_ANSWER_TO_HEADERS
    # Headers and body come.
    assert not steps & (0x10 | 0x20)


def test_an_older_mail_server_gets_no_more_than_it_offers() -> None:
    answer, agreed = milter.negotiated(struct.pack("!III", 2, 0x1F, 0x7F))
    assert struct.unpack("!III", answer[5:])[0] == 2 and not agreed & milter.NO_ANSWER_TO_HEADERS
    with pytest.raises(milter.ProtocolError):
        milter.negotiated(b"short")


def session(offer: bytes = EVERYTHING, bounds: Bounds | None = None) -> Session:
    made = Session(bounds or Bounds())
    assert made.answer(milter.NEGOTIATE, offer)[4:5] == b"O"
    return made


def sent(one: Session, body: bytes, header: bytes = b"text/plain") -> bytes:
    """The last answer to a message, where it does not go on before."""
    assert one.answer(milter.MACROS, b"Li\x004abcDEF\x00") == b""
    assert one.answer(milter.HEADER, b"Content-Type\0 " + header + b"\0") == b""
    for at in range(0, len(body), milter.PIECE):
        assert one.answer(milter.BODY, body[at : at + milter.PIECE]) == b""
    return one.answer(milter.END, b"")


def test_a_letter_passes_and_a_chain_is_refused_in_one_session() -> None:
    one = session()
    assert sent(one, b"Bonjour\r\n") == CONTINUE
    refused = sent(one, hostile.chain(), b"message/rfc822")
    assert refused[4:].startswith(b"y554 5.6.0 Message refuse") and refused.endswith(b"\0")
    assert refused.isascii() and b"\n" not in refused[5:] and b"%" not in refused
    assert one.answer(milter.ABORT, b"") == b""
    assert sent(one, b"Bonjour\r\n") == CONTINUE


def test_too_many_fields_are_refused_where_the_next_answer_is_due() -> None:
    one = session(bounds=Bounds(fields=10))
    for _ in range(20):
        assert one.answer(milter.HEADER, b"X-An\0b\0") == b""
    assert b"more than 10 header fields" in one.answer(milter.END, b"")
    assert one.answer(milter.END, b"") == CONTINUE


def test_each_field_is_answered_where_the_mail_server_waits_for_it() -> None:
    one = session(struct.pack("!III", 6, 0, 0x7F), Bounds(fields=2))
    assert [one.answer(milter.HEADER, b"X-An\0b\0") for _ in range(2)] == [CONTINUE, CONTINUE]
    assert one.answer(milter.HEADER, b"X-An\0b\0")[4:5] == b"y"


def test_each_piece_is_answered_where_the_mail_server_waits_for_it() -> None:
    one = session(struct.pack("!III", 6, 0, 0x7F | milter.NO_ANSWER_TO_HEADERS))
    one.answer(milter.HEADER, b"Content-Type\0message/rfc822\0")
    assert one.answer(milter.BODY, hostile.chain(many=100)) == CONTINUE
    assert one.answer(milter.BODY, hostile.chain(many=300))[4:5] == b"y"


def test_what_is_no_field_is_no_message() -> None:
    with pytest.raises(milter.ProtocolError):
        session().answer(milter.HEADER, b"X-An\0b")


def test_the_last_octets_may_come_with_the_end() -> None:
    one = session()
    one.answer(milter.HEADER, b"Content-Type\0message/rfc822\0")
    assert one.answer(milter.END, hostile.chain(many=300))[4:5] == b"y"


def test_a_session_may_wait_between_messages_and_not_within_one() -> None:
    one = session()
    assert one.patience == BETWEEN
    one.answer(milter.HEADER, b"X-An\0b\0")
    assert one.patience == WITHIN
    one.answer(milter.END, b"")
    assert one.patience == BETWEEN
