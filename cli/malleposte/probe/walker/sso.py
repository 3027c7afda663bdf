"""The log-in page: the documents that services read, and a log-in by its form."""

from __future__ import annotations

import re

from .https import Browser
from .plan import PathError, Plan

TOKEN = re.compile(r'name="token" value="([^"]+)"')
COOKIE = "__Host-sso"


def log_in_page(plan: Plan) -> str:
    """Services find the provider and its keys; an agent logs in by the form, and out again."""
    name, agent = plan.host("sso"), plan.accounts[0]
    browser = Browser(plan, name)
    told = browser.get("/.well-known/openid-configuration").expect(200, what="the discovery document").json()
    if told.get("issuer") != f"https://{name}/":
        raise PathError(f"the issuer is {told.get('issuer')}, https://{name}/ wanted")
    if not browser.get("/oauth2/jwks").expect(200, what="the keys").json().get("keys"):
        raise PathError("no key to check tokens with")
    # Pages of applications get 401 with the form, browsers show it.
    form = TOKEN.search(browser.get("/").expect(200, 401, what="the log-in page").text)
    if form is None:
        raise PathError("no log-in form")
    browser.post_form(
        "/", {"token": form[1], "user": agent.uid, "password": agent.password, "url": "", "timezone": "1"}
    )
    if not browser.cookies.get(COOKIE):
        raise PathError("log-in refused")
    browser.get("/?logout=1").expect(200, 302, 401, what="log-out")
    if TOKEN.search(browser.get("/").text) is None:
        raise PathError("the session goes on after log-out")
    return "discovery document, keys, logged in and out"
