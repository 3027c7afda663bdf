"""Messages deleted for good: kept, seen by no program, against no quota; brought back, ended at their time."""

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import compose, quoted, token

pytestmark = pytest.mark.scattered


@pytest.fixture
def cli(site):
    """Runs commands on the directory's host."""
    return Cli(site)


def used(mail, account):
    """Kilobytes of an account's quota that are in use."""
    session = mail.imap(account)
    return int(session.getquotaroot("INBOX")[1][1][0].decode().partition("(")[2].split()[1])


def put_and_delete(mail, account, folder, subject, body="", sender="a@lointain.test"):
    """A message in a folder, then gone from it."""
    session = mail.imap(account)
    session.create(quoted(folder))
    session.append(quoted(folder), None, None, compose(sender, account.mail, subject, body))
    mail.remove(account, subject)


def test_the_dsi_finds_and_brings_back(people, mail, cli):
    account, word, other = people.agent(), token(), token()
    put_and_delete(mail, account, "Projets", word)
    put_and_delete(mail, account, "Corbeille", other)
    listed = cli.json("undelete", account.uid)["messages"]
    assert {one["folder"] for one in listed} == {"Projets", "Corbeille"}
    (found,) = cli.json("undelete", account.mail, "--subject", word, "--days", "2")["messages"]
    assert found["subject"] == word
    assert cli.json("undelete", account.uid, "--subject", token())["messages"] == []
    assert cli.json("undelete", account.uid, found["ident"])["restored"] == {"Projets": 1}
    assert mail.count(account, word, "Projets") == 1
    assert cli("undelete", account.uid, found["ident"]).returncode == 2
    assert cli.json("undelete", account.uid, "--all")["restored"] == {"INBOX": 1}
    assert mail.count(account, other) == 1


def test_a_folder_that_was_removed_comes_back_with_its_message(people, mail, cli):
    account, word = people.agent(), token()
    put_and_delete(mail, account, "Ancien", word)
    assert mail.imap(account).delete(quoted("Ancien"))[0] == "OK"
    assert cli.json("undelete", account.uid, "--all")["restored"] == {"Ancien": 1}
    assert mail.count(account, word, "Ancien") == 1


def test_it_counts_against_no_quota_and_no_program_sees_it(people, mail):
    account = people.agent()
    before = used(mail, account)
    put_and_delete(mail, account, "INBOX", token(), "mot " * 50_000)
    assert used(mail, account) <= before + 20
    session = mail.imap(account)
    assert not [line for line in session.list()[1] if b"EXPUNGED" in line]
    assert not [line for line in session.lsub()[1] if line and b"EXPUNGED" in line]


def test_what_comes_back_counts_again(people, mail, cli, site):
    account = people.agent()
    put_and_delete(mail, account, "INBOX", token(), "mot " * 50_000)
    before = used(mail, account)
    assert cli.json("undelete", account.uid, "--all")["restored"] == {"INBOX": 1}
    assert used(mail, account) > before + 150


def test_a_batch_is_kept_whole(people, mail, cli):
    account, words = people.agent(), [token() for _ in range(5)]
    session = mail.imap(account)
    for one in words:
        session.append("INBOX", None, None, compose("a@lointain.test", account.mail, one))
    session.select("INBOX")
    session.store("1:*", "+FLAGS", "(\\Deleted)")
    assert session.expunge()[0] == "OK"
    assert sorted(one["subject"] for one in cli.json("undelete", account.uid)["messages"]) == sorted(words)
    assert cli.json("undelete", account.uid, "--all")["restored"] == {"INBOX": 5}


def test_a_move_leaves_nothing_behind(people, mail, cli):
    account, word = people.agent(), token()
    session = mail.imap(account)
    session.append("INBOX", None, None, compose("a@lointain.test", account.mail, word))
    session.select("INBOX")
    assert session.uid("MOVE", "1:*", quoted("Corbeille"))[0] == "OK"
    assert cli.json("undelete", account.uid)["messages"] == []


def test_it_ends_at_its_time(people, mail, cli, site):
    account, word = people.agent(), token()
    put_and_delete(mail, account, "INBOX", word)
    run = "/usr/bin/python3 -I -B /usr/lib/malleposte/malleposte.pyz run dovecot-nightly /srv/mail"
    site.run("mail1", f"{run} 30 30 1000000")
    assert len(cli.json("undelete", account.uid)["messages"]) == 1
    site.run("mail1", f"doveadm expunge -u {account.uid} mailbox '.EXPUNGED/mail/*' ALL")
    assert cli.json("undelete", account.uid)["messages"] == []
