"""Attacks for the faults that Dovecot 2.4 mended (Debian's deb13u7): it goes on, and works for seconds at most."""

import contextlib
import imaplib
import socket
import zlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from malleposte.probe.walker import wire
from malleposte.probe.walker.sieve import ManageSieve, SieveError

from tests.bench import cost
from tests.stack.support.mail import FOREIGN, Mail, compose, token

pytestmark = pytest.mark.full
MOST = 8.0
"""Seconds of processor for one attack, several times what the dearest took."""
MAIN = "systemctl show -P MainPID dovecot"
CRASHES = "journalctl -u dovecot --since @{since} | grep -cE 'Panic|killed with signal|core dumped' || true"
BROKEN = (imaplib.IMAP4.error, OSError, SieveError)
"""A refused attack ends in one of these."""


@pytest.fixture(autouse=True)
def unharmed(site: Any) -> Iterator[None]:
    """Dovecot is the same process afterwards, none of its processes has crashed, and they have worked for seconds."""
    since, main = site.run("mail1", "date +%s").strip(), site.run("mail1", MAIN)
    before = cost.of(site, "mail1")["dovecot.service"]
    yield
    used = (cost.of(site, "mail1")["dovecot.service"] - before) / 1e6
    assert site.run("mail1", CRASHES.format(since=since)).strip() == "0"
    assert site.run("mail1", MAIN) == main
    assert used < MOST, f"{used:.1f} s"


@pytest.fixture
def folder(mail: Any) -> Iterator[str]:
    """A folder of probe1's, gone afterwards."""
    name = f"attaque-{token()}"
    session = mail.imap("probe1")
    session.create(name)
    yield name
    mail.imap("probe1").delete(name)


def filled(mail: Any, folder: str, *messages: bytes) -> imaplib.IMAP4:
    """A session that has selected the folder, with these messages in it."""
    session: imaplib.IMAP4 = mail.imap("probe1")
    for one in messages:
        session.append(folder, "", "", one)
    session.select(folder)
    return session


def listing(mail: Any, _folder: str) -> None:
    """LIST with many wildcards (CVE-2026-33607), of a name that nearly matches."""
    session = mail.imap("probe1")
    name = "a" * 200
    session.create(name)
    try:
        for pattern in ("*a" * 100 + "b", "%a" * 100 + "b", "*" * 4000):
            with contextlib.suppress(imaplib.IMAP4.error):
                session.list('""', pattern)
    finally:
        session.delete(name)


def threads(mail: Any, folder: str) -> None:
    """THREAD over references that go in circles (-40014, -40017)."""
    ids = [f"<{number}.{folder}@a.test>" for number in range(120)]
    made = [
        compose("a@a.test", "b@a.test", "Re: x", Message_ID_="x").replace(
            b"Message-ID_: x", f"References: {' '.join(ids[number:] + ids[:number])}".encode()
        )
        for number in range(60)
    ]
    session = filled(mail, folder, *made)
    for way in ("REFERENCES", "REFS", "ORDEREDSUBJECT"):
        with contextlib.suppress(imaplib.IMAP4.error):
            session.thread(way, "UTF-8", "ALL")


def parameters(mail: Any, folder: str) -> None:
    """Thousands of parameters by RFC 2231 in a stored message (-27859)."""
    long = b"".join(b";\r\n a*%d*=%%41" % number for number in range(9000))
    session = filled(
        mail,
        folder,
        b"Content-Type: text/plain" + long + b"\r\nContent-Disposition: attachment" + long + b"\r\n\r\nx\r\n",
    )
    for what in ("(BODYSTRUCTURE)", "(ENVELOPE BODY)", "(BODY.PEEK[1.MIME])"):
        session.fetch("1", what)


def names_of_files(mail: Any, folder: str) -> None:
    """SEARCH for the end of a file's name by a key longer than the name."""
    session = filled(
        mail,
        folder,
        b'Content-Type: text/plain; name="a"\r\nContent-Disposition: attachment; filename="a"\r\n\r\nx\r\n',
    )
    for key in ("b" * 2000, "a", ""):
        with contextlib.suppress(imaplib.IMAP4.error):
            session.search(None, f'MIMEPART (FILENAME ENDS "{key}")')


def parentheses(mail: Any, _folder: str) -> None:
    """Many parentheses, before and after the log-in (-27857)."""
    for session in (mail.imap("probe1"), None):
        with wire.open_imap(mail.plan) if session is None else contextlib.nullcontext(session) as opened:
            for command in (b"a1 SEARCH ", b"a2 LOGIN ", b"a3 ID "):
                with contextlib.suppress(*BROKEN):
                    opened.send(command + b"(" * 6000 + b")" * 6000 + b"\r\n")
                    opened.readline()


def names_before_log_in(mail: Any, _folder: str) -> None:
    """ID before the log-in, with many fields and long ones (-42391)."""
    with wire.open_imap(mail.plan) as session:
        for fields in (
            " ".join(f'"k{number}" "v"' for number in range(3000)),
            f'"k" "{"v" * 60_000}"',
            '"k" NIL ' * 2000,
        ):
            with contextlib.suppress(*BROKEN):
                session.send(f"a1 ID ({fields})\r\n".encode())
                session.readline()


def compressed(mail: Any, _folder: str) -> None:
    """A hundred MB of blanks in a hundred kB (-73209, -52687), after the log-in."""
    session = mail.imap("probe1")
    with contextlib.suppress(*BROKEN):
        if session.xatom("COMPRESS", "DEFLATE")[0] != "OK":
            return
        packer = zlib.compressobj(9, zlib.DEFLATED, -15)
        session.send(packer.compress(b"a1 NOOP" + b" " * 100_000_000 + b"\r\n") + packer.flush(zlib.Z_SYNC_FLUSH))
        session.send(packer.compress(b"\xff" * 1000) + packer.flush() + b"\xff" * 1000)
        session.readline()


def filters_before_log_in(mail: Any, _folder: str) -> None:
    """ManageSieve before the log-in, in the clear and by TLS: large literals, quotes without end, brackets (-33605)."""
    large = b"x" * 200_000
    for said in (b'AUTHENTICATE "PLAIN" {1000000000+}\r\n' + large, b'AUTHENTICATE "' + large, b"(" * 20_000 + b"\r\n"):
        for by_tls in (False, True):
            link = wire.connect(mail.plan, mail.plan.mail, "sieve")
            session = ManageSieve(link)
            try:
                if by_tls:
                    session.starttls(wire.context(mail.plan), mail.plan.mail)
                session.link.sendall(said)
                session.link.shutdown(socket.SHUT_WR)
                session.link.recv(4096)
            except BROKEN:
                pass
            finally:
                session.stream.close()
                session.link.close()
                link.close()


ATTACKS: tuple[Callable[[Mail, str], None], ...] = (
    listing,
    threads,
    parameters,
    names_of_files,
    parentheses,
    names_before_log_in,
    compressed,
    filters_before_log_in,
)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda one: one.__name__)
def test_dovecot_goes_on(mail: Any, folder: str, attack: Callable[[Any, str], None]) -> None:
    attack(mail, folder)
    assert mail.imap("probe1").select("INBOX")[0] == "OK"


def test_a_filter_that_matches_for_long_is_ended(mail: Any, people: Any) -> None:
    """Sieve's `:matches` with many wildcards (-40016)."""
    who, subject = people.agent(), token()
    filters = mail.sieve(who)
    pattern = "*a" * 60 + "b"
    test = f'header :matches "subject" "{pattern}"'
    filters.put("attaque", f"if anyof ({', '.join([test] * 20)}) {{ discard; }}\r\n")
    filters.activate("attaque")
    for one in ("a" * 900, subject):
        mail.foreign(f"probe@{FOREIGN}", who.mail, compose(f"probe@{FOREIGN}", who.mail, one))
    assert mail.arrived(who, subject)
