"""Mail clients of the tests: verified TLS to the lab by its public names, answers kept for the assertions."""

import contextlib
import email.message
import email.policy
import email.utils
import imaplib
import json
import secrets
import smtplib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from malleposte.probe.walker import mailbox, wire
from malleposte.probe.walker.plan import Account as Login
from malleposte.probe.walker.plan import Plan
from malleposte.probe.walker.sieve import ManageSieve

from tests.stack.support.site import Account, Site

FOREIGN = "lointain.test"
SEND = """
import json, smtplib, sys
given = json.load(sys.stdin)
with smtplib.SMTP("127.0.0.1", 25, timeout=60) as session:
    session.ehlo()
    session.sendmail(given["sender"], given["recipients"], given["message"].encode())
"""


def ended(session: imaplib.IMAP4) -> bool:
    """Read a waiting session to its end, past what the server tells meanwhile (`* OK Still here`). One that stays open
    ends the test by the socket's time-out.
    """
    while session.readline():
        pass
    return True


def thrown_out(session: imaplib.IMAP4) -> bool:
    """Whether the server has ended a session; one that goes on answers a command."""
    try:
        session.noop()
    except (imaplib.IMAP4.abort, OSError):
        return True
    return False


def sends(session: smtplib.SMTP, account: Account) -> bool:
    """Whether a session of submission still takes a message; nothing is sent."""
    try:
        session.rset()
        session.mail(account.mail)
        return session.rcpt(account.mail)[0] == 250
    except (smtplib.SMTPServerDisconnected, OSError):
        return False


class Answer(NamedTuple):
    """The command that decided (MAIL, RCPT or DATA), with its code and text."""

    step: str
    code: int
    text: str

    @property
    def accepted(self) -> bool:
        """Whether the server took the message."""
        return (self.step, self.code) == ("DATA", 250)


def token() -> str:
    """A word that no other message holds."""
    return f"mt{secrets.token_hex(8)}"


def compose(sender: str, recipient: str, subject: str, body: str = "", **headers: str) -> bytes:
    """A whole message. Keys of `headers` have `_` for `-`."""
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["Date"] = email.utils.formatdate(localtime=True)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject
    message["Message-ID"] = email.utils.make_msgid(domain=sender.rpartition("@")[2].strip(">") or FOREIGN)
    for name, value in headers.items():
        message[name.replace("_", "-")] = value
    message.set_content(body or mailbox.BODY, cte="quoted-printable")
    return message.as_bytes()


def body(message: bytes) -> str:
    """The text of a message."""
    found = email.message_from_bytes(message, policy=email.policy.default).get_body(("plain",))
    assert found is not None
    return str(found.get_content())


def many_parts(sender: str, recipient: str, subject: str, parts: int) -> bytes:
    """A message of so many parts, itself included, of one line each."""
    part = "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n"
    head = f"From: {sender}\r\nTo: {recipient}\r\nSubject: {subject}\r\nMessage-ID: <{subject}@{FOREIGN}>\r\n"
    head += "Date: Wed, 25 Nov 2026 10:00:00 +0100\r\nMIME-Version: 1.0\r\n"
    return f"{head}Content-Type: multipart/mixed; boundary=b\r\n\r\n{part * (parts - 1)}--b--\r\n".encode()


def make_plan(site: Site, cafile: Path) -> Plan:
    """The walker's plan for connections from the controller: the lab's names lead to its addresses."""
    mail = str(site.platform["hostnames"]["mail"])
    first, second = (site.accounts[uid] for uid in ("probe1", "probe2"))
    return Plan(
        domain=str(site.platform["domain"]),
        mail=mail,
        selector=str(site.platform["dkim"]["selector"]),
        dmarc_policy=str(site.platform["dmarc"]["policy"]),
        accounts=(Login(first.uid, first.mail, first.password), Login(second.uid, second.mail, second.password)),
        vantage=None,
        token=token(),
        timeout=60,
        cafile=str(cafile),
        addresses={mail: site.address("mail1")},
    )


def wait_for[T](predicate: Callable[[], T | None], timeout: float = 60, what: str = "") -> T:
    """Poll until the predicate is true and return what it gave; AssertionError when the time (seconds) is over."""
    end = time.monotonic() + timeout
    while True:
        found = predicate()
        if found:
            return found
        if time.monotonic() > end:
            raise AssertionError(f"not within {timeout:.0f} s: {what or predicate}")
        time.sleep(0.2)


class Mail:
    """The lab's mail, seen from the controller."""

    def __init__(self, site: Site, plan: Plan) -> None:
        """Nothing is opened yet; `close` ends what was opened since."""
        self.site, self.plan = site, plan
        self._open = contextlib.ExitStack()

    def close(self) -> None:
        """End all IMAP sessions handed out."""
        self._open.close()
        self._open = contextlib.ExitStack()

    def account(self, who: Account | str) -> Account:
        """An account, given as itself or by uid."""
        return self.site.accounts[who] if isinstance(who, str) else who

    @contextlib.contextmanager
    def session(self, who: Account | str, port: int = 587) -> Iterator[smtplib.SMTP]:
        """A submission session, logged in."""
        account = self.account(who)
        service = {587: "submission", 465: "submissions"}[port]
        login = Login(account.uid, account.mail, account.password)
        with wire.smtp(self.plan, self.plan.mail, service, login) as opened:
            yield opened

    def submit(self, who: Account | str, sender: str, recipient: str, message: bytes, port: int = 587) -> Answer:
        """Submit one message as an account, with any envelope sender."""
        with self.session(who, port) as opened:
            return Answer(*wire.deliver(opened, sender, recipient, message))

    def stranger(self, sender: str, recipient: str, message: bytes) -> Answer:
        """Send to port 25 from the controller, which is nobody's mail server; wait while it is put off."""
        end = time.monotonic() + 60
        while True:
            opened = wire.open_smtp(self.plan, self.plan.mail, "smtp")
            try:
                answer = Answer(*wire.deliver(opened, sender, recipient, message))
            finally:
                opened.close()
            if answer.code not in (450, 451) or time.monotonic() > end:
                return answer
            time.sleep(2)

    def foreign(self, sender: str, recipient: str, message: bytes) -> None:
        """Hand a message to the foreign mail server, which signs it and sends it on."""
        given = {"sender": sender, "recipients": [recipient], "message": message.decode()}
        self.site.run("world", "/usr/bin/python3", "-c", f"'{SEND}'", given=json.dumps(given))

    def at_foreign(self, user: str, text: str, timeout: float = 90) -> bytes:
        """Wait for a message that holds `text` in a mailbox of the foreign server."""
        root = f"/srv/world-mail/{FOREIGN}/{user}/Maildir"

        def look() -> str:
            grep = f"grep -rlF -- {text} {root} 2>/dev/null | head -1 | xargs -r cat"
            return self.site.run("world", grep, check=False)

        return wait_for(look, timeout, f"{text} at {user}@{FOREIGN}").encode()

    def imap(self, who: Account | str) -> imaplib.IMAP4:
        """A logged-in IMAP session over TLS, ended with the test."""
        return self._open.enter_context(self.imap_session(who))

    def imap_session(self, who: Account | str) -> contextlib.AbstractContextManager[imaplib.IMAP4]:
        """A logged-in IMAP session over TLS, for a block: an account may hold fifty at once."""
        account = self.account(who)
        return wire.imap(self.plan, Login(account.uid, account.mail, account.password))

    def sieve(self, who: Account | str) -> ManageSieve:
        """A logged-in ManageSieve session over TLS, ended with the test."""
        account = self.account(who)
        session = ManageSieve(wire.connect(self.plan, self.plan.mail, "sieve"))
        self._open.callback(session.close)
        session.starttls(wire.context(self.plan), self.plan.mail)
        session.login(account.uid, account.password)
        return session

    def set_filter(self, who: Account | str, name: str, text: str) -> ManageSieve:
        """Have a script filter an account's mail; the session."""
        session = self.sieve(who)
        session.put(name, text)
        session.activate(name)
        return session

    def arrived(self, who: Account | str, subject: str, folder: str = "INBOX", timeout: float = 60) -> bytes:
        """Wait for a message by a word of its subject, in one folder, and return it whole."""
        with self.imap_session(who) as session:
            return wait_for(
                lambda: mailbox.find_in(session, quoted(folder), subject), timeout, f"{subject} in {folder} of {who}"
            )

    def count(self, who: Account | str, subject: str, folder: str = "INBOX") -> int:
        """Count the messages of a folder that have that word in their subject."""
        with self.imap_session(who) as session:
            if session.select(quoted(folder), readonly=True)[0] != "OK":
                return 0
            return len(mailbox.search(session, subject))

    def remove(self, who: Account | str, subject: str) -> None:
        """Remove messages with that word in their subject from every folder."""
        with self.imap_session(who) as session:
            for folder in mailbox.folders(session):
                if session.select(folder)[0] == "OK" and (numbers := mailbox.search(session, subject)):
                    session.store(",".join(numbers), "+FLAGS", "(\\Deleted)")
                    session.expunge()


def opens(mail: Mail, who: Account) -> bool:
    """Whether IMAP lets an account in with its password."""
    try:
        mail.imap(who)
    except imaplib.IMAP4.error:
        return False
    return True


def quoted(folder: str) -> str:
    """A folder's name as IMAP4rev1 takes it: modified UTF-7, quoted."""
    return '"' + utf7(folder).replace("\\", "\\\\").replace('"', '\\"') + '"'


def utf7(text: str) -> str:
    """Modified UTF-7 (RFC 3501, 5.1.3)."""
    parts, other = [], ""
    for char in [*text, ""]:
        if char and not 0x20 <= ord(char) <= 0x7E:
            other += char
            continue
        if other:
            parts.append("&" + other.encode("utf-7").decode()[1:].rstrip("-").replace("/", ",") + "-")
            other = ""
        parts.append("&-" if char == "&" else char)
    return "".join(parts)
