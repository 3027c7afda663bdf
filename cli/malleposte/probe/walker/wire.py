"""Connections to the platform: verified TLS, SMTP and IMAP, with the errors in words."""

from __future__ import annotations

import contextlib
import imaplib
import smtplib
import socket
import ssl
from collections.abc import Iterator

from .plan import Account, PathError, Plan


def context(plan: Plan) -> ssl.SSLContext:
    """A verifying TLS client context over the system store (or the plan's CA file)."""
    return ssl.create_default_context(cafile=plan.cafile)


def connect(plan: Plan, name: str, service: str) -> socket.socket:
    """A TCP connection to a service of the platform, by its public name. Raises PathError naming both."""
    try:
        return socket.create_connection((plan.addresses.get(name, name), plan.port(service)), plan.timeout)
    except OSError as error:
        raise PathError(f"{name} port {plan.port(service)}: {error.strerror or error}") from error


class Smtp(smtplib.SMTP):
    """SMTP over a socket that is already connected, to a name that TLS must prove."""

    def __init__(self, link: socket.socket, name: str, plan: Plan) -> None:
        super().__init__(timeout=plan.timeout, local_hostname=helo(plan))
        self.sock, self._host = link, name
        code, text = self.getreply()
        if code != 220:
            raise PathError(f"banner: {code} {words(text)}")
        self.banner = words(text)


def helo(plan: Plan) -> str:
    """The name the walker greets with; a host without a full name greets with an address literal (RFC 5321, 4.1.4)."""
    if plan.vantage is not None:
        return f"mx.{plan.vantage.domain}"
    name = socket.getfqdn()
    return name if "." in name else "[127.0.0.1]"


def words(text: bytes | str) -> str:
    """A server's answer on one line, at most 200 characters."""
    if isinstance(text, bytes):
        text = text.decode("utf-8", "replace")
    return " ".join(text.split())[:200]


def open_smtp(plan: Plan, name: str, service: str, tls: bool = True) -> Smtp:
    """An SMTP session past its greeting; TLS is on unless told not to (`submissions` has it always)."""
    link = connect(plan, name, service)
    try:
        if service == "submissions":
            link = context(plan).wrap_socket(link, server_hostname=name)
        session = Smtp(link, name, plan)
        session.ehlo()
        if tls and service != "submissions":
            session.starttls(context=context(plan))
            session.ehlo()
    except BaseException:
        link.close()
        raise
    return session


@contextlib.contextmanager
def smtp(plan: Plan, name: str, service: str, account: Account | None = None) -> Iterator[Smtp]:
    """An SMTP session over TLS, logged in when an account is given."""
    session = open_smtp(plan, name, service)
    try:
        if account:
            session.login(account.uid, account.password)
        yield session
    finally:
        with contextlib.suppress(smtplib.SMTPException, OSError):
            session.quit()
        session.close()


class Imap(imaplib.IMAP4):
    """IMAP over a TLS socket that is already connected."""

    def __init__(self, link: socket.socket) -> None:
        self._link = link
        super().__init__("")

    def _create_socket(self, timeout: float | None = None) -> socket.socket:
        return self._link


@contextlib.contextmanager
def imap(plan: Plan, account: Account) -> Iterator[imaplib.IMAP4]:
    """A logged-in IMAP session over implicit TLS."""
    with open_imap(plan) as session:
        session.login(account.uid, account.password)
        yield session


@contextlib.contextmanager
def imap_by_token(plan: Plan, account: Account, token: str) -> Iterator[imaplib.IMAP4]:
    """An IMAP session that an access token of the log-in page has opened (XOAUTH2)."""
    with open_imap(plan) as session:
        session.authenticate("XOAUTH2", lambda _: f"user={account.uid}\1auth=Bearer {token}\1\1".encode())
        yield session


@contextlib.contextmanager
def open_imap(plan: Plan) -> Iterator[imaplib.IMAP4]:
    """An IMAP session over implicit TLS, before its log-in."""
    link = context(plan).wrap_socket(connect(plan, plan.mail, "imaps"), server_hostname=plan.mail)
    session = Imap(link)
    try:
        yield session
    finally:
        with contextlib.suppress(imaplib.IMAP4.error, OSError):
            session.logout()
        with contextlib.suppress(OSError):
            session.shutdown()  # what logout leaves open when the server has gone
        link.close()


def deliver(session: smtplib.SMTP, sender: str, recipient: str, message: bytes) -> tuple[str, int, str]:
    """Run one SMTP transaction; returns the command whose answer decided, its code and words."""
    code, text = session.mail(sender)
    if code != 250:
        return "MAIL", code, words(text)
    code, text = session.rcpt(recipient)
    if code not in (250, 251):
        session.rset()
        return "RCPT", code, words(text)
    try:
        code, text = session.data(message)
    except smtplib.SMTPDataError as error:
        return "DATA", error.smtp_code, words(error.smtp_error)
    return "DATA", code, words(text)
