"""The guard before the spam filter: nothing made to keep its parser busy reaches it, come what may."""

import smtplib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from malleposte.probe.walker import wire
from malleposte.probe.walker.plan import PathError

from tests.bench import cost
from tests.stack.support import hostile
from tests.stack.support.mail import FOREIGN, Answer, compose, token, wait_for

pytestmark = pytest.mark.rings("UnitInactive", "UnitRestarts")

STRANGER = f"probe@{FOREIGN}"
GUARD = "malleposte-guard.service"
READER = "probe2@ac-exemple.test"
PARALLEL = 10
KILLS = 4
LATER = (421, 450, 451, 454)
"""Codes after which a sender tries again."""
FOR_THE_SCANNER = (b"content-type", b"content-type: x/messa\r\n ", b"\n-", b"content-type:\r\n ")
"""Octets that a search for its words looks at most often."""
LENIENT = 2.0
"""Seconds of the filter's processor for the honest mail of a test; the attack would take more."""
CHAINS = hostile.chains()
SHORT = ("plain", "bare CR", "quoted-printable", "signed", "levels times boundaries", "fields")
"""The ones that are sent each time; tests of the scanner have all of them."""
FORMS = [pytest.param(rest, id=name, marks=() if name in SHORT else pytest.mark.full) for name, rest in CHAINS.items()]


def message(recipient: str, rest: bytes, subject: str = "") -> bytes:
    """A message from its Content-Type on."""
    subject = subject or token()
    head = compose(STRANGER, recipient, subject).partition(b"\r\n\r\n")[0].split(b"\r\n")
    kept = [line for line in head if not line.lower().startswith(b"content-")]
    return b"\r\n".join([*kept, rest])


def once(mail: Any, recipient: str, content: bytes) -> Answer:
    """The answer at port 25, whatever it is."""
    try:
        opened = wire.open_smtp(mail.plan, mail.plan.mail, "smtp")
    except smtplib.SMTPResponseException as error:
        return Answer("EHLO", error.smtp_code, str(error.smtp_error))
    try:
        return Answer(*wire.deliver(opened, STRANGER, recipient, content))
    finally:
        opened.close()


@pytest.fixture
def spent(site: Any) -> Iterator[None]:
    """The filter has hardly worked for what a test sends."""
    before = cost.of(site, "mail1")
    yield
    used = (cost.of(site, "mail1")["rspamd.service"] - before["rspamd.service"]) / 1e6
    assert used < LENIENT, f"{used:.1f} s"


@pytest.mark.usefixtures("spent")
@pytest.mark.parametrize("rest", FORMS)
def test_what_keeps_the_filter_busy_is_refused_before_it(mail: Any, rest: bytes) -> None:
    refused = once(mail, READER, message(READER, rest))
    assert (refused.step, refused.code) == ("DATA", 554), refused
    assert refused.text.startswith("5.6.0 Message refuse, structure demesuree")


@pytest.mark.usefixtures("spent")
def test_it_is_refused_from_inside_as_well(mail: Any) -> None:
    who = mail.account("probe2")
    for port in (587, 465):
        refused = mail.submit(who, who.mail, who.mail, message(who.mail, CHAINS["plain"]), port)
        assert (refused.step, refused.code) == ("DATA", 554), refused
    assert mail.submit(who, who.mail, who.mail, compose(who.mail, who.mail, token())).accepted


def test_forwards_and_a_digest_pass(mail: Any) -> None:
    who, subject = mail.account("probe2"), token()
    letter = compose(STRANGER, who.mail, "bonjour", "Bonjour, un message.\n" * 200)
    many = b"".join(b"--zz\r\nContent-Type: message/rfc822\r\n\r\n" + letter + b"\r\n" for _ in range(40))
    mail.foreign(STRANGER, who.mail, message(who.mail, hostile.MIXED + many + b"--zz--\r\n", subject))
    assert mail.arrived(who, subject)


def test_killed_in_the_middle_it_lets_nothing_through(site: Any, mail: Any) -> None:
    subject = token()
    since = site.run("mail1", "date +%s").strip()
    # Long enough to be in the middle of it, with the chain at its end.
    long = hostile.MIXED + b"--zz\r\n\r\n" + b"content-type:\r\n " * 300_000 + b"\r\n--zz\r\n" + CHAINS["plain"]
    with ThreadPoolExecutor(KILLS) as pool:
        chains = []
        for _ in range(KILLS):
            chains.append(pool.submit(once, mail, READER, message(READER, long)))
            site.run(
                "mail1",
                f"until systemctl is-active -q {GUARD}; do sleep 0.2; done; sleep 0.5; systemctl kill -s KILL {GUARD}",
            )
        mail.foreign(STRANGER, READER, compose(STRANGER, READER, subject))
        answers = [one.result() for one in chains]
    assert all(answer.code in (*LATER, 554) for answer in answers), answers
    seen = site.run("mail1", f"journalctl -u rspamd --since @{since} | grep -cE 'MP_(MANY|DEEP)_PARTS' || true")
    assert seen.strip() == "0"
    assert mail.arrived("probe2", subject)


def test_while_it_is_away_mail_waits(site: Any, mail: Any) -> None:
    who, subject = mail.account("probe2"), token()
    site.run("mail1", f"systemctl stop malleposte-guard.socket {GUARD}")
    try:
        for content in (compose(STRANGER, who.mail, subject), message(who.mail, CHAINS["plain"])):
            answer = once(mail, who.mail, content)
            assert answer.code in LATER, answer
    finally:
        site.run("mail1", f"systemctl start malleposte-guard.socket {GUARD}")
    mail.foreign(STRANGER, who.mail, compose(STRANGER, who.mail, subject))
    assert mail.arrived(who, subject)


@pytest.mark.parametrize("units", [f"malleposte-guard.socket {GUARD}", "rspamd.service"])
def test_while_a_filter_is_away_no_program_is_asked_for_a_password(site: Any, mail: Any, units: str) -> None:
    """It would show the 454 that AUTH is answered as a wrong password: the session ends at the greeting."""
    who, subject = mail.account("probe2"), token()
    site.run("mail1", f"systemctl stop {units}")
    try:
        for port in (587, 465):
            with pytest.raises(PathError, match=r"banner: 421 "), mail.session(who, port):
                pass
    finally:
        site.run("mail1", f"systemctl start {units}")
    for port in (587, 465):
        wait_for(partial(taken, mail, who, subject, port), 60, f"nothing is sent by port {port}")
    assert mail.arrived(who, subject)


def taken(mail: Any, who: Any, subject: str, port: int) -> bool:
    """Whether a message is sent; not yet where the filter has only begun to start."""
    try:
        return bool(mail.submit(who, who.mail, who.mail, compose(who.mail, who.mail, subject), port).accepted)
    except PathError:
        return False


def test_a_message_starts_it(site: Any, mail: Any) -> None:
    """Its socket does: connections wait there."""
    who = mail.account("probe2")
    site.run("mail1", f"systemctl stop {GUARD}")
    assert once(mail, who.mail, message(who.mail, CHAINS["plain"])).code == 554
    assert site.run("mail1", f"systemctl is-active {GUARD}").strip() == "active"


@pytest.mark.usefixtures("spent")
def test_ten_messages_made_for_its_scanner_hide_no_chain_and_hold_up_nobody(mail: Any) -> None:
    who, subject = mail.account("probe2"), token()
    with ThreadPoolExecutor(PARALLEL + 2) as pool:
        units = [FOR_THE_SCANNER[number % len(FOR_THE_SCANNER)] for number in range(PARALLEL)]
        made = [message(who.mail, hostile.chain(many=251) + unit * (1_500_000 // len(unit))) for unit in units]
        # Their chain comes last as well: all of them is read.
        made += [
            message(who.mail, hostile.LEVEL + unit * (500_000 // len(unit)) + b"\r\n" + CHAINS["plain"])
            for unit in units[:2]
        ]
        attack = [pool.submit(once, mail, who.mail, one) for one in made]
        chain = pool.submit(once, mail, who.mail, message(who.mail, CHAINS["plain"]))
        assert mail.submit(who, who.mail, who.mail, compose(who.mail, who.mail, subject)).accepted
        assert {one.result().code for one in [*attack, chain]} == {554}
    assert mail.arrived(who, subject)


def test_a_filter_that_a_stranger_keeps_busy_serves_those_who_have_logged_in(site: Any, mail: Any) -> None:
    who, subject = mail.account("probe2"), token()
    busy = "pgrep -f '^rspamd: rspamd_proxy process .*strangers'"
    assert site.run("mail1", f"kill -STOP $({busy}); {busy}").strip()
    try:
        with ThreadPoolExecutor(1) as pool:
            waits = pool.submit(once, mail, who.mail, compose(STRANGER, who.mail, token()))
            assert mail.submit(who, who.mail, who.mail, compose(who.mail, who.mail, subject)).accepted
            assert mail.arrived(who, subject)
            assert not waits.done()
            site.run("mail1", f"kill -CONT $({busy})")
            assert waits.result().code
    finally:
        site.run("mail1", f"kill -CONT $({busy})")


def test_it_runs_confined(site: Any) -> None:
    shown = site.run("mail1", f"systemctl show -P User -P PrivateNetwork -P RestrictAddressFamilies {GUARD}").split()
    assert shown == ["malleposte-guard", "yes", "AF_UNIX"]
    assert "SAFE" in site.run("mail1", f"systemd-analyze security --no-pager {GUARD} | tail -1")
    wait_for(
        lambda: site.run("mail1", "stat -c '%U %G %a' /run/malleposte-guard.sock").split() == ["root", "postfix", "660"]
    )
