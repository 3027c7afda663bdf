"""A browser that is at the portal and at the log-in page by turns, as an agent's is."""

import urllib.parse
from dataclasses import dataclass, field
from typing import Any

from tests.stack.support import typed_secrets
from tests.stack.support.headers import private
from tests.stack.support.provider import FORM, Provider
from tests.stack.support.site import Site
from tests.stack.support.web import Answer, Web
from tests.support.page import Page

STEPS = 8
"""Redirections between the two sites at most."""


@dataclass
class SignedOn:
    """Keeps the cookies of both sites and follows redirections from one to the other."""

    site: Site
    web: Web
    cookies: dict[str, str] = field(default_factory=dict)
    last: Answer | None = None

    def __post_init__(self) -> None:
        self.provider = Provider(self.site, self.web)

    @property
    def name(self) -> str:
        """The portal's public name."""
        return str(self.site.platform["hostnames"]["portal"])

    def ask(self, path: str, body: dict[str, str] | None = None) -> Answer:
        """One request to the portal; what it redirects to is not followed."""
        answer = self.web.get(
            self.site.address(self.site.host_of("portal")), self.name, path, method="GET" if body is None else "POST",
            body=None if body is None else urllib.parse.urlencode(body).encode(),
            Cookie="; ".join(f"{name}={value}" for name, value in self.cookies.items() if value), Content_Type=FORM,
        )  # fmt: skip
        private(answer)
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name.strip()] = value.strip()
        self.last = answer
        return answer

    def follow(self, answer: Answer) -> Answer:
        """Follow redirections, on both sites, to a page."""
        for _ in range(STEPS):
            where = answer.headers["Location"]
            if answer.status not in (302, 303) or not where:
                break
            split = urllib.parse.urlsplit(where)
            path = urllib.parse.urlunsplit(("", "", split.path, split.query, ""))
            answer = self.provider.ask(path) if split.netloc == self.provider.name else self.ask(path)
        self.last = answer
        return answer

    def get(self, path: str) -> Page:
        """The page that the portal shows in the end."""
        return Page(self.follow(self.ask(path)).text)

    def log_in(self, uid: str, password: str, path: str = "/compte") -> Page:
        """Ask for a page, fill in the log-in page, come back."""
        sent = self.ask(path)
        where = urllib.parse.urlsplit(self.ask(str(sent.headers["Location"])).headers["Location"] or "")
        return Page(self.follow(self.provider.log_in(uid, password, f"{where.path}?{where.query}")).text)

    def press(self, path: str, action: str, **chosen: str) -> Page:
        """Press the button of a page's form that leads to an address and has these hidden fields."""
        forms = [one["fields"] for one in self.get(path).forms() if one["action"] == action]
        (form,) = [one for one in forms if one == {"csrf_token": one["csrf_token"]} | chosen]
        return Page(self.follow(self.ask(action, form)).text)

    def send(self, path: str, **values: str) -> Page:
        """Fill in the form of a page."""
        typed_secrets.noted(**values)
        (form,) = [one for one in self.get(path).forms() if one["action"] == path]
        return Page(self.follow(self.ask(path, form["fields"] | values)).text)

    @property
    def entered(self) -> bool:
        """Whether the portal knows the agent."""
        answer: Any = self.ask("/")
        return "/deconnexion" in {one["action"] for one in Page(answer.text).forms()}
