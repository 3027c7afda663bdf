"""The portal's forms, filled in as a browser does: cookies are kept, the page's own token goes along."""

import http.cookies
import json
import urllib.parse
from dataclasses import dataclass, field

from tests.stack.support import typed_secrets
from tests.stack.support.headers import private
from tests.stack.support.site import Site
from tests.stack.support.web import Answer, Web
from tests.support.human import answers, solution
from tests.support.page import Page

WORK = "/verification.json"
"""The address at which the portal gives a browser something to work on."""


@dataclass
class Visitor:
    """One browser. With JavaScript it works for a form; without, it answers a question, of which a network has few."""

    site: Site
    web: Web
    javascript: bool = False
    cookies: dict[str, str] = field(default_factory=dict)
    status: int = 0

    def get(self, path: str) -> Page:
        """The page at an address."""
        return self._seen(self._asked(path))

    def send(self, path: str, **values: str) -> Page:
        """Fill in the page's form and send it; the page that comes, a redirection followed."""
        typed_secrets.noted(**values)
        page = self.get(path)
        token = next(str(held["value"]) for held, _t in page.all("input") if held.get("name") == "csrf_token")
        body = urllib.parse.urlencode({"csrf_token": token, **self._human(page), **values}).encode()
        answer = self._asked(path, method="POST", body=body)
        return self.get(answer.headers["Location"]) if answer.status == 303 else self._seen(answer)

    def _human(self, page: Page) -> dict[str, str]:
        asked = answers(page)
        return {"altcha": solution(json.loads(self._asked(WORK).text))} if asked and self.javascript else asked

    def _asked(self, path: str, method: str = "GET", body: bytes | None = None) -> Answer:
        name = self.site.platform["hostnames"]["portal"]
        answer = self.web.get(
            self.site.address(self.site.host_of("portal")),
            name,
            path,
            method=method,
            body=body,
            Cookie="; ".join(f"{name}={value}" for name, value in self.cookies.items()),
            Content_Type="application/x-www-form-urlencoded",
        )
        private(answer)
        for line in answer.headers.get_all("Set-Cookie") or []:
            self.cookies |= {key: morsel.value for key, morsel in http.cookies.SimpleCookie(line).items()}
        return answer

    def _seen(self, answer: Answer) -> Page:
        self.status = answer.status
        return Page(answer.text)
