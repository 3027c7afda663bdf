"""The four ways in of a device, tried with any name and password."""

import contextlib
import imaplib
import smtplib
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from malleposte.probe.walker.sieve import SieveError

from tests.stack.support import typed_secrets
from tests.stack.support.dav import Device
from tests.stack.support.mail import Mail
from tests.stack.support.site import Account

SCOPES = ("imap", "smtp", "sieve", "dav")


@dataclass
class Ways:
    """Whether each way opens to a name and a password."""

    mail: Mail
    device: Callable[..., Device]
    account: Account

    def opens(self, scope: str, password: str, login: str = "") -> bool:
        """One way."""
        typed_secrets.noted(password=password)
        try:
            return bool(getattr(self, scope)(replace(self.account, uid=login or self.account.uid, password=password)))
        except (imaplib.IMAP4.error, smtplib.SMTPAuthenticationError, SieveError):
            return False

    def open(self, password: str, login: str = "") -> dict[str, bool]:
        """All of them."""
        return {scope: self.opens(scope, password, login) for scope in SCOPES}

    def imap(self, who: Account) -> Any:
        return self.mail.imap(who)

    def smtp(self, who: Account) -> bool:
        with self.mail.session(who):
            return True

    def sieve(self, who: Account) -> Any:
        with contextlib.closing(self.mail.sieve(who)) as session:
            return session.scripts() is not None

    def dav(self, who: Account) -> bool:
        """By Radicale or SOGo, as the account's class says: what refuses says 401."""
        found = self.device(self.account)
        found.login, found.password = who.uid, who.password
        answer = found.ask("PROPFIND", "/", Depth="0")
        assert answer.status in (207, 301, 302, 307, 308, 401), answer.status
        return answer.status != 401
