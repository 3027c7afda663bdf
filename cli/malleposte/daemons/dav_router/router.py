"""From a request to an answer."""

from __future__ import annotations

import ipaddress
import json
import logging
import re
import secrets
import time
from collections.abc import Mapping
from urllib.parse import unquote

from malleposte.daemons.dav_router.proofs import Agent, Dovecot, Refusals, Refused, Unsure, credentials, typed
from malleposte.daemons.dav_router.seals import SOGO_COOKIE, Seals
from malleposte.daemons.dav_router.settings import Settings
from malleposte.daemons.dav_router.sogo import UNSURE, WRONG, Sogo, shown
from malleposte.daemons.http import Answer, Request

LOG = logging.getLogger("dav-router")
BROWSER = "mp_device"  # the cookie; its value is a random word
BROWSER_WORD = re.compile(rf"(?:^|;)\s*{BROWSER}=([0-9a-f]{{32}})(?:;|$)")
BROWSER_FOR = 400 * 86_400  # seconds; browsers keep none longer
CHALLENGE = 'WWW-Authenticate: Basic realm="Agenda et contacts", charset="UTF-8"'


def peer(headers: Mapping[str, str]) -> str:
    """The client's address as nginx tells it; empty when it does not."""
    try:
        return str(ipaddress.ip_address(headers.get("x-real-ip", "")))
    except ValueError:
        return ""


class Router:
    """From a request to an answer."""

    def __init__(self, settings: Settings) -> None:
        """For one platform."""
        self.settings = settings
        self.dovecot = Dovecot(settings.auth_socket)
        self.sogo = Sogo(settings.sogo_port)
        self.seals = Seals(settings.seal_keys)
        self.refusals = Refusals()

    def route(self, agent: Agent, tree: str, uri: str) -> tuple[str, str]:
        """Return the service of an agent's request, and the path to ask there."""
        name = self.settings.profiles.get(agent.profile, self.settings.default)
        if tree == "root":
            return name, self.settings.backends[name].root(agent.uid)
        if tree == name:
            return name, uri
        path = unquote(uri.partition("?")[0]).rstrip("/")
        return ("moved" if path in self.settings.backends[tree].entrances(agent.uid) else "gone"), "/"

    async def prove(self, name: bytes, password: bytes, address: str, client: str) -> Agent:
        """The agent. Raises Refused, Unsure; both are in the journal."""
        try:
            return await self.dovecot.prove(name, password, address, client)
        except Unsure as error:
            LOG.error("no answer from Dovecot: %s", error)
            raise
        except Refused:
            if self.refusals.new(address, name, password, time.monotonic()):
                # The name is what the client sent; printable, and before the address, which is the last word.
                LOG.warning("refused: user=<%s>, rip=%s", ascii(name.decode("latin-1"))[1:-1][:100], address)
            raise

    async def answer(self, tree: str, headers: Mapping[str, str]) -> Answer:
        """Return the agent of a request, and its destination."""
        uri = headers.get("x-original-uri", "")
        address = peer(headers)
        if not address or not uri.startswith("/") or (tree != "root" and tree not in self.settings.backends):
            return 400, [], b""
        given = credentials(headers.get("authorization", ""))
        if given is None:
            return 401, [CHALLENGE], b""
        try:
            agent = await self.prove(*given, address, "device")
        except Unsure:
            return 503, [], b""
        except Refused:
            return 401, [CHALLENGE], b""
        where, path = self.route(agent, tree, uri)
        return 200, [f"X-Dav-User: {agent.uid}", f"X-Dav-Route: {where}", f"X-Dav-Path: {path}"], b""

    async def log_in(self, headers: Mapping[str, str], body: bytes) -> Answer:
        """Handle the log-in form of SOGo's page: pass it on, or answer with a refusal that the page can show."""
        address = peer(headers)
        try:
            given = typed(body)
        except (ValueError, RecursionError):
            return 400, [], b""
        if not address:
            return 400, [], b""
        if given is None:
            return shown(403, WRONG)
        known = BROWSER_WORD.search(headers.get("cookie", ""))
        browser = known[1] if known else secrets.token_hex(16)
        try:
            agent = await self.prove(*given[:2], address, f"browser {browser}")
        except Unsure:
            return shown(503, UNSURE)
        except Refused as refusal:
            return shown(403, str(refusal) or WRONG)
        # SOGo is told the uid that Dovecot found, so that it cannot understand the name in another way.
        proved = {**given[2], "userName": agent.uid, "password": given[1].decode()}
        try:
            status, said, text = await self.sogo.log_in(headers, json.dumps(proved).encode())
        except Unsure as error:
            LOG.error("no answer from SOGo: %s", error)
            return shown(503, UNSURE)
        told = [f"{name}: {value}" for name, value in said if name in ("content-type", "set-cookie")]
        cookies = [value.partition(";")[0].partition("=") for name, value in said if name == "set-cookie"]
        seals = [self.seals.opening(value) for name, _equals, value in cookies if name == SOGO_COOKIE and value]
        named = f"{BROWSER}={browser}; Max-Age={BROWSER_FOR}; Path=/SOGo/connect; Secure; HttpOnly; SameSite=Strict"
        told += [f"Set-Cookie: {cookie}" for cookie in ([named] if status == 200 else []) + seals[:1]]
        return status, [*told, "Cache-Control: no-store"], text

    def session(self, headers: Mapping[str, str]) -> Answer:
        """Return the cookies that SOGo may see. A client without a session is a visitor: nobody is refused here."""
        passed = self.seals.passed(headers.get("cookie", ""))
        told = [f"X-Session-Cookie: {'; '.join(passed)}"] if passed else []
        if headers.get("x-original-uri", "").partition("?")[0].endswith("/logoff"):
            told.append(f"X-Session-End: {self.seals.closing()}")
        return 200, told, b""

    async def respond(self, request: Request) -> Answer:
        """The answer to one question of nginx."""
        if not request.target.startswith("/"):
            return 400, [], b""
        if request.target == "/session":
            return self.session(request.headers)
        if request.target.partition("?")[0] != "/log-in":
            return await self.answer(request.target[1:], request.headers)
        if request.method != "POST":
            return 405, ["Allow: POST"], b""
        return await self.log_in(request.headers, request.body)
