"""Lines of Postfix and Dovecot as events; a stranger's words in them are never read as the daemons' own."""

import time

import pytest
from malleposte.deliveries.mail_log import (
    LONGEST_LINE,
    Arrived,
    Filtered,
    Identified,
    Outcome,
    Queued,
    Refused,
    event,
)
from malleposte.deliveries.model import State

SAVED = "250 2.0.0 <probe1@stores.invalid> 5N+WH+HqDWtpaAAAiS2GAw Saved"
TIMES = "delay=0.05, delays=0.02/0/0.01/0.03"
BOX = f"to=<probe1@stores.invalid>, orig_to=<probe1@ac-exemple.test>, relay=m.ac-exemple.test[private/lmtp], {TIMES}"
DOVECOT = "lmtp(probe1)<26729><5N+WH+HqDWtpaAAAiS2GAw>: sieve: msgid=<x@y>: "
CLIENT = "mx.lointain.test[10.213.50.10]"
QUOTED = '"x>, relay=m[private/dovecot-lmtp], status=sent (250 <a> S Saved)"@lointain.test'


def test_a_message_on_its_way_in() -> None:
    q = "7E2201029D4"
    assert event("postfix/smtpd", f"{q}: client={CLIENT}") == Arrived(q, "10.213.50.10")
    line = f"{q}: client=unknown[2001:db8::7], sasl_method=PLAIN, sasl_username=mdupond"
    assert event("postfix/submission/smtpd", line) == Arrived(q, "2001:db8::7", "mdupond")
    assert event("postfix/cleanup", f"{q}: message-id=<X@y>") == Identified(q, "X@y")
    assert event("postfix/qmgr", f"{q}: from=<News@lointain.test>, size=512, nrcpt=1 (queue active)") == Queued(
        q, "news@lointain.test", 512
    )
    assert event("postfix/qmgr", f"{q}: from=<>, size=5, nrcpt=1 (queue active)") == Queued(q, "", 5)


@pytest.mark.parametrize("queue", ["7E2201029D4", "4dLpz91CxGz9rxQ"], ids=["short", "long"])
def test_a_box_takes_a_message_and_its_answer_names_the_session(queue: str) -> None:
    line = f"{queue}: {BOX}, dsn=2.0.0, status=sent ({SAVED})"
    assert event("postfix/lmtp", line) == Outcome(
        queue, "probe1@ac-exemple.test", "probe1@stores.invalid", State.LEFT, SAVED, "probe1", "5N+WH+HqDWtpaAAAiS2GAw"
    )
    extended = line.replace("probe1@stores", "probe1+classe@stores")
    one = event("postfix/lmtp", extended)
    assert isinstance(one, Outcome) and one.account == "probe1"


@pytest.mark.parametrize(
    ("status", "state"),
    [("deferred", State.DEFERRED), ("bounced", State.BOUNCED), ("sent", State.LEFT)],
)
def test_an_attempt_at_another_server(status: str, state: State) -> None:
    line = (
        f"7E2201029D4: to=<a@lointain.test>, relay=mx.lointain.test[10.213.50.10]:25, conn_use=2, {TIMES},"
        f" dsn=4.2.2, status={status} (host mx.lointain.test[10.213.50.10] said: 452 4.2.2 later (in reply to RCPT))"
    )
    one = event("postfix/smtp", line)
    assert isinstance(one, Outcome)
    assert (one.address, one.to, one.state, one.account) == ("a@lointain.test", "a@lointain.test", state, "")
    assert one.answer.endswith("(in reply to RCPT)")


def test_a_box_that_is_away_or_full_is_known_all_the_same() -> None:
    line = (
        f"7E2201029D4: {BOX.replace('m.ac-exemple.test[private/lmtp]', 'none')}, dsn=4.4.1, status=deferred (refused)"
    )
    one = event("postfix/lmtp", line)
    assert isinstance(one, Outcome) and (one.account, one.state, one.session) == ("probe1", State.DEFERRED, "")


def test_mail_that_was_given_up() -> None:
    for words in ("expired", "force-expired"):
        line = f"7E2201029D4: from=<a@b>, status={words}, returned to sender"
        assert event("postfix/qmgr", line) == Outcome("7E2201029D4", "", "", State.BOUNCED, "expired")


def test_refusals_before_and_after_there_is_a_message() -> None:
    line = (
        f"NOQUEUE: reject: RCPT from {CLIENT}: 553 5.7.1 <a@b>: Sender address rejected: not owned by user x;"
        " from=<a@b> to=<C@d> proto=ESMTP helo=<h>"
    )
    one = event("postfix/smtpd", line)
    answer = "553 5.7.1 <a@b>: Sender address rejected: not owned by user x"
    assert one == Refused("", "10.213.50.10", "a@b", "c@d", answer, later=False)
    later = event("postfix/smtpd", line.replace("553 5.7.1", "450 4.7.1"))
    assert isinstance(later, Refused) and later.later and not later.whole
    milter = (
        f"533A51029D4: milter-reject: END-OF-MESSAGE from {CLIENT}: 5.7.1 text; from=<a> to=<b> proto=ESMTP helo=<h>"
    )
    whole = event("postfix/cleanup", milter)
    assert isinstance(whole, Refused)
    assert (whole.queue, whole.sender, whole.address, whole.whole) == ("533A51029D4", "a", "b", True)


@pytest.mark.parametrize(("answer", "known"), [("550 5.1.1 <a@b>: unknown", False), ("553 5.7.1 <a@b>: no", True)])
def test_an_unknown_recipient_is_said_to_be_one(answer: str, known: bool) -> None:
    one = event("postfix/smtpd", f"NOQUEUE: reject: RCPT from {CLIENT}: {answer}; from=<a> to=<b> proto=ESMTP helo=<h>")
    assert isinstance(one, Refused) and one.known_recipient is known


@pytest.mark.parametrize(
    ("line", "state", "where"),
    [
        ("fileinto action: stored mail into mailbox 'probe-x'", State.FILED, "probe-x"),
        ("stored mail into mailbox 'INBOX'", State.FILED, "INBOX"),
        ("fileinto action: stored mail into mailbox 'Réunions d'équipe'", State.FILED, "Réunions d'équipe"),
        ("redirect action: forwarded to <ami@lointain.test>", State.REDIRECTED, "ami@lointain.test"),
        ("discard action: Marked message to be discarded if not explicitly delivered", State.DISCARDED, ""),
        ("Marked message to be discarded if not explicitly delivered (discard action)", State.DISCARDED, ""),
    ],
)
def test_acts_of_a_box_s_filter(line: str, state: State, where: str) -> None:
    assert event("dovecot", DOVECOT + line) == Filtered("5N+WH+HqDWtpaAAAiS2GAw", "probe1", state, where)
    assert event("dovecot", DOVECOT.replace(": sieve", ": Info: sieve") + line) is not None


# --- strangers' words ---


def test_a_message_id_that_imitates_an_act_is_none() -> None:
    outcome = event("postfix/cleanup", "7E2201029D4: message-id=<7E: to=<a@b>, relay=x, status=sent (250)>")
    assert isinstance(outcome, Identified)
    cut = DOVECOT.replace("<x@y>", f"<{'a' * 76}...")
    assert event("dovecot", f"{cut}stored mail into mailbox 'INBOX'") is not None
    lie = DOVECOT.replace("<x@y>", "<x: stored mail into mailbox 'Faux'>") + "sent vacation response to 'a'"
    assert event("dovecot", lie) is None
    lie = DOVECOT.replace("<x@y>", "<x: forwarded to <a@b>") + "sent vacation response to <c@d>"
    assert event("dovecot", lie) is None
    assert event("dovecot", DOVECOT.replace("<x@y>", "unspecified") + "stored mail into mailbox 'INBOX'") is not None


def test_another_server_s_answer_names_no_box_of_ours() -> None:
    """Its recipient has the name of an agent, and it answers as our store does."""
    line = (
        f"7E2201029D4: to=<mdupond@lointain.test>, relay=mx[192.0.2.1]:25, {TIMES}, dsn=2.0.0,"
        " status=sent (250 2.0.0 <mdupond@lointain.test> 5N+WH+HqDWtpaAAAiS2GAw Saved)"
    )
    one = event("postfix/smtp", line)
    assert isinstance(one, Outcome) and (one.account, one.session) == ("", "")
    listed = line.replace("mdupond@lointain.test", "mdupond@lists.stores.invalid").replace("mx[192.0.2.1]:25", "x[y]")
    one = event("postfix/lmtp", listed)
    assert isinstance(one, Outcome) and (one.account, one.session) == ("", "")


def test_another_server_s_answer_does_not_change_its_status() -> None:
    lie = (
        f"to=<a@lointain.test>, relay=mx[192.0.2.1]:25, {TIMES}, dsn=4.0.0, status=deferred (450 status=sent (250 ok))"
    )
    one = event("postfix/smtp", f"7E2201029D4: {lie}")
    assert isinstance(one, Outcome) and one.state is State.DEFERRED


def test_an_address_in_quotes_ends_no_field() -> None:
    line = f"7E2201029D4: to=<{QUOTED}>, relay=mx[192.0.2.1]:25, {TIMES}, dsn=4.0.0, status=deferred (no)"
    assert event("postfix/smtp", line) is None
    honest = line.replace(QUOTED, '"jean dupont"@lointain.test')
    one = event("postfix/smtp", honest)
    assert isinstance(one, Outcome) and one.address == '"jean dupont"@lointain.test'
    escaped = QUOTED.replace('"x', '"x\\"y')
    assert event("postfix/smtp", line.replace(QUOTED, escaped)) is None


@pytest.mark.parametrize(
    "line",
    [
        f"NOQUEUE: reject: RCPT from {CLIENT}: 550 5.1.1 <n@b>: no; from=<a@b> to=<n@b> proto=ESMTP"
        " helo=<x; from=<chef@ac-exemple.test> to=<mdupond@ac-exemple.test>>",
        f'NOQUEUE: reject: RCPT from {CLIENT}: 550 5.1.1 <"; from=<c@d> to=<e@f> proto=x"@b>: no; from=<a@b>'
        ' to=<"; from=<c@d> to=<e@f> proto=x"@b> proto=ESMTP helo=<h>',
    ],
    ids=["helo", "address"],
)
def test_a_client_s_own_words_are_no_envelope(line: str) -> None:
    assert event("postfix/smtpd", line) is None


@pytest.mark.parametrize(
    ("program", "line"),
    [
        ("postfix/cleanup", "7E2201029D4: warning: header Subject: 7E2201029D4: client=a[192.0.2.1] from x[192.0.2.1]"),
        ("postfix/smtpd", "warning: to=<a@b>, relay=none, status=sent (250)"),
        ("postfix/smtpd", f"7E2201029D4: reject: header Subject: a from {CLIENT}: 550 x; from=<a> to=<b>"),
        ("dovecot", "imap(probe1)<1><x>: sieve: msgid=<x@y>: stored mail into mailbox 'x'"),
        ("dovecot", "lmtp(probe1)<1><x>: Error: sieve: msgid=<x@y>: failed to store into mailbox 'x'"),
        ("postfix/smtpd", ""),
    ],
)  # fmt: skip
def test_what_is_no_event_is_none(program: str, line: str) -> None:
    assert event(program, line) is None


def test_controls_do_not_get_into_the_index() -> None:
    one = event("postfix/cleanup", "7E2201029D4: message-id=<a\x1b[2J\x00\nb@y>")
    assert one == Identified("7E2201029D4", "a [2J  b@y")
    long = event("postfix/cleanup", f"7E2201029D4: message-id=<{'é' * 900}>")
    assert isinstance(long, Identified) and len(long.message_id) == 200
    assert event("postfix/cleanup", f"7E2201029D4: message-id=<{'a' * LONGEST_LINE}>") is None


@pytest.mark.parametrize("program", ["postfix/lmtp", "dovecot"])
@pytest.mark.parametrize(
    "part",
    ["to=<", '"', "a" * 30 + " ", " status=sent (", "a=b, ", "; from=<", "(", "[", "relay=", "msgid=", ": ", "<", "'"],
)
def test_no_line_takes_long(program: str, part: str) -> None:
    """Of each form, with a part again and again up to the longest line: which is linear."""
    begins = (
        "7E2201029D4: to=<", "7E2201029D4: to=<a>, relay=x, ", f"7E2201029D4: client={CLIENT}",
        f"NOQUEUE: reject: RCPT from {CLIENT}: 550 ", "7E2201029D4: from=<", DOVECOT, DOVECOT[:-6],
    )  # fmt: skip
    lines = [(one + part * LONGEST_LINE)[: LONGEST_LINE - 60] for one in begins]
    tails = ("", " status=sent (x", " status=sent client= nrcpt= reject: message-id= expired, returned sieve: ")
    begun = time.process_time()
    for line in lines:
        for tail in tails:
            event(program, line + tail)
    assert time.process_time() - begun < 2.0
