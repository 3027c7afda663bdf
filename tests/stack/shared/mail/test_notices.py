"""The filter's words on a sender for the webmails: first contacts, and names that somebody else shows."""

import base64
import secrets
from typing import Any

import pytest

from tests.stack.support import corpus
from tests.stack.support.mail import FOREIGN, Mail, compose, token
from tests.stack.support.people import People
from tests.stack.support.scans import verdicts
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.scattered

HEADER = "X-Malleposte-Notice"
STRANGER = f"{token()}@{FOREIGN}"
"""An address to which nobody wrote."""


def letters() -> str:
    """A name that no other person has."""
    return "".join(secrets.choice("bcdfglmnprstv") + secrets.choice("aeiou") for _ in range(5)).capitalize()


def noticed(site: Site, shown: str, address: str = STRANGER, **envelope: str) -> str:
    """The filter's words on a message under a shown name."""
    coded = base64.b64encode(shown.encode()).decode()
    message = (
        f"From: =?utf-8?B?{coded}?= <{address}>\r\nTo: probe1@ac-exemple.test\r\nSubject: essai\r\n"
        f"{HEADER}: desk head\r\n"
        f"Message-ID: <{token()}@{FOREIGN}>\r\nDate: Mon, 02 Mar 2026 10:00:00 +0100\r\n\r\nBonjour.\r\n"
    )
    (answer,) = verdicts(site, [message], From=address, **envelope)
    return words(answer)


def words(answer: dict[str, Any]) -> str:
    """The words of an answer: the field that the message came with is not the filter's."""
    header = answer.get("milter", {}).get("add_headers", {}).get(HEADER, {})
    return str(header.get("value", "")) if isinstance(header, dict) else ""


@pytest.fixture
def head(people: People) -> tuple[Account, str]:
    """A head of school, and the name."""
    given, surname = letters(), letters()
    mail = f"{given}.{surname}@ac-exemple.test".lower()
    return people.agent(given_name=given, surname=surname, mail=mail, function="Principal"), f"{given} {surname}"


def test_a_stranger_who_shows_the_name_of_a_head_is_noticed(site: Site, people: People, head: Any) -> None:
    _account, name = head
    given, surname = letters(), letters()
    people.agent(given_name=given, surname=surname, function="Professeur")
    first, last = name.split()
    for shown in (
        name,
        f"{last} {first}",
        name.upper(),
        f"M. {name}",
        f"{name} (principal)",
        name.replace("a", "\u0430"),
    ):
        assert noticed(site, shown) == "first head", shown
    for shown in (f"{given} {surname}", f"{letters()} {letters()}", first, "", name + "x", "x" * 300):
        assert noticed(site, shown) == "first", shown


def test_a_sender_who_shows_the_name_of_the_desk_is_noticed(site: Site, people: People) -> None:
    for shown in ("DSI", "Assistance informatique", "ASSISTANCE DE L'ACADÉMIE", "Service messagerie - DSI", "D\u0405I"):
        assert noticed(site, shown) == "first desk", shown
    for shown in ("Édsier Martin", "Assistance SNCF", "Lycée Diderot", "Informatique"):
        assert noticed(site, shown) == "first", shown
    agent = people.agent()
    assert noticed(site, "Assistance informatique", agent.mail, User=agent.uid) == "desk"
    assert noticed(site, agent.uid, agent.mail, User=agent.uid) == ""
    box = people.box(agent.uid, name=f"Assistance informatique {letters()}")
    assert noticed(site, "Assistance informatique", box.mail, User=agent.uid) == ""


def test_an_agent_who_shows_the_name_of_a_head_is_refused(mail: Mail, people: People, head: Any) -> None:
    account, name = head
    agent = people.agent()
    answer = mail.submit(agent, agent.mail, account.mail, compose(f"{name} <{agent.mail}>", account.mail, token()))
    assert not answer.accepted and "nom" in answer.text
    assert mail.submit(
        account, account.mail, agent.mail, compose(f"{name} <{account.mail}>", agent.mail, token())
    ).accepted


def test_who_was_written_to_is_no_first_contact_and_the_readers_get_no_forged_word(mail: Mail, people: People) -> None:
    agent, word, other = people.agent(), token(), token()
    sender = f"{word}@{FOREIGN}"
    for subject in (word, other):
        message = compose(sender, agent.mail, subject, X_Malleposte_Notice="desk head")
        mail.foreign(sender, agent.mail, message)
        arrived = mail.arrived(agent, subject)
        fields = [
            line
            for line in arrived.replace(b"\r\n", b"\n").split(b"\n")
            if line.lower().startswith(HEADER.lower().encode())
        ]
        assert fields == ([f"{HEADER}: first".encode()] if subject == word else [])
        if subject == word:
            assert mail.submit(agent, agent.mail, sender, compose(agent.mail, sender, token())).accepted


@pytest.mark.full
def test_no_honest_letter_of_the_collection_is_noticed_for_its_name(site: Site) -> None:
    cases = list(corpus.honest())
    texts = (one.message.decode("utf-8", "surrogateescape") for one in cases)
    said = [words(answer) for answer in verdicts(site, texts, From=STRANGER)]
    assert [one.label for one, told in zip(cases, said, strict=True) if "desk" in told or "head" in told] == []
