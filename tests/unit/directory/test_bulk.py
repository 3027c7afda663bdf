"""Additions encoded by hand: the bytes are ldap3's, the answers are read in any pieces."""

import itertools

import pytest
from ldap3.operation.add import add_operation
from ldap3.protocol.rfc4511 import LDAPMessage, MessageID, ProtocolOp
from malleposte.directory import bulk
from malleposte.directory.errors import DirectoryError
from pyasn1.codec.ber import encoder

DN = "uid=zmartin,ou=people,dc=ac-exemple,dc=test"


def ldap3s(number, dn, attributes):
    message = LDAPMessage()
    message["messageID"] = MessageID(number)
    request = add_operation(dn, attributes, auto_encode=False)
    message["protocolOp"] = ProtocolOp().setComponentByName("addRequest", request)
    return encoder.encode(message)


@pytest.mark.parametrize("number", [1, 127, 128, 65536, 2**23, 2**31 - 1])
@pytest.mark.parametrize(
    "attributes",
    [
        {"objectClass": ["inetOrgPerson", "mpAgent"], "cn": ["Zoé Œuvrard-Władysław"]},
        {"description": ["x" * 127], "sn": ["y" * 128], "cn": ["z" * 70_000]},
        {"cn": ["*)(uid=*", "\x00", " ", "\\"]},
    ],
)
def test_the_bytes_are_those_of_ldap3(number, attributes):
    assert bulk.add_request(number, DN, attributes) == ldap3s(number, DN, attributes)


def answered(number: int, code: int = 0, words: str = "", tag: int = 0x69) -> bytes:
    body = bytes((0x0A, 1, code, 4, 0)) + bulk.tlv(4, words.encode())
    return bulk.tlv(0x30, bulk.tlv(2, number.to_bytes(4)), bulk.tlv(tag, body))


class Server:
    """Answers in pieces of any size, the last requests first; `codes` by place."""

    def __init__(self, codes=None, size=7, breaks=0):
        self.codes, self.size, self.breaks = codes or {}, size, breaks
        self.waiting, self.most, self.seen, self.data = [], 0, 0, b""

    def sendall(self, _data):
        self.waiting.append(self.seen)
        self.seen += 1
        self.most = max(self.most, len(self.waiting))

    def recv(self, _size):
        if self.breaks and self.seen >= self.breaks:
            return b""
        if not self.data:
            places, self.waiting = self.waiting[::-1], []
            self.data = b"".join(answered(bulk.FIRST_NUMBER + one, self.codes.get(one, 0), "refusé") for one in places)
        piece, self.data = self.data[: self.size], self.data[self.size :]
        return piece


def entries(count):
    return ((f"uid=a{number},ou=people", {"cn": ["x"]}) for number in range(count))


@pytest.mark.parametrize("size", [1, 7, 100_000])
def test_every_entry_has_its_answer_and_few_are_under_way(size):
    server = Server({3: 68, 150: 19}, size)
    found = {answer.dn: answer for answer in bulk.add_many(server, entries(200))}
    assert len(found) == 200
    assert {dn for dn, answer in found.items() if not answer.done} == {"uid=a3,ou=people", "uid=a150,ou=people"}
    assert (found["uid=a3,ou=people"].code, found["uid=a3,ou=people"].reason) == (68, "refusé")
    assert server.most <= bulk.WINDOW


def test_entries_are_taken_as_they_are_needed():
    taken = itertools.count()
    stream = bulk.add_many(Server(), ((dn, one) for dn, one in entries(1000) if next(taken) >= 0))
    next(stream)
    assert next(taken) <= bulk.WINDOW + 1


def test_a_connection_that_ends_is_an_error_and_no_answer():
    with pytest.raises(DirectoryError, match="closed the connection"):
        list(bulk.add_many(Server(breaks=100), entries(200)))


@pytest.mark.parametrize("message", [answered(0, 52, "away", 0x78), b"\x30\x03\x02\x01\x01", b"\x30\x03abc"])
def test_what_is_no_answer_is_an_error(message):
    with pytest.raises(DirectoryError):
        list(bulk.answers(bytearray(message)))
