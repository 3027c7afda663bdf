"""All that an agent has open at one moment, whether each still opens, and webmails' tokens that are past their end."""

import base64
import contextlib
import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from malleposte.probe.walker.plan import Plan

from tests.stack.support.accounts_cli import Cli
from tests.stack.support.groupware import Groupware
from tests.stack.support.mail import Mail, opens, sends, thrown_out
from tests.stack.support.provider import Provider, returned
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Account, Site
from tests.stack.support.tokens import Bearer, of_roundcube, renewed
from tests.stack.support.web import Web
from tests.stack.support.webmail import Webmail

SOGO_SESSIONS = "/run/malleposte-sogo-sessions"
LONG_AGO = 1_000_000_000
"""A moment before any test, in seconds since 1970."""


def roundcube_sessions(site: Site, uid: str) -> list[str]:
    """The contents of an agent's sessions in Roundcube's database."""
    told = site.run(site.host_of("database"), 'psql -U postgres -XAtq -c "SELECT vars FROM session" roundcube')
    found = [base64.b64decode(line).decode("utf-8", "replace") for line in told.split()]
    return [one for one in found if f'"{uid}"' in one]


def roundcube_changed(site: Site, uid: str, change: Callable[[str], str]) -> None:
    """Change the contents of an agent's sessions in Roundcube's database."""
    for kept in roundcube_sessions(site, uid):
        changed = change(kept)
        assert changed != kept
        new, old = (base64.b64encode(text.encode()).decode() for text in (changed, kept))
        sql = f"UPDATE session SET vars = '{new}' WHERE vars = '{old}'"
        site.run(site.host_of("database"), "psql -U postgres -Xq roundcube", given=sql)


def roundcube_late(site: Site, uid: str) -> None:
    """Let the tokens of an agent's sessions in Roundcube be past their end: the mail server takes them no more."""

    def late(kept: str) -> str:
        found, many = re.subn(r'(password\|s:\d+:")([^"]+)"', lambda one: f'{one[1]}{one[2][::-1]}"', kept)
        assert many == 1
        return re.sub(r'"expires";i:\d+', f'"expires";i:{LONG_AGO}', found)

    roundcube_changed(site, uid, late)


def sogo_late(site: Site, uid: str) -> None:
    """Let the tokens of an agent's sessions in SOGo be past their end."""
    host = site.host_of("web")
    for path in site.run(host, f"ls {SOGO_SESSIONS}/{uid}.*").split():
        late = json.loads(site.run(host, f"cat {path}")) | {"until": LONG_AGO}
        site.run(host, f"cat > {path}", given=json.dumps(late))


@dataclass(repr=False)
class Held:
    """Two agents, one of each webmail, with all that they have open. An agent's is of one log-in, in one browser."""

    site: Site
    web: Web
    authorities: Path
    plan: Plan
    light: Account
    full: Account
    mail: Mail = field(init=False)
    way_out: contextlib.ExitStack = field(init=False, default_factory=contextlib.ExitStack)

    def __post_init__(self) -> None:
        """Open everything. AssertionError where something does not open."""
        site, web = self.site, self.web
        self.mail, self.bearer = Mail(site, self.plan), Bearer(self.plan)
        self.device = replace(self.light, password=self._device(self.light))
        self.roundcube, self.other = Webmail(site, web), Webmail(site, web)
        assert self.roundcube.login(self.light.uid, self.light.password)
        # The same browser once more: it stands for the other webmail, which an agent of both interfaces has open.
        self.provider: Provider = self.roundcube.sso
        self.other.sso = self.provider
        assert self.other.enter(self.other.back(self.provider.ask(self.other.leave())))
        # Another browser, and so another log-in of the same agent.
        self.elsewhere = Webmail(site, web)
        assert self.elsewhere.login(self.light.uid, self.light.password)
        self.portal = SignedOn(site, web)
        self.portal.provider = self.provider
        self.tokens = of_roundcube(site, web, self.light, self.provider)
        self.sogo = Groupware(site, self.authorities, self.full).login()
        self.second = Groupware(site, self.authorities, self.full, sso_cookies=self.sogo.sso_cookies)
        assert self.second.get(self.second.back(self.second.provider(self.second.leave()))).status == 302
        self.third = Groupware(site, self.authorities, self.full).login()
        self.sessions = {
            "token": self.bearer.session(self.light.uid, self.tokens["access_token"]),
            "password": self.mail.imap(self.light),
            "device": self.mail.imap(self.device),
        }
        self.sending = {
            name: self.way_out.enter_context(self.mail.session(who))
            for name, who in (("password", self.light), ("device", self.device))
        }

    def _device(self, who: Account) -> str:
        return str(Cli(self.site).json("device", "add", who.uid, "--name", "Essai")["password"])

    def close(self) -> None:
        """End the connections."""
        self.sessions["token"].shutdown()
        self.way_out.close()
        self.mail.close()

    @property
    def opens(self) -> dict[str, Callable[[], bool]]:
        """Whether each still opens, by its name."""
        return {
            "the log-in page": lambda: "code" in returned(self.provider.ask(self.provider.authorize())),
            "renewing a token": self._renews,
            "a token": lambda: self.bearer.imap(self.light.uid, self.tokens["access_token"]),
            "Roundcube": lambda: self.roundcube.inside,
            "another Roundcube": lambda: self.other.inside,
            "Roundcube elsewhere": lambda: self.elsewhere.inside,
            "SOGo": lambda: self.sogo.inside,
            "another SOGo": lambda: self.second.inside,
            "SOGo elsewhere": lambda: self.third.inside,
            "the portal": lambda: any(text == "Mon compte" for _held, text in self.portal.get("/compte").all("h1")),
            "IMAP by a token": lambda: not thrown_out(self.sessions["token"]),
            "IMAP by the password": lambda: not thrown_out(self.sessions["password"]),
            "IMAP by a device": lambda: not thrown_out(self.sessions["device"]),
            "sending by the password": lambda: sends(self.sending["password"], self.light),
            "sending by a device": lambda: sends(self.sending["device"], self.light),
            "the password": lambda: opens(self.mail, self.light),
            "a device": lambda: opens(self.mail, self.device),
        }

    def _renews(self) -> bool:
        status, told = renewed(self.site, self.web, self.tokens["refresh_token"])
        assert status in (200, 400), told
        return status == 200
