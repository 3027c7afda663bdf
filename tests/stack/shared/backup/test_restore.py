"""The results of `backup restore`, compared by IMAP, ManageSieve and LDAP with the state before."""

import json
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from malleposte.directory.model import State
from malleposte.platform import mailstore

from tests.stack.support import boxes
from tests.stack.support.accounts_cli import Cli
from tests.stack.support.boxes import Box, Folder
from tests.stack.support.desk import entered
from tests.stack.support.mail import Mail, compose, quoted, wait_for
from tests.stack.support.people import People, directory
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Web

# Of the runs of backups on a host, one goes at a time.
pytestmark = pytest.mark.together("backup")

MAIL = "mail1"
COLLEGE, MEETINGS = "Élèves/Collège Molière", "Réunions"


@pytest.fixture
def full(mail: Mail, people: People) -> tuple[Account, Account]:
    """An agent whose box holds something of everything, and a friend who may read a folder."""
    who, friend = people.agent(), people.agent()
    boxes.fill(mail, who, friend)
    return who, friend


@pytest.fixture
def saved(site: Site, mail: Mail, full: tuple[Account, Account], backup: Any) -> tuple[Account, Box]:
    """The agent, and the box as it is in the last archive."""
    who, _friend = full
    then = boxes.look(mail, who)
    backup(share(site, who))
    return who, then


def share(site: Site, who: Account) -> str:
    """The source of the backups that holds an account's box."""
    place = str(home(who).parent)
    text = site.run(MAIL, "cat /etc/malleposte/backup.json")
    return next(one["name"] for one in json.loads(text)["sources"] if place in one.get("paths", []))


def home(who: Account) -> Path:
    return mailstore.home_of(who.uid)


def held(site: Site, who: Account) -> bool:
    """Whether a restore has taken the box's place by a folder that nobody enters."""
    return site.run(MAIL, f"stat -c '%U %a' {home(who)}").strip() == "vmail 1200"


def modseqs(site: Site, who: Account) -> dict[str, int]:
    """HIGHESTMODSEQ by folder."""
    text = site.run(MAIL, f"doveadm -f json mailbox status -u {who.uid} highestmodseq '*'")
    return {row["mailbox"]: int(row["highestmodseq"]) for row in json.loads(text)}


def assert_same(now: Box, then: Box, *, more: bool = False) -> None:
    """Everything of `then` is in `now`, with its UIDs; with `more`, there may be other messages too."""
    for name, folder in then.folders.items():
        found = now.folders[name]
        assert found.validity == folder.validity, name
        kept = {uid: letter for uid, letter in found.letters.items() if not more or uid in folder.letters}
        assert kept == folder.letters, name
        assert (found.acl, found.comment) == (folder.acl, folder.comment), name
    assert now.subscribed == then.subscribed
    assert (now.scripts, now.active) == (then.scripts, then.active)


def alike(one: Folder, other: Folder) -> bool:
    """The same messages with flags, keywords and dates, whatever their UIDs."""
    first, second = (sorted((x.digest, x.date, sorted(x.flags)) for x in f.letters.values()) for f in (one, other))
    return first == second


def wreck(mail: Mail, who: Account) -> None:
    """Lose messages, a folder, flags, a subscription, rights and a filter."""
    session = mail.imap(who)
    session.select("INBOX")
    session.store("1:*", "+FLAGS", "\\Flagged \\Deleted")
    session.expunge()
    session.close()
    session.delete(quoted(MEETINGS))
    session.unsubscribe(quoted(MEETINGS))
    session.select(quoted(COLLEGE))
    session.store("1:3", "FLAGS", "(\\Deleted autre)")
    session.close()
    sieve = mail.sieve(who)
    sieve.activate("vacances")
    sieve.delete(boxes.ACTIVE)


def test_a_whole_mailbox_comes_back_identical_with_its_uids_and_keeps_what_came_since(
    site: Site, mail: Mail, full: tuple[Account, Account], backup: Any, restore: Any
) -> None:
    who, friend = full
    then = boxes.look(mail, who)
    backup(share(site, who), vault="")
    wreck(mail, who)
    session = mail.imap(who)
    boxes.append(session, "INBOX", "arrivé depuis", "\\Seen depuis", age=5)
    assert session.create(quoted("Né depuis"))[0] == "OK"
    boxes.append(session, "Né depuis", "rangé depuis", "\\Flagged depuis urgent", age=5)
    remembered = modseqs(site, who)
    wrecked = boxes.look(mail, who)

    done = restore("mailbox", who.uid)

    now = boxes.look(mail, who)
    assert_same(now, then, more=True)
    for name in ("INBOX", "Né depuis"):
        assert wrecked.folders[name].letters.items() <= now.folders[name].letters.items(), name
    assert now.count == then.count + 2 == done["counts"]["messages"]
    listing = b"\n".join(line for line in mail.imap(friend).list()[1] if isinstance(line, bytes))
    assert f"Partages/{who.uid}/".encode() in listing
    assert site.run(MAIL, f"test -d {done['aside']} && echo there").strip() == "there"
    # A client that knew the wrecked box by its MODSEQs asks for what is newer, and is told of all that came back.
    session = mail.imap(who)
    session.select("INBOX", readonly=True)
    told = session.uid("FETCH", "1:*", f"(FLAGS) (CHANGEDSINCE {remembered['INBOX']})")[1]
    assert len(told) == len(now.folders["INBOX"].letters)
    indexed = f"test -d {home(who)}/Maildir/fts-flatcurve && echo there || true"
    wait_for(lambda: "there" in site.run(MAIL, indexed), what="the index for search, which no archive has")
    owners = site.run(MAIL, f"find {home(who)} -not -user vmail -o -perm /077 -not -type l")
    assert owners == ""

    back = restore("undo", who.uid, done["undo"].split()[-1])
    undone = boxes.look(mail, who)
    assert_same(undone, wrecked)
    assert back["counts"]["messages"] == wrecked.count


@pytest.mark.full
def test_without_newer_the_box_is_as_it_was(mail: Mail, saved: tuple[Account, Box], restore: Any) -> None:
    who, then = saved
    wreck(mail, who)
    boxes.append(mail.imap(who), "INBOX", "arrivé depuis")
    done = restore("mailbox", who.uid, "--without-newer", "--discard", "--vault", "vault2")
    assert_same(boxes.look(mail, who), then)
    assert (done["copy"]["vault"], done["aside"], done["undo"]) == ("vault2", "", "")
    # The next message takes a UID that no client remembers as another message's.
    session = mail.imap(who)
    boxes.append(session, "INBOX", "puis un autre")
    assert max(boxes.look(mail, who).folders["INBOX"].letters) > max(then.folders["INBOX"].letters) + 1


@pytest.mark.full
def test_an_older_archive_is_found_by_its_date(
    site: Site, mail: Mail, people: People, backup: Any, restore: Any
) -> None:
    who = people.agent()
    session = mail.imap(who)
    boxes.append(session, "INBOX", "premier")
    backup(share(site, who))
    first = site.run(MAIL, "date --iso-8601=seconds").strip()
    time.sleep(1.1)  # archives are told apart by the second of their beginning
    boxes.append(session, "INBOX", "second")
    backup(share(site, who))
    both = boxes.look(mail, who)
    done = restore("mailbox", who.uid, "--without-newer", "--as-of", first)
    assert boxes.look(mail, who).count == 1
    restore("mailbox", who.uid, "--without-newer")
    assert_same(boxes.look(mail, who), both)
    refused = site.run(MAIL, f"malleposte backup restore mailbox {who.uid} --as-of 2001-01-01 2>&1; echo $?")
    assert refused.strip().endswith("1")
    assert "2001-01-01" in refused and done["copy"]["archive"].startswith("mail-")


@pytest.mark.full
def test_deliveries_wait_while_a_restore_holds_the_box_and_a_killed_restore_ends_when_typed_again(
    site: Site, mail: Mail, saved: tuple[Account, Box], restore: Any, wait_for: Any
) -> None:
    who, then = saved
    wreck(mail, who)
    # Neither a kick nor the look for what a kick leaves does anything: the session stays, and holds the restore at its
    # most delicate moment.
    fake = '#!/bin/sh\ncase "$*" in kick*|*" who -1 "*) exit 0;; esac\nexec /usr/bin/doveadm "$@"\n'
    site.run(
        MAIL, "install -d /run/restore-test; cat >/run/restore-test/doveadm; chmod 755 /run/restore-test/*", given=fake
    )
    session = mail.imap(who)
    session.noop()
    words = f"PATH=/run/restore-test:$PATH malleposte backup restore mailbox {who.uid} --json"
    running = subprocess.Popen([*site.ssh(MAIL), words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: held(site, who), 60, "the box is held")
        other = site.run(MAIL, f"malleposte backup restore mailbox {who.uid} 2>&1; echo $?")
        assert "under way" in other and other.strip().endswith("1")
        subject = "pendant la restauration"
        sender = mail.account("probe1").mail
        # A sender is told to come again, since the quota cannot be read; what is inside already waits.
        answer = mail.submit("probe1", sender, who.mail, compose(sender, who.mail, subject))
        assert (answer.step, answer.code) == ("RCPT", 450)
        letter = compose(sender, who.mail, subject).decode()
        site.run(MAIL, f"sendmail -f {sender} {who.mail}", given=letter)
        wait_for(lambda: "said: 451 4." in site.run(MAIL, "postqueue -p"), 60, "the delivery is put off")
        site.run(MAIL, "kill -9 $(cat /run/malleposte-restore.lock)")
    finally:
        running.kill()
        running.wait()
        session.shutdown()
    assert held(site, who)
    restore("mailbox", who.uid)
    site.run(MAIL, "rm -rf /run/restore-test; postqueue -f")
    mail.arrived(who, subject, MEETINGS)
    assert_same(boxes.look(mail, who), then, more=True)
    assert boxes.look(mail, who).count == then.count + 1


@pytest.mark.full
def test_a_held_box_can_be_opened_again_as_it_was(
    site: Site, mail: Mail, people: People, backup: Any, restore: Any
) -> None:
    who = people.agent()
    boxes.append(mail.imap(who), "INBOX", "un seul")
    backup(share(site, who))
    then = boxes.look(mail, who)
    missing = site.run(MAIL, f"malleposte backup restore undo {who.uid} 2>&1; echo $?")
    assert "no restore holds its box" in missing and missing.strip().endswith("2")
    mail.close()
    kill = "import os, signal; from malleposte.backup.restore.mail import box as b\n"
    kill += "b.merge = lambda *a, **k: os.kill(os.getpid(), signal.SIGKILL)\n"
    kill += f"import sys; sys.argv = ['malleposte', 'backup', 'restore', 'mailbox', '{who.uid}']\n"
    kill += "from malleposte.cli import main; main()\n"
    site.run(MAIL, "PYTHONPATH=/usr/lib/malleposte/malleposte.pyz python3 - || true", given=kill)
    assert held(site, who)
    restore("undo", who.uid)
    assert_same(boxes.look(mail, who), then)


@pytest.mark.full
def test_a_folder_comes_back_into_place_without_doubles(
    site: Site, mail: Mail, saved: tuple[Account, Box], restore: Any
) -> None:
    who, then = saved
    session = mail.imap(who)
    session.select(quoted(COLLEGE))
    session.store("2:4", "+FLAGS", "\\Deleted")
    session.expunge()
    session.close()
    done = restore("folder", who.uid, f"'{COLLEGE}'")
    assert (done["counts"]["messages"], done["counts"]["already there"]) == (3, 3)
    assert alike(boxes.look(mail, who).folders[COLLEGE], then.folders[COLLEGE])
    again = restore("folder", who.uid, f"'{COLLEGE}'")
    assert again["counts"]["messages"] == 0
    assert alike(boxes.look(mail, who).folders[COLLEGE], then.folders[COLLEGE])
    refused = site.run(MAIL, f"malleposte backup restore folder {who.uid} Jamais 2>&1; echo $?")
    assert who.uid in refused and "Jamais" in refused and refused.strip().endswith("2")


@pytest.mark.full
def test_a_restored_folder_is_told_to_its_owner(site: Site, web: Web, person: Any, mail: Mail, backup: Any) -> None:
    who, other = person(), person()
    boxes.append(mail.imap(who.account), "INBOX", "un seul")
    backup(share(site, who.account))
    given = ("restore", "folder", who.uid, "INBOX", "--reason", "demande 4711")
    assert Cli(site).typed(*given, "--dry-run", group="backup").returncode == 0
    visitor, told = entered(site, web, who), "Dossier restauré depuis une sauvegarde"
    assert told not in visitor.get("/compte/journal").main
    done = Cli(site).typed(*given, group="backup")
    assert done.returncode == 0, done
    text = visitor.get("/compte/journal").main
    assert told in text and "motif : demande 4711" in text
    assert told not in entered(site, web, other).get("/compte/journal").main


def test_one_message_comes_back_by_message_id_or_uid_into_place_or_beside(
    site: Site, mail: Mail, saved: tuple[Account, Box], restore: Any
) -> None:
    who, then = saved
    session = mail.imap(who)
    session.delete(quoted(COLLEGE))
    uid, letter = next((uid, one) for uid, one in then.folders[COLLEGE].letters.items() if "$label1" in one.flags)

    listed = restore("message", who.uid, "--list", "--folder", f"'{COLLEGE}'")
    assert {row["message_id"] for row in listed["rows"]} == {
        one.message_id.strip("<>") for one in then.folders[COLLEGE].letters.values()
    }
    restore("message", who.uid, f"--message-id '{letter.message_id}'")
    assert list(boxes.look(mail, who).folders[COLLEGE].letters.values()) == [letter]
    restore("message", who.uid, "--uid", str(uid), "--folder", f"'{COLLEGE}'", "--beside")
    now = boxes.look(mail, who)
    beside = [name for name in now.folders if name.startswith("Restauration/") and name.endswith(COLLEGE)]
    assert len(beside) == 1 and beside[0] in now.subscribed
    assert list(now.folders[beside[0]].letters.values()) == [letter]
    unknown = site.run(MAIL, f"malleposte backup restore message {who.uid} --message-id '<x@y.test>' 2>&1; echo $?")
    assert "no such message" in unknown and unknown.strip().endswith("2")


@pytest.mark.full
def test_an_entry_of_the_directory_comes_back_and_no_password_with_it(
    site: Site, people: People, backup: Any, restore: Any, mail: Mail
) -> None:
    who, other = people.agent(), people.agent()
    backup("ldap")
    dn = f"uid={who.uid},ou=people,{site.place.suffix}"
    people.change(other, sn=["Autre"], mpState=[State.BLOCKED])
    with directory(site) as bound:
        bound.delete(dn)
    done = restore("directory", "--entry", who.uid)
    assert "it has no password" in " ".join(done["notes"])
    assert site.run(MAIL, f"doveadm user -f state {who.uid}").strip() == "active"
    with pytest.raises(Exception, match="AUTHENTICATIONFAILED"):
        mail.imap(who)
    changed = restore("directory", "--entry", other.uid)
    assert "its password of today stays" in changed["notes"] and "blocked" in " ".join(changed["notes"])
    assert mail.imap(other).noop()[0] == "OK"


@pytest.mark.full
def test_a_dry_run_changes_nothing_and_names_the_archive(site: Site, mail: Mail, people: People, backup: Any) -> None:
    who = people.agent()
    boxes.append(mail.imap(who), "INBOX", "un seul")
    backup(share(site, who))
    then = boxes.look(mail, who)
    said = site.run(MAIL, f"malleposte backup restore mailbox {who.uid} --dry-run")
    assert who.uid in said and share(site, who) in said
    assert boxes.look(mail, who) == then
    unknown = site.run(MAIL, "malleposte backup restore mailbox jamais-vu 2>&1; echo $?")
    assert "jamais-vu" in unknown and unknown.strip().endswith("2")
