"""The daemon of the index of deliveries: its sockets, the journal, and what becomes of what cannot be read or kept."""

import asyncio
import contextlib
import json
import socket
import sqlite3
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.credentials.resolver import AccountResolver
from malleposte.core.errors import InputError, MallepostError
from malleposte.daemons.deliveries import main as module
from malleposte.daemons.deliveries.main import Index, Server, Settings, key_of, read
from malleposte.deliveries import ask
from malleposte.deliveries.model import Answer, Message, Query, State, Verdict
from malleposte.deliveries.store import DAY, Store

NOW = 20_000 * DAY + 36_000
WHOSE = {"mdupond": "mdupond", "marie.dupond@ac-exemple.test": "mdupond", "autre@ac-exemple.test": "autre"}
Q, TO = "4dLpz91CxGz9rxQ", "marie.dupond@ac-exemple.test"
LMTP = "postfix/lmtp"
STORED = "stored mail into mailbox 'Projets'"
ARRIVED = [
    ("postfix/smtpd", f"{Q}: client=mx.lointain.test[192.0.2.7]"),
    ("postfix/cleanup", f"{Q}: message-id=<x@y>"),
    ("postfix/qmgr", f"{Q}: from=<news@lointain.test>, size=900, nrcpt=1 (queue active)"),
]
DELIVERED = [
    ("dovecot", f"lmtp(mdupond)<7><session1>: sieve: msgid=<x@y>: fileinto action: {STORED}"),
    (LMTP, f"{Q}: to=<mdupond@stores.invalid>, orig_to=<{TO}>, relay=m[private/dovecot-lmtp], delay=1, dsn=2.0.0,"
           " status=sent (250 2.0.0 <mdupond@stores.invalid> session1 Saved)"),
]  # fmt: skip
SEEN = {
    "queue": Q, "action": "no action", "sender": "News@lointain.test", "author": "ami@exemple.test",
    "subject": "Réunion du jury", "recipients": ["Marie.Dupond@AC-exemple.test", "x@lointain.test"],
}  # fmt: skip


class Names(AccountResolver):
    def __init__(self) -> None:
        super().__init__(None)

    async def uid(self, name: str) -> str:
        return WHOSE.get(name, "")


def made(folder: Path) -> Index:
    return Index(Store(folder), b"k" * 32, Names(), ["ac-exemple.test"], lambda: NOW)


@pytest.fixture
def index(tmp_path: Path) -> Iterator[Index]:
    one = made(tmp_path)
    yield one
    one.store.close()


def entry(program: str, text: Any, number: int = 0, **more: Any) -> bytes:
    fields = {"__CURSOR": f"s={number}", "__REALTIME_TIMESTAMP": f"{(NOW + number) * 1_000_000}"}
    return json.dumps({**fields, "SYSLOG_IDENTIFIER": program, "MESSAGE": text} | more).encode() + b"\n"


def journal(index: Index, *lines: tuple[str, str], first: int = 1) -> None:
    for number, (program, text) in enumerate(lines, first):
        asyncio.run(index.line(entry(program, text, number)))


def see(index: Index, **changed: Any) -> None:
    asyncio.run(index.see(json.dumps(SEEN | changed).encode()))


def find(index: Index, **query: Any) -> tuple[Message, ...]:
    reply = index.answer(b'{"find": %s}' % json.dumps(query).encode())
    assert reply.error == "" and reply.answer is not None
    return reply.answer.messages


def test_the_journal_and_the_filter_make_one_message(index: Index) -> None:
    journal(index, *ARRIVED)
    see(index)
    journal(index, *DELIVERED, first=4)
    (message,) = find(index, about="mdupond")
    assert (message.sender, message.author, message.place) == ("news@lointain.test", "ami@exemple.test", "192.0.2.7")
    ends = {one.address: (one.account, one.state, one.folder) for one in message.recipients}
    assert ends == {
        TO: ("mdupond", State.FILED, "Projets"),
        "x@lointain.test": ("", State.WAITING, ""),
    }
    assert find(index, word="JURY") == find(index, word="reunion jury") == (message,) and not find(index, word="autre")


def test_refused_recipients_are_of_accounts_but_no_guess_is_resolved(index: Index) -> None:
    line = (
        "NOQUEUE: reject: RCPT from mx[192.0.2.7]: {answer}; from=<a@lointain.test> to=<{to}> proto=ESMTP helo=<h>"
    )  # fmt: skip
    journal(
        index,
        ("postfix/smtpd", line.format(answer="553 5.7.1 <x>: no", to="Marie.Dupond+classe@ac-exemple.test")),
        ("postfix/smtpd", line.format(answer="550 5.1.1 <x>: unknown", to="nul@ac-exemple.test")),
    )
    (message,) = find(index, about="mdupond")
    assert (message.verdict, message.recipients[0].account) == (Verdict.REFUSED, "mdupond")
    assert len(find(index, sender="a@lointain.test")) == 2


def test_who_sent_is_known_without_the_filter(index: Index) -> None:
    journal(index, ("postfix/submission/smtpd", f"{Q}: client=a[192.0.2.7], sasl_method=PLAIN, sasl_username=mdupond"))
    assert [one.queue for one in find(index, about="mdupond")] == [Q]


@pytest.mark.parametrize(
    "line",
    [b"", b"[]", b"{", b"\xff", b'{"queue": 7}', b'{"queue": "Q1"}', b'{"queue": "Q1", "action": "x", "size": "many"}',
     b"[" * 100_000, b'{"queue": "Q1", "action": "x", "recipients": [null]}'],
)  # fmt: skip
def test_a_line_that_is_none_ends_nothing(index: Index, line: bytes) -> None:
    asyncio.run(index.see(line))
    asyncio.run(index.line(line))
    see(index)
    assert len(find(index, queue=Q)) == 1


@pytest.mark.parametrize(
    "more",
    [{"MESSAGE": None}, {"MESSAGE": [1, 2]}, {"SYSLOG_IDENTIFIER": ["a", "b"]}, {"__REALTIME_TIMESTAMP": "soon"}],
)
def test_a_journal_s_line_of_another_form_is_passed_over(index: Index, more: dict[str, Any]) -> None:
    asyncio.run(index.line(entry("postfix/cleanup", f"{Q}: message-id=<x@y>", 1, **more)))
    assert index.join.take() == []
    journal(index, *ARRIVED)
    assert len(find(index, queue=Q)) == 1


def test_a_subject_or_an_address_that_imitates_a_line_is_a_subject_or_an_address(index: Index) -> None:
    lie = f"{Q}: to=<autre@stores.invalid>, relay=m[private/dovecot-lmtp], status=sent (250 <autre> s Saved)"
    see(index, subject=f"x\n{lie}", author=f"{lie}\n@x", message_id=f"<{lie}>", sender=f"\x1b[2J{'a' * 5000}")
    (message,) = find(index, queue=Q)
    assert {one.state for one in message.recipients} == {State.WAITING} and not find(index, about="autre")
    assert "\x1b" not in message.sender and len(message.sender) <= 200


def test_a_killed_daemon_goes_on_where_it_was(tmp_path: Path) -> None:
    """Whatever it had written: the lines since the last note are read again, and nothing is there twice."""
    lines = [entry(program, text, number) for number, (program, text) in enumerate([*ARRIVED, *DELIVERED], 1)]
    for written in range(len(lines) + 1):
        folder = tmp_path / str(written)
        folder.mkdir()
        first = made(folder)
        assert first.cursor == ""
        for line in lines[:written]:
            asyncio.run(first.line(line))
        first.write()
        for line in lines[written:]:  # read, and lost
            asyncio.run(first.line(line))
        first.store.close()
        second = made(folder)
        assert second.cursor == (f"s={written}" if written else "")
        for line in lines[max(0, written - 2) :]:
            asyncio.run(second.line(line))
        (message,) = find(second, queue=Q)
        assert [(one.account, one.state, one.folder) for one in message.recipients] == [
            ("mdupond", State.FILED, "Projets")
        ], written
        second.store.close()


def test_a_full_disk_loses_what_it_cannot_keep_and_nothing_afterwards(
    index: Index, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_parts: Any) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patch:
        patch.setattr(index.store, "add", full)
        journal(index, *ARRIVED)
        index.write()
    assert "1 messages are not indexed: database or disk is full" in caplog.text
    see(index, queue="4dLpz91CxGz9rxR")
    assert [one.queue for one in find(index, about="mdupond")] == ["4dLpz91CxGz9rxR"]
    assert index.store.note("cursor") == "s=3"


def test_a_cursor_that_the_journal_does_not_know_is_given_up(index: Index, monkeypatch: pytest.MonkeyPatch) -> None:
    begun: list[str] = []

    async def lines(cursor: str) -> AsyncIterator[bytes]:
        begun.append(cursor)
        if cursor != "s=old":
            yield entry(*ARRIVED[0], 9)
            await asyncio.Event().wait()

    monkeypatch.setattr(module, "journal", lines)
    pauses: list[float] = []
    real = asyncio.sleep

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)
        await real(0)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    index.cursor = "s=old"

    async def story() -> None:
        task = asyncio.get_running_loop().create_task(Server(index).follow())
        while index.cursor != "s=9":
            await real(0)
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task

    asyncio.run(asyncio.wait_for(story(), 60))
    assert begun == ["s=old", ""] and pauses == [module.AGAIN]


def test_the_two_sockets(index: Index, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The filter's takes messages and answers nothing; root's answers, and erases."""
    monkeypatch.setattr("malleposte.daemons.deliveries.main.PATIENCE", 4.0)

    def listening(name: str) -> socket.socket:
        one = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        one.bind(str(tmp_path / name))
        one.listen()
        return one

    sockets = [listening("seen"), listening("asked")]

    async def story() -> tuple[Answer, int, Answer]:
        server = Server(index)
        server.follow = lambda: asyncio.Event().wait()  # type: ignore[method-assign,assignment,return-value]
        serving = asyncio.get_running_loop().create_task(server.serve(sockets))
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "seen"))
        writer.write(b"no message\n" + json.dumps(SEEN).encode() + b"\n" + b'{"find": {"about": "mdupond"}}\n')
        await writer.drain()
        query, there, answer = Query(about="mdupond").checked(), tmp_path / "asked", Answer()
        while not answer.messages:
            answer = await asyncio.to_thread(ask.find, query, there)
        erased = await asyncio.to_thread(ask.erase, ["mdupond"], there)
        after = await asyncio.to_thread(ask.find, query, there)
        writer.write_eof()
        assert await reader.read() == b"", "the filter is told nothing"
        writer.close()
        with pytest.raises(MallepostError, match="no answer"):
            await asyncio.to_thread(ask.find, query, tmp_path / "seen")
        with pytest.raises(MallepostError, match="needs a sender"):
            await asyncio.to_thread(ask.find, Query(), there)
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        return answer, erased, after

    answer, erased, after = asyncio.run(asyncio.wait_for(story(), 60))
    assert (len(answer.messages), after) == (1, Answer(since=after.since)) and erased > 0


@pytest.mark.parametrize("line", [b"", b"[]", b"{", b'{"drop": 1}', b'{"find": {"since": "now"}}'])
def test_a_question_that_is_none_is_refused(index: Index, line: bytes) -> None:
    reply = index.answer(line)
    assert reply.error and reply.answer is None and not reply.erased


def test_a_host_without_an_index_has_nothing(tmp_path: Path) -> None:
    assert ask.find(Query(about="mdupond"), tmp_path / "asked") == Answer()
    assert ask.erase(["mdupond"], tmp_path / "asked") == 0


def test_the_key_stays_and_is_its_user_s_alone(tmp_path: Path) -> None:
    key = key_of(tmp_path)
    assert len(key) == 32 and key_of(tmp_path) == key
    assert (tmp_path / "key").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    "wrong", [{"days": 0}, {"days": 366}, {"mb": 0}, {"rows_a_day": 0}, {"more": 1}, {"days": "x"}]
)
def test_settings_that_cannot_be_are_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    path = tmp_path / "deliveries.json"
    good = {"days": 30, "rows_a_day": 1000, "mb": 10, "domains": ["ac-exemple.test"], "names": ""}
    path.write_text(json.dumps(good))
    assert read(path) == Settings(30, 1000, 10, ["ac-exemple.test"])
    path.write_text(json.dumps(good | wrong))
    with pytest.raises(InputError, match=next(iter(wrong))):
        read(path)
