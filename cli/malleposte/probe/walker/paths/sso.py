"""The log-in page: the documents that services read, a log-in by its form, and the way of a service by it."""

from __future__ import annotations

import datetime
import re

from ..https import Answer, Browser
from ..plan import Account, NotTestedError, PathError, Plan

TOKEN = re.compile(r'name="token" value="([^"]+)"')
URL = re.compile(r'name="url" value="([^"]*)"')
COOKIE = "__Host-sso"
KEY_DAYS = 395
"""Age of a signing key that should have been changed a month ago."""


def log_in_page(plan: Plan) -> str:
    """Services find the provider and its keys; an agent logs in by the form, and out again."""
    name, agent = plan.host("sso"), plan.accounts[0]
    browser = Browser(plan, name)
    discovery = browser.get("/.well-known/openid-configuration").expect(200, what="the discovery document").json()
    if discovery.get("issuer") != f"https://{name}/":
        raise PathError(f"the issuer is {discovery.get('issuer')}, https://{name}/ wanted")
    if not browser.get("/oauth2/jwks").expect(200, what="the keys").json().get("keys"):
        raise PathError("no key to check tokens with")
    fill(browser, "/", agent)
    browser.get("/?logout=1").expect(200, 302, 401, what="log-out")
    if TOKEN.search(browser.get("/").text) is None:
        raise PathError("the session goes on after log-out")
    return "discovery document, keys, logged in and out"


def signing_key(plan: Plan, today: datetime.date | None = None) -> str:
    """The key that signs tokens was changed in time; an earlier one is published no longer than a change takes."""
    if not plan.signing_since:
        raise NotTestedError("the day of the key's last change is not known")
    published = Browser(plan, plan.host("sso")).get("/oauth2/jwks").expect(200, what="the keys").json().get("keys")
    if not published:
        raise PathError("no key to check tokens with")
    today = today or datetime.datetime.now(datetime.UTC).date()
    days = (today - datetime.date.fromisoformat(plan.signing_since)).days
    if days > KEY_DAYS:
        raise PathError(f"the key was changed {days} days ago: see `secrets timer`, or `secrets rotate sso-signing`")
    if len(published) > 1:
        return f"changed {days} days ago; {len(published)} keys are published: a change is under way"
    return f"changed {days} days ago"


def fill(browser: Browser, path: str, agent: Account) -> Answer:
    """Log in by the form of a page. Raises PathError when there is none, or when it lets nobody in."""
    answer = send(browser, path, agent)
    if not browser.cookies.get(COOKIE):
        raise PathError("log-in refused")
    return answer


def send(browser: Browser, path: str, agent: Account) -> Answer:
    """Fill in the form of a page with name and password. Raises PathError when there is none."""
    # Pages of applications get 401 with the form, browsers show it.
    page = browser.get(path).expect(200, 401, what="the log-in page").text
    form, url = TOKEN.search(page), URL.search(page)
    if form is None:
        raise PathError("no log-in form")
    asked = {"token": form[1], "url": url[1] if url else "", "timezone": "1"}
    return browser.post_form("/", asked | {"user": agent.uid, "password": agent.password})


def inner(browser: Browser, answer: Answer) -> str:
    """Path and query of a redirect to the browser's own host; empty when it leads elsewhere, or nowhere."""
    where, mine = answer.headers.get("location", ""), f"https://{browser.name}"
    return where.removeprefix(mine) if where.startswith(f"{mine}/") else ""


def sign_on(plan: Plan, service: Browser, start: str, agent: Account) -> tuple[Answer, Browser]:
    """Have a service lead to the log-in page, log in there and come back.

    Return the service's answer to that, and the browser at the log-in page.
    """
    page = Browser(plan, plan.host("sso"))
    path = inner(page, service.get(start).expect(302, what="the way to the log-in page"))
    if not path:
        raise PathError("the service does not lead to the log-in page")
    answer = fill(page, path, agent)
    while path := inner(page, answer):
        answer = page.get(path)
    path = inner(service, answer)
    if not path:
        raise PathError("the log-in page does not lead back")
    return service.get(path), page


def sign_off(service: Browser, page: Browser, path: str) -> None:
    """Log out of a service by `path`. Raises PathError when it, or the log-in page, still knows the agent."""
    where = inner(page, service.get(path).expect(302, what="log-out"))
    if not where:
        raise PathError("log-out does not lead to the log-in page")
    page.get(where)
    if TOKEN.search(page.get("/").text) is None:
        raise PathError("the session of the log-in page goes on after log-out")
