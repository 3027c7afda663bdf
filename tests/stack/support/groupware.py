"""SOGo as a browser and as a DAV client, from the controller: the public name, verified TLS."""

import base64
import functools
import hashlib
import http.client
import json
import re
import socket
import ssl
import urllib.parse
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.daemons.dav_router.sessions import COOKIE

from tests.stack.support.site import Account, Site

BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"


@dataclass(frozen=True)
class Answer:
    """A response."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode("utf-8", "replace")

    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)

    def header(self, name: str) -> list[str]:
        """Every value of a header."""
        return [value for key, value in self.headers if key.lower() == name.lower()]


@functools.cache
def _trusting(cafile: Path, _written_ns: int) -> ssl.SSLContext:
    """Return what verifies certificates by the authorities of a file: to read them takes ten milliseconds."""
    return ssl.create_default_context(cafile=cafile)


class _Direct(http.client.HTTPSConnection):
    """To an address given, under a public name."""

    def __init__(self, name: str, address: str, cafile: Path) -> None:
        self.tls = _trusting(cafile, cafile.stat().st_mtime_ns)
        super().__init__(name, 443, timeout=60, context=self.tls)
        self.address = address

    def connect(self) -> None:
        raw = socket.create_connection((self.address, 443), 60)
        self.sock = self.tls.wrap_socket(raw, server_hostname=self.host)


@dataclass
class Groupware:
    """One visitor of SOGo. `basic` requests carry the password of the account; others the cookies of `login`."""

    site: Site
    cafile: Path
    account: Account
    cookies: dict[str, str] = field(default_factory=dict)
    host: str = "groupware"
    sso_cookies: dict[str, str] = field(default_factory=dict)

    def request(
        self,
        method: str,
        path: str,
        body: str | bytes | None = None,
        *,
        basic: bool = False,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """One request; redirects are not followed."""
        # SOGo turns away browsers that it does not know.
        sent = {"User-Agent": BROWSER, **(headers or {})}
        if basic:
            pair = f"{self.account.uid}:{self.account.password}"
            sent["Authorization"] = "Basic " + base64.b64encode(pair.encode()).decode()
        elif self.cookies:
            sent.setdefault("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        return self._ask(self.name, "web", self.cookies, method, path, body, sent)

    def _ask(
        self,
        name: str,
        group: str,
        kept: dict[str, str],
        method: str,
        path: str,
        body: str | bytes | None,
        sent: dict[str, str],
    ) -> Answer:
        session = _Direct(name, self.site.address(self.site.host_of(group)), self.cafile)
        try:
            session.request(method, path, body.encode() if isinstance(body, str) else body, sent)
            response = session.getresponse()
            answer = Answer(response.status, response.getheaders(), response.read())
        finally:
            session.close()
        for line in answer.header("Set-Cookie"):
            word, _, value = line.split(";", 1)[0].partition("=")
            kept[word.strip()] = value.strip()
        return answer

    @property
    def name(self) -> str:
        """The public name that is visited."""
        return str(self.site.platform["hostnames"][self.host])

    @property
    def sso(self) -> str:
        """The log-in page's public name."""
        return str(self.site.platform["hostnames"]["sso"])

    def get(self, path: str) -> Answer:
        """A page."""
        return self.request("GET", path)

    def post(self, path: str, document: Any) -> Answer:
        """A JSON document sent."""
        return self.request("POST", path, json.dumps(document), headers={"Content-Type": "application/json"})

    def provider(self, path: str, **fields: str) -> Answer:
        """A page of the log-in page, or a form sent to it."""
        sent = {
            "User-Agent": BROWSER,
            "Cookie": "; ".join(f"{name}={value}" for name, value in self.sso_cookies.items()),
            "Content-Type": "application/x-www-form-urlencoded",
        }
        method, body = ("POST", urllib.parse.urlencode(fields)) if fields else ("GET", None)
        return self._ask(self.sso, "portal", self.sso_cookies, method, path, body, sent)

    def leave(self, path: str = "/SOGo/") -> str:
        """Ask for a page as a visitor; the path at the log-in page that one is led to."""
        answer = self.get(path)
        where = answer.header("Location")
        assert answer.status == 302 and where and where[0].startswith(f"https://{self.sso}/"), (answer.status, where)
        return where[0].removeprefix(f"https://{self.sso}")

    def sign_in(self, path: str, password: str = "") -> Answer:
        """Fill in the form of the log-in page."""
        page = self.provider(path).text
        form, url = (re.search(rf'name="{name}" value="([^"]*)"', page) for name in ("token", "url"))
        assert form and url, page[:400]
        asked = {"token": form[1], "url": url[1], "timezone": "1", "user": self.account.uid}
        return self.provider("/", **asked, password=password or self.account.password)

    def back(self, answer: Answer) -> str:
        """Follow the log-in page's own redirects; the path at SOGo that it leads back to, or nothing."""
        while where := (answer.header("Location") or [""])[0]:
            if where.startswith(f"https://{self.name}/"):
                return where.removeprefix(f"https://{self.name}")
            if not where.startswith(f"https://{self.sso}/"):
                return ""
            answer = self.provider(where.removeprefix(f"https://{self.sso}"))
        return ""

    def enters(self, password: str = "", path: str = "/SOGo/") -> bool:
        """Whether a log-in by the log-in page opens SOGo."""
        where = self.back(self.sign_in(self.leave(path), password))
        return bool(where) and self.get(where).status == 302 and self.inside

    @property
    def inside(self) -> bool:
        """Whether SOGo knows this browser: it leads a visitor to the log-in page, and an agent to their own."""
        where = self.get("/SOGo/").header("Location")
        return bool(where) and "/SOGo/" in where[0] and self.sso not in where[0]

    @property
    def session_file(self) -> str:
        """The name of the file in which SOGo's front keeps this session."""
        uid, _dot, word = self.cookies[COOKIE].rpartition(".")
        return f"{uid}.{hashlib.sha256(word.encode()).hexdigest()}"

    def login(self) -> "Groupware":
        """Log in; AssertionError when refused."""
        assert self.enters(), self.account.uid
        return self

    def own(self, path: str) -> str:
        """An address below the agent's own."""
        return f"/SOGo/so/{self.account.uid}/{path}"

    def dav(self, path: str, owner: str = "") -> str:
        """A DAV address below an agent's own."""
        return f"/SOGo/dav/{owner or self.account.uid}/{path}"

    def put(self, path: str, text: str, kind: str, owner: str = "") -> int:
        """Store an object by DAV; its status."""
        sent = {"Content-Type": f"{kind}; charset=utf-8"}
        return self.request("PUT", self.dav(path, owner), text, basic=True, headers=sent).status

    def fetch(self, path: str, owner: str = "") -> Answer:
        """Fetch an object by DAV."""
        return self.request("GET", self.dav(path, owner), basic=True)

    def delete(self, path: str, owner: str = "") -> int:
        """Remove an object by DAV; its status."""
        return self.request("DELETE", self.dav(path, owner), basic=True).status

    def propfind(self, path: str, owner: str = "", depth: str = "1", body: str = "") -> Answer:
        """The properties of a collection."""
        sent = {"Depth": depth, "Content-Type": "text/xml"}
        return self.request("PROPFIND", self.dav(path, owner), body or None, basic=True, headers=sent)

    def listed(self, folder: str = "INBOX") -> list[dict[str, Any]]:
        """Messages of a folder as the page lists them, newest first."""
        order = {"sortingAttributes": {"match": "OR", "sort": "arrival", "asc": 0}}
        answer = self.post(self.own(f"Mail/0/folder{folder}/view"), order)
        assert answer.status == 200, answer.text
        names, *rows = answer.json().get("headers") or [[]]
        return [dict(zip(names, row, strict=True)) for row in rows]

    def compose(self) -> tuple[str, str]:
        """Begin a message, as the page does: the address of its folder, and its identifier there."""
        draft = self.get(self.own("Mail/0/compose")).json()
        return self.own(f"Mail/{draft['accountId']}/folder{draft['mailboxPath']}"), str(draft["draftId"])

    def letter(self, address: str, **fields: Any) -> Answer:
        """Save or send a message that was begun, by the address of that act."""
        return self.post(address, {"from": self.account.mail, "isHTML": False, "cc": [], "bcc": [], **fields})

    def send(self, **fields: Any) -> Answer:
        """Write a message and send it, as the page does."""
        folder, draft = self.compose()
        return self.letter(f"{folder}/{draft}/send", **fields)


def event(uid: str, summary: str, *lines: str, start: str = "20300115T090000", end: str = "20300115T100000") -> str:
    """An event in Paris; more lines go into it."""
    return "\r\n".join(
        [
            "BEGIN:VCALENDAR",
            "VERSION:2.0",
            "PRODID:-//test//FR",
            "BEGIN:VEVENT",
            f"UID:{uid}",
            "DTSTAMP:20260101T000000Z",
            f"DTSTART;TZID=Europe/Paris:{start}",
            f"DTEND;TZID=Europe/Paris:{end}",
            f"SUMMARY:{summary}",
            *lines,
            "END:VEVENT",
            "END:VCALENDAR",
            "",
        ]
    )
