"""The daemon that proves passwords for the log-in page, asked as that page asks it."""

import json
import shlex
from typing import Any

from tests.stack.support.site import Site

ASK = """
import http.client, json, socket, sys
class Link(http.client.HTTPConnection):
    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(60)
        self.sock.connect("/run/sso-prove.sock")
answers = []
for path, given in json.load(sys.stdin):
    link = Link("localhost")
    link.request("POST", path, json.dumps(given), {"Connection": "close"})
    answer = link.getresponse()
    answers.append([answer.status, json.loads(answer.read() or b"null")])
print(json.dumps(answers))
"""

PAGE = " ".join(
    f"{name}.{kind}" for name in ("lemonldap-ng-fastcgi-server", "lemonldap-tokens") for kind in ("socket", "service")
)
"""The units of the log-in page: a request starts a service that alone was stopped."""


def proved(site: Site, *rows: tuple[str, str, str], user: str = "lemonldap") -> list[tuple[int, Any]]:
    """Status and answer for each (address, name, password), asked by a user of the portal's host."""
    given = [("/prove", dict(zip(("address", "user", "password"), row, strict=True))) for row in rows]
    return told(site, *given, user=user)


def told(site: Site, *given: tuple[str, dict[str, Any]], user: str = "lemonldap") -> list[tuple[int, Any]]:
    """Status and answer for each question (its path, its document)."""
    words = ("runuser", "-u", user, "--", "/usr/bin/python3", "-I", "-c", shlex.quote(ASK))
    answers = json.loads(site.run(site.host_of("portal"), *words, given=json.dumps(given)))
    return [(status, answer) for status, answer in answers]


def journal(site: Site, uid: str) -> list[dict[str, Any]]:
    """The journal of accountd about an account."""
    text = site.run(site.host_of("directory"), f"grep -F {uid} /var/log/malleposte-accountd/accounts.jsonl")
    return [json.loads(line) for line in text.splitlines()]
