"""The sum of a quota after commands of clients, and the bound of what was deleted for good."""

import imaplib
import json
from typing import Any

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import Mail, compose, token, wait_for
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.scattered

TEXT = "mot " * 50_000
SIZE = 200
"""Kilobytes of such a message, a little less."""


def stored(site: Site, account: Account) -> int:
    """Kilobytes that the quota counts."""
    rows = json.loads(site.run("mail1", f"doveadm -f json quota get -u {account.uid}"))
    return next(int(row["value"]) for row in rows if row["type"] == "STORAGE")


def fill(session: Any, account: Account, folder: str = "INBOX", count: int = 1) -> None:
    for _ in range(count):
        message = compose("a@lointain.test", account.mail, token(), TEXT)
        assert session.append(folder, "", None, message)[0] == "OK"


def counts(site: Site, account: Account, messages: int, what: str) -> None:
    low, high = messages * (SIZE - 10), messages * (SIZE + 20)
    wait_for(lambda: low <= stored(site, account) <= high, what=f"{messages} messages in the quota after {what}")


def test_what_moves_within_a_box_stays_in_its_quota(people: People, mail: Mail, site: Site) -> None:
    account = people.agent()
    session = mail.imap(account)
    fill(session, account, count=3)
    assert stored(site, account) > 3 * (SIZE - 10)
    session.select("INBOX")
    assert session.uid("MOVE", "1:2", "Archives")[0] == "OK"
    counts(site, account, 3, "a move")
    # Its own session sees it too.
    assert int(session.getquotaroot("INBOX")[1][1][0].decode().partition("(")[2].split()[1]) > 3 * (SIZE - 10)
    fill(session, account)
    counts(site, account, 4, "a further message")


def test_what_replaces_another_message_is_counted(
    people: People, mail: Mail, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    account = people.agent()
    session: Any = mail.imap(account)
    assert session.append("INBOX", "", None, b"Subject: court\r\n\r\nmot\r\n")[0] == "OK"
    session.select("INBOX")
    # imaplib knows no REPLACE (RFC 8508).
    monkeypatch.setitem(imaplib.Commands, "REPLACE", ("SELECTED",))
    session.literal = imaplib.MapCRLF.sub(imaplib.CRLF, compose("a@lointain.test", account.mail, token(), TEXT))
    assert session._simple_command("REPLACE", "1", "INBOX")[0] == "OK"
    counts(site, account, 1, "REPLACE")


def test_what_moves_within_a_shared_box_stays_in_its_quota(people: People, mail: Mail, site: Site) -> None:
    delegate = people.agent()
    box = people.box(delegate.uid)
    session = mail.imap(delegate)
    shared = f"Partages/{box.uid}"
    fill(session, delegate, shared, 2)
    assert session.create(f"{shared}/Dossier")[0] == "OK"
    session.select(shared)
    assert session.uid("MOVE", "1", f"{shared}/Dossier")[0] == "OK"
    counts(site, box, 2, "a delegate's move")
    assert stored(site, delegate) == 0


@pytest.mark.full
def test_what_was_deleted_for_good_has_a_bound(people: People, mail: Mail, site: Site) -> None:
    """The bound is set so low for one process beside the host's own."""
    cli = Cli(site)
    account = people.agent()
    session = mail.imap(account)
    fill(session, account, count=8)
    session.select("INBOX")
    session.store("1:*", "+FLAGS", "(\\Deleted)")
    assert session.expunge()[0] == "OK"
    before = [one["subject"] for one in cli.json("undelete", account.uid)["messages"]]
    assert len(before) == 8
    code = (
        "import sys; sys.path.insert(0, '/usr/lib/malleposte/malleposte.pyz');"
        "from malleposte.platform import expunged; from malleposte.platform.mailstore import home_of;"
        f"print(expunged.trim(home_of('{account.uid}'), 1000000))"
    )
    removed = int(site.run("mail1", f'runuser -u vmail -- python3 -I -B -c "{code}"'))
    assert removed == 4
    left = {one["subject"] for one in cli.json("undelete", account.uid)["messages"]}
    assert len(left) == 4 and left < set(before)
