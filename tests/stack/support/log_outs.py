"""Log-outs of which a provider tells services: what one log-in opens, the names of log-ins, a token that is posted."""

import json
import re
import urllib.parse
from pathlib import Path

from tests.stack.support.ends import SOGO_SESSIONS, roundcube_sessions
from tests.stack.support.groupware import Groupware
from tests.stack.support.provider import FORM, returned
from tests.stack.support.signed_on import SignedOn
from tests.stack.support.site import Account, Site
from tests.stack.support.web import Answer, Web
from tests.stack.support.webmail import Webmail

ADDRESS = "/connexion/fin"
_SID = re.compile(r'sign_on_sid\|s:\d+:"([^"]+)";')

ALL_OPEN = {"log-in page": True, "portal": True, "Roundcube": True, "SOGo": True}
NONE_OPEN = dict.fromkeys(ALL_OPEN, False)


class LogIn:
    """One log-in of an agent of SOGo, who has opened the portal and both webmails by it."""

    def __init__(self, site: Site, web: Web, authorities: Path, agent: Account) -> None:
        """AssertionError where one of them does not open."""
        self.portal, self.light = SignedOn(site, web), Webmail(site, web)
        self.portal.log_in(agent.uid, agent.password)
        self.light.sso = self.portal.provider
        assert self.light.enter(self.light.back(self.light.sso.ask(self.light.leave("/?_interface=legere"))))
        self.full = Groupware(site, authorities, agent, sso_cookies=self.portal.provider.cookies)
        assert self.full.get(self.full.back(self.full.provider(self.full.leave()))).status == 302
        assert self.open == ALL_OPEN

    @property
    def open(self) -> dict[str, bool]:
        """Whether each knows this browser at the next request."""
        provider = self.portal.provider
        return {
            "log-in page": "code" in returned(provider.ask(provider.authorize())),
            "portal": self.portal.ask("/compte").status == 200,
            "Roundcube": self.light.inside,
            "SOGo": self.full.inside,
        }


def roundcube_sid(site: Site, uid: str) -> str:
    """The name of the log-in of an agent's one session in Roundcube."""
    (kept,) = roundcube_sessions(site, uid)
    (sid,) = _SID.findall(kept)
    return str(sid)


def sogo_sid(site: Site, uid: str) -> str:
    """The same of SOGo."""
    return str(json.loads(site.run(site.host_of("web"), f"cat {SOGO_SESSIONS}/{uid}.*"))["sid"])


def posted(site: Site, web: Web, host: str, path: str, body: bytes | None) -> Answer:
    """One request of no browser to a webmail, by the key of its name in the platform's."""
    name, method = str(site.platform["hostnames"][host]), "GET" if body is None else "POST"
    return web.get(site.address(site.host_of("web")), name, path, method=method, body=body, Content_Type=FORM)


def told(site: Site, web: Web, host: str, token: str) -> int:
    """Post a log-out token to a webmail; the status."""
    answer = posted(site, web, host, ADDRESS, urllib.parse.urlencode({"logout_token": token}).encode())
    assert answer.headers["Cache-Control"] == "no-store"
    return answer.status
