"""Mail from end to end, at the interfaces of directory, Postfix, the filter and Dovecot."""

import email
import email.policy
import json
import re

import pytest
from malleposte.directory.model import State
from malleposte.probe.walker import mailbox

from tests.stack.support.mail import FOREIGN, compose, quoted, token, utf7, wait_for

pytestmark = pytest.mark.scattered

FOLDERS = {
    "Brouillons": b"\\Drafts",
    "Envoyés": b"\\Sent",
    "Indésirables": b"\\Junk",
    "Corbeille": b"\\Trash",
    "Archives": b"\\Archive",
}


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


def test_a_suspended_agent_may_not_submit(mail, people):
    agent = people.agent()
    with mail.session(agent):
        pass
    people.change(agent, mpState=[State.SUSPENDED])
    mail.site.run("mail1", "doveadm", "auth", "cache", "flush", agent.uid)
    with pytest.raises(Exception, match="535"), mail.session(agent):
        pass


# --- who may send as whom ---


def test_a_box_is_written_to_and_its_delegate_answers_as_it(mail, people, subject):
    delegate = people.agent()
    box = people.box(delegate.uid)
    assert mail.submit(
        "probe2", mail.account("probe2").mail, box.mail, compose("probe2@ac-exemple.test", box.mail, subject)
    ).accepted
    assert mail.submit(delegate, box.mail, delegate.mail, compose(box.mail, delegate.mail, f"re-{subject}")).accepted
    received = mail.arrived(delegate, f"re-{subject}")
    assert f"From: {box.mail}".encode() in received


def test_who_is_no_delegate_may_not_send_as_the_box(mail, people, subject):
    delegate, other = people.agent(), people.agent()
    box = people.box(delegate.uid)
    envelope = mail.submit(other, box.mail, other.mail, compose(box.mail, other.mail, subject))
    assert (envelope.step, envelope.code) == ("RCPT", 553), envelope
    header = mail.submit(other, other.mail, other.mail, compose(box.mail, other.mail, subject))
    assert header.step == "DATA", header
    assert 550 <= header.code <= 559, header


def test_two_from_headers_are_refused(mail, people, subject):
    sender = people.agent()
    message = compose(sender.mail, sender.mail, subject)
    double = b"From: " + mail.account("probe2").mail.encode() + b"\r\n" + message
    answer = mail.submit(sender, sender.mail, sender.mail, double)
    assert 500 <= answer.code <= 599, answer


@pytest.mark.parametrize(
    "form", ['"{other}" <{own}>', "{own}, {other}", "=?utf-8?q?x?= <{other}>", "<{other}>", "{other} (x)"]
)
def test_from_in_other_clothes(mail, people, subject, form):
    sender, other = people.agent(), mail.account("probe2")
    header = form.format(own=sender.mail, other=other.mail)
    message = compose(sender.mail, sender.mail, subject).replace(
        f"From: {sender.mail}".encode(), f"From: {header}".encode(), 1
    )
    answer = mail.submit(sender, sender.mail, sender.mail, message)
    if form.endswith("<{own}>"):
        # The name shown is free; the address is the sender's own. Refusing it, too, is no fault.
        assert answer.accepted or 500 <= answer.code <= 599, answer
    else:
        assert 500 <= answer.code <= 599, answer


def test_a_stranger_may_not_use_our_domain_as_envelope_sender(mail, subject):
    answer = mail.stranger(
        "probe2@ac-exemple.test",
        "probe1@ac-exemple.test",
        compose("x@lointain.test", "probe1@ac-exemple.test", subject),
    )
    assert 550 <= answer.code <= 559, answer


# --- limits ---


def test_a_full_mailbox_is_refused_while_the_mail_is_sent(mail, people, subject):
    reader = people.agent(quota_mb=1)
    sender = mail.account("probe2").mail
    first = compose(sender, reader.mail, subject, "abcdefgh" * 110_000)
    assert mail.submit("probe2", sender, reader.mail, first).accepted
    assert mail.arrived(reader, subject)
    answer = mail.submit("probe2", sender, reader.mail, compose(sender, reader.mail, subject, "abcdefgh" * 60_000))
    if answer.accepted:
        wait_for(lambda: mail.count(reader, subject) == 2, what="the message that filled the box is stored")
    second = answer if not answer.accepted else mail.submit("probe2", sender, reader.mail, first)
    assert second.step in ("RCPT", "DATA"), second
    assert second.code in (452, 552), second
    assert mail.count(reader, subject) <= 2


def test_a_message_too_large_is_refused_before_it_is_sent(mail, plan):
    limit = int(mail.site.platform["mail"]["message_size_mb"])
    with mail.session("probe1") as session:
        assert int(session.esmtp_features["size"]) <= (limit + 1) * 1024 * 1024
        code, text = session.mail(plan.accounts[0].mail, [f"SIZE={limit * 2 * 1024 * 1024}"])
        assert code == 552, text


# --- folders ---


def test_french_folders_are_there_from_the_first_log_in(mail, people):
    session = mail.imap(people.agent())
    _, lines = session.list()
    _, subscribed = session.lsub()
    for name, use in FOLDERS.items():
        line = next(
            (line for line in lines if quoted(name).encode() in line or line.endswith(utf7(name).encode())), None
        )
        assert line is not None, (name, lines)
        assert use in line
        assert any(utf7(name).encode() in line for line in subscribed)


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


@pytest.mark.parametrize("word", ["spf", "dkim", "dmarc"])
def test_forged_verdicts_of_a_sender_do_not_survive(mail, people, subject, word):
    reader = people.agent()
    message = compose(f"probe@{FOREIGN}", reader.mail, subject)
    forged = f"Authentication-Results: {mail.plan.mail}; {word}=pass forged-by-{subject}\r\n".encode()
    mail.foreign(f"probe@{FOREIGN}", reader.mail, forged + message)
    received = mail.arrived(reader, subject, timeout=90)
    assert f"forged-by-{subject}".encode() not in received
