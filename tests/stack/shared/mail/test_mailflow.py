"""Mail from end to end, at the interfaces of directory, Postfix, the filter and Dovecot."""

import email
import email.policy
import json
import re

import pytest
from malleposte.directory.model import State
from malleposte.probe.walker import mailbox

from tests.stack.support.mail import FOREIGN, compose, quoted, token, wait_for

pytestmark = pytest.mark.scattered


@pytest.fixture
def subject() -> str:
    """A subject of this test alone, without blanks."""
    return token()


# --- who receives ---


@pytest.mark.parametrize("port", [587, 465])
def test_an_agent_writes_to_another(mail, people, subject, port):
    sender, reader = people.agent(), people.agent()
    message = compose(sender.mail, reader.mail, f"Réunion {subject}", "Salle des maîtres, à 17 h.")
    assert mail.submit(sender, sender.mail, reader.mail, message, port).accepted
    received = email.message_from_bytes(mail.arrived(reader, subject), policy=email.policy.default)
    assert received["Subject"] == f"Réunion {subject}"
    assert "Salle des maîtres, à 17 h." in received.get_content()


def test_mail_goes_out_signed_and_does_not_tell_where_the_agent_sits(mail, people, subject):
    sender = people.agent()
    message = compose(sender.mail, f"probe@{FOREIGN}", subject)
    assert mail.submit(sender, sender.mail, f"probe@{FOREIGN}", message).accepted
    received = mail.at_foreign("probe", subject)
    assert re.search(rb"^DKIM-Signature:.*d=ac-exemple\.test", received, re.M | re.S)
    gateway = mail.site.lab.settings.gateway
    assert not re.search(rb"\b%s\b" % re.escape(str(gateway)).encode(), received)


@pytest.mark.parametrize("detail", ["", "+absences", "+a.b-c"])
def test_subaddress(mail, people, subject, detail):
    reader = people.agent()
    recipient = reader.mail.replace("@", f"{detail}@")
    assert mail.submit(
        "probe2", mail.account("probe2").mail, recipient, compose("probe2@ac-exemple.test", recipient, subject)
    ).accepted
    assert mail.arrived(reader, subject)


def test_alias_receives_and_may_send(mail, people, subject):
    former = f"{token()}@ac-exemple.test"
    reader = people.agent(addresses=(former,))
    assert mail.submit(reader, former, former.upper().replace("@AC", "@ac"), compose(former, former, subject)).accepted
    assert mail.arrived(reader, subject)


def test_an_unknown_recipient_is_refused_at_once(mail, subject):
    answer = mail.stranger(
        f"probe@{FOREIGN}", f"{token()}@ac-exemple.test", compose(f"probe@{FOREIGN}", "x@y.test", subject)
    )
    assert (answer.step, answer.code) == ("RCPT", 550), answer


@pytest.mark.parametrize(
    ("state", "receives"),
    [(State.PENDING, True), (State.BLOCKED, True), (State.EXPIRED, True), (State.SUSPENDED, False)],
)
def test_who_is_not_active_cannot_log_in_and_receives_by_state(mail, people, subject, state, receives):
    reader = people.agent(state=state)
    with pytest.raises(Exception, match=r"(?i)auth"):
        mail.imap(reader)
    answer = mail.submit(
        "probe2", mail.account("probe2").mail, reader.mail, compose("probe2@ac-exemple.test", reader.mail, subject)
    )
    if not receives:
        assert (answer.step, answer.code) == ("RCPT", 550), answer
        return
    assert answer.accepted, answer
    people.change(reader, mpState=[State.ACTIVE])
    mail.site.run("mail1", "doveadm", "auth", "cache", "flush", reader.uid)
    assert mail.arrived(reader, subject)


# --- who may send as whom ---


def test_a_stranger_may_not_use_our_domain_as_envelope_sender(mail, subject):
    answer = mail.stranger(
        "probe2@ac-exemple.test",
        "probe1@ac-exemple.test",
        compose("x@lointain.test", "probe1@ac-exemple.test", subject),
    )
    assert 550 <= answer.code <= 559, answer


# --- limits ---


def test_a_message_too_large_is_refused_before_it_is_sent(mail, plan):
    limit = int(mail.site.platform["mail"]["message_size_mb"])
    with mail.session("probe1") as session:
        assert int(session.esmtp_features["size"]) <= (limit + 1) * 1024 * 1024
        code, text = session.mail(plan.accounts[0].mail, [f"SIZE={limit * 2 * 1024 * 1024}"])
        assert code == 552, text


# --- folders ---


def learned(mail) -> int:
    """Count the messages that the filter was taught since it started."""
    password = mail.site.secret("rspamd-read")
    given = f'header = "Password: {password}"\n'
    return int(json.loads(mail.site.run("mail1", "curl -sfK - http://127.0.0.1:11334/stat", given=given))["learned"])


def test_moving_to_junk_and_back_teaches_the_filter(mail, people, subject):
    reader = people.agent()
    sender = mail.account("probe2").mail
    words = " ".join(f"{token()} promotion incroyable" for _ in range(25))
    assert mail.submit("probe2", sender, reader.mail, compose(sender, reader.mail, subject, words)).accepted
    mail.arrived(reader, subject)
    session = mail.imap(reader)
    session.select("INBOX")
    number = mailbox.search(session, subject)[0]
    before = learned(mail)
    assert session._simple_command("MOVE", number, quoted("Indésirables"))[0] == "OK"
    wait_for(lambda: learned(mail) > before, 60, "the filter learns spam")
    session.select(quoted("Indésirables"))
    number = mailbox.search(session, subject)[0]
    before = learned(mail)
    assert session._simple_command("MOVE", number, "INBOX")[0] == "OK"
    wait_for(lambda: learned(mail) > before, 60, "the filter learns ham")
    assert mail.count(reader, subject) == 1


# --- characters ---


def test_an_address_with_an_accent(mail, people, subject):
    reader = people.agent()
    with mail.session("probe1") as session:
        assert session.has_extn("smtputf8")
    title = f"Réunion de l'équipe pédagogique avant l'été {subject}"
    message = compose("Zoé Nuñez <zoe@lointain.test>", reader.mail, title, "Le cœur déçu mais l'âme naïve.")
    mail.foreign(f"zoe@{FOREIGN}", reader.mail, message)
    received = email.message_from_bytes(mail.arrived(reader, subject, timeout=90), policy=email.policy.default)
    assert received["From"].addresses[0].display_name == "Zoé Nuñez"
    assert received["Subject"] == title


@pytest.mark.parametrize("who", ["postmaster", "abuse", "root"])
def test_the_operators_addresses_are_delivered(mail, subject, who):
    recipient = f"{who}@ac-exemple.test"
    mail.foreign(f"probe@{FOREIGN}", recipient, compose(f"probe@{FOREIGN}", recipient, subject))

    def look() -> str:
        return mail.site.run("mail1", f"doveadm search -u dsi mailbox INBOX header subject {subject}", check=False)

    try:
        wait_for(look, 90, f"{recipient} in the box dsi")
    finally:
        mail.site.run("mail1", f"doveadm expunge -u dsi mailbox INBOX header subject {subject}", check=False)


# --- trust on the way in ---
