"""Paths on which mail must flow."""

from __future__ import annotations

import contextlib
import smtplib

from .. import resolver
from ..dkim import DkimError, verify
from ..mailbox import compose, results_of, subject, wait_imap, wait_maildir
from ..plan import Account, PathError, Plan
from ..sieve import ManageSieve, SieveError
from ..wire import connect, context, deliver, open_smtp, smtp, words
from .refusals import mx_names

SCRIPT = "malleposte-probe"
UNSIGNED = "greylisting stops mail of an unknown server without DKIM: sign the vantage's mail, or probe again later"


def accepted(answer: tuple[str, int, str]) -> str:
    """The server's words. Raises PathError unless the transaction was accepted."""
    step, code, text = answer
    if step != "DATA" or code != 250:
        raise PathError(f"{step} answered {code} {text}")
    return text


def foreign_to_agent(plan: Plan) -> str:
    """A foreign server sends to an agent: SPF, DKIM and DMARC pass, it is in the inbox, read by IMAP."""
    vantage, agent, path = plan.outside(), plan.accounts[0], "foreign-to-agent"
    message = compose(plan, path, vantage.address, agent.mail)
    with smtplib.SMTP(*vantage.smtp, timeout=plan.timeout) as session:
        session.ehlo()
        accepted(deliver(session, vantage.address, agent.mail, message))
    try:
        folder, received = wait_imap(plan, agent, path)
    except PathError as error:
        answer = put_off(plan, vantage.address, agent.mail, message)
        hint = f"; {UNSIGNED}" if "greylist" in answer.lower() else ""
        raise PathError(f"{error}: our MX puts it off: {answer}{hint}" if answer else str(error)) from error
    verdicts = results_of(received)
    shown = " ".join(f"{name}={verdicts.get(name, 'missing')}" for name in ("spf", "dkim", "dmarc"))
    if folder.upper() != "INBOX" or any(verdicts.get(name) != "pass" for name in ("spf", "dkim", "dmarc")):
        raise PathError(f"in {folder}: {shown}")
    return f"in {folder}: {shown}"


def put_off(plan: Plan, sender: str, recipient: str, message: bytes) -> str:
    """The words by which our first MX puts a message off that comes straight from here; empty where it takes it."""
    try:
        with open_smtp(plan, mx_names(plan)[0], "smtp") as session:
            _step, code, text = deliver(session, sender, recipient, message)
    except (OSError, smtplib.SMTPException, resolver.DnsError, PathError):
        return ""
    return f"{code} {text}" if 400 <= code <= 499 else ""


def submit(plan: Plan, service: str) -> str:
    """An agent submits to a foreign address; it arrives there signed by our domain."""
    vantage, agent, path = plan.outside(), plan.accounts[0], f"submit-{plan.port(service)}"
    with smtp(plan, plan.mail, service, agent) as session:
        accepted(deliver(session, agent.mail, vantage.address, compose(plan, path, agent.mail, vantage.address)))
    received = wait_maildir(plan, vantage, path)

    def lookup(name: str) -> list[str]:
        return resolver.query(name, "TXT", plan.nameservers).records

    try:
        domain = verify(received, plan.domain, lookup)
    except (DkimError, resolver.DnsError) as error:
        raise PathError(f"arrived, DKIM: {error}") from error
    return f"arrived at {vantage.address}, DKIM d={domain} passes"


def to_colleague(plan: Plan, service: str) -> str:
    """An agent submits to a colleague, who reads it by IMAP. It needs no outside."""
    (agent, colleague), path = plan.accounts, f"colleague-{plan.port(service)}"
    with smtp(plan, plan.mail, service, agent) as session:
        accepted(deliver(session, agent.mail, colleague.mail, compose(plan, path, agent.mail, colleague.mail)))
    folder, _ = wait_imap(plan, colleague, path)
    return f"in {folder} of {colleague.uid}"


def managesieve(plan: Plan, account: Account) -> ManageSieve:
    """A logged-in ManageSieve session over TLS."""
    session = ManageSieve(connect(plan, plan.mail, "sieve"))
    session.starttls(context(plan), plan.mail)
    session.login(account.uid, account.password)
    return session


def sieve_filter(plan: Plan) -> str:
    """A filter is uploaded and activated, the next mail is filed by it, and it is removed again."""
    (agent, colleague), path = plan.accounts, "sieve-filter"
    folder = f"probe-{plan.token}"
    rule = (
        'require ["fileinto", "mailbox"];\r\n'
        f'if header :contains "Subject" "{subject(plan, path)}" {{ fileinto :create "{folder}"; stop; }}\r\n'
    )
    try:
        session = managesieve(plan, agent)
    except SieveError as error:
        raise PathError(f"ManageSieve: {words(str(error))}") from error
    before = next((name for name, active in session.scripts().items() if active), "")
    before = "" if before == SCRIPT else before
    try:
        session.put(SCRIPT, rule)
        session.activate(SCRIPT)
        with smtp(plan, plan.mail, "submission", colleague) as submission:
            message = compose(plan, path, colleague.mail, agent.mail)
            accepted(deliver(submission, colleague.mail, agent.mail, message))
        seen, _ = wait_imap(plan, agent, path)
    except SieveError as error:
        raise PathError(f"ManageSieve: {words(str(error))}") from error
    finally:
        with contextlib.suppress(SieveError, OSError):
            session.activate(before)
            session.delete(SCRIPT)
        session.close()
    if seen != folder:
        raise PathError(f"the message is in {seen}, not in {folder}")
    return "uploaded, activated, mail filed, removed"
