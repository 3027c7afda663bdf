"""A host in use, wherever the directory is: a restore of everything asks before it replaces its data."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import pytest
from malleposte.backup.archive import config
from malleposte.backup.restore import database as restore_database
from malleposte.backup.restore import dav
from malleposte.backup.restore import directory as restore_directory
from malleposte.backup.restore import host as restore_host
from malleposte.core.errors import MallepostError
from malleposte.platform import mailstore
from malleposte.runtime.settings import convert

MAIL = "mailboxes with mail"
AGENDAS = "agents with agendas"
ENTRY = (
    "dn: uid={uid},ou={branch},dc=ac-exemple,dc=test\nobjectClass: inetOrgPerson\nobjectClass: {kind}\nuid: {uid}\n\n"
)
BOX = ENTRY.format(uid="postmaster", branch="functional", kind="mpFunctionalBox")
PROBER = ENTRY.format(uid="probe-vault1-1", branch="people", kind="mpAgent")
AGENT = ENTRY.format(uid="anne", branch="people", kind="mpAgent")
KNOWN = convert(
    {
        "client": "mail1", "vaults": [], "sources": [], "ssh_config": "/x", "base": "/x", "state": "/x",
        "mail_root": "/srv/mail", "databases": True,
        "restore": {"users": {"sogo": "SELECT count(*) FROM agents", "roundcube": "SELECT count(*) FROM users"}},
    },
    config.Config,
)  # fmt: skip


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., restore_host.ThisHost]:
    """A host by what lies there: a message, an agenda's owner, entries of its directory, users of databases."""

    def made(
        letter: str = "", agenda: str = "", entries: str = "", home: str = "anne", **users: int
    ) -> restore_host.ThisHost:
        store, root = tmp_path / "mail", tmp_path / "radicale"
        for place in (store / "aa" / home / "Maildir/cur", root / "collection-root"):
            place.mkdir(parents=True)
        if letter:
            (store / "aa" / home / "Maildir" / letter).write_text("Subject: un\n\n")
        if agenda:
            (root / "collection-root" / agenda).mkdir()

        def sql(_self: object, question: str, name: str = "") -> str:
            if not users:
                raise MallepostError("no PostgreSQL here")
            return str(users[name]) if name else "\n".join(users)

        monkeypatch.setattr(restore_directory.Slapd, "live", lambda _self: entries.encode())
        monkeypatch.setattr(restore_database.Postgres, "sql", sql)
        monkeypatch.setattr(mailstore, "STORE", store)
        store = dav.Store(root)
        monkeypatch.setattr(dav, "Store", lambda: store)
        return restore_host.ThisHost(cast("Any", None), print, KNOWN)

    return made


@pytest.mark.parametrize(
    ("there", "told"),
    [
        ({}, []),
        ({"letter": "cur/1.x:2,S"}, [f"1 {MAIL}"]),
        ({"agenda": "anne"}, [f"1 {AGENDAS}"]),
        ({"agenda": ".published"}, []),
        # A deploy makes the boxes of the platform's own addresses.
        ({"entries": BOX}, []),
        ({"entries": BOX + AGENT}, ["1 accounts"]),
        # It makes the accounts of the vaults' probes too, which write to each other from then on.
        ({"entries": BOX + PROBER, "agenda": "probe-vault1-1", "home": "probe-vault1-2", "letter": "cur/1.x:2,S"}, []),
        ({"sogo": 3, "roundcube": 0}, ["3 users in the database sogo"]),
        ({"letter": "cur/1.x:2,S", "agenda": "anne", "roundcube": 2},
         [f"1 {MAIL}", f"1 {AGENDAS}", "2 users in the database roundcube"]),
    ],
)  # fmt: skip
def test_a_host_is_in_use_by_what_agents_have_there(
    host: Callable[..., restore_host.ThisHost], there: dict[str, Any], told: list[str]
) -> None:
    assert host(**there).in_use() == told
