"""SOGo's agents log in by the academy's page: out to it, back from it, and who asks for a page of SOGo."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import re
import time
from collections.abc import Mapping
from dataclasses import replace
from urllib.parse import parse_qsl
from weakref import WeakValueDictionary

from malleposte.accountd.relying_party import AWAY_PAGE, START_AGAIN_PAGE, AwayError, RefusedError, RelyingParty
from malleposte.daemons.dav_router.sessions import COOKIE, COOKIE_SCOPE, Session, Sessions
from malleposte.runtime.http import Answer

LOG = logging.getLogger("dav-router")
WAY = "__Host-sogo-way-"
"""A cookie for each way out, so that a browser that opens its tabs again goes out with all of them."""
WAY_SECONDS = 900
STATE = re.compile(r"[0-9a-f]{32}")
VERIFIER = re.compile(r"[A-Za-z0-9_-]{43,128}")
EARLY = 60.0
"""Seconds before a token's end at which it is renewed: it must outlive the request."""
FIRST = "/SOGo/"
PAGES = re.compile(
    r"/SOGo(?:/so)?(?:/[a-z0-9][a-z0-9._@-]*(?:/(?:Mail|Calendar|Contacts|Preferences))?(?:/view)?)?/?", re.IGNORECASE
)
"""Addresses that only show: where a link from elsewhere may lead."""


def away() -> Answer:
    """The log-in page does not answer: nginx says so."""
    return 503, [f"X-Accel-Redirect: {AWAY_PAGE}", "Cache-Control: no-store"], b""


def start_again() -> Answer:
    """The log-in led to nothing: nginx says so, and how to begin anew."""
    return 403, [f"X-Accel-Redirect: {START_AGAIN_PAGE}", "Cache-Control: no-store"], b""


def led(where: str, *cookies: str) -> Answer:
    """A redirection."""
    head = [f"Location: {where}", "Cache-Control: no-store"]
    return 302, [*head, *(f"Set-Cookie: {cookie}" for cookie in cookies)], b""


def cookies(headers: Mapping[str, str]) -> dict[str, str]:
    """The cookies of a request; of one name the first."""
    values: dict[str, str] = {}
    for crumb in headers.get("cookie", "").split(";"):
        name, _equals, value = crumb.strip(" \t").partition("=")
        values.setdefault(name, value)
    return values


def page(headers: Mapping[str, str]) -> str:
    """The page that is asked for; empty when it is none that only shows."""
    uri = headers.get("x-original-uri", "")
    return uri if headers.get("x-original-method") == "GET" and PAGES.fullmatch(uri) else ""


def foreign(headers: Mapping[str, str]) -> bool:
    """Whether another site has the browser ask for more than a page (W3C, Fetch Metadata Request Headers).

    SOGo looks for no sign against forged requests where its front names the agent. Browsers that say nothing of the
    site have the cookie's `SameSite=Lax`.
    """
    site = headers.get("sec-fetch-site", "")
    if site in ("", "same-origin", "none"):
        origin = headers.get("origin", "")
        return origin not in ("", f"https://{headers.get('host', '')}")
    return headers.get("sec-fetch-mode") != "navigate" or not page(headers)


class SignOn:
    """Log-ins to SOGo. What asks the provider runs in a thread, since it may take a while."""

    def __init__(self, provider: RelyingParty, sessions: Sessions, back: str) -> None:
        """`back`: the address at SOGo's public name to which log-ins return."""
        self.provider, self.sessions, self.return_to = provider, sessions, back
        self.locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    async def session(self, headers: Mapping[str, str]) -> Answer:
        """Say who asks for a page of SOGo: 401 for a visitor."""
        current = None if foreign(headers) else await self.current(cookies(headers).get(COOKIE, ""))
        if current is None:
            return 401, [], b""
        pair = base64.b64encode(f"{current.uid}:{current.access}".encode()).decode()
        return 200, [f"X-Session-User: {current.uid}", f"X-Session-Authorization: Basic {pair}"], b""

    async def current(self, cookie: str) -> Session | None:
        """The session of a cookie, with a token that is good for a while."""
        session = self.sessions.find(cookie)
        if session is None or session.until - time.time() > EARLY:
            return session
        # Pages ask for several things at once: the first one renews, the others wait for it.
        lock = self.locks.setdefault(cookie, asyncio.Lock())
        async with lock:
            session = self.sessions.find(cookie)
            if session is None or session.until - time.time() > EARLY:
                return session
            return await self._renewed(cookie, session)

    async def _renewed(self, cookie: str, session: Session) -> Session | None:
        try:
            new = await asyncio.to_thread(self.provider.renew, session.refresh)
        except RefusedError:
            self.sessions.end(cookie)
            return None
        except AwayError as error:
            LOG.error("no answer from the log-in page: %s", error)
            return session if session.until > time.time() else None
        identity = new.identity or session.identity
        renewed = replace(session, access=new.access, refresh=new.refresh, identity=identity, until=new.good_until)
        self.sessions.keep(cookie, renewed)
        return self.sessions.find(cookie)

    async def out(self, headers: Mapping[str, str]) -> Answer:
        """Lead a visitor to the log-in page; a program of a page is told that its session is over."""
        if headers.get("sec-fetch-mode", "navigate") != "navigate" or headers.get("x-original-method") != "GET":
            return 401, ["Cache-Control: no-store"], b""
        try:
            way = await asyncio.to_thread(self.provider.start, self.return_to)
        except AwayError as error:
            LOG.error("no answer from the log-in page: %s", error)
            return away()
        target = base64.urlsafe_b64encode((page(headers) or FIRST).encode()).rstrip(b"=").decode()
        cookie = f"{WAY}{way.state}={way.verifier}.{target}; Max-Age={WAY_SECONDS}; {COOKIE_SCOPE}"
        return led(way.address, cookie)

    async def back(self, query: str, headers: Mapping[str, str]) -> Answer:
        """Let in who comes back, if this browser went out with that state."""
        answer = dict(parse_qsl(query))
        state, sent = answer.get("state", ""), cookies(headers)
        verifier, _dot, target = sent.get(f"{WAY}{state}", "").partition(".")
        if not STATE.fullmatch(state) or not VERIFIER.fullmatch(verifier) or not answer.get("code"):
            return start_again()
        over = f"{WAY}{state}=; Max-Age=0; {COOKIE_SCOPE}"
        try:
            agent, new = await asyncio.to_thread(self.provider.redeem, answer["code"], verifier, self.return_to)
        except RefusedError as error:
            LOG.warning("a log-in was refused: %s", error)
            return start_again()
        except AwayError as error:
            LOG.error("no answer from the log-in page: %s", error)
            return away()
        if COOKIE in sent:
            self.sessions.end(sent[COOKIE])
        cookie = self.sessions.open(
            Session(agent.uid, new.access, new.refresh, new.identity, new.good_until, agent.sid)
        )
        return led(self._target_page(target), f"{COOKIE}={cookie}; {COOKIE_SCOPE}", over)

    @staticmethod
    def _target_page(text: str) -> str:
        try:
            page = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode("ascii")
        except (binascii.Error, ValueError):
            return FIRST
        return page if PAGES.fullmatch(page) else FIRST

    async def leave(self, headers: Mapping[str, str]) -> Answer:
        """Log out of everything: the log-in page ends the session of all services, then leads back here."""
        cookie = cookies(headers).get(COOKIE, "")
        session = self.sessions.find(cookie)
        if foreign(headers) or session is None:
            return led(FIRST)
        self.sessions.end(cookie)
        try:
            where = await asyncio.to_thread(
                self.provider.log_out, session.identity, f"https://{headers.get('host', '')}/"
            )
        except AwayError as error:
            LOG.error("the provider's session was not ended: %s", error)
            where = FIRST
        return led(where, f"{COOKIE}=; Max-Age=0; {COOKIE_SCOPE}")
