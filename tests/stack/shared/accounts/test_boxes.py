"""Functional boxes: access and its duration, copies of sent mail, warnings about full mailboxes."""

import base64
import imaplib
import json
import os
import re
import textwrap

import pytest

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import compose, quoted, token, wait_for
from tests.stack.support.people import directory
from tests.stack.support.site import Account
from tests.stack.support.webmail import Webmail

pytestmark = pytest.mark.scattered


@pytest.fixture
def cli(site):
    """`malleposte accounts …` on the directory's host; what it printed."""
    return Cli(site).out


def opens(session, box, folder="INBOX"):
    """Whether a session may select a folder of a box."""
    return session.select(quoted(f"Partages/{box.uid}/{folder}"))[0] == "OK"


def listed(session):
    return b"\n".join(line for line in session.list()[1] if isinstance(line, bytes)).decode()


def stored(site, box):
    """Messages that the quota of a box counts."""
    rows = site.run("mail1", f"doveadm -f flow quota get -u {box.uid}").splitlines()
    return next(int(row.split("Value=")[1].split()[0]) for row in rows if "MESSAGE" in row)


def test_a_delegate_reads_flags_files_and_deletes_and_the_box_has_room_again(mail, people, site):
    agent, subject = people.agent(), token()
    box = people.box(agent.uid)
    for _ in range(2):
        assert mail.submit(agent, agent.mail, box.mail, compose(agent.mail, box.mail, subject)).accepted
    session = mail.imap(agent)
    wait_for(lambda: stored(site, box) == 2, what="two messages in the box")
    assert opens(session, box)
    assert session.store("1", "+FLAGS", "\\Seen \\Flagged")[0] == "OK"
    assert session.create(quoted(f"Partages/{box.uid}/Élèves"))[0] == "OK"
    assert session.copy("1", quoted(f"Partages/{box.uid}/Élèves"))[0] == "OK"
    session.store("1:2", "+FLAGS", "\\Deleted")
    session.expunge()
    assert wait_for(lambda: stored(site, box) == 1, what="room in the box")
    assert opens(session, box, "Élèves")
    assert session.setacl(quoted(f"Partages/{box.uid}/INBOX"), agent.uid, "lr")[0] == "NO"


def test_who_is_no_delegate_neither_opens_nor_sees_nor_sends(mail, people, site):
    owner, other = people.agent(), people.agent()
    box = people.box(owner.uid)
    session = mail.imap(other)
    assert box.uid not in listed(session)
    assert not opens(session, box)
    answer = mail.submit(other, box.mail, owner.mail, compose(box.mail, owner.mail, token()))
    assert (answer.step, answer.code) == ("RCPT", 553)
    answer = mail.submit(other, other.mail, owner.mail, compose(box.mail, owner.mail, token()))
    assert (answer.step, answer.code) == ("DATA", 554)


def test_what_is_sent_as_a_box_leaves_signed_and_stays_in_its_sent_folder(mail, people, site):
    agent, subject = people.agent(), token()
    box = people.box(agent.uid)
    message = compose(box.mail, "probe@lointain.test", subject)
    assert mail.submit(agent, box.mail, "probe@lointain.test", message).accepted
    assert f"d={site.place.domain}".encode() in mail.at_foreign("probe", subject)

    def kept():
        session = mail.imap(agent)
        found = opens(session, box, "Envoyés") and session.search(None, "SUBJECT", subject)[1][0].split()
        return found and len(found) == 1

    assert wait_for(kept, what="the copy in the box")
    session = mail.imap(agent)
    assert opens(session, box)
    assert session.search(None, "SUBJECT", subject)[1] == [b""]


@pytest.mark.parametrize("domain", ["sent.stores.invalid", "stores.invalid", "lists.stores.invalid"])
def test_nobody_plants_a_copy(mail, people, domain):
    agent = people.agent()
    box = people.box(agent.uid)
    answer = mail.submit(agent, agent.mail, f"{box.uid}@{domain}", compose(agent.mail, box.mail, token()))
    assert (answer.step, answer.code) == ("RCPT", 554)
    answer = mail.stranger("x@lointain.test", f"{box.uid}@{domain}", compose("x@lointain.test", box.mail, token()))
    assert (answer.step, answer.code) == ("RCPT", 554)


def test_nobody_logs_in_as_a_box(mail, people):
    agent = people.agent()
    box = people.box(agent.uid)
    for password in (agent.password, box.uid):
        with pytest.raises(imaplib.IMAP4.error):
            mail.imap(Account(box.uid, box.mail, password, box.profile))


def test_a_delegation_begins_and_ends_at_once(mail, people, cli):
    agent = people.agent()
    box = people.box()
    session = mail.imap(agent)
    assert not opens(session, box)
    cli("box", "delegate", box.uid, agent.uid)
    session = mail.imap(agent)
    assert opens(session, box)
    wait_for(lambda: f"Partages/{box.uid}" in listed(mail.imap(agent)), what="the box among the folders")
    cli("box", "undelegate", box.uid, agent.uid)
    with pytest.raises((imaplib.IMAP4.abort, OSError)):
        wait_for(lambda: session.noop()[0] != "OK", what="the end of the session")
    again = mail.imap(agent)
    assert box.uid not in listed(again)
    assert not opens(again, box)
    assert mail.submit(agent, box.mail, agent.mail, compose(box.mail, agent.mail, token())).code == 553


def test_a_box_is_made_shown_and_given_a_manager(mail, people, cli, site):
    agent, head = people.agent(), people.agent()
    local = f"boite-{token()}".lower()
    words = ("--name", "Collège", "--uai", "9990001x", "--delegate", agent.uid, "--quota", "300")
    assert Cli(site).typed("box", "create", local, *words).returncode == 0, "from the controller"
    try:
        assert opens(mail.imap(agent), Account(local, f"{local}@{site.place.domain}", "", ""))
        cli("box", "manager", local, head.uid)
        shown = json.loads(cli("box", "show", local, "--json"))
        assert (shown["delegates"], shown["managers"], shown["quota_mb"]) == ([agent.uid], [head.uid], "300")
        cli("box", "manager", local, head.uid, "--remove")
        cli("box", "undelegate", local, agent.uid)
        orphans = {row["uid"]: row for row in json.loads(cli("box", "list", "--orphans", "--json"))}
        assert orphans[local]["schools"] == ["9990001X"] and orphans[local]["managers"] == []
    finally:
        with directory(site) as bound:
            bound.delete(f"uid={local},ou=functional,{site.place.suffix}")
        site.run("mail1", f"rm -rf -- /srv/mail/*/{local}")


def test_roundcube_shows_the_box_of_a_delegate(mail, people, site, web, platform):
    agent = people.agent()
    box = people.box(agent.uid)
    here = Webmail(site, web)
    assert here.login(agent.uid, agent.password)
    folders = here.env(here.page(_task="mail"))["mailboxes"]
    assert any(box.uid in name for name in folders), folders


@pytest.mark.full
def test_sogo_shows_the_box_of_a_delegate_and_what_it_holds(mail, people, site, ca_bundle):
    agent = people.agent(profile="convergence")
    box = people.box(agent.uid)
    subject = token()
    assert mail.submit(agent, agent.mail, box.mail, compose(agent.mail, box.mail, subject)).accepted
    visitor = Groupware(site, ca_bundle, agent).login()

    def paths(folders):
        return [path for one in folders for path in (one["path"], *paths(one.get("children", [])))]

    found = paths(visitor.get(visitor.own("Mail/0/view")).json()["mailboxes"])
    assert f"Partages/{box.uid}" in found
    place = f"folderPartages/folder{box.uid}"
    wait_for(lambda: subject in visitor.post(visitor.own(f"Mail/0/{place}/view"), {}).text, 60, "the message in SOGo")


def senders(visitor):
    """Return the senders that SOGo's editor offers: the default first, then the others, by address."""
    page = visitor.get(visitor.own("Mail/view")).text
    found = json.loads(re.search(r"var mailAccounts = (\[.*\]);", page)[1])[0]["identities"]
    ranked = sorted(found, key=lambda one: not one.get("isDefault"))
    return {one["email"]: f"{one['fullName']} <{one['email']}>" for one in ranked}


def test_a_delegate_chooses_the_box_as_sender_in_sogo_and_nobody_else_may(mail, people, site, ca_bundle, cli):
    agent, subject = people.agent(profile="convergence", given_name="Zoé", surname="Lœuf"), token()
    box, other = people.box(agent.uid, name="Collège"), people.box()
    visitor = Groupware(site, ca_bundle, agent).login()
    assert agent.mail in senders(visitor)
    site.run_job("mail1", "malleposte-sogo-sync.service")
    assert list(senders(visitor)) == [agent.mail, box.mail]
    assert senders(visitor)[agent.mail] == f"Zoé Lœuf <{agent.mail}>"
    # The form of the preferences page does not remove the box.
    told = visitor.get(visitor.own("jsonDefaults")).json()
    assert visitor.post(visitor.own("Preferences/save"), {"defaults": told, "settings": {}}).status == 200
    chosen = senders(visitor)[box.mail]
    assert chosen == f"Collège <{box.mail}>"
    sent = visitor.send(**{"from": chosen}, to=["probe@lointain.test"], subject=subject, text="x")
    assert sent.status == 200, sent.text
    assert box.mail.encode() in mail.at_foreign("probe", subject)

    def kept():
        session = mail.imap(agent)
        return opens(session, box, "Envoyés") and session.search(None, "SUBJECT", subject)[1] != [b""]

    assert wait_for(kept, what="the copy in the box")
    cli("box", "undelegate", box.uid, agent.uid)
    site.run_job("mail1", "malleposte-sogo-sync.service")
    visitor = Groupware(site, ca_bundle, agent).login()
    assert list(senders(visitor)) == [agent.mail]
    for forged in (chosen, other.mail, "recteur@ac-exemple.test", "x@lointain.test"):
        refused = visitor.send(**{"from": forged}, to=[agent.mail], subject=subject, text="x")
        assert refused.status == 405, forged
        assert "not owned by user" in refused.json()["message"]


# --- how full a mailbox is ---


def fill(mail, sender, recipient, kilobytes, subject):
    # Letters that no compression makes smaller: base64, of which the message is a third larger than the bytes.
    body = textwrap.fill(base64.b64encode(os.urandom(kilobytes * 1024 * 3 // 4)).decode(), 76)
    return mail.submit(sender, sender.mail, recipient, compose(sender.mail, recipient, subject, body))


@pytest.mark.full
def test_the_owner_is_told_at_each_threshold_once_and_again_after_tidying(mail, people, site):
    sender, reader = people.agent(), people.agent(quota_mb=1)
    for kilobytes, percent in ((830, 80), (100, 90), (40, 95)):
        assert fill(mail, sender, reader.mail, kilobytes, token()).accepted
        warning = mail.arrived(reader, "pleine")
        wait_for(lambda percent=percent: mail.count(reader, f"{percent}%") == 1, what=f"the warning at {percent} %")
        assert b"Auto-Submitted: auto-generated" in warning
    session = mail.imap(reader)
    session.select("INBOX")
    session.store("1:*", "+FLAGS", "\\Deleted")
    session.expunge()
    assert fill(mail, sender, reader.mail, 830, token()).accepted
    wait_for(lambda: mail.count(reader, "80%") == 1, what="the warning after tidying")
    assert mail.count(reader, "90%") == 0


def test_a_full_mailbox_is_refused_at_rcpt_and_taken_again_after_tidying(mail, people, site):
    sender, reader = people.agent(), people.agent(quota_mb=1)
    while (answer := fill(mail, sender, reader.mail, 700, token())).accepted:
        wait_for(lambda: True)
    assert (answer.step, answer.code) == ("RCPT", 452), answer
    outside = mail.stranger("x@lointain.test", reader.mail, compose("x@lointain.test", reader.mail, token()))
    assert outside.step == "RCPT"
    assert outside.code == 452
    session = mail.imap(reader)
    session.select("INBOX")
    session.store("1:*", "+FLAGS", "\\Deleted")
    session.expunge()
    assert fill(mail, sender, reader.mail, 10, token()).accepted


@pytest.mark.full
def test_the_delegates_of_a_box_are_told(mail, people):
    sender, first, second = people.agent(), people.agent(), people.agent()
    box = people.box(first.uid, second.uid, quota_mb=1)
    assert fill(mail, sender, box.mail, 830, token()).accepted
    for who in (first, second):
        warning = mail.arrived(who, box.uid)
        assert b"80" in warning


def test_a_quota_holds_from_the_next_word_on(mail, people, site):
    reader = people.agent()
    session = mail.imap(reader)
    people.change(reader, mpQuota=["7"])
    site.run("mail1", f"doveadm auth cache flush {reader.uid}")
    session = mail.imap(reader)
    assert int(session.getquota("storage")[1][0].split()[-1].rstrip(b")")) == 7 * 1024
