"""Paths on which the platform must say no."""

from __future__ import annotations

import imaplib
import time

from .. import resolver
from ..mailbox import BODY, attach, compose
from ..plan import NotTestedError, PathError, Plan
from ..sieve import ManageSieve
from ..wire import Imap, connect, deliver, open_smtp, smtp, words

GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
# The test file that every antivirus knows (eicar.org), in two halves so that no scanner stops at this source.
EICAR = r"X5O!P%@AP[4\PZX54(P^)7CC)7}$" + "EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GREYLIST_PAUSE = 5.0


def mx_names(plan: Plan) -> list[str]:
    """Mail exchangers of our domain, best first. Raises PathError when none is published."""
    records = resolver.query(plan.domain, "MX", plan.nameservers).records
    names = [name for _, name in sorted((int(record.split()[0]), record.split()[1]) for record in records)]
    if not names:
        raise PathError(f"no MX for {plan.domain}")
    return names


def refused(answer: tuple[str, int, str]) -> str:
    """The refusal in words. Raises PathError when the message was taken or only put off."""
    step, code, text = answer
    if not 500 <= code <= 599:
        raise PathError(f"not refused: {step} answered {code} {text}")
    return f"{step} refused: {code} {text}"


def stranger(plan: Plan, sender: str, recipient: str, message: bytes) -> tuple[str, int, str]:
    """Send to our first MX as a foreign server does, and retry while it defers the message (greylisting)."""
    plan.outside()
    name = mx_names(plan)[0]
    end = time.monotonic() + plan.deadline
    while True:
        session = open_smtp(plan, name, "smtp")
        try:
            answer = deliver(session, sender, recipient, message)
        finally:
            session.close()
        if not 400 <= answer[1] <= 499 or time.monotonic() > end:
            return answer
        time.sleep(GREYLIST_PAUSE)


def gtube(plan: Plan) -> str:
    """The standard test spam is refused while it is sent."""
    sender, agent = plan.outside().address, plan.accounts[0].mail
    message = compose(plan, "gtube", sender, agent, f"{BODY}\r\n{GTUBE}\r\n")
    return refused(stranger(plan, sender, agent, message))


def virus(plan: Plan) -> str:
    """The standard test virus is refused while it is sent, where an antivirus is on."""
    if not plan.antivirus:
        raise NotTestedError("the antivirus is off (malleposte_antivirus)")
    sender, agent = plan.outside().address, plan.accounts[0].mail
    message = attach(compose(plan, "virus", sender, agent), "essai.com", EICAR.encode())
    return refused(stranger(plan, sender, agent, message))


def forged_envelope(plan: Plan) -> str:
    """An agent who has logged in may not use a colleague's address as envelope sender."""
    agent, colleague = plan.accounts
    with smtp(plan, plan.mail, "submission", agent) as session:
        message = compose(plan, "forged-envelope", colleague.mail, agent.mail)
        return refused(deliver(session, colleague.mail, agent.mail, message))


def forged_header(plan: Plan) -> str:
    """An agent who has logged in may not write a colleague's address in From."""
    agent, colleague = plan.accounts
    with smtp(plan, plan.mail, "submission", agent) as session:
        message = compose(plan, "forged-header", colleague.mail, agent.mail)
        return refused(deliver(session, agent.mail, agent.mail, message))


def forged_inbound(plan: Plan) -> str:
    """A foreign server may not use an address of ours in From."""
    agent, colleague = plan.accounts
    message = compose(plan, "forged-inbound", colleague.mail, agent.mail)
    return refused(stranger(plan, plan.outside().address, agent.mail, message))


def relay(plan: Plan) -> str:
    """A foreign server may not relay through us."""
    vantage = plan.outside()
    recipient = f"relay-{plan.token}@{vantage.domain}"
    return refused(stranger(plan, vantage.address, recipient, compose(plan, "relay", vantage.address, recipient)))


def cleartext_imap(plan: Plan) -> str:
    """IMAP without TLS offers no log-in and refuses one (tried with an invented name and password)."""
    session = Imap(connect(plan, plan.mail, "imap"))
    try:
        if "LOGINDISABLED" not in session.capabilities:
            raise PathError("LOGINDISABLED is not announced")
        try:
            session.login("probe-cleartext", plan.token)
        except imaplib.IMAP4.error as error:
            text = words(error.args[0] if error.args else "")
        else:
            raise PathError("a log-in in clear was accepted")
    finally:
        session.shutdown()
    return f"refused: {text}"


def cleartext_smtp(plan: Plan) -> str:
    """Submission without TLS, and port 25 at all, offer no log-in; 587 refuses one."""
    session = open_smtp(plan, plan.mail, "submission", tls=False)
    try:
        if session.has_extn("auth"):
            raise PathError("AUTH is offered without TLS on the submission port")
        code, text = session.docmd("AUTH", "PLAIN AHByb2JlLWNsZWFydGV4dAB4")
    finally:
        session.close()
    if not 500 <= code <= 599:
        raise PathError(f"a log-in in clear was answered {code} {words(text)}")
    with smtp(plan, mx_names(plan)[0], "smtp") as incoming:
        if incoming.has_extn("auth"):
            raise PathError("AUTH is offered on port 25")
    return f"refused: {code} {words(text)}"


def cleartext_sieve(plan: Plan) -> str:
    """ManageSieve without TLS offers STARTTLS and no mechanism that shows the password."""
    session = ManageSieve(connect(plan, plan.mail, "sieve"))
    try:
        offered = session.capabilities.get("SASL", "").upper().split()
        if "STARTTLS" not in session.capabilities or {"PLAIN", "LOGIN"} & set(offered):
            raise PathError(f"offers {' '.join(offered) or 'no STARTTLS'} without TLS")
    finally:
        session.close()
    return "STARTTLS first"
