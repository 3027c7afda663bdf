"""The log-in page and its provider, visited as a browser and a service do."""

import base64
import hashlib
import json
import re
import secrets
import urllib.parse
from dataclasses import dataclass, field
from typing import Any

from tests.stack.support import typed_secrets
from tests.stack.support.site import Site
from tests.stack.support.web import Answer, Web

SESSION = "__Host-sso"
BROWSER = "__Host-browser"
TOKEN = re.compile(r'name="token" value="([^"]+)"')
HIDDEN = re.compile(r'name="url" value="([^"]*)"')
FORM = "application/x-www-form-urlencoded"


@dataclass
class Provider:
    """One browser at the log-in page. `address` is the browser's, as nginx is told: the lab's controller."""

    site: Site
    web: Web
    cookies: dict[str, str] = field(default_factory=dict)
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(48))

    @property
    def name(self) -> str:
        """Its public name."""
        return str(self.site.platform["hostnames"]["sso"])

    @property
    def portal(self) -> str:
        """The address to which the portal's log-ins return."""
        return f"https://{self.site.platform['hostnames']['portal']}/connexion/retour"

    def ask(self, path: str, method: str = "GET", **fields: str) -> Answer:
        """One request; cookies are kept."""
        answer = self.web.get(
            self.site.address(self.site.host_of("portal")),
            self.name,
            path,
            method=method,
            body=urllib.parse.urlencode(fields).encode() if method == "POST" else None,
            Cookie="; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            Content_Type=FORM,
        )
        self.keep(answer)
        return answer

    def keep(self, answer: Answer) -> None:
        """Keep the cookies of an answer."""
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name.strip()] = value.strip()

    def log_in(self, user: str, password: str, path: str = "/") -> Answer:
        """Fill in the form of a page."""
        typed_secrets.noted(password=password)
        page = self.ask(path).text
        token, url = TOKEN.search(page), HIDDEN.search(page)
        assert token and url, page[:400]
        return self.ask("/", "POST", token=token[1], url=url[1], timezone="1", user=user, password=password)

    @property
    def entered(self) -> bool:
        """Whether the browser has a session."""
        return bool(self.cookies.get(SESSION))

    def authorize(self, **changed: str) -> str:
        """The address by which the portal asks for a log-in, with what a test changes; empty values are left out."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).rstrip(b"=").decode()
        asked = {
            "response_type": "code",
            "client_id": "portail",
            "redirect_uri": self.portal,
            "scope": "openid profile email",
            "state": "un-etat",
            "nonce": "un-nonce",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        } | changed
        return "/oauth2/authorize?" + urllib.parse.urlencode({name: one for name, one in asked.items() if one})

    def redeem(self, code: str, **changed: str) -> tuple[int, dict[str, Any]]:
        """Have tokens for a code, as the portal does; empty values are left out."""
        fields = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.portal,
            "code_verifier": self.verifier,
            "client_id": "portail",
            "client_secret": self.site.secret("sso-client-portal").strip(),
        } | changed
        sent = {name: one for name, one in fields.items() if one}
        answer = Provider(self.site, self.web).ask("/oauth2/token", "POST", **sent)
        return answer.status, json.loads(answer.text)


def claims(token: str) -> dict[str, Any]:
    """The content of a token. Its signature is not looked at."""
    middle = token.split(".")[1]
    found: dict[str, Any] = json.loads(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    return found


def returned(answer: Answer) -> dict[str, str]:
    """The parameters with which the browser is sent back to the service."""
    return dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers["Location"] or "").query))
