"""Saves of agendas on their way to SOGo: who waits for whom, and what goes on as it came."""

from __future__ import annotations

import asyncio
import gc
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from xml.etree import ElementTree

import pytest
from malleposte.daemons.sogo_front import drafts, relay, times
from malleposte.daemons.sogo_front.drafts import Spool
from malleposte.daemons.sogo_front.relay import Sogo
from malleposte.daemons.sogo_front.turns import CrowdedError, Shares, Turns, addresses, too_early
from malleposte.runtime.http import Request
from malleposte.runtime.streams import to_the_end

ROOM, CAR = "salle@ac-exemple.test", "voiture@ac-exemple.test"
EVENT = f"BEGIN:VEVENT\r\nORGANIZER:mailto:zoe@ac-exemple.test\r\nATTENDEE;CN=Salle:mailto:{ROOM}\r\nEND:VEVENT\r\n"
PAGE = json.dumps({"summary": "Réunion", "attendees": [{"name": "Salle", "email": ROOM.upper()}]})


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (EVENT, {ROOM, "zoe@ac-exemple.test"}),
        (EVENT.replace("exemple", "exem\r\n ple"), {ROOM, "zoe@ac-exemple.test"}),
        (EVENT.replace("mailto:", "MAILTO:").replace(ROOM, "Salle@AC-exemple.test"), {ROOM, "zoe@ac-exemple.test"}),
        (PAGE, {ROOM}),
        (PAGE.replace("@", "\\u0040"), {ROOM}),
        ("BEGIN:VEVENT\r\nSUMMARY:Réunion\r\nEND:VEVENT\r\n", set()),
        ('{"days": 0, "start": 60}', set()),
        ("", set()),
    ],
)
def test_addresses_of_an_event(body: str, found: set[str]) -> None:
    assert addresses(body.encode()) == found


class Clock:
    """Counts those inside, and the most that ever were."""

    def __init__(self, turns: Turns) -> None:
        self.turns, self.inside, self.most, self.done = turns, 0, 0, 0

    async def enter(self, *names: str) -> None:
        async with self.turns.of(names, 60):
            self.inside += 1
            self.most = max(self.most, self.inside)
            await asyncio.sleep(0)
            await asyncio.sleep(0)
            self.inside -= 1
            self.done += 1


@pytest.mark.parametrize(
    ("several", "most"), [([(ROOM,)] * 9, 1), ([(ROOM, CAR), (CAR, ROOM)] * 4, 1), ([(ROOM,), (CAR,), ()], 3)]
)
def test_the_same_address_is_one_turn_and_others_do_not_wait(several: list[tuple[str, ...]], most: int) -> None:
    async def all_at_once() -> Clock:
        clock = Clock(Turns())
        await asyncio.gather(*(clock.enter(*names) for names in several))
        assert not clock.turns.locks, "addresses of the past are kept"
        return clock

    clock = asyncio.run(all_at_once())
    assert (clock.most, clock.done) == (most, len(several))


def test_who_waits_too_long_is_told_and_hinders_nobody() -> None:
    async def late() -> None:
        turns = Turns()
        async with turns.of([ROOM], 60):
            with pytest.raises(TimeoutError):
                async with turns.of([CAR, ROOM], 0.01):
                    raise AssertionError("two at once")
            async with turns.of([CAR], 60):
                pass
        async with turns.of([CAR, ROOM], 60):
            pass

    asyncio.run(late())


Talk = Callable[[Callable[..., Awaitable[bytes]]], Awaitable[None]]


def played(
    folder: Path, talk: Talk, answers: Callable[[bytes], Awaitable[bytes]], busy: str = "", spool: Spool | None = None
) -> list[bytes]:
    """The requests that SOGo's daemon gets while `talk` asks as nginx does; `answers` is SOGo, `busy` a socket."""
    asked: list[bytes] = []

    async def daemon(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = next((int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"content-le")), 0)
        asked.append(head + await reader.readexactly(length))
        writer.write(await answers(asked[-1]))
        writer.close()

    async def both() -> None:
        path = str(folder / "front.sock")
        async with await asyncio.start_server(daemon, "127.0.0.1", 0) as sogod:
            store = times.Store(busy) if busy else None
            sogo = Sogo("127.0.0.1", sogod.sockets[0].getsockname()[1], store, spool=spool)
            async with await asyncio.start_unix_server(to_the_end(sogo.relay), path, limit=relay.LIMITS.head):

                async def ask(
                    target: str, body: str = "", method: str = "PUT", agent: str = "zoe", *, other: bool = False,
                    until: asyncio.Event | None = None,
                ) -> bytes:  # fmt: skip
                    """Ask, and wait for the answer, or leave at an event."""
                    reader, writer = await asyncio.open_unix_connection(path)
                    data, of_agenda = body.encode(), "" if other else "X-SOGo-Agenda: yes\r\n"
                    head = (
                        f"{method} {target} HTTP/1.0\r\nX-WebObjects-Remote-User: {agent}\r\n{of_agenda}"
                        "User-Agent: CalendarAgent\r\n"
                    )
                    writer.write(f"{head}Content-Length: {len(data)}\r\n\r\n".encode() + data)
                    await writer.drain()
                    answer = b"" if until else await reader.read()
                    if until:
                        await until.wait()
                    writer.close()
                    return answer

                await talk(ask)

    asyncio.run(both())
    return asked


def test_a_save_goes_on_as_it_came_and_so_does_its_answer(tmp_path: Path) -> None:
    said = b"HTTP/1.0 409 Conflict\r\nContent-Length: 2\r\n\r\n\xc3\xa9"

    async def sogo(_asked: bytes) -> bytes:
        return said

    async def talk(ask: Callable[..., Awaitable[bytes]]) -> None:
        assert await ask("/SOGo/dav/zoe/Calendar/personal/1.ics", EVENT) == said

    (asked,) = played(tmp_path, talk, sogo)
    head, _end, body = asked.partition(b"\r\n\r\n")
    assert head.startswith(b"PUT /SOGo/dav/zoe/Calendar/personal/1.ics HTTP/1.0\r\n")
    assert b"x-webobjects-remote-user: zoe" in head and body.decode() == EVENT


def test_saves_with_one_room_never_meet_in_sogo_and_a_dragged_event_waits_too(tmp_path: Path) -> None:
    inside, most = 0, 0

    async def sogo(asked: bytes) -> bytes:
        nonlocal inside, most
        if asked.startswith(b"GET "):
            return b"HTTP/1.0 200 OK\r\n\r\n" + EVENT.encode()
        inside += 1
        most = max(most, inside)
        await asyncio.sleep(0.01)
        inside -= 1
        return b"HTTP/1.0 201 Created\r\n\r\n"

    async def talk(ask: Callable[..., Awaitable[bytes]]) -> None:
        saves = (ask(f"/SOGo/dav/zoe/Calendar/personal/{number}.ics", EVENT) for number in range(4))
        dragged = "/SOGo/so/zoe/Calendar/personal/a%20b.ics/occurence1893456000/adjust"
        answers = await asyncio.gather(*saves, ask(dragged, '{"days": 1}', "POST"))
        assert {answer.split()[1] for answer in answers} == {b"201"}

    asked = played(tmp_path, talk, sogo)
    assert most == 1
    (looked,) = (one for one in asked if one.startswith(b"GET "))
    assert looked.startswith(b"GET /SOGo/dav/zoe/Calendar/personal/a%20b.ics HTTP/1.0\r\n")
    assert b"content-" not in looked
    assert len(asked) == 6


def test_what_waits_too_long_is_refused_in_french_and_not_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(relay, "PATIENCE", 0.02)
    there, done = asyncio.Event(), asyncio.Event()

    async def sogo(_asked: bytes) -> bytes:
        there.set()
        await done.wait()
        return b"HTTP/1.0 201 Created\r\n\r\n"

    async def talk(ask: Callable[..., Awaitable[bytes]]) -> None:
        first = asyncio.ensure_future(ask("/SOGo/dav/a/Calendar/personal/1.ics", EVENT))
        await there.wait()
        second = await ask("/SOGo/dav/b/Calendar/personal/2.ics", EVENT)
        done.set()
        assert (await first).split()[1] == b"201"
        assert second.startswith(b"HTTP/1.0 503 ")
        assert json.loads(second.partition(b"\r\n\r\n")[2])["message"] == relay.BUSY

    assert len(played(tmp_path, talk, sogo)) == 1


def test_who_left_before_the_turn_saves_nothing() -> None:
    async def left() -> bytes:
        gone = asyncio.StreamReader()
        gone.feed_eof()
        # Nobody listens there.
        return await Sogo("127.0.0.1", 1).save(Request("PUT", "/SOGo/dav/a/Calendar/personal/1.ics", {}, b""), gone)

    assert asyncio.run(left()) == b""


def test_without_sogo_nginx_gets_no_answer(tmp_path: Path) -> None:
    async def nobody() -> bytes:
        path = str(tmp_path / "front.sock")
        async with await asyncio.start_unix_server(Sogo("127.0.0.1", 1).relay, path):
            reader, writer = await asyncio.open_unix_connection(path)
            writer.write(b"PUT /SOGo/dav/a/Calendar/personal/1.ics HTTP/1.0\r\n\r\n")
            answer = await reader.read()
            writer.close()
            return answer

    assert asyncio.run(nobody()) == b""


PAGE_OF = "/SOGo/so/{}/Mail/0/folderINBOX/view"


def test_one_agent_s_long_requests_leave_workers_to_others_even_where_the_agent_leaves(tmp_path: Path) -> None:
    """Five long requests of one agent, of which two are before SOGo; the first clients leave, their workers stay."""
    done, there, seen = asyncio.Event(), asyncio.Event(), list[bytes]()

    async def sogo(asked: bytes) -> bytes:
        seen.append(asked)
        if b"remote-user: zoe" in asked:
            if len(seen) == 2:
                there.set()
            await done.wait()
        return b"HTTP/1.0 200 OK\r\n\r\nok"

    async def talk(ask: Callable[..., Awaitable[bytes]]) -> None:
        await asyncio.gather(*(ask(PAGE_OF.format("zoe"), method="GET", other=True, until=there) for _ in range(2)))
        waiting = [asyncio.ensure_future(ask(PAGE_OF.format("zoe"), method="GET", other=True)) for _ in range(3)]
        saves = asyncio.ensure_future(ask("/SOGo/dav/zoe/Calendar/personal/1.ics", EVENT))
        await asyncio.sleep(0.05)
        # asyncio has weak references to tasks alone.
        gc.collect()
        try:
            assert (await ask(PAGE_OF.format("lea"), method="GET", agent="lea", other=True)).endswith(b"ok")
            assert [b"remote-user: zoe" in one for one in seen] == [True, True, False]
        finally:
            done.set()
        assert all(one.endswith(b"ok") for one in await asyncio.gather(*waiting, saves))

    assert len(played(tmp_path, talk, sogo)) == 7


def test_who_left_before_a_place_was_free_asks_nothing(tmp_path: Path) -> None:
    done, there = asyncio.Event(), asyncio.Event()

    async def sogo(asked: bytes) -> bytes:
        if asked.startswith(b"GET /SOGo/long"):
            there.set()
            await done.wait()
        return b"HTTP/1.0 200 OK\r\n\r\nok"

    async def talk(ask: Callable[..., Awaitable[bytes]]) -> None:
        long = [asyncio.ensure_future(ask("/SOGo/long", method="GET", other=True)) for _ in range(2)]
        await there.wait()
        await ask("/SOGo/left", method="GET", other=True, until=there)
        last = asyncio.ensure_future(ask("/SOGo/last", method="GET", other=True))
        await asyncio.sleep(0.05)
        done.set()
        assert all(one.endswith(b"ok") for one in await asyncio.gather(*long, last))

    asked = [one.split()[1] for one in played(tmp_path, talk, sogo)]
    assert sorted(asked) == [b"/SOGo/last", b"/SOGo/long", b"/SOGo/long"]


def test_an_agent_s_requests_beyond_those_that_may_wait_are_refused_in_french() -> None:
    async def crowd() -> None:
        shares = Shares(1, 1)
        async with shares.of("zoe", 60):
            second = asyncio.ensure_future(entered(shares, "zoe"))
            await asyncio.sleep(0)
            with pytest.raises(CrowdedError):
                await entered(shares, "zoe")
            await entered(shares, "lea")
        assert await second
        with pytest.raises(CrowdedError):
            async with shares.of("zoe", 60):
                await entered(shares, "zoe", 0.01)
        assert await entered(shares, "zoe")
        await asyncio.sleep(0)
        gc.collect()
        assert not shares.agents, "agents of the past are kept"

    async def entered(shares: Shares, agent: str, patience: float = 60) -> bool:
        async with shares.of(agent, patience):
            return True

    asyncio.run(crowd())


def test_a_large_request_and_answer_go_on_as_they_came(tmp_path: Path) -> None:
    body = "é" * 300_000

    async def sogo(asked: bytes) -> bytes:
        return b"HTTP/1.0 200 OK\r\n\r\n" + asked.partition(b"\r\n\r\n")[2]

    async def talk(ask: Callable[..., Awaitable[bytes]]) -> None:
        assert (await ask("/SOGo/so/zoe/Mail/0/x/save", body, "POST", other=True)).endswith(body.encode())

    (asked,) = played(tmp_path, talk, sogo)
    assert b"x-sogo-agenda" not in asked.partition(b"\r\n\r\n")[0].lower()


def test_who_has_no_room_for_drafts_writes_no_other_and_sends_what_is_there(tmp_path: Path) -> None:
    for agent, octets in (("zoe", drafts.LEAST + 1), ("lea", drafts.LEAST)):
        (tmp_path / agent / "newDraft1").mkdir(parents=True)
        (tmp_path / agent / "newDraft1/file").write_bytes(bytes(octets))

    async def sogo(_asked: bytes) -> bytes:
        return b"HTTP/1.0 200 OK\r\n\r\n"

    async def talk(ask: Callable[..., Awaitable[bytes]]) -> None:
        for act, agent, status in (
            ("save", "zoe", b"507"), ("edit", "zoe", b"507"), ("send", "zoe", b"200"), ("view", "zoe", b"200"),
            ("save", "lea", b"200"),
        ):  # fmt: skip
            answer = await ask(f"/SOGo/so/{agent}/Mail/0/x/1/{act}", "x" * 300_000, "POST", agent, other=True)
            assert answer.split()[1] == status, (act, agent)
            if status == b"507":
                assert json.loads(answer.partition(b"\r\n\r\n")[2])["message"] == drafts.FULL

    assert len(played(tmp_path, talk, sogo, spool=Spool(tmp_path, drafts.LEAST + 1))) == 3


def test_an_event_has_a_largest_size(tmp_path: Path) -> None:
    async def sogo(_asked: bytes) -> bytes:
        return b"HTTP/1.0 201 Created\r\n\r\n"

    async def talk(ask: Callable[..., Awaitable[bytes]]) -> None:
        for size, status in ((relay.LARGEST, b"201"), (relay.LARGEST + 1, b"413")):
            answer = await ask("/SOGo/dav/zoe/Calendar/personal/1.ics", EVENT + "x" * (size - len(EVENT)))
            assert answer.split()[1] == status

    assert len(played(tmp_path, talk, sogo)) == 1


@pytest.mark.parametrize(
    ("body", "early"),
    [
        ("BEGIN:VEVENT\r\nDTSTART:00010105T090000\r\nEND:VEVENT\r\n", True),
        ('BEGIN:VEVENT\r\nDTST\r\n ART;TZID="a:b":18991231T090000\r\nEND:VEVENT\r\n', True),
        ("BEGIN:VEVENT\r\nDTSTART;VALUE=DATE:19250105\r\nEND:VEVENT\r\n", False),
        ("BEGIN:VTIMEZONE\r\nDTSTART:16010101T000000\r\nEND:VTIMEZONE\r\nDTSTART:20300101T000000\r\n", False),
        ("BEGIN:VTIMEZONE\r\nDTSTART:16010101T000000\r\nEND:VTIMEZONE\r\nDTSTART:00300101T000000\r\n", True),
        ("SUMMARY:a\u2028BEGIN:VTIMEZONE\u2028\r\nDTSTART:00010105T090000\r\n", True),
        ('{"startDate": "0001-01-05"}', True),
        ('{"start\\u0044ate": "0001-01-05"}', True),
        ('{"startDate": "2030-01-05", "summary": "0001-01-05"}', False),
    ],
)
def test_an_event_begins_after_1900(tmp_path: Path, body: str, early: bool) -> None:
    assert too_early(body.encode()) is early

    async def sogo(_asked: bytes) -> bytes:
        return b"HTTP/1.0 201 Created\r\n\r\n"

    async def talk(ask: Callable[..., Awaitable[bytes]]) -> None:
        answer = await ask("/SOGo/dav/zoe/Calendar/personal/1.ics", body)
        assert answer.split()[1] == (b"403" if early else b"201")

    assert len(played(tmp_path, talk, sogo)) == (0 if early else 1)


DAY = "20301202"
ASKED = "\r\n".join(
    [
        "BEGIN:VCALENDAR",
        "VERSION:2.0",
        "PRODID:-//Apple Inc.//macOS 15.0//EN",
        "METHOD:REQUEST",
        "BEGIN:VFREEBUSY",
        "UID:1",
        f"DTSTAMP:{DAY}T000000Z",
        f"DTSTART:{DAY}T080000Z",
        f"DTEND:{DAY}T180000Z",
        "ORGANIZER;CN=Zoé:mailto:zoe@ac-exemple.test",
        "ATTENDEE:mailto:paul@ac-exemple.test",
        "ATTENDEE:mailto:lea@ac-exemple.test",
        "ATTENDEE:mailto:jean@lointain.test",
        "END:VFREEBUSY",
        "END:VCALENDAR",
        "",
    ]
)
"""As Apple's calendar asks about several guests in one request."""


def part(address: str, status: str, data: str = "") -> str:
    """One guest in SOGo's answer."""
    more = f"<n1:calendar-data>{data}</n1:calendar-data>" if data else ""
    told = f"<n1:recipient>mailto:{address}</n1:recipient><n1:request-status>{status}</n1:request-status>"
    return f"<n1:response>{told}{more}</n1:response>"


KNOWN, UNKNOWN = "2.0;Success", "3.7;Invalid Calendar User"
TOLD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<n1:schedule-response xmlns:n1="urn:ietf:params:xml:ns:caldav" xmlns:D="DAV:">'
    + part("paul@ac-exemple.test", KNOWN, "BEGIN:VFREEBUSY\nFREEBUSY:20301202T080000Z/20301202T090000Z")
    + part("lea@ac-exemple.test", KNOWN, "BEGIN:VFREEBUSY\nEND:VFREEBUSY")
    + part("jean@lointain.test", UNKNOWN)
    + "</n1:schedule-response>"
)
BOOK = {"sourceID": "annuaire", "c_uid": "lea", "emails": [{"value": "Lea@ac-exemple.test"}]}


@pytest.mark.parametrize(
    ("body", "there"),
    [
        (ASKED, True),
        (ASKED.replace("DTSTART:", "DTSTA\r\n RT:"), True),
        (ASKED.replace("T080000Z", "T080000"), False),
        (ASKED.replace("VFREEBUSY", "VEVENT"), False),
        (ASKED.replace("DTEND:", "DURATION:"), False),
        ("", False),
    ],
)
def test_a_question_about_busy_times(body: str, there: bool) -> None:
    found = times.asked(body.encode())
    assert (found is not None) == there
    if found:
        assert (found.begin, found.end) == (f"{DAY}T080000Z", f"{DAY}T180000Z")


@pytest.mark.parametrize(
    ("change", "uid"),
    [
        ({}, "lea"),
        ({"sourceID": "personal"}, ""),
        ({"c_uid": "../lea"}, ""),
        ({"emails": [{"value": "autre@ac-exemple.test"}]}, ""),
        ({"emails": None}, ""),
    ],
)
def test_who_has_an_address_is_said_by_the_academys_address_book_alone(change: dict[str, object], uid: str) -> None:
    assert times.uid_in(json.dumps({"contacts": [BOOK | change]}).encode(), "lea@AC-exemple.test") == uid


def test_a_device_is_told_when_a_colleague_of_the_other_class_is_busy(tmp_path: Path) -> None:
    asked_of_store: list[bytes] = []

    async def sogo(asked: bytes) -> bytes:
        if asked.startswith(b"POST "):
            return b"HTTP/1.0 200 OK\r\nContent-Type: application/xml\r\n\r\n" + TOLD.encode()
        found = [BOOK] if b"search=lea%40ac-exemple.test" in asked else []
        return b"HTTP/1.0 200 OK\r\n\r\n" + json.dumps({"contacts": found}).encode()

    async def store(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked_of_store.append(await reader.readuntil(b"\r\n\r\n"))
        writer.write(b'HTTP/1.0 200 OK\r\n\r\n[["20301202T090000Z", "20301202T101500Z"]]')
        writer.close()

    async def talk(ask: Callable[..., Awaitable[bytes]]) -> None:
        async with await asyncio.start_unix_server(store, str(tmp_path / "busy.sock")):
            answer = await ask("/SOGo/dav/zoe/Calendar/personal/", ASKED, "POST")
            file = await ask("/SOGo/dav/lea/freebusy.ifb", "", "GET")
        head, _end, body = answer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.0 200 ") and f"Content-Length: {len(body)}".encode() in head
        parts = ElementTree.fromstring(body).findall(f"{times.CAL}response")  # noqa: S314
        told = {"".join(one.find(f"{times.CAL}recipient").itertext()): one for one in parts}  # type: ignore[union-attr]
        status = {address: one.findtext(f"{times.CAL}request-status") for address, one in told.items()}
        assert list(status.values()) == [KNOWN, KNOWN, UNKNOWN], "a stranger is told of nobody else"
        data = str(told["mailto:lea@ac-exemple.test"].findtext(f"{times.CAL}calendar-data"))
        for line in (
            "METHOD:REPLY",
            "UID:1",
            "ORGANIZER;CN=Zoé:mailto:zoe@ac-exemple.test",
            "ATTENDEE:mailto:lea@ac-exemple.test",
            f"DTSTART:{DAY}T080000Z",
            "FREEBUSY;FBTYPE=BUSY:20301202T090000Z/20301202T101500Z",
        ):
            assert line in data.splitlines()
        assert file.startswith(b"HTTP/1.0 200 ") and b"FREEBUSY;FBTYPE=BUSY:20301202T090000Z/" in file

    asked = played(tmp_path, talk, sogo, busy=str(tmp_path / "busy.sock"))
    assert asked_of_store[0].startswith(b"GET /lea?from=20301202T080000Z&until=20301202T180000Z HTTP/1.0\r\n")
    searches = [one for one in asked if one.startswith(b"GET ")]
    for line in (b"x-webobjects-remote-user: zoe", b"user-agent: sogo-front"):
        assert len(searches) == 2 and all(line in one for one in searches)
    assert len(asked_of_store) == 2


@pytest.mark.parametrize("status", ["404 Not Found", "500 Oops"])
def test_whose_times_nobody_knows_stays_unknown(tmp_path: Path, status: str) -> None:
    async def sogo(asked: bytes) -> bytes:
        body = TOLD.encode() if asked.startswith(b"POST ") else json.dumps({"contacts": [BOOK]}).encode()
        return b"HTTP/1.0 200 OK\r\n\r\n" + (b"SOGo's file" if b"freebusy.ifb" in asked else body)

    async def store(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(f"HTTP/1.0 {status}\r\n\r\n".encode())
        writer.close()

    async def talk(ask: Callable[..., Awaitable[bytes]]) -> None:
        async with await asyncio.start_unix_server(store, str(tmp_path / "busy.sock")):
            answer = await ask("/SOGo/dav/zoe/Calendar/personal/", ASKED, "POST")
            assert answer.partition(b"\r\n\r\n")[2].decode() == TOLD
            file = await ask("/SOGo/dav/lea/freebusy.ifb", "", "GET")
            assert file.endswith(b"SOGo's file")
        # Without the store, too.
        answer = await ask("/SOGo/dav/zoe/Calendar/personal/", ASKED, "POST")
        assert answer.partition(b"\r\n\r\n")[2].decode() == TOLD

    played(tmp_path, talk, sogo, busy=str(tmp_path / "busy.sock"))
