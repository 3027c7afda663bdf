"""The ways into an account of a class with SOGo, by protocol: whether each opens."""

import concurrent.futures
import imaplib
import smtplib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from malleposte.probe.walker import wire
from malleposte.probe.walker.plan import Account as Login
from malleposte.probe.walker.sieve import ManageSieve, SieveError

from tests.stack.support.dav import Device
from tests.stack.support.groupware import Groupware
from tests.stack.support.provider import Provider
from tests.stack.support.site import Account, Site
from tests.stack.support.webmail import Webmail

CHANNELS = ("imap", "submission", "sieve", "sogo", "roundcube", "dav", "provider")
AT_ONCE = 12


@dataclass
class Channels:
    """The ways in, each with an account: whether it opens."""

    site: Site
    plan: Any
    web: Any
    cafile: Any
    platform: dict[str, Any]

    def tried(self, channel: str, who: Account) -> bool:
        found: bool = getattr(self, channel)(who)
        return found

    def imap(self, who: Account) -> bool:
        try:
            with wire.imap(self.plan, Login(who.uid, who.mail, who.password)) as session:
                return bool(session.select("INBOX")[0] == "OK")
        except imaplib.IMAP4.error as error:
            return "AUTHENTICATIONFAILED" not in str(error)

    def sieve(self, who: Account) -> bool:
        session = ManageSieve(wire.connect(self.plan, self.plan.mail, "sieve"))
        try:
            session.starttls(wire.context(self.plan), self.plan.mail)
            try:
                session.login(who.uid, who.password)
            except SieveError:
                return False
            return True
        finally:
            session.close()

    def provider(self, who: Account) -> bool:
        visitor = Provider(self.site, self.web)
        visitor.log_in(who.uid, who.password)
        return visitor.entered

    def submission(self, who: Account) -> bool:
        try:
            with wire.smtp(self.plan, self.plan.mail, "submission", Login(who.uid, who.mail, who.password)):
                return True
        except smtplib.SMTPAuthenticationError as error:
            return error.smtp_code != 535

    def sogo(self, who: Account) -> bool:
        return Groupware(self.site, self.cafile, who).enters()

    def roundcube(self, who: Account) -> bool:
        """Whoever has the mail in SOGo is led there after the log-in."""
        visitor = Webmail(self.site, self.web)
        path = visitor.back(visitor.sso.log_in(who.uid, who.password, visitor.leave()))
        groupware = f"https://{self.platform['hostnames']['groupware']}/"
        return bool(path) and visitor.ask(path).headers["Location"] == groupware

    def dav(self, who: Account) -> bool:
        device = Device(self.web, self.site.address("mail1"), self.platform["hostnames"]["dav"], who)
        status = device.ask("PROPFIND", "/", Depth="0").status
        assert status in (207, 401), status
        return status == 207

    def all_of(self, accounts: Mapping[str, Account]) -> dict[tuple[str, str], bool]:
        """Every channel with every account, at once; by the account's name and the channel's."""
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
            asked = {
                (name, channel): pool.submit(self.tried, channel, who)
                for name, who in accounts.items()
                for channel in CHANNELS
            }
            return {key: future.result() for key, future in asked.items()}
