"""Accounts that nobody has used: what a host says of many at once, and what it removes."""

from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts import acts
from malleposte.accounts.channels import Failure
from malleposte.accounts.hosts.acts import unused
from malleposte.accounts.hosts.every import Hosts
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.journal import Journal
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.core.errors import InputError, MallepostError
from malleposte.platform import mailstore

from tests.support.directory import MemoryDirectory
from tests.support.hosts import NoPasswords

NOBODY, READER = "zmartin", "zdurand"


class Databases:
    """Both databases: they print owners or users, and keep the statements that remove something."""

    def __init__(self) -> None:
        self.owners: set[str] = set()
        self.users: set[str] = set()
        self.erased: list[str] = []

    def __call__(self, database: str, text: str) -> str:
        if text.startswith("BEGIN"):
            self.erased.append(text)
            return ""
        names = self.owners if "sogo_store" in text else self.users
        return "\n".join(one for one in sorted(names) if f"'{one}'" in text)


@pytest.fixture
def databases() -> Databases:
    return Databases()


@pytest.fixture
def host(tmp_path: Path, databases: Databases) -> LocalHost:
    radicale = tmp_path / "radicale"
    radicale.mkdir()
    rules = LifeRules(store=tmp_path / "mail", radicale=radicale, channels=("dovecot", "sogo", "roundcube"))
    return LocalHost(rules, databases, beside=(tmp_path / "cache",), record_socket=tmp_path / "no-record")


def message(host: LocalHost, uid: str, folder: str = "", store: str = mailstore.MAILDIR) -> Path:
    path = host.home(uid) / store / folder / "new" / "1.eml"
    path.parent.mkdir(parents=True)
    path.write_text("Subject: x\n\nx\n")
    return path


def event(host: LocalHost, uid: str) -> Path:
    path = host.rules.radicale / uid / "agenda" / "a.ics"
    path.parent.mkdir(parents=True)
    path.write_text("BEGIN:VCALENDAR\n")
    return path


@pytest.mark.parametrize("what", ["inbox", "folder", "sealed", "radicale", "sogo", "roundcube"])
def test_one_thing_of_an_account_is_use_and_stays(host: LocalHost, databases: Databases, what: str) -> None:
    if what in ("inbox", "folder"):
        message(host, READER, ".Corbeille" if what == "folder" else "")
    elif what == "sealed":
        message(host, READER, ".dangerous", mailstore.SEALED)
    elif what == "radicale":
        event(host, READER)
    else:
        (databases.owners if what == "sogo" else databases.users).add(READER)
    assert unused.used(host, (NOBODY, READER)) == [READER]
    (host.home(NOBODY) / mailstore.MAILDIR / "cur").mkdir(parents=True)
    assert unused.clear(host, (NOBODY, READER)) == [READER]
    assert not host.home(NOBODY).exists()
    assert (host.home(READER).exists(), (host.rules.radicale / READER).exists()) == (
        what in ("inbox", "folder", "sealed"), what == "radicale",
    )  # fmt: skip
    (erased,) = databases.erased
    assert f"'{NOBODY}'" in erased and READER not in erased


def test_a_log_in_is_use(host: LocalHost, monkeypatch: pytest.MonkeyPatch) -> None:
    class Record:
        def __init__(self, logins: list[int]) -> None:
            self.logins = logins

    monkeypatch.setattr(unused.ask, "of", lambda uid, _path: Record([1] if uid == READER else []))
    assert unused.used(host, (NOBODY, READER)) == [READER]


def test_what_is_no_log_in_name_is_refused(host: LocalHost) -> None:
    hosts = Hosts(MemoryDirectory(), [host])
    assert hosts.used((NOBODY,)) == []
    with pytest.raises(InputError, match="no log-in name"):
        hosts.used((NOBODY, "x'; DROP TABLE users; --"))


def test_a_host_that_does_not_answer_keeps_the_answer_from_being_given(host: LocalHost) -> None:
    class Silent:
        name, holds = "mail2", frozenset({"dovecot"})

        def ask(self, *_words: Any, **_more: Any) -> Any:
            raise MallepostError("no route to host")

    with pytest.raises(MallepostError, match="on mail2: no route"):
        Hosts(MemoryDirectory(), [host, Silent()]).used((NOBODY,))


def test_mail_that_came_while_an_account_was_taken_back_brings_it_back(host: LocalHost, tmp_path: Path) -> None:
    directory = MemoryDirectory()
    changes = [
        Change(
            Kind.WITHDRAW, uid, f"uid={uid},ou=people,{directory.suffix}", {"objectClass": ["mpAgent"], "uid": [uid]}
        )
        for uid in (NOBODY, READER)
    ]
    arrived = message(host, READER)
    with Journal(tmp_path / "journal.jsonl", "essai@poste") as journal:
        tools: Any = acts.Tools(directory, journal, (), NoPasswords(), Hosts(directory, [host]))
        failures = acts.follow_up(tools, changes)
    assert failures == [Failure(READER, "was used while it was taken back: it is there again")]
    assert [entry.attributes["uid"] for entry in directory.search("people", ["uid"])] == [[READER]]
    assert arrived.exists()
