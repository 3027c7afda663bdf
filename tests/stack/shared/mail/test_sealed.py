"""The sealed mailboxes: no client of a box lists, opens, fills or copies from them."""

import imaplib
import io
import json
import zipfile

import pytest
from malleposte.platform.mailstore import DANGEROUS, EXPUNGED, RETRACTED, SEALED, SEALED_ROOT, home_of

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.mail import Mail, compose, quoted, token
from tests.stack.support.people import People
from tests.stack.support.site import Account, Site

pytestmark = pytest.mark.scattered
HONEST = "Projets"
ACTS = (
    "SELECT {0}", "EXAMINE {0}", "STATUS {0} (MESSAGES)", "SUBSCRIBE {0}", "UID COPY 1:* {0}", "UID MOVE 1:* {0}",
    "GETACL {0}", "SETACL {0} {1} lrwstipekxa", "GETMETADATA {0} (/private/comment)",
    'SETMETADATA {0} (/private/comment "x")', "RENAME {0} {0}-b", "RENAME {0}-b {0}", "DELETE {0}",
)  # fmt: skip
"""Acts on a folder, in an order in which each is accepted on an honest one."""


def put(site: Site, account: Account, folder: str, subject: str) -> None:
    """File a message as an operator does."""
    message = compose("a@lointain.test", account.mail, subject).decode()
    site.run("mail1", f"doveadm save -u {account.uid} -m {folder}", given=message)


def held(site: Site, account: Account, folder: str) -> list[str]:
    """The subjects of the messages of a folder."""
    done = site.run("mail1", f"doveadm -f json fetch -u {account.uid} hdr.subject mailbox '{folder}' all")
    return sorted(row["hdr.subject"] for row in json.loads(done))


def said(session: imaplib.IMAP4, words: str) -> tuple[str, bytes]:
    """The answer to a command, typed as it is, with all its lines."""
    tag = session._new_tag()
    session.send(tag + b" " + words.encode() + b"\r\n")
    lines: list[bytes] = []
    while not lines or not lines[-1].startswith(tag):
        lines.append(session.readline())
    return lines[-1].split()[1].decode(), b"".join(lines)


def begin(session: imaplib.IMAP4, honest: str) -> None:
    """Make the honest folder, and select the inbox for COPY and MOVE."""
    assert session.create(quoted(honest))[0] == "OK"
    assert session.select("INBOX")[0] == "OK"


def test_its_owner_reaches_nothing_there_beside_an_honest_folder(people: People, mail: Mail, site: Site) -> None:
    account, word = people.agent(), token()
    put(site, account, DANGEROUS, word)
    session = mail.imap(account)
    for _ in ACTS[4:6]:
        session.append("INBOX", None, None, compose("a@lointain.test", account.mail, "honnête"))
    begin(session, HONEST)
    for act in ACTS[2:]:
        assert said(session, act.format(HONEST, account.uid))[0] == "OK", act
    session.append("INBOX", None, None, compose("a@lointain.test", account.mail, "honnête"))
    for folder in (DANGEROUS, RETRACTED, SEALED_ROOT.strip("/"), DANGEROUS.lower(), f"{SEALED_ROOT}autre"):
        assert said(session, "SELECT INBOX")[0] == "OK"
        for act in (*ACTS[2:], *ACTS[:2], f"CREATE {folder}", "RENAME INBOX {0}", "LISTRIGHTS {0} {1}", "LSUB x {0}"):
            status, answer = said(session, act.format(quoted(folder), account.uid))
            assert word.encode() not in answer
            assert status == "NO" or act.startswith(("LISTRIGHTS", "LSUB")), (act, answer)
        status, _ = session.append(quoted(folder), None, None, b"Subject: x\r\n\r\nx\r\n")
        assert status == "NO"
    assert held(site, account, f"{SEALED_ROOT}*") == [word]
    site.run("mail1", f"test ! -e {home_of(account.uid)}/Maildir/.SEALED.autre")


def test_no_list_and_no_search_shows_it(people: People, mail: Mail, site: Site) -> None:
    account, word = people.agent(), token()
    for folder in (DANGEROUS, RETRACTED):
        put(site, account, folder, word)
    put(site, account, "INBOX", word)
    session = mail.imap(account)
    lists = (
        "NAMESPACE", 'LIST "" *', f'LIST "" {SEALED_ROOT}*', f'LIST "{SEALED_ROOT}" %', 'LSUB "" *', 'XLIST "" *',
        f'LIST "" ({SEALED_ROOT}*) RETURN (STATUS (MESSAGES) SUBSCRIBED)', 'LIST (SUBSCRIBED REMOTE) "" *',
    )  # fmt: skip
    for words in lists:
        lines = said(session, words)[1].splitlines()
        assert not [line for line in lines if line.startswith(b"* ") and b"SEALED" in line.upper()], lines
    assert b"INBOX" in said(session, 'LIST "" *')[1]
    session.select("INBOX")
    assert session.search(None, "SUBJECT", word)[1][0].split() == [b"1"]


def test_a_delegate_reaches_nothing_there(people: People, mail: Mail, site: Site) -> None:
    delegate, word = people.agent(), token()
    box = people.box(delegate.uid)
    owner = Account(box.uid, box.mail, "", "roundcube")
    for folder in (DANGEROUS, "INBOX"):
        put(site, owner, folder, word)
    session, shared = mail.imap(delegate), f"Partages/{box.uid}"
    for act in (f"SELECT {shared}", f"CREATE {shared}/Projets", f"UID COPY 1 {shared}/Projets"):
        assert said(session, act)[0] == "OK", act
    for act in ("SELECT {0}", "STATUS {0} (MESSAGES)", "CREATE {0}", "UID COPY 1:* {0}", "GETACL {0}"):
        for folder in (f"{shared}/{DANGEROUS}", f"{shared}/{SEALED_ROOT}x"):
            assert said(session, f"SELECT {shared}")[0] == "OK"
            status, answer = said(session, act.format(folder))
            assert status == "NO" and word.encode() not in answer, answer


def test_a_filter_of_the_agent_reads_nothing_there_and_fills_no_quota(people: People, mail: Mail, site: Site) -> None:
    account, writer, word, other = people.agent(), people.agent(), token(), token()
    script = 'require ["fileinto", "mailbox"];\n'
    script += f'if header :contains "subject" "{word}" {{ fileinto :create "{DANGEROUS}"; stop; }}\n'
    mail.set_filter(account, "essai", script)
    for subject in (word, other):
        message = compose(writer.mail, account.mail, subject)
        assert mail.submit(writer, writer.mail, account.mail, message).accepted
    mail.arrived(account, other)
    assert mail.count(account, word) == 0
    assert held(site, account, DANGEROUS) == [word]
    assert said(mail.imap(account), f"SELECT {DANGEROUS}")[0] == "NO"


def test_it_takes_nothing_of_the_quota_and_leaves_by_a_move_into_a_full_box(
    people: People, mail: Mail, site: Site
) -> None:
    account, word = people.agent(quota_mb=1), token()
    big = compose("a@lointain.test", account.mail, word, "mot " * 100_000).decode()
    for _ in range(3):
        site.run("mail1", f"doveadm save -u {account.uid} -m {RETRACTED}", given=big)
    used = json.loads(site.run("mail1", f"doveadm -f json quota get -u {account.uid}"))
    assert next(row["value"] for row in used if row["type"] == "STORAGE") in ("0", 0)
    for _ in range(3):
        site.run("mail1", f"doveadm save -u {account.uid} -m INBOX", given=big)
    site.run("mail1", f"doveadm move -u {account.uid} INBOX mailbox {RETRACTED} ALL")
    assert held(site, account, RETRACTED) == [] and held(site, account, "INBOX") == [word] * 6


def test_undelete_and_the_copy_of_own_data_leave_it_out(people: People, mail: Mail, site: Site) -> None:
    account, word, other, cli = people.agent(), token(), token(), Cli(site)
    put(site, account, DANGEROUS, word)
    site.run("mail1", f"doveadm expunge -u {account.uid} mailbox {DANGEROUS} ALL")
    put(site, account, RETRACTED, word)
    put(site, account, "INBOX", other)
    mail.remove(account, other)
    listed = cli.json("undelete", account.uid)["messages"]
    assert [one["subject"] for one in listed] == [other]
    home = home_of(account.uid)
    assert ".retracted" in site.run("mail1", f"ls -A {home}/{SEALED}")
    assert "dangerous" not in site.run("mail1", f"ls -A {home}/{EXPUNGED}")
    done = cli.typed("export", account.uid, "--out", "-", "--reason", "essai", given=b"")
    assert done.returncode == 0
    with zipfile.ZipFile(io.BytesIO(done.stdout)) as archive:
        texts = [archive.read(name) for name in archive.namelist() if name.startswith("courrier/")]
    assert [other.encode() in text for text in texts] == [True] and word.encode() not in texts[0]
