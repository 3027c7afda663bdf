"""« À envoyer »: the owner's own act over IMAP sends a message at its hour, as submission would."""

import email
import imaplib
import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd.calls.mailbox.later import AgentLater, DecideLater
from malleposte.accounts.mailbox.later import moments
from malleposte.platform.mailstore import TO_SEND

from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import FOREIGN, Mail, compose, quoted, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.portal import Portal
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.scattered

SENT, DRAFTS = "Envoyés", "Brouillons"
LEDGER = "/var/lib/malleposte-later/ledger.sqlite"
DUE = """
import json, sqlite3, sys, time
given = json.load(sys.stdin)
with sqlite3.connect(given["ledger"], timeout=30) as link:
    link.execute("UPDATE orders SET due = ?, again = ? WHERE uid = ? AND state = ?",
                 (time.time(), time.time(), given["uid"], "ordered"))
"""


class Later:
    """An agent who may send later."""

    def __init__(self, site: Site, mail: Mail, account: Account) -> None:
        self.site, self.mail, self.account = site, mail, account
        self.cli("--on")

    def cli(self, *words: str) -> dict[str, Any]:
        answer = self.site.run("mail1", f"malleposte accounts later {self.account.uid} --json {' '.join(words)}")
        return dict(json.loads(answer))

    def waits(self, word: str) -> dict[str, Any] | None:
        """Return the page's words on a message."""
        return next((one for one in self.cli()["messages"] if word in one["subject"]), None)

    def lay(
        self, folder: str, recipient: str, session: imaplib.IMAP4 | None = None, sender: str = "", **headers: str
    ) -> str:
        """Lay a message into a folder by APPEND; the word of its subject."""
        word = token()
        message = compose(sender or self.account.mail, recipient, word, **headers)
        session = session or self.mail.imap(self.account)
        answer = session.append(quoted(folder), "(\\Seen \\Draft)", imaplib.Time2Internaldate(time.time()), message)
        assert answer[0] == "OK", answer
        return word

    def ordered(self, word: str) -> dict[str, Any]:
        """Wait until the order is taken."""
        return wait_for(lambda: one if (one := self.waits(word)) and one["id"] else None, 20, f"order of {word}")

    def waiting(self, word: str) -> dict[str, Any]:
        """Wait until the page says why a message does not go."""
        return wait_for(lambda: one if (one := self.waits(word)) and one["reason"] else None, what=f"{word} waits")

    def make_due(self) -> None:
        """Let the hour of what is ordered be now."""
        given = json.dumps({"ledger": LEDGER, "uid": self.account.uid})
        self.site.run("mail1", "/usr/bin/python3", "-c", f"'{DUE}'", given=given)

    def here(self, word: str, folder: str) -> int:
        return self.mail.count(self.account, word, folder)


@pytest.fixture
def later(site: Site, mail: Mail, people: People) -> Callable[[], Later]:
    return lambda: Later(site, mail, people.agent())


def settled(agent: Later, *words: str) -> None:
    """Have sent what is due, by a message that goes, and wait until the daemon has no more to do."""
    wait_for(lambda: all(not agent.waits(word) or agent.waits(word)["reason"] for word in words), 60, "orders done")  # type: ignore[index]


def test_a_message_goes_at_its_hour_to_all_and_hidden_recipients_are_in_no_copy(later: Any, mail: Mail) -> None:
    agent, other, hidden = later(), later().account, later().account
    reader = mail.imap(agent.account)
    assert quoted(moments.TOMORROW).encode() in b"".join(reader.lsub(pattern="*")[1]), "no program shows the folder"
    word = agent.lay(
        TO_SEND, other.mail, Cc=f"probe@{FOREIGN}", Bcc=hidden.mail, X_Malleposte_Send_At="+3",
        X_Mozilla_Draft_Info="internal/draft",
    )  # fmt: skip
    late = agent.lay(moments.TOMORROW, other.mail)
    for one in (other, hidden):
        text = mail.arrived(one, word)
        message = email.message_from_bytes(text)
        assert message["From"] == agent.account.mail and message["To"] == other.mail and "Bcc" not in message
        assert hidden.mail.encode() not in text.partition(b"\n\n")[2]
        assert not [name for name in message if name.lower().startswith(("x-malleposte-send", "x-mozilla"))]
        received = " ".join(message.get_all("Received", []))
        assert "127.0.0.1" not in received and "localhost" not in received
    assert hidden.mail.encode() not in mail.at_foreign("probe", word)
    wait_for(lambda: agent.here(word, SENT) == 1, what="it lies in « Envoyés »")
    session = mail.imap(agent.account)
    session.select(quoted(SENT))
    assert session.search(None, "SUBJECT", word, "SEEN", "NOT", "DRAFT")[1] != [b""]
    assert agent.here(word, TO_SEND) == 0
    assert agent.ordered(late)["due"] > time.time() and mail.count(other, late) == 0
    agent.make_due()
    mail.arrived(other, late)


def test_moved_or_deleted_it_does_not_go_and_the_one_beside_it_does(later: Any, mail: Mail) -> None:
    agent, other = later(), later().account
    session = mail.imap(agent.account)
    words = {how: agent.lay(moments.HOUR, other.mail, session) for how in ("moved", "deleted", "goes")}
    for word in words.values():
        agent.ordered(word)
    session.select(quoted(moments.HOUR))
    (number,) = session.search(None, "SUBJECT", words["moved"])[1]
    assert session._simple_command("MOVE", number.decode(), quoted(DRAFTS))[0] == "OK"
    (number,) = session.search(None, "SUBJECT", words["deleted"])[1]
    session.store(number.decode(), "+FLAGS", "\\Deleted")
    session.expunge()
    agent.make_due()
    mail.arrived(other, words["goes"])
    settled(agent, *words.values())
    assert [mail.count(other, word) for word in words.values()] == [0, 0, 1]
    assert agent.here(words["moved"], DRAFTS) == 1
    # A draft that is moved there goes as one that is saved there.
    session.select(quoted(DRAFTS))
    (number,) = session.search(None, "SUBJECT", words["moved"])[1]
    assert session._simple_command("MOVE", number.decode(), quoted(moments.HOUR))[0] == "OK"
    agent.ordered(words["moved"])
    agent.make_due()
    mail.arrived(other, words["moved"])


@pytest.mark.full
def test_another_s_name_is_refused_as_at_submission_and_told(later: Any, mail: Mail) -> None:
    agent, other = later(), later()
    words = {
        sender: agent.lay(moments.HOUR, other.account.mail, sender=sender)
        for sender in (other.account.mail, f"quelqu.un@{FOREIGN}", agent.account.mail)
    }
    for word in words.values():
        agent.ordered(word)
    agent.make_due()
    mail.arrived(other.account, words[agent.account.mail])
    for sender in list(words)[:2]:
        row = agent.waiting(words[sender])
        assert row["reason"] == "refused" and row["detail"].startswith("5"), row
        assert mail.count(other.account, words[sender]) == 0


def test_a_copy_that_its_owner_did_not_lay_never_goes(later: Any, mail: Mail, site: Site) -> None:
    """A restore, an undelete, a class change and an import work by doveadm; a delegate is not the owner."""
    agent, other = later(), later()
    session = mail.imap(agent.account)
    goes = agent.lay(moments.HOUR, other.account.mail, session)
    word = token()
    message = compose(agent.account.mail, other.account.mail, word).decode()
    site.run("mail1", f"doveadm save -u {agent.account.uid} -m '{moments.HOUR}'", given=message)
    session.setacl(quoted(moments.HOUR), other.account.uid, "lrwstipekx")
    delegate = mail.imap(other.account)
    shared = f"Partages/{agent.account.uid}/{moments.HOUR}"
    mine = Later.lay(agent, shared, other.account.mail, delegate)
    theirs = Later.lay(agent, shared, agent.account.mail, delegate, sender=other.account.mail)
    assert mail.count(agent.account, mine, moments.HOUR) == 1, "it lies there"
    agent.ordered(goes)
    agent.make_due()
    mail.arrived(other.account, goes)
    for one in (word, mine, theirs):
        assert agent.waits(one)["id"] == "", one
        assert mail.count(other.account, one) + mail.count(agent.account, one) == 0


def test_its_owner_decides_at_the_portal(later: Any, mail: Mail, site: Site) -> None:
    agent, other, portal = later(), later().account, Portal(site)
    words = {send: agent.lay(moments.TOMORROW, other.mail) for send in (True, False)}
    idents = {send: agent.ordered(word)["id"] for send, word in words.items()}
    for send, ident in idents.items():
        request = DecideLater(portal.source, agent.account.uid, portal.token(agent.account.uid), ident, send)
        assert isinstance(portal.one(request), AgentLater)
    mail.arrived(other, words[True])
    assert agent.here(words[False], DRAFTS) == 1 and mail.count(other, words[False]) == 0


@pytest.mark.full
def test_who_has_it_off_sends_nothing(later: Any, mail: Mail) -> None:
    agent, other = later(), later()
    before = agent.lay(moments.HOUR, other.account.mail)
    agent.ordered(before)
    assert not agent.cli("--off", "--reason", "essai")["choice"]["on"]
    after = agent.lay(moments.HOUR, other.account.mail)
    agent.make_due()
    goes = other.lay(TO_SEND, agent.account.mail, X_Malleposte_Send_At="+1")
    mail.arrived(agent.account, goes)
    assert agent.waits(before)["reason"] == "off" and agent.waits(after)["id"] == ""
    assert mail.count(other.account, before) + mail.count(other.account, after) == 0


@pytest.mark.full
def test_a_blocked_account_s_message_waits(later: Any, mail: Mail, people: People) -> None:
    agent, other = later(), later()
    word = agent.lay(moments.HOUR, other.account.mail)
    agent.ordered(word)
    mail.close()
    people.change(agent.account, mpState=["blocked"])
    agent.site.run("mail1", f"doveadm auth cache flush {agent.account.uid}")
    agent.make_due()
    row = agent.waiting(word)
    assert row["reason"] == "blocked" and mail.count(other.account, word) == 0


def test_the_port_is_the_daemon_s_alone(site: Site) -> None:
    """Whoever else is on the host names nobody there."""
    look = 'import socket; print(socket.create_connection(("127.0.0.1", 10034), 5).recv(3))'
    for user, opens in (("malleposte-later", True), ("vmail", False), ("root", False)):
        argv = f"setpriv --reuid {user} --regid nogroup --clear-groups /usr/bin/python3 -c '{look}'"
        said = site.run("mail1", f"{argv} 2>&1 || true")
        assert ("b'220'" in said) == opens, (user, said)


@pytest.mark.full
def test_a_message_to_thousands_waits_and_one_to_sixty_goes(later: Any, mail: Mail) -> None:
    agent, other = later(), later().account
    crowds = {size: ", ".join([other.mail, *(f"n{number}@{FOREIGN}" for number in range(size))]) for size in (60, 5000)}
    words = {size: agent.lay(moments.HOUR, crowd) for size, crowd in crowds.items()}
    for word in words.values():
        agent.ordered(word)
    agent.make_due()
    mail.arrived(other, words[60])
    assert agent.waiting(words[5000])["reason"] == "crowd"
    assert mail.count(other, words[5000]) == 0


def folders(tree: Any) -> Iterator[tuple[str, str]]:
    """Name the folders of SOGo's tree: (name, path)."""
    for one in tree if isinstance(tree, list) else tree.get("mailboxes", []):
        yield str(one["name"]), str(one["path"])
        yield from folders(one.get("children", []))


@pytest.mark.full
def test_a_draft_of_sogo_that_is_moved_there_goes(people: People, site: Site, mail: Mail, ca_bundle: Path) -> None:
    account = people.agent(profile="convergence")
    agent, other = Later(site, mail, account), people.agent()
    here, word = Groupware(site, ca_bundle, account).login(), token()
    folder, draft = here.compose()
    saved = here.letter(f"{folder}/{draft}/save", to=[other.mail], subject=word, text="Bonjour")
    assert saved.status == 200, saved.text
    paths = dict(folders(here.get(here.own("Mail/0/view")).json()))
    steps = "/".join(f"folder{name}" for name in paths["Demain 8 h"].split("/"))
    target = {"uids": [int(saved.json()["uid"])], "folder": f"/0/{steps}"}
    moved = here.post(f"{folder}/moveMessages", target)
    assert moved.status == 200, moved.text
    assert agent.here(word, DRAFTS) == 0
    agent.ordered(word)
    agent.make_due()
    mail.arrived(other, word)
    wait_for(lambda: agent.here(word, SENT) == 1, what="it lies in « Envoyés »")
