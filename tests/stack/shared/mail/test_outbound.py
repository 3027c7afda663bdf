"""Limits of recipients for an account: counted by every way, mail above them held, and operators told."""

import base64
import email
import email.policy
import json
import shlex
import smtplib

import pytest

from tests.stack.support.mail import FOREIGN, compose, token, wait_for

NOWHERE = "nulle-part.test"
WINDOWS = "60 0 1000 300 500 0 3600 0 1500 86400 0 5000"
NO_LIMIT = "60 0 0 300 0 0 3600 0 0 86400 0 0"
VALKEY = (
    "export REDISCLI_AUTH=$(sed -n 's/^password = \"\\(.*\\)\";$/\\1/p' /etc/rspamd/local.d/redis.conf); "
    "valkey-cli -s /run/valkey/valkey.sock --no-auth-warning"
)
LOGINS = """
import base64, json, smtplib, ssl, sys
given = json.load(sys.stdin)
context = ssl.create_default_context()
context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
said = []
for _ in range(100):
    with smtplib.SMTP_SSL(given["address"], 465, context=context, timeout=60) as session:
        session.ehlo("webmail")
        said.append(session.docmd("AUTH", "PLAIN " + given["plain"])[0])
print(json.dumps(said))
"""


@pytest.fixture
def subject() -> str:
    return token()


def write_to(mail, who, count, subject, port=587, sender=""):
    """One message of an account to `count` recipients; where these are supposed to be, nobody is."""
    sender = sender or who.mail
    recipients = [f"a{number}@{NOWHERE}" for number in range(count)]
    message = compose(sender, f"a@{NOWHERE}", subject)
    with mail.session(who, port) as session:
        assert session.sendmail(sender, recipients, message) == {}


def held(site, who):
    return json.loads(site.run("mail1", "malleposte", "queue", "held", who, "--json"))


def counted(site, account, recipients, seconds_ago=0, windows=WINDOWS):
    """Add to an account's count, as the filter does; what the script answers."""
    words = f"outbound:{account} , $(($(date +%s) - {seconds_ago})) {recipients} {windows}"
    answer = site.run("mail1", f"{VALKEY} --eval /etc/rspamd/malleposte/outbound_count.lua {words}")
    return [int(line.rpartition(" ")[2]) for line in answer.split("\n") if line.strip()]


def forget(site, account):
    site.run("mail1", f"{VALKEY} DEL outbound:{account}")


def written(message: bytes) -> str:
    found = email.message_from_bytes(message, policy=email.policy.default).get_body()
    assert found is not None
    return str(found.get_content())


def test_beyond_the_limit_mail_is_held_and_told_while_others_go_on(site, mail, people, subject):
    many, other = people.agent(), people.agent()
    write_to(mail, many, 800, f"{subject}a")
    assert held(site, many.uid) == []
    # Another connection, another port, 1600 in all.
    write_to(mail, many, 800, f"{subject}b", port=465)
    found = held(site, many.uid)
    assert [(one["login"], len(one["recipients"])) for one in found] == [(many.uid, 800)]
    # From now on the least message is, to the next room as well.
    assert mail.submit(many, many.mail, other.mail, compose(many.mail, other.mail, f"{subject}c")).accepted
    assert len(held(site, many.uid)) == 2
    assert mail.submit(other, other.mail, other.mail, compose(other.mail, other.mail, f"{subject}d")).accepted
    assert mail.arrived(other, f"{subject}d")

    told = written(mail.arrived(many, "retenus"))
    assert "1600 destinataires" in told
    assert site.platform["support"]["phone"] in told
    search = f"journalctl -q -o cat -u 'malleposte-outbound@*' | grep -c '^{many.uid}: hold: 1600 .*: told'"
    assert wait_for(lambda: site.run("mail1", search, check=False).strip() == "1")
    assert mail.count(many, "retenus") == 1

    # The operators find it meant: it leaves, signed, and is not counted again.
    site.run("mail1", "malleposte", "queue", "release", other.mail, check=False)
    assert len(held(site, many.uid)) == 2
    site.run("mail1", "malleposte", "queue", "release", many.uid)
    assert b"DKIM-Signature" in mail.arrived(other, f"{subject}c")
    wait_for(lambda: held(site, many.uid) == [])

    # A count ends with its window.
    forget(site, many.uid)
    counted(site, many.uid, 1500, seconds_ago=3700)
    assert mail.submit(many, many.mail, other.mail, compose(many.mail, other.mail, f"{subject}e")).accepted
    assert mail.arrived(other, f"{subject}e")
    counted(site, many.uid, 1499, seconds_ago=1200, windows=NO_LIMIT)
    assert mail.submit(many, many.mail, other.mail, compose(many.mail, other.mail, f"{subject}f")).accepted
    assert len(held(site, many.uid)) == 1
    site.run("mail1", "malleposte", "queue", "drop", many.uid, "--yes")
    assert held(site, many.uid) == []
    assert mail.count(other, f"{subject}f") == 0


def test_a_filter_that_redirects_too_much_keeps_mail_in_the_inbox(site, mail, people, subject):
    reader, sender, away = people.agent(), f"probe@{FOREIGN}", f"test@{FOREIGN}"
    mail.set_filter(reader, "roundcube", f'redirect "{away}";\n')
    mail.foreign(sender, reader.mail, compose(sender, reader.mail, f"{subject}a"))
    assert mail.at_foreign("test", f"{subject}a")
    assert counted(site, reader.uid, 0)[:2] == [0, 0]
    counted(site, reader.uid, 1499, seconds_ago=1200, windows=NO_LIMIT)
    # A mark of programs in the stranger's message opens nothing.
    mark = {"Auto-Submitted": "auto-generated"}
    mail.foreign(sender, reader.mail, compose(sender, reader.mail, f"{subject}b", **mark))
    assert mail.arrived(reader, f"{subject}b")
    assert held(site, reader.uid) == []
    assert "filtre" in written(mail.arrived(reader, "retenus"))


def test_a_letter_of_a_program_under_an_office_s_address_is_not_counted(site, mail, people, subject):
    office, reader = people.box(), people.agent()
    counted(site, office.uid, 20_000, seconds_ago=1200, windows=NO_LIMIT)
    for word, mark in (("counted", {}), ("program", {"Auto-Submitted": "auto-generated"})):
        letter = compose(office.mail, reader.mail, f"{subject}{word}", **mark)
        site.run("mail1", f"/usr/sbin/sendmail -i -f {office.mail} -- {reader.mail}", given=letter.decode())
    assert mail.arrived(reader, f"{subject}program")
    log = f"journalctl -q -o cat -t postfix/cleanup --since -5min | grep -F {reader.mail} || true"
    wait_for(lambda: "Trop de destinataires" in site.run("mail1", log), what="the other letter is refused")
    assert mail.count(reader, f"{subject}counted") == 0


@pytest.mark.full
def test_a_filter_that_refuses_too_much_keeps_mail_in_the_inbox(site, mail, people, subject):
    reader, sender = people.agent(), f"probe@{FOREIGN}"
    mail.set_filter(reader, "roundcube", 'require "reject";\nreject "Absent.";\n')
    mail.foreign(sender, reader.mail, compose(sender, reader.mail, f"{subject}a"))
    assert b"Absent." in mail.at_foreign("probe", f"{subject}a")
    assert counted(site, reader.uid, 500)[3:] == [501, 500]
    counted(site, reader.uid, 1000, seconds_ago=1200, windows=NO_LIMIT)
    mail.foreign(sender, reader.mail, compose(sender, reader.mail, f"{subject}b"))
    assert mail.arrived(reader, f"{subject}b")
    session = mail.imap(reader)
    session.select("INBOX", readonly=True)
    _, found = session.fetch("1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")
    assert f"{subject}a" not in str(found)


@pytest.mark.full
def test_an_answer_of_absence_counts_and_ends_beyond_the_limit(site, mail, people, subject):
    reader, first, second = people.agent(), f"probe@{FOREIGN}", f"test@{FOREIGN}"
    mail.set_filter(
        reader, "roundcube", f'require "vacation";\nvacation :days 1 :subject "{subject}-absent" "Absent.";\n'
    )
    mail.foreign(first, reader.mail, compose(first, reader.mail, f"{subject}a"))
    assert b"Absent." in mail.at_foreign("probe", f"{subject}-absent")
    assert counted(site, reader.uid, 500)[3:] == [501, 500]
    counted(site, reader.uid, 1000, seconds_ago=1200, windows=NO_LIMIT)
    mail.foreign(second, reader.mail, compose(second, reader.mail, f"{subject}b"))
    assert mail.arrived(reader, f"{subject}b")
    assert mail.arrived(reader, "retenus"), "the answer was refused"
    there = f"grep -rlF -- {subject}-absent /srv/world-mail/{FOREIGN}/test/Maildir"
    assert site.run("world", there, check=False) == ""


@pytest.mark.full
def test_a_stranger_s_notice_counts_for_who_redirects_it(site, mail, people, subject):
    reader, named, away = people.agent(), people.agent(), f"test@{FOREIGN}"
    mail.set_filter(reader, "roundcube", f'redirect "{away}";\n')
    notice = f"Reporting-UA: x\r\nFinal-Recipient: rfc822; {named.uid}@stores.invalid\r\nDisposition: x/y; deleted\r\n"
    message = (
        f"From: probe@{FOREIGN}\r\nTo: {reader.mail}\r\nSubject: {subject}\r\n"
        "Auto-Submitted: auto-replied (rejected)\r\n"
        "MIME-Version: 1.0\r\nContent-Type: multipart/report; report-type=disposition-notification; boundary=b\r\n\r\n"
        f"--b\r\nContent-Type: message/disposition-notification\r\n\r\n{notice}\r\n--b--\r\n"
    )
    mail.foreign("", reader.mail, message.encode())
    assert mail.at_foreign("test", subject)
    assert counted(site, reader.uid, 500)[3:] == [501, 500]
    assert counted(site, named.uid, 500)[3:] == [0, 0]


def test_a_box_of_a_function_has_its_own_count(site, mail, people, subject):
    agent = people.agent()
    box = people.box(agent.uid)
    counted(site, agent.uid, 1500, seconds_ago=1200, windows=NO_LIMIT)
    assert mail.submit(agent, box.mail, agent.mail, compose(box.mail, agent.mail, f"{subject}a")).accepted
    assert mail.arrived(agent, f"{subject}a")
    counted(site, box.uid, 1600, seconds_ago=1200, windows=NO_LIMIT)
    assert mail.submit(agent, box.mail, agent.mail, compose(box.mail, agent.mail, f"{subject}b")).accepted
    assert mail.arrived(agent, f"{subject}b")
    counted(site, box.uid, 1398, seconds_ago=1200, windows=NO_LIMIT)
    assert mail.submit(agent, box.mail, agent.mail, compose(box.mail, agent.mail, f"{subject}c")).accepted
    assert [one["sender"] for one in held(site, agent.uid)] == [box.mail]
    site.run("mail1", "malleposte", "queue", "drop", box.mail, "--yes")


def test_windows_end_and_warn_before_they_hold(site):
    account = token()
    try:
        assert counted(site, account, 500, seconds_ago=90000) == [0, 0, 0, 0, 0]
        assert counted(site, account, 500, seconds_ago=7000) == [0, 0, 0, 0, 0]
        assert counted(site, account, 1, seconds_ago=6990) == [1, 1, 300, 501, 500]
        assert counted(site, account, 1, seconds_ago=6980) == [1, 0, 300, 502, 500]
        # 502 within the hour, none within five minutes.
        assert counted(site, account, 999, seconds_ago=6000) == [2, 1, 3600, 1501, 1500]
        assert counted(site, account, 1, seconds_ago=5990) == [2, 0, 3600, 1502, 1500]
        # An hour later only the day counts, where the oldest 500 are over: 1503 and these.
        assert counted(site, account, 1)[0] == 0
        assert counted(site, account, 990) == [1, 1, 300, 991, 500]
        assert counted(site, account, 2600)[0] == 2
    finally:
        forget(site, account)


def test_all_agents_of_a_webmail_may_log_in_a_hundred_times_a_minute(site, people):
    agent = people.agent()
    plain = base64.b64encode(f"\0{agent.uid}\0{agent.password}".encode()).decode()
    given = json.dumps({"address": site.address("mail1"), "plain": plain})
    said = json.loads(site.run("mail1", "/usr/bin/python3", "-c", shlex.quote(LOGINS), given=given))
    assert said == [235] * 100


def test_what_is_refused_stays_refused_after_a_held_message_on_the_same_connection(site, mail, people, subject):
    agent, other = people.agent(), people.agent()
    counted(site, agent.uid, 1500, seconds_ago=1200, windows=NO_LIMIT)
    with mail.session(agent) as session:
        assert session.sendmail(agent.mail, [other.mail], compose(agent.mail, other.mail, f"{subject}a")) == {}
        forged = compose(other.mail, other.mail, f"{subject}b")
        with pytest.raises(smtplib.SMTPDataError) as refused:
            session.sendmail(agent.mail, [other.mail], forged)
    assert refused.value.smtp_code == 554
    assert len(held(site, agent.uid)) == 1
    site.run("mail1", "malleposte", "queue", "drop", agent.uid, "--yes")
