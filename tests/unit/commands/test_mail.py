"""`malleposte mail trace`: a question for the hosts of mail, and what became of each message in words."""

import contextlib
import json
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from malleposte.accounts.channels import Failure
from malleposte.cli import main
from malleposte.commands import mail
from malleposte.core import paths
from malleposte.core.errors import ExitCode
from malleposte.deliveries.model import Answer, Message, Query, Recipient, State, Verdict
from malleposte.platform.times import local

from tests.support.directory import MemoryDirectory

NOW = 1_800_000_000
TO = "marie.dupond@ac-exemple.test"


def message(*recipients: Recipient, **fields: Any) -> Message:
    given = {"sender": "news@lointain.test", "author": "news@lointain.test", "message_id": "x@y"} | fields
    return Message("4dLpz91CxGz9rxQ", NOW, recipients=recipients, **given)


class Hosts:
    """The hosts of mail: their answer, and what they were asked."""

    def __init__(self) -> None:
        self.answer, self.failures = Answer(), list[Failure]()
        self.asked: list[Query] = []

    def trace(self, query: Query) -> tuple[Answer, list[Failure]]:
        self.asked.append(query)
        return self.answer, self.failures


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> Hosts:
    made, directory = Hosts(), MemoryDirectory()
    values = {"uid": ["mdupond"], "mail": [TO], "mailLocalAddress": [TO], "objectClass": ["mpAgent"], "cn": ["Marie"]}
    directory.add(f"uid=mdupond,ou=people,{directory.suffix}", values)

    @contextlib.contextmanager
    def host() -> Iterator[Any]:
        yield SimpleNamespace(directory=directory, hosts=made), None, None, ""

    monkeypatch.setattr(paths, "HOSTED", True)
    monkeypatch.setattr(mail, "host", host)
    return made


def test_a_question_names_accounts_by_their_uid(hosts: Hosts) -> None:
    hosts.answer = Answer((message(Recipient(TO, "mdupond", State.FILED, "INBOX", "", NOW)),))
    words = ["--from", "mdupond", "--to", TO.upper(), "--subject", "du jury", "--link", "Exemple.org.", "--days", "3"]
    assert main(["mail", "trace", *words, "--limit", "7"]) == ExitCode.DONE
    assert main(["mail", "trace", "--from", "@Lointain.test", "--to", "Ami@lointain.test"]) == ExitCode.DONE
    first, second = hosts.asked
    assert (first.sender, first.recipient, first.word, first.host, first.most) == (
        "mdupond", "mdupond", "du jury", "exemple.org", 7,
    )  # fmt: skip
    assert first.since > second.since + 26 * 86_400
    assert (second.sender, second.recipient, second.most) == ("@lointain.test", "ami@lointain.test", 50)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "needs a sender, a recipient"),
        (["--to", "nobody-at-all"], "no account"),
        (["--from", "nobody-at-all"], "no account"),
        (["--to", TO, "--days", "0"], "days"),
        (["--to", TO, "--limit", "10001"], "limit"),
    ],
)
def test_a_question_that_cannot_be_is_refused(
    hosts: Hosts, capsys: pytest.CaptureFixture[str], words: list[str], said: str
) -> None:
    assert main(["mail", "trace", *words]) == ExitCode.BAD_INPUT
    assert said in capsys.readouterr().err and hosts.asked == []


@pytest.mark.parametrize(
    ("one", "fields", "said"),
    [
        (Recipient(TO, "mdupond", State.FILED, "Projets"), {}, "arrived in Projets of mdupond"),
        (Recipient(TO, "mdupond", State.FILED), {}, "arrived in the box of mdupond"),
        (Recipient(TO, "mdupond", State.FILED, "Junk"), {"verdict": Verdict.JUNK, "reason": "spam"},
         "arrived in Junk of mdupond, judged as junk for its score"),
        (Recipient(TO, "mdupond", State.FILED, "INBOX", "a@b"), {},
         "arrived in INBOX of mdupond, and was passed on by a filter to a@b"),
        (Recipient(TO, "mdupond", State.REDIRECTED, "", "a@b"), {}, "was passed on by a filter of the box to a@b"),
        (Recipient(TO, "mdupond", State.DISCARDED), {}, "was thrown away by a filter of the box"),
        (Recipient(TO, "", State.LEFT, "", "250 ok"), {}, "was taken by the next server: 250 ok"),
        (Recipient(TO, "", State.DEFERRED, "", "450 no"), {}, "waits, the next server does not take it yet: 450 no"),
        (Recipient(TO, "", State.BOUNCED), {}, "could not be delivered, its sender was told: -"),
        (Recipient(TO, "mdupond", State.REFUSED, "", "forged"), {}, "was refused: a forged sender"),
        (Recipient(TO, "mdupond", State.LATER, "", "450 wait"), {}, "was put off, an honest server tries again: 450"),
        (Recipient(TO, "mdupond", State.HELD), {}, "is held in the queue"),
        (Recipient(TO, "mdupond"), {}, "is in the queue"),
    ],
)  # fmt: skip
def test_what_became_of_a_message_in_words(one: Recipient, fields: dict[str, Any], said: str) -> None:
    assert mail.words(message(one, **fields), one).startswith(said)


def test_messages_are_printed_with_their_recipients(hosts: Hosts, capsys: pytest.CaptureFixture[str]) -> None:
    one = Recipient(TO, "mdupond", State.FILED, "INBOX", "", NOW)
    hosts.answer = Answer((message(one, author="ami@exemple.test"), message(sender="")), NOW - 60, 3, True)
    assert main(["mail", "trace", "--to", "mdupond"]) == ExitCode.DONE
    lines = capsys.readouterr().out.splitlines()
    moment = local("2027-01-15T08:00:00Z")
    assert lines[0] == f"{moment}  news@lointain.test (From ami@exemple.test)  <x@y>  4dLpz91CxGz9rxQ"
    assert lines[1].startswith(f"    {TO} arrived in INBOX of mdupond (")
    assert lines[2].startswith(f"{moment}  <>")
    assert lines[3] == "2 messages, and others: narrow it down of the last 30 days"
    assert "begins on" in lines[4] and lines[5].startswith("3 messages of these days are not in the index")


def test_nothing_that_was_found_and_a_host_that_is_away(hosts: Hosts, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["mail", "trace", "--to", "mdupond"]) == ExitCode.FAILURE
    assert capsys.readouterr().out == "0 messages of the last 30 days\n"
    hosts.failures = [Failure("mail2", "no route to host")]
    hosts.answer = Answer((message(Recipient(TO, "mdupond", State.FILED)),))
    assert main(["mail", "trace", "--to", "mdupond", "--json"]) == ExitCode.PARTLY
    said = capsys.readouterr()
    assert "mail2" in said.err
    (shown,) = json.loads(said.out)["messages"]
    assert shown["recipients"][0]["state"] == "filed"
