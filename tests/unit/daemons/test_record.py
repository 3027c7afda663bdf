"""The daemon of the record: its sockets, and what each may do."""

import asyncio
import contextlib
import json
import socket
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import pytest
from malleposte.accounts.credentials.resolver import AccountResolver
from malleposte.core.errors import MallepostError
from malleposte.daemons.record import ACTS, AGAIN, GO_ON, SERVICES, Config, Record, Server, opened
from malleposte.throttle.record import ask
from malleposte.throttle.record.model import Kept, LogIn, Refusal, Seen
from malleposte.throttle.record.store import Store
from malleposte.throttle.record.tell import Teller

NOW = 1_800_000_000
WHOSE = {"mdupond": "mdupond", "marie.dupond@ac-exemple.test": "mdupond", "autre@ac-exemple.test": "autre"}
REFUSED = {
    "user": "", "sender": "Pub@Lointain.test", "recipients": ["Marie.Dupond+x@AC-exemple.test", "nul@ac-exemple.test"],
    "symbols": ["CLAM_VIRUS"],
}  # fmt: skip


class Names(AccountResolver):
    def __init__(self) -> None:
        super().__init__(None)

    async def uid(self, name: str) -> str:
        return WHOSE.get(name, "")


@pytest.fixture
def record(tmp_path: Path) -> Iterator[Record]:
    store = Store(tmp_path / "record.sqlite", 30)
    made = Record(store, Names(), "ac-exemple.test", lambda: NOW)
    made.patience = 0.0
    yield made
    store.close()


def held(record: Record, uid: str = "mdupond") -> Kept:
    record.write()
    return record.store.of(uid)


def test_log_ins_are_counted_before_they_are_written(record: Record) -> None:
    event = LogIn("mdupond", True, "imap", "192.0.2.7")
    for _ in range(3):
        record.log_in(json.dumps(asdict(event)).encode())
    for line in (b'{"account": "mdupond"}', b"[]", b"\xff"):
        record.log_in(line)
    assert record.store.of("mdupond") == Kept()
    assert held(record).logins == (Seen(event, NOW, NOW, 3),)


def test_log_ins_are_counted_by_service_and_outcome_for_the_measures(record: Record) -> None:
    for service, accepted in (("imap", True), ("imap", True), ("imap", False), ("page", True)):
        record.log_in(json.dumps(asdict(LogIn("mdupond", accepted, service, "192.0.2.7"))).encode())
    record.log_in(b"[]")
    counts = record.answer(b'{"act": "counts", "uid": ""}')
    assert counts == {"log_ins": [["imap", False, 1], ["imap", True, 2], ["page", True, 1]], "acts": {}}
    for number in range(200):
        record.log_in(json.dumps(asdict(LogIn("mdupond", True, f"other{number}", "192.0.2.7"))).encode())
    assert len(record.answer(b'{"act": "counts", "uid": ""}')["log_ins"]) == SERVICES, "names that nobody counts on"


def test_acts_are_counted_by_name_and_names_of_another_form_are_not(record: Record) -> None:
    for name in ("change", "set_class", "change", "", "Change", "a b", "x" * 41, 7, ["change"], {"uid": "mdupond"}):
        record.log_in(json.dumps({"act": name}).encode())
    assert record.answer(b'{"act": "counts", "uid": ""}')["acts"] == {"change": 2, "set_class": 1}
    assert record.store.of("mdupond") == Kept()
    for number in range(200):
        record.log_in(json.dumps({"act": "act_" + chr(97 + number % 26) + chr(97 + number // 26)}).encode())
    assert len(record.acts) == ACTS
    record.log_in(b'{"act": "change"}')
    assert record.acts["change"] == 3


HERE, THERE = "192.0.2.7", "2001:db8::7"


def asks(record: Record, place: str, login: str = "mdupond") -> str:
    return asyncio.run(record.sender({"sasl_username": login, "client_address": place}))


def sends(record: Record, account: str, place: str) -> None:
    record.log_in(json.dumps({"account": account, "sends": place}).encode())


END = b'{"act": "end", "uid": "mdupond"}'


def test_a_session_from_before_an_end_sends_no_more_until_a_log_in_from_its_address(record: Record) -> None:
    sends(record, "mdupond", HERE)
    sends(record, "mdupond", THERE)
    sends(record, "autre", HERE)
    assert asks(record, HERE) == asks(record, THERE) == GO_ON
    assert record.answer(END) == {"ended": 2}
    assert asks(record, HERE) == asks(record, THERE) == AGAIN
    assert asks(record, HERE, "marie.dupond@ac-exemple.test") == AGAIN, "by whatever name"
    assert asks(record, HERE, "autre@ac-exemple.test") == GO_ON
    sends(record, "mdupond", "2001:0db8:0:0::7")
    assert (asks(record, HERE), asks(record, THERE)) == (AGAIN, GO_ON)
    record.write()
    assert (asks(record, HERE), asks(record, THERE)) == (AGAIN, GO_ON), "also once it is written"


def test_an_address_of_which_nothing_is_known_keeps_no_mail(record: Record) -> None:
    """Such as that of a log-in while authpolicy was away."""
    sends(record, "mdupond", HERE)
    record.answer(END)
    assert (asks(record, HERE), asks(record, THERE)) == (AGAIN, GO_ON)


def test_the_news_of_a_log_in_may_come_after_the_question(record: Record) -> None:
    """Dovecot tells of a log-in while Postfix goes on."""
    record.patience = 60.0
    sends(record, "mdupond", HERE)
    record.answer(END)

    async def story() -> str:
        asking = asyncio.create_task(record.sender({"sasl_username": "mdupond", "client_address": HERE}))
        await asyncio.sleep(0.1)
        assert not asking.done()
        sends(record, "mdupond", HERE)
        return await asking

    assert asyncio.run(story()) == GO_ON


def test_what_is_known_of_sessions_goes_with_the_account_and_at_its_age(record: Record) -> None:
    sends(record, "mdupond", HERE)
    record.answer(END)
    record.store.prune(NOW + 29 * 86_400)
    assert asks(record, HERE) == AGAIN
    record.store.prune(NOW + 31 * 86_400)
    assert asks(record, HERE) == GO_ON
    sends(record, "mdupond", HERE)
    record.answer(END)
    assert asks(record, HERE) == AGAIN
    assert record.answer(b'{"act": "erase", "uid": "mdupond"}') == {"erased": 1}
    assert asks(record, HERE) == GO_ON


@pytest.mark.parametrize("request_", [{}, {"sasl_username": "nul"}, {"sasl_username": "mdupond"}])
def test_a_question_about_nobody_keeps_no_mail(record: Record, request_: dict[str, str]) -> None:
    sends(record, "mdupond", HERE)
    record.answer(END)
    assert asyncio.run(record.sender(request_)) == GO_ON
    assert asks(record, HERE) == AGAIN


@pytest.mark.parametrize(
    "told",
    [{"account": "../x", "sends": HERE}, {"sends": HERE}, {"account": "mdupond", "sends": "unknown"}],
    ids=["no-uid", "no-account", "no-address"],
)
def test_what_is_no_session_is_not_kept(record: Record, told: dict[str, str]) -> None:
    record.log_in(json.dumps(told).encode())
    assert record.senders == {}


def test_postfix_asks_over_a_connection_that_stays_open(record: Record, tmp_path: Path) -> None:
    sends(record, "mdupond", HERE)
    record.answer(END)
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listening.bind(str(tmp_path / "sends"))
    listening.listen()

    async def story() -> list[bytes]:
        serving = asyncio.get_running_loop().create_task(Server(record).serve([listening]))
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "sends"))
        answers = []
        for login in ("mdupond", "autre@ac-exemple.test", "mdupond"):
            question = f"request=smtpd_access_policy\nsasl_username={login}\nclient_address={HERE}\n\n"
            writer.write(question.encode())
            answers.append(await reader.readuntil(b"\n\n"))
        writer.close()
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        return answers

    again, go_on = (f"action={action}\n\n".encode() for action in (AGAIN, GO_ON))
    assert asyncio.run(story()) == [again, go_on, again]


def test_a_host_without_a_record_has_no_sessions_to_end(tmp_path: Path) -> None:
    ask.end("mdupond", tmp_path / "asked")


def test_refused_mail_is_of_the_recipients_that_are_accounts(record: Record) -> None:
    asyncio.run(record.refused(json.dumps(REFUSED).encode()))
    assert held(record).refusals == (Seen(Refusal("mdupond", "in", "pub@lointain.test", "virus"), NOW, NOW),)
    assert held(record, "autre") == Kept()


def test_what_an_agent_sends_is_of_the_agent_alone(record: Record) -> None:
    told = REFUSED | {"user": "mdupond", "recipients": ["autre@ac-exemple.test"], "symbols": ["MP_SENDER_FORGED"]}
    asyncio.run(record.refused(json.dumps(told).encode()))
    assert held(record).refusals == (Seen(Refusal("mdupond", "out", "autre@ac-exemple.test", "forged"), NOW, NOW),)
    assert held(record, "autre") == Kept()


@pytest.mark.parametrize("line", [b"", b"[]", b"{", b'{"recipients": 7}', b'{"symbols": null}'])
def test_a_line_that_is_none_ends_nothing(record: Record, line: bytes) -> None:
    asyncio.run(record.refused(line))
    assert held(record) == Kept()


@pytest.mark.parametrize(
    ("line", "why"),
    [(b"", "not a question"), (b"[]", "not a question"), (b'{"act": "drop", "uid": "mdupond"}', "no act 'drop'")],
)
def test_a_question_that_is_none_is_refused(record: Record, line: bytes, why: str) -> None:
    assert record.answer(line) == {"error": why}


def test_the_three_sockets(record: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Events by two sockets are read and erased by the third; the others answer no question."""
    monkeypatch.setattr("malleposte.daemons.record.PATIENCE", 4.0)

    def made(kind: socket.SocketKind, name: str) -> socket.socket:
        one = socket.socket(socket.AF_UNIX, kind)
        one.bind(str(tmp_path / name))
        if kind == socket.SOCK_STREAM:
            one.listen()
        return one

    sockets = [
        made(socket.SOCK_DGRAM, "told"), made(socket.SOCK_STREAM, "refused"), made(socket.SOCK_STREAM, "asked"),
    ]  # fmt: skip

    async def story() -> tuple[Kept, int, Kept]:
        serving = asyncio.get_running_loop().create_task(Server(record).serve(sockets))
        teller = Teller(tmp_path / "told")
        teller.log_in(LogIn("mdupond", True, "imap", "192.0.2.7"))
        teller.close()
        _reader, writer = await asyncio.open_unix_connection(str(tmp_path / "refused"))
        writer.write(json.dumps(REFUSED).encode() + b"\n")
        await writer.drain()
        writer.close()
        found = Kept()
        while not (found.logins and found.refusals):
            found = await asyncio.to_thread(ask.of, "mdupond", tmp_path / "asked")
        erased = await asyncio.to_thread(ask.erase, "mdupond", tmp_path / "asked")
        after = await asyncio.to_thread(ask.of, "mdupond", tmp_path / "asked")
        with pytest.raises(MallepostError, match="no answer"):
            await asyncio.to_thread(ask.of, "mdupond", tmp_path / "refused")
        serving.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await serving
        return found, erased, after

    found, erased, after = asyncio.run(asyncio.wait_for(story(), 60))
    assert (len(found.logins), len(found.refusals), erased, after) == (1, 1, 2, Kept())


def test_a_host_without_a_record_has_nothing(tmp_path: Path) -> None:
    assert ask.of("mdupond", tmp_path / "asked") == Kept()
    assert ask.erase("mdupond", tmp_path / "asked") == 0


@pytest.mark.parametrize("days", [0, 366, "30", True])
def test_days_that_cannot_be_are_refused(tmp_path: Path, days: object) -> None:
    path = tmp_path / "record.json"
    path.write_text(json.dumps({"days": days, "domain": "ac-exemple.test", "names": ""}))
    with pytest.raises(ValueError, match="days"):
        Config.read(path)
    path.write_text(json.dumps({"days": 30, "domain": "AC-exemple.test", "names": ""}))
    assert Config.read(path) == Config(30, "ac-exemple.test")


@pytest.mark.parametrize("left", [b"", b"not a database at all, but long enough for a header" * 40])
def test_a_store_that_cannot_be_read_is_set_aside_and_begun_anew(
    tmp_path: Path, left: bytes, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "record.sqlite"
    path.write_bytes(left)
    with contextlib.closing(opened(path, 30)) as store:
        assert store.of("mdupond").logins == ()
    aside = list(tmp_path.glob("record.sqlite.broken-*"))
    assert [one.read_bytes() for one in aside] == ([left] if left else [])
    assert ("begun anew" in capsys.readouterr().err) is bool(left)
