"""The portal with an accountd of our own, and a client that looks at every page that a test fetches."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from types import CodeType
from typing import Any

import pytest
from ansible_collections.academie.malleposte.plugins.plugin_utils import portal_assets
from jinja2.bccache import Bucket, BytecodeCache
from malleposte.accountd import client
from malleposte.accountd.message import Done, ErrorCode, Refused, Request
from malleposte.accountd.relying_party import RelyingParty
from malleposte_portal import create_app
from malleposte_portal.core import browsers
from malleposte_portal.core.settings import Settings
from malleposte_portal.log_in.sessions import Sessions
from malleposte_portal.log_in.sign_on import SignOn

from tests.support.accountd import Told, answer_to
from tests.support.clock import Clock
from tests.support.human import answers
from tests.support.page import Page
from tests.support.provider import SECRET, FakeProvider
from tests.support.routes import compile_once
from tests.support.tokens import CLIENT, ISSUER
from tests.support.valkey import MemoryValkey, ValkeyError

compile_once()

SUPPORT = {"phone": "03 00 00 00 00", "mail": "assistance@ac-exemple.test", "hours": "de 8 h", "hours_en": "from 8"}
TILES = (
    {"title": {"fr": "Messagerie", "en": "Mail"}, "text": {"fr": "Lire", "en": "Read"}, "url": "https://webmail.test/"},
)

LABELS = {"roundcube": {"fr": "Simple", "en": "Light"}, "convergence": {"fr": "Complète", "en": "Full"}}
CLASSES: dict[str, dict[str, Any]] = {
    "roundcube": {"mail": "roundcube", "agenda": "radicale", "quota_mb": 2500, "label": LABELS["roundcube"]},
    "convergence": {"mail": "sogo", "agenda": "sogo", "quota_mb": 5000, "label": LABELS["convergence"]},
}
NAMES: dict[str, Any] = {
    "domain": "ac-exemple.test", "mail_host": "mail.ac-exemple.test", "dav_host": "dav.ac-exemple.test",
}  # fmt: skip


NGINX_HAS = (
    "Content-Security-Policy", "Strict-Transport-Security", "X-Frame-Options", "X-Content-Type-Options",
    "Referrer-Policy", "Permissions-Policy",
)  # fmt: skip


class Compiled(BytecodeCache):
    """The templates as the first portal of this process compiled them."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], CodeType] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        """Take it from there, if it is of the same source."""
        bucket.code = self.kept.get((bucket.key, bucket.checksum))

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Keep it for the next portal."""
        assert bucket.code is not None
        self.kept[bucket.key, bucket.checksum] = bucket.code


COMPILED = Compiled()


def make_app(settings: Settings, accountd: Any, sign_on: SignOn | None = None) -> Any:
    """A portal for tests, with the templates that others of this process compiled."""
    app = create_app(settings, accountd, b"k" * 32, sign_on=sign_on, testing=True)
    app.jinja_env.bytecode_cache = COMPILED
    return app


def archive() -> Path:
    """The files of others, as the controller makes them; the first time, npm fetches them."""
    return portal_assets.written()


def well_built(page: Page, language: str) -> None:
    """Check what holds of every page: title, h1, levels, ids, labels, no script, forms with a token."""
    assert [attributes["lang"] for attributes, _text in page.all("html")] == [language]
    assert [len(page.all(tag)) for tag in ("title", "h1", "main", "header", "footer")] == [1] * 5
    assert "initial-scale=1" in str(page.all("meta"))
    skip, _text = page.all("a")[0]
    assert skip["href"] == "#" + str(page.all("main")[0][0]["id"])
    for held, text in [*page.all("a"), *page.all("button")]:
        # A label of its own hides the text from people who speak to the page (WCAG 2.5.3).
        label = str(held.get("aria-label") or text)
        assert label and text.lower() in label.lower()
    labels = [held["aria-label"] for held, _text in page.all("nav")]
    assert labels and len(labels) == len(set(labels))
    assert page.heading in page.all("title")[0][1]
    levels = [int(tag[1]) for tag, _attributes in page.elements if tag in ("h1", "h2", "h3", "h4")]
    assert levels[0] == 1
    assert all(later <= earlier + 1 for earlier, later in pairwise(levels))
    ids = [attributes["id"] for _tag, attributes in page.elements if "id" in attributes]
    assert len(ids) == len(set(ids))
    for name in ("aria-labelledby", "aria-describedby", "for"):
        pointed = {one for _tag, held in page.elements if held.get(name) for one in str(held[name]).split()}
        assert pointed <= set(ids), name
    assert not page.all("style")
    for attributes, text in page.all("script"):
        assert str(attributes["src"]).startswith("/") and not text
    for _tag, attributes in page.elements:
        assert not [key for key in attributes if key == "style" or key.startswith("on")]
    shown = [held for held, _text in page.all("input") if held["type"] != "hidden"]
    texts = [held for held, _text in page.all("textarea")]
    assert {held["id"] for held in (*shown, *texts)} == {held["for"] for held, _text in page.all("label")}
    assert all("value" not in held for held in shown if held["type"] == "password"), "a password goes back"
    # The policy of the role allows no more (roles/portal, sites/portal.conf.j2).
    assert not [tag for tag in ("base", "iframe", "object", "embed") if page.all(tag)]
    assert all(str(held["href"]).startswith("/") for held, _text in page.all("link"))
    assert all(str(held["src"]).startswith(("/", "data:image/")) for held, _text in page.all("img"))
    for held, _text in page.all("form"):
        assert held["method"] == "post"
        assert str(held["action"]).startswith("/")
    tokens = [held for held, _text in page.all("input") if held.get("name") == "csrf_token"]
    assert len(tokens) == len(page.all("form"))


@dataclass
class FakeAccountd:
    """Notes what it is asked; answers with `answer`, or raises it."""

    answer: Told | Done | Exception = field(default_factory=lambda: Told("mdupond", "pending"))
    asked: list[Request[Any]] = field(default_factory=list)
    failures: dict[type[Request[Any]], Exception] = field(default_factory=dict)
    """Requests of these kinds alone fail so."""
    answers: dict[type[Request[Any]], Done] = field(default_factory=dict)
    """Requests of these kinds alone are answered so."""
    patience: float = 0.0
    """The seconds of the last question that was not to wait."""

    def call[A: Done](self, request: Request[A]) -> A:
        self.asked.append(request)
        # Whatever proves something says by which browser.
        assert getattr(request, "browser", None) in (None, browsers.digest())
        answer = self.failures.get(type(request), self.answers.get(type(request), self.answer))
        if isinstance(answer, Exception):
            raise answer
        return answer_to(request, answer)

    def within(self, seconds: float) -> "FakeAccountd":
        self.patience = seconds
        return self

    def fetch(self, request: Request[Any]) -> client.Copy:
        raise client.UnavailableError("no copy")

    def requests[R: Request[Any]](self, kind: type[R]) -> list[R]:
        """The requests of one kind that came."""
        return [one for one in self.asked if isinstance(one, kind)]

    def only[R: Request[Any]](self, kind: type[R]) -> R:
        """The one request of a kind."""
        (request,) = self.requests(kind)
        return request

    def refuse(self, error: ErrorCode, only: type[Request[Any]] | None = None, **more: Any) -> None:
        """Refuse from now on, requests of one kind alone if it is given."""
        refused = client.RefusedError(Refused(error, **more))
        if only:
            self.failures[only] = refused
        else:
            self.answer = refused


@dataclass
class Visitor:
    """A browser: it keeps cookies, and sends a form as the page has it."""

    http: Any
    last: Any = None

    def get(self, path: str) -> Page:
        """The page at an address, looked at."""
        return self._seen(self.http.get(path, base_url="https://pia.test"), path)

    def send(self, path: str, **values: str) -> Page:
        """Fill in the page's form and send it; what came, redirections followed."""
        page = self.get(path)
        token = next(h["value"] for h, _t in page.all("input") if h.get("name") == "csrf_token")
        return self.post(path, {"csrf_token": token, **answers(page), **values})

    def post(self, path: str, values: dict[str, str | None]) -> Page:
        """Send any values."""
        headers = {"X-Real-IP": "192.0.2.7"}
        answer = self.http.post(path, data=values, base_url="https://pia.test", headers=headers)
        if answer.status_code == 303:
            return self.get(answer.headers["Location"])
        return self._seen(answer, path)

    def raw(self, path: str) -> Any:
        """The bare answer at an address, as a browser follows none of its redirections."""
        return self.http.get(path, base_url="https://pia.test", headers={"X-Real-IP": "192.0.2.7"})

    def press(self, path: str, action: str, **chosen: str) -> Any:
        """Press the button of the form of a page that leads to an address; the bare answer.

        `chosen`: the other hidden fields of that form, since several may lead there.
        """
        found = [form for form in self.get(path).forms() if form["action"] == action]
        found = [one for one in found if one["fields"] == {"csrf_token": one["fields"]["csrf_token"]} | chosen]
        assert found, f"no such button at {path}"
        return self.http.post(action, data=found[0]["fields"], base_url="https://pia.test")

    def _seen(self, answer: Any, path: str) -> Page:
        self.last = answer
        assert answer.headers.getlist("Cache-Control") == ["no-store"]
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        # nginx has one of each for every site; two would not count.
        assert not [name for name in NGINX_HAS if name in answer.headers]
        for line in answer.headers.getlist("Set-Cookie"):
            words = {word.strip() for word in line.split(";")[1:]}
            assert line.startswith("__Host-") and {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= words, line
        page = Page(answer.text)
        well_built(page, "en" if path.startswith("/en/") else "fr")
        return page


@pytest.fixture
def accountd() -> FakeAccountd:
    return FakeAccountd()


@pytest.fixture
def clock() -> Clock:
    return Clock(time.time())


@pytest.fixture
def provider(clock: Clock) -> FakeProvider:
    return FakeProvider(clock)


@pytest.fixture
def valkey(clock: Clock) -> MemoryValkey:
    return MemoryValkey(clock)


def portal(
    accountd: FakeAccountd, provider: FakeProvider, valkey: MemoryValkey, clock: Clock, **about_factors: Any
) -> Any:
    """A portal whose log-in is by the provider in memory; `about_factors`: see SignOn."""
    settings = Settings("Académie d’Exemple", SUPPORT, TILES, classes=CLASSES, **NAMES)
    asked = RelyingParty(ISSUER, CLIENT, SECRET, http=provider.mount, clock=clock)
    kept = Sessions(valkey, ValkeyError, clock=clock)
    found = SignOn(asked, kept, **({"factors_page": f"{ISSUER}2fregisters"} | about_factors))
    return make_app(settings, accountd, found)


@pytest.fixture
def app(accountd: FakeAccountd, provider: FakeProvider, valkey: MemoryValkey, clock: Clock) -> Any:
    return portal(accountd, provider, valkey, clock)


@pytest.fixture
def visit(app: Any) -> Visitor:
    return Visitor(app.test_client())


@pytest.fixture
def another(app: Any) -> Callable[[], Visitor]:
    """Further browsers."""
    return lambda: Visitor(app.test_client())


@pytest.fixture
def fresh(accountd: FakeAccountd, clock: Clock) -> Callable[[], tuple[Visitor, FakeProvider]]:
    """A portal that was never asked for anything, its visitor and its provider."""

    def made() -> tuple[Visitor, FakeProvider]:
        provider = FakeProvider(clock)
        return Visitor(portal(accountd, provider, MemoryValkey(clock), clock).test_client()), provider

    return made


@pytest.fixture
def log_in(provider: FakeProvider, accountd: FakeAccountd) -> Callable[..., None]:
    """Has a visitor log in; what accountd was asked for it is forgotten."""

    def done(visitor: Visitor, uid: str = "mdupond") -> None:
        back = provider.log_in(visitor.raw("/connexion").headers["Location"], uid)
        assert visitor.raw(back).status_code == 303
        accountd.asked.clear()

    return done
