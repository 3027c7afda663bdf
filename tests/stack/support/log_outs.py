"""Log-outs of which a provider tells the webmails: the names of log-ins that these keep, and a token that is posted."""

from __future__ import annotations

import json
import re
import urllib.parse

from tests.stack.support.ends import SOGO_SESSIONS, roundcube_sessions
from tests.stack.support.provider import FORM
from tests.stack.support.site import Site
from tests.stack.support.web import Answer, Web

ADDRESS = "/connexion/fin"
_SID = re.compile(r'sign_on_sid\|s:\d+:"([^"]+)";')


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
