"""A message of absurdly many parts is refused on its way in, and harmless in a mailbox."""

import email
import email.policy
import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from malleposte.platform import mailstore

from tests.stack.support.mail import FOREIGN, compose, many_parts, token, wait_for
from tests.stack.support.webmail import Webmail

MOST = 1000
"""Parts that a message may have, the one that holds them included."""
SHARE = 15
"""Processes of PHP that one account holds at most, half of all."""
OPENS = 22
SESSIONS = 4
TABS = 6
"""Pages that a colleague opens at once, with room to spare: a process that has answered is free a moment later."""
LARGE = 20_000_000  # bytes
CROWD = 10
"""Accounts in one network; together they may hold OF_A_NETWORK processes, four fifths of all."""
OF_A_NETWORK = 24
PAGE = 60
"""Seconds that a page may take."""
DEPTH = 25
"""Parts that may lie one within the other, the message included."""
HEADER = 256 * 1024
"""Bytes of a header."""


def nested(sender: str, recipient: str, subject: str, depth: int) -> bytes:
    """A line of text within multiparts within one another, so many levels in all."""
    text = compose(sender, recipient, subject).decode()
    head, _, _ = text.partition("\r\n\r\n")
    lines = [line for line in head.split("\r\n") if not line.lower().startswith(("content-", "mime-version"))]
    body = "Content-Type: text/plain\r\n\r\nx\r\n"
    for level in range(depth - 1, 0, -1):
        body = f"Content-Type: multipart/mixed; boundary=b{level}x\r\n\r\n--b{level}x\r\n{body}\r\n--b{level}x--\r\n"
    return ("\r\n".join([*lines, "MIME-Version: 1.0", body])).encode()


def long_headed(sender: str, recipient: str, subject: str, size: int, *, inside: bool) -> bytes:
    """A message with a header of about so many bytes: its own, or that of a part of it."""
    more = "".join(f"X-Long-{number}: {'a' * 900}\r\n" for number in range(size // 914))
    part = "--b\r\n{}Content-Type: text/plain\r\n\r\nx\r\n--b--\r\n"
    head = compose(sender, recipient, subject).decode().partition("\r\n\r\n")[0].split("\r\n")
    head = [line for line in head if not line.lower().startswith(("content-", "mime-version"))]
    top = "\r\n".join([*head, "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b", ""])
    return f"{top}{'' if inside else more}\r\n{part.format(more if inside else '')}".encode()


@pytest.fixture
def visit(site: Any, web: Any, platform: Any) -> Callable[[Any], Webmail]:
    """A session of the webmail."""

    def enter(account: Any) -> Webmail:
        visitor = Webmail(site, web)
        assert visitor.login(account.uid, account.password)
        return visitor

    return enter


def test_too_many_parts_are_refused_from_outside_and_from_inside(mail: Any, people: Any) -> None:
    who, stranger, subject = people.agent(), f"probe@{FOREIGN}", token()
    for refused in (
        mail.submit(who, who.mail, who.mail, many_parts(who.mail, who.mail, token(), MOST + 1)),
        mail.stranger(stranger, who.mail, many_parts(stranger, who.mail, token(), MOST + 1)),
    ):
        assert (refused.step, refused.code) == ("DATA", 554), refused
        assert f"{MOST + 1} parties" in refused.text
    assert mail.submit(who, who.mail, who.mail, many_parts(who.mail, who.mail, token(), MOST)).accepted
    mail.foreign(stranger, who.mail, many_parts(stranger, who.mail, subject, MOST))
    assert mail.arrived(who, subject)


def test_parts_within_parts_are_refused_beyond_a_depth(mail: Any, people: Any) -> None:
    who, stranger, subject = people.agent(), f"probe@{FOREIGN}", token()
    for depth in (DEPTH + 1, 60):
        for refused in (
            mail.submit(who, who.mail, who.mail, nested(who.mail, who.mail, token(), depth)),
            mail.stranger(stranger, who.mail, nested(stranger, who.mail, token(), depth)),
        ):
            assert (refused.step, refused.code) == ("DATA", 554), (depth, refused)
            assert f"{DEPTH} au plus" in refused.text
    assert mail.submit(who, who.mail, who.mail, nested(who.mail, who.mail, token(), DEPTH)).accepted
    mail.foreign(stranger, who.mail, nested(stranger, who.mail, subject, DEPTH))
    assert mail.arrived(who, subject)


@pytest.mark.parametrize("inside", [False, True])
def test_a_header_is_refused_beyond_a_size(mail: Any, people: Any, inside: bool) -> None:
    who, stranger, subject = people.agent(), f"probe@{FOREIGN}", token()
    too_large, allowed = HEADER + 2_000, HEADER - 4_000
    for refused in (
        mail.submit(who, who.mail, who.mail, long_headed(who.mail, who.mail, token(), too_large, inside=inside)),
        mail.stranger(stranger, who.mail, long_headed(stranger, who.mail, token(), too_large, inside=inside)),
    ):
        assert (refused.step, refused.code) == ("DATA", 554), refused
        assert f"{HEADER} au plus" in refused.text
    assert mail.submit(
        who, who.mail, who.mail, long_headed(who.mail, who.mail, subject, allowed, inside=inside)
    ).accepted
    assert mail.arrived(who, subject)


@pytest.fixture
def keeper(mail: Any, people: Any) -> Any:
    """An agent who has a message of many parts, and one of absurdly many."""
    who = people.agent()
    session = mail.imap(who)
    for subject, parts in (("honnête", 30), ("absurde", 20_000)):
        session.append("INBOX", None, None, many_parts(who.mail, who.mail, subject, parts).decode().encode("utf-8"))
    return who


@pytest.mark.full
def test_one_that_is_there_already_is_shown_in_part(keeper: Any, visit: Callable[[Any], Webmail]) -> None:
    reader = visit(keeper)
    assert reader.read("1").count('class="message-part') == 29
    page = reader.read("2")
    assert 0 < page.count('class="message-part') <= 20
    assert "beaucoup trop de parties" in page


@pytest.mark.full
def test_it_takes_nothing_from_others(mail: Any, people: Any, keeper: Any, visit: Callable[[Any], Webmail]) -> None:
    colleague = people.agent()
    mail.imap(colleague).append("INBOX", None, None, compose(colleague.mail, colleague.mail, "bonjour"))
    readers, other = [visit(keeper) for _ in range(SESSIONS)], visit(colleague)
    reader = readers[0]
    # All at once, pages and parts, from several sessions. What becomes of them is not the question.
    with ThreadPoolExecutor(OPENS) as pool:
        for number in range(OPENS):
            action = ("show", "get&_part=7")[number // SESSIONS % 2]
            pool.submit(readers[number % SESSIONS].ask, f"/?_task=mail&_action={action}&_mbox=INBOX&_uid=2")
        assert "_action" in other.page(_task="mail")
        assert "bonjour" in visit(colleague).list()
    # PHP goes on with a page whose reader has gone.
    wait_for(lambda: reader.ask("/?_task=mail&_action=show&_mbox=INBOX&_uid=1").status == 200, timeout=150)


@pytest.fixture
def stuck(site: Any) -> Iterator[Callable[[Any], Callable[[], None]]]:
    """Puts a pipe in the place of an account's only message: who reads it waits, until what this gives is called."""
    ends: list[Callable[[], None]] = []

    def put(account: Any) -> Callable[[], None]:
        path = site.run("mail1", f"ls -d {mailstore.home_of(account.uid)}/Maildir/cur/*").strip()
        assert "\n" not in path, path
        site.run("mail1", f"rm {path} && mkfifo -m 600 {path} && chown vmail: {path}")
        # A writer that comes and goes ends each reader; without readers there is nothing to end.
        end = f"while [ -p {path} ] && timeout 2 sh -c ': >{path}'; do sleep 0.1; done; rm -f {path}"
        ends.append(lambda: site.run("mail1", end))
        return ends[-1]

    yield put
    for end in ends:
        end()


@pytest.mark.parametrize(
    ("sessions", "action"),
    [
        (SESSIONS, "show"),
        pytest.param(1, "show", marks=pytest.mark.full),
        pytest.param(1, "get&_part=1", marks=pytest.mark.full),
        pytest.param(SESSIONS, "get&_part=1", marks=pytest.mark.full),
    ],
)
def test_pages_that_do_not_end_leave_room_for_others(
    mail: Any, people: Any, visit: Callable[[Any], Webmail], stuck: Callable[[Any], Any], sessions: int, action: str
) -> None:
    who, colleague = people.agent(), people.agent()
    attachment = os.urandom(LARGE)
    letter = email.message_from_bytes(compose(colleague.mail, colleague.mail, "bonjour"), policy=email.policy.SMTP)
    letter.add_attachment(attachment, "application", "octet-stream", filename="cours.bin")
    mail.imap(colleague).append("INBOX", None, None, letter.as_bytes())
    mail.imap(who).append("INBOX", None, None, compose(who.mail, who.mail, "bouchon", "Bonjour à tous. " * 1000))
    readers = [visit(who) for _ in range(sessions)]
    assert "bouchon" in readers[0].read("1")
    there = visit(colleague)
    assert "bonjour" in there.read("1")
    end = stuck(who)
    path = f"/?_task=mail&_action={action}&_mbox=INBOX&_uid=1"
    with ThreadPoolExecutor(OPENS) as pool:
        opened = [pool.submit(readers[number % sessions].ask, path) for number in range(OPENS)]

        def waiting() -> int:
            return sum(not one.done() for one in opened)

        # Those beyond the share are refused at once; the others wait for their message.
        wait_for(lambda: waiting() <= SHARE, what="no page was refused")

        assert waiting() >= SHARE // 2
        assert {one.result().status for one in opened if one.done()} == {429}
        # A colleague comes, and reads in several tabs; a large attachment comes whole.
        came = visit(colleague)
        assert "bonjour" in came.list()
        with ThreadPoolExecutor(TABS) as tabs:
            assert all("bonjour" in one for one in tabs.map(lambda _: came.read("1"), range(TABS)))
        assert "_action" in there.page(_task="mail")
        assert there.ask("/?_task=mail&_action=get&_mbox=INBOX&_uid=1&_part=2").body == attachment
        end()


@pytest.mark.full
def test_a_page_that_does_not_end_is_ended(
    site: Any, mail: Any, people: Any, visit: Callable[[Any], Webmail], stuck: Callable[[Any], Any]
) -> None:
    """Its process is free again, whatever became of the reader."""
    who = people.agent()
    mail.imap(who).append("INBOX", None, None, compose(who.mail, who.mail, "bouchon", "Bonjour à tous. " * 1000))
    reader = visit(who)
    assert "bouchon" in reader.read("1")
    stuck(who)

    def places() -> int:
        """Count the processes that serve a page."""
        return int(site.run("mail1", "lslocks -n -o PATH | grep -c '/roundcube/place[.]' || true"))

    with ThreadPoolExecutor(1) as pool:
        # The answer does not matter.
        pool.submit(reader.ask, "/?_task=mail&_action=show&_mbox=INBOX&_uid=1")
        wait_for(lambda: places() == 1)
        wait_for(lambda: places() == 0, timeout=PAGE + 40, what="the page goes on")
    assert "_action" in reader.page(_task="mail")


@pytest.mark.full
def test_accounts_of_one_network_leave_room_for_another(
    site: Any, mail: Any, people: Any, visit: Callable[[Any], Webmail], stuck: Callable[[Any], Any]
) -> None:
    crowd = [people.agent() for _ in range(CROWD)]
    for who in crowd:
        mail.imap(who).append("INBOX", None, None, compose(who.mail, who.mail, "bouchon", "Bonjour à tous. " * 1000))
    readers = [visit(who) for who in crowd]
    assert all("bouchon" in reader.read("1") for reader in readers)
    ends = [stuck(who) for who in crowd]
    name = site.platform["hostnames"]["webmail"]
    elsewhere = f"curl -sk -m 20 -o /dev/null -w '%{{http_code}}' --resolve {name}:443:{site.address('mail1')}"
    with ThreadPoolExecutor(4 * CROWD) as pool:
        path = "/?_task=mail&_action=show&_mbox=INBOX&_uid=1"
        opened = [pool.submit(reader.ask, path) for reader in readers for _ in range(4)]

        def waiting() -> int:
            return sum(not one.done() for one in opened)

        wait_for(lambda: waiting() <= OF_A_NETWORK, what="one network took it all")
        assert waiting() >= OF_A_NETWORK // 2
        assert {one.result().status for one in opened if one.done()} == {429}
        assert site.run("world", f"{elsewhere} https://{name}/?_task=login") == "302"
        for end in ends:
            end()
