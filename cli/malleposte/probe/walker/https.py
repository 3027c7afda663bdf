"""HTTPS to the platform's public names: verified TLS, cookies kept, one connection a request."""

from __future__ import annotations

import base64
import http.client
import json
import urllib.parse
import xml.etree.ElementTree as ET
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .plan import Account, PathError, Plan
from .wire import connect, context, words

MAX_BODY = 4 << 20
# SOGo shows nothing to a program that it does not know.
AGENT = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0 malleposte-probe"


@dataclass(frozen=True)
class Answer:
    """A response: status, headers by lower-case name (the last one wins), body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON. Raises ValueError."""
        return json.loads(self.body)

    def xml(self) -> ET.Element:
        """The body as XML (expat itself stops entity expansion). Raises PathError when it is not."""
        try:
            return ET.fromstring(self.body)  # noqa: S314
        except ET.ParseError as error:
            raise PathError(f"the answer is not XML: {error}") from error

    def expect(self, *statuses: int, what: str) -> Answer:
        """This answer. Raises PathError when its status is none of those."""
        if self.status not in statuses:
            raise PathError(f"{what}: HTTP {self.status} {words(self.body)[:80]}")
        return self


@dataclass
class Browser:
    """One visitor of one name. Cookies are sent back wherever they came from: all requests go to this name."""

    plan: Plan
    name: str
    account: Account | None = None
    cookies: dict[str, str] = field(default_factory=dict, repr=False)

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> Answer:
        """A GET request."""
        return self.request("GET", path, headers=headers)

    def post_form(self, path: str, fields: Mapping[str, str]) -> Answer:
        """A form sent by POST."""
        body = urllib.parse.urlencode(fields).encode()
        return self.request("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def post_json(self, path: str, document: Any, headers: Mapping[str, str] | None = None) -> Answer:
        """A JSON document sent by POST."""
        return self.request(
            "POST", path, json.dumps(document).encode(), {"Content-Type": "application/json", **(headers or {})}
        )

    def request(
        self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answer:
        """One request, redirects not followed; basic authentication when the visitor has an account (RFC 7617)."""
        sent = {"User-Agent": AGENT, **(headers or {})}
        if self.account is not None:
            pair = f"{self.account.uid}:{self.account.password}".encode()
            sent["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        link = connect(self.plan, self.name, "https")
        session = http.client.HTTPConnection(self.name, timeout=self.plan.timeout)
        try:
            session.sock = context(self.plan).wrap_socket(link, server_hostname=self.name)
            session.request(method, path, body, sent)
            response = session.getresponse()
            self._keep(response)
            received = {name.lower(): value for name, value in response.getheaders()}
            return Answer(response.status, received, response.read(MAX_BODY))
        except http.client.HTTPException as error:
            raise PathError(f"{self.name}{path}: {type(error).__name__} {error}") from error
        finally:
            session.close()
            link.close()

    def _keep(self, response: http.client.HTTPResponse) -> None:
        for line in response.headers.get_all("Set-Cookie", []):
            # Not http.cookies: it drops a whole header for one attribute that it does not know.
            pair = line.split(";", 1)[0]
            name, _, value = pair.partition("=")
            self.cookies[name.strip()] = value.strip()
