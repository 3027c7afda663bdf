"""Distribution lists: posting rights, recipients, moderation, a killed daemon and a long list."""

import json
import re
import smtplib

import pytest

from tests.stack.support.accounts_cli import Cli, document
from tests.stack.support.mail import compose, token, wait_for

pytestmark = pytest.mark.scattered


@pytest.fixture
def cli(site):
    """`malleposte accounts …` on the directory's host; what it printed."""
    return Cli(site).out


def written(sender, recipient, subject, **headers):
    return compose(sender, recipient, subject, **headers)


def test_each_member_gets_one_whatever_the_ways_it_is_on_the_list(mail, people, lists):
    school = "9990009F"
    writer = people.agent()
    first, second = (people.agent(hidden=False, function="Principal", establishments=(school,)) for _ in range(2))
    box = people.box(first.uid)
    inner = lists(member=[first.uid, second.uid])
    rule = f"fonction=Principal uai={school}"
    outside = "probe@lointain.test"
    address = lists(
        rule=[rule], member=[first.mail, f"@list:{inner.partition('@')[0]}", box.mail, outside], poster=[writer.uid]
    )
    subject = token()
    assert mail.submit(writer, writer.mail, address, written(writer.mail, address, subject)).accepted
    for who in (first, second):
        got = mail.arrived(who, subject)
        assert f"<{address.replace('@', '.')}>".encode() in got
        assert b"Precedence: list" in got
        assert mail.count(who, subject) == 1
    got = mail.at_foreign("probe", subject)
    # The signature of the writer's message holds there, and the envelope is the list's.
    assert b"dkim=pass" in got or b"DKIM-Signature" in got
    assert f"{address.partition('@')[0]}-bounces@".encode() in got
    # A rule follows the directory at once.
    third, subject = people.agent(hidden=False, function="Principal", establishments=(school,)), token()
    assert mail.submit(writer, writer.mail, address, written(writer.mail, address, subject)).accepted
    mail.arrived(third, subject)


@pytest.mark.full
def test_lists_come_as_a_feed(cli, people, lists, site, tmp_path):
    member = people.agent()
    name = lists(member=[member.uid]).partition("@")[0]
    feed = tmp_path / "listes.csv"
    feed.write_text(f"Liste;Règle;Émetteurs\n{name};uai=9990009F;@staff\n{name}-owner;;\n", "utf-8")
    typed = Cli(site).typed  # from the controller, where the file is
    for done in (1, 0):
        assert document(typed("import", feed, "--yes", "--json"), 4)["done"] == done
    assert "ne peut nommer une liste" in (tmp_path / "listes.rejects.csv").read_text("utf-8-sig")
    row = document(typed("lists", "show", name, "--json"))
    assert (row["posters"], len(row["rules"]), row["members"]) == (["@staff"], 1, [member.uid])
    assert name in {row["name"] for row in json.loads(cli("lists", "list", "--json"))}
    by_rule = json.loads(cli("lists", "members", "--rule", "uai=9990001X fonction=Enseignant", "--json"))
    assert "mdupond2" in {one["uid"] for one in by_rule}


def test_an_operator_says_who_writes_and_lets_through(cli, mail, people, lists):
    member, writer, scom = (people.agent() for _ in range(3))
    address = lists(member=[member.uid])
    name = address.partition("@")[0]
    assert cli("lists", "poster", name, "--add", writer.uid, "--remove", "@members").strip() == writer.uid
    answer = mail.submit(member, member.mail, address, written(member.mail, address, token()))
    assert (answer.step, answer.code) == ("RCPT", 550)
    assert cli("lists", "moderate", name, "--add", scom.uid).strip() == scom.uid
    assert cli("lists", "manager", name, "--add", scom.uid).strip() == scom.uid
    subject = token()
    assert mail.submit(writer, writer.mail, address, written(writer.mail, address, subject)).accepted

    def held():
        return next((row for row in json.loads(cli("lists", "queue", "--json")) if row["subject"] == subject), None)

    cli("lists", "approve", wait_for(held)["id"])
    mail.arrived(member, subject)
    cli("lists", "set", name, "--suspend")
    answer = mail.submit(writer, writer.mail, address, written(writer.mail, address, token()))
    assert (answer.step, answer.code) == ("RCPT", 550)


def test_who_may_not_write_is_told_at_rcpt(mail, people, lists):
    member, other = people.agent(), people.agent()
    address = lists(member=[member.uid])
    answer = mail.submit(other, other.mail, address, written(other.mail, address, token()))
    assert (answer.step, answer.code) == ("RCPT", 550)
    assert "you may not post" in answer.text
    answer = mail.stranger("x@lointain.test", address, written("x@lointain.test", address, token()))
    assert (answer.step, answer.code) == ("RCPT", 550)
    answer = mail.stranger("", address, written("x@lointain.test", address, token()))
    assert (answer.step, answer.code) == ("RCPT", 550)
    people.change(member, mpBlockedUntil=["20991231000000Z"])
    answer = mail.submit(member, member.mail, address, written(member.mail, address, token()))
    assert not answer.accepted
    unknown = address.replace("liste-", "liste-zz")
    assert mail.stranger("x@lointain.test", unknown, written("x@lointain.test", unknown, token())).code == 550


def test_a_message_too_large_for_a_list_is_refused(mail, people, lists):
    member = people.agent()
    address = lists(member=[member.uid], **{"max-size": ["50"]})
    big = written(member.mail, address, token(), body="x" * 70 * 1024)
    with mail.session(member) as session, pytest.raises(smtplib.SMTPRecipientsRefused, match=r"5\.3\.4"):
        session.sendmail(member.mail, [address], big)
    # A program that does not say the size at first gets the message back.
    assert mail.submit(member, member.mail, address, big).accepted
    assert b"5.3.4" in mail.arrived(member, "Undelivered")


def test_a_moderated_message_waits_for_a_moderator_and_goes_out_or_back(mail, people, lists, cli):
    member, moderator = people.agent(), people.agent()
    address = lists(member=[member.uid], moderator=[moderator.uid], poster=["@staff"])
    first, second, third = token(), token(), token()
    assert mail.submit(member, member.mail, address, written(member.mail, address, first)).accepted
    notice = mail.arrived(moderator, first).decode()
    assert mail.count(member, first) == 1  # the word that it waits
    plain = notice.replace("=\r\n", "").replace("=\n", "")
    answers = {word: where for where, word in re.findall(r"<(\S+-moderate\+(\w+)-[0-9a-f-]+@[^>]+)>", plain)}
    refused = mail.submit(member, member.mail, answers["accepter"], written(member.mail, answers["accepter"], token()))
    assert (refused.step, refused.code) == ("RCPT", 550)
    answer = written(moderator.mail, answers["accepter"], token())
    assert mail.submit(moderator, moderator.mail, answers["accepter"], answer).accepted
    wait_for(lambda: mail.count(member, first) == 2, what="the message that was let through")

    assert mail.submit(member, member.mail, address, written(member.mail, address, second)).accepted

    def waiting() -> list[dict[str, str]]:
        return [one for one in json.loads(cli("lists", "queue", "--json")) if one["subject"] == second]

    (row,) = wait_for(waiting, what="the second message in the list's queue")
    cli("lists", "reject", row["id"], "--reason", "Hors sujet")
    assert "Hors sujet" in mail.arrived(member, f"rejected: {second}").decode()
    assert mail.submit(moderator, moderator.mail, address, written(moderator.mail, address, third)).accepted
    mail.arrived(member, third)


def test_no_loop_and_no_automatic_answer_goes_round(mail, people, lists, site):
    member = people.agent()
    address = lists(member=[member.uid])
    subject = token()
    loop = written(member.mail, address, subject, List_Id=f"<{address.replace('@', '.')}>")
    assert mail.submit(member, member.mail, address, loop).accepted
    back = mail.arrived(member, "Undelivered")
    assert b"went through this list already" in back
    absent = written(member.mail, address, token(), Auto_Submitted="auto-replied")
    assert mail.submit(member, member.mail, address, absent).accepted
    name = address.partition("@")[0]
    wait_for(lambda: f"left out: list={name}" in site.run("mail1", "journalctl -u malleposte-lists -n 500 -o cat"))
    assert mail.count(member, subject) == 0


def test_what_comes_back_goes_to_the_managers(mail, people, lists):
    member, manager = people.agent(), people.agent()
    address = lists(member=[member.uid], manager=[manager.uid])
    for role in ("bounces", "owner"):
        subject, back = token(), address.replace("@", f"-{role}@")
        assert mail.submit(member, member.mail, back, written(member.mail, back, subject)).accepted
        mail.arrived(manager, subject)


def test_the_daemon_may_do_little(site, mail1):
    assert mail1.file("/run/malleposte-lists/control.sock").user == "root"
    for name in ("lmtp", "policy"):
        found = mail1.file(f"/run/malleposte-lists/{name}.sock")
        assert (found.user, found.mode) == ("postfix", 0o600)
    assert mail1.file("/var/spool/malleposte-lists").mode == 0o700
    assert mail1.file("/etc/malleposte/lists-ldap-password").mode == 0o600
    owner = site.run("mail1", "ps -o user:32= -p $(systemctl show -P MainPID malleposte-lists.service)").strip()
    assert owner == "malleposte-lists"
    password = site.secret("ldap-lists")
    suffix = site.place.suffix
    ask = f"ldapsearch -LLL -x -H ldapi:/// -D cn=lists,ou=services,{suffix} -w {password} -b {suffix}"
    found = site.run("mail1", f"{ask} uid=probe1 uid userPassword mpRecoveryMail mpQuota")
    assert "uid: probe1" in found
    assert "Password" not in found
    assert "mpQuota" not in found
