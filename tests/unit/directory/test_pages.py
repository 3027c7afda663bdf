"""Pages of a search: requests as ldap3 writes them, entries as slapd sends them, in any pieces."""

import contextlib
import random
import socket
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from ldap3.core.exceptions import LDAPSocketReceiveError
from ldap3.operation.search import search_result_entry_response_to_dict_fast
from ldap3.strategy.base import BaseStrategy
from ldap3.utils.asn1 import decode_message_fast
from malleposte.directory import pages
from malleposte.directory.bulk import tlv
from malleposte.directory.errors import DirectoryError, Refused
from malleposte.directory.ldap import LdapDirectory
from malleposte.directory.pool import Pool
from malleposte.directory.query import AnyOf

NUMBER = 70_000
BASE = "ou=people,dc=ac-exemple,dc=test"


def message(number: int, *parts: bytes) -> bytes:
    return tlv(0x30, tlv(2, number.to_bytes(4)), *parts)


def entry(dn: str, attributes: dict[str, list[bytes]], number: int = NUMBER) -> bytes:
    listed = [
        tlv(0x30, tlv(4, name.encode()), tlv(0x31, *(tlv(4, one) for one in values)))
        for name, values in attributes.items()
    ]
    return message(number, tlv(0x64, tlv(4, dn.encode()), tlv(0x30, *listed)))


def done(code: int = 0, words: str = "", cookie: bytes = b"", number: int = NUMBER) -> bytes:
    control = tlv(0x30, tlv(4, b"1.2.840.113556.1.4.319"), tlv(4, tlv(0x30, tlv(2, b"\0"), tlv(4, cookie))))
    return message(number, tlv(0x65, tlv(10, bytes((code,))), tlv(4), tlv(4, words.encode())), tlv(0xA0, control))


SIZES = (0, 1, 90, 127, 128, 255, 256, 900)


class Link:
    """A socket with what it will answer, in pieces; `asked` is what it was sent."""

    def __init__(self, answer: bytes, size: int = 1 << 16) -> None:
        self.answer, self.size, self.asked = answer, size, b""

    def sendall(self, data: bytes) -> None:
        self.asked += data

    def recv(self, _size: int) -> bytes:
        piece, self.answer = self.answer[: self.size], self.answer[self.size :]
        return piece


def ask(link: Link, cookie: bytes = b"") -> pages.Page:
    server = SimpleNamespace(next_message_id=lambda: NUMBER)
    connection = SimpleNamespace(closed=False, server=server, socket=link)
    return pages.ask(connection, BASE, "(uid=zmartin)", ["uid", "cn"], cookie)


@pytest.mark.parametrize("size", [1, 7, 1 << 16])
def test_entries_are_read_in_any_pieces(size: int) -> None:
    long = ["x" * 127, "y" * 128, "z" * 70_000]
    answer = (
        entry("uid=zmartin,ou=people", {"uid": [b"zmartin"], "cn": ["Zoé Œuvrard".encode()], "mail": []})
        + message(NUMBER, tlv(0x73, tlv(4, b"ldap://ailleurs")))
        + entry("uid=" + "l" * 200, {"description": [one.encode() for one in long], "sn": [b"\xe9t\xe9"]})
        + done(cookie=b"next")
    )
    page = ask(Link(answer, size))
    assert [one.dn for one in page.entries] == ["uid=zmartin,ou=people", "uid=" + "l" * 200]
    assert page.entries[0].attributes == {"uid": ["zmartin"], "cn": ["Zoé Œuvrard"]}
    assert page.entries[1].attributes == {"description": long, "sn": ["�t�"]}
    assert (page.code, page.cookie) == (0, b"next")


def test_entries_are_those_that_ldap3_reads() -> None:
    dice = random.Random(7)
    for _ in range(300):
        attributes = {
            f"a{number}": [dice.randbytes(dice.choice(SIZES)) for _ in range(dice.randint(0, 4))]
            for number in range(dice.randint(0, 9))
        }
        whole = entry("uid=é" * dice.randint(0, 60), attributes)
        raw = search_result_entry_response_to_dict_fast(decode_message_fast(whole)["payload"], None, None, False)
        [read] = ask(Link(whole + done())).entries
        assert read.dn == raw["dn"]
        assert read.attributes == {
            name: [one.decode("utf-8", "replace") for one in values]
            for name, values in raw["raw_attributes"].items()
            if values
        }


def test_the_request_asks_for_a_page_of_what_is_right_below() -> None:
    link = Link(done())
    assert ask(link, b"cookie").entries == []
    decoded = decode_message_fast(link.asked.replace(b"\x63", b"\x64", 1))
    values = [value for _, _, _, value in decoded["payload"]]
    assert (decoded["messageID"], values[:3]) == (NUMBER, [BASE.encode(), 1, 3])
    assert [name for _, _, _, name in values[-1]] == [b"uid", b"cn"]
    assert BaseStrategy.decode_control_fast(decoded["controls"][0][3])[1]["value"] == {
        "size": pages.SIZE, "cookie": b"cookie"
    }  # fmt: skip


@pytest.mark.parametrize(("words", "said"), [("no such branch", "no such branch"), ("", "noSuchObject")])
def test_a_refusal_has_its_code_and_words(words: str, said: str) -> None:
    page = ask(Link(done(32, words)))
    assert (page.code, page.words, page.cookie) == (32, said, b"")


WHOLE = entry("uid=a", {"uid": [b"a"]})


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        WHOLE,
        entry("uid=a", {}, number=NUMBER - 1) + done(),
        message(0, tlv(0x78, tlv(10, b"\x34"), tlv(4), tlv(4, b"away"))),
        message(NUMBER, tlv(0x69, tlv(10, b"\0"), tlv(4), tlv(4))),
        message(NUMBER, tlv(0x64, tlv(4, b"uid=a"), b"\x30\x20\x30\x03\x04\x01u")),
        message(NUMBER, b"\x64"),
        b"\x30\x03abc",
    ],
)
def test_what_is_no_answer_is_an_error(answer: bytes) -> None:
    with pytest.raises(DirectoryError):
        ask(Link(answer))


class Slapd(threading.Thread):
    """Takes one connection and its bind, then answers each request with the next of its answers.

    A client that closes with an answer unread resets the connection.
    """

    def __init__(self, place: Path, *answers: bytes) -> None:
        super().__init__(daemon=True)
        self.answers, self.asked, self.socket = answers, list[bytes](), socket.socket(socket.AF_UNIX)
        self.socket.bind(str(place))
        self.socket.listen()
        self.start()

    def run(self) -> None:
        link, _ = self.socket.accept()
        with self.socket, link, contextlib.suppress(ConnectionError):
            for answer in (b"", *self.answers):
                asked = link.recv(1 << 16)
                if not asked:
                    return
                self.asked.append(asked)
                start = asked.index(b"\x02")
                number = tlv(2, asked[start + 2 : start + 2 + asked[start + 1]].rjust(4, b"\0"))
                bound = tlv(0x30, number, tlv(0x61, tlv(10, b"\0"), tlv(4), tlv(4)))
                link.sendall(answer.replace(tlv(2, NUMBER.to_bytes(4)), number) or bound)
            link.recv(1)


def opened(place: Path) -> LdapDirectory:
    return LdapDirectory(f"ldapi://{place}", "dc=ac-exemple,dc=test", "cn=a", "secret")


def test_a_search_follows_its_pages_and_ends_with_slapds_own_words(tmp_path: Path) -> None:
    Slapd(tmp_path / "ldapi", WHOLE + done(cookie=b"2"), entry("uid=b", {}) + done(), done(50, "not you"))
    with opened(tmp_path / "ldapi") as directory:
        assert [one.dn for one in directory.search("people", ["uid"])] == ["uid=a", "uid=b"]
        with pytest.raises(Refused, match="not you"):
            list(directory.search("people", ["uid"]))


def test_after_an_answer_that_is_not_understood_nothing_more_is_asked(tmp_path: Path) -> None:
    foreign = entry("uid=c", {}, number=1)
    Slapd(tmp_path / "ldapi", foreign + done(), WHOLE + done())
    with opened(tmp_path / "ldapi") as directory:
        for _ in range(2):
            with pytest.raises(DirectoryError, match="does not answer a search"):
                list(directory.search("people", ["uid"]))


def test_a_question_that_cannot_be_asked_leaves_the_connection_open(tmp_path: Path) -> None:
    Slapd(tmp_path / "ldapi", WHOLE + done())
    with opened(tmp_path / "ldapi") as directory:
        with pytest.raises(DirectoryError, match="is not asked"):
            list(directory.search("people", ["uid"], AnyOf(())))
        assert [one.dn for one in directory.search("people", ["uid"])] == ["uid=a"]


def test_a_search_within_another_leaves_the_pages_of_that_one(tmp_path: Path) -> None:
    slapd = Slapd(tmp_path / "ldapi", WHOLE + done(cookie=b"2"), WHOLE + done(), entry("uid=b", {}) + done(), done())
    with opened(tmp_path / "ldapi") as directory:
        outer = directory.search("people", ["uid"])
        read = [next(outer)]
        assert [one.dn for one in directory.search("people", ["uid"], {"uid": "a"})] == ["uid=a"]
        assert [one.dn for one in (*read, *outer)] == ["uid=a", "uid=b"]
        assert list(directory.search("people", ["uid"])) == []
    assert [b"1.2.840.113556.1.4.319" in asked for asked in slapd.asked[1:]] == [True, False, True, True]


def test_a_search_that_is_given_up_leaves_the_next_one_its_pages(tmp_path: Path) -> None:
    slapd = Slapd(tmp_path / "ldapi", WHOLE + done(cookie=b"2"), WHOLE + done())
    with opened(tmp_path / "ldapi") as directory:
        assert any(True for _ in directory.search("people", ["uid"]))
        assert len(list(directory.search("people", ["uid"]))) == 1
    assert [b"1.2.840.113556.1.4.319" in asked for asked in slapd.asked[1:]] == [True, True]


def test_a_change_without_an_answer_leaves_a_connection_that_is_not_used_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Slapd(tmp_path / "ldapi")

    def silent(*_words: object, **_more: object) -> None:
        raise LDAPSocketReceiveError("timed out")

    pool = Pool(lambda: opened(tmp_path / "ldapi"))
    with pool.directory() as directory:
        assert directory.fileno() >= 0
        monkeypatch.setattr(directory._connection, "modify", silent)
        with pytest.raises(DirectoryError, match="does not answer for uid=a"):
            directory.modify("uid=a", {"cn": ["a"]})
        assert directory.fileno() == -1
    assert pool._idle.take() is None
