"""From a request to an answer."""

from __future__ import annotations

import base64
import ipaddress
import logging
import time
from collections.abc import Mapping
from urllib.parse import unquote

from malleposte.daemons.dav_router.log_out import LogOuts
from malleposte.daemons.dav_router.proofs import (
    SAFE_UID,
    Agent,
    Dovecot,
    Refusals,
    Refused,
    Unsure,
    bearer,
    credentials,
    password_proof,
    token_proof,
)
from malleposte.daemons.dav_router.sessions import Sessions
from malleposte.daemons.dav_router.settings import Settings
from malleposte.daemons.dav_router.sign_on import SignOn
from malleposte.runtime.http import Answer, Request

LOG = logging.getLogger("dav-router")
ENDED = "/ended/"
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
        self.refusals = Refusals()
        sessions = Sessions(settings.sessions, settings.idle_minutes * 60)
        self.sign_on = SignOn(settings.provider, sessions, settings.back)
        self.log_outs = LogOuts(settings.provider, settings.clients, sessions)

    def route(self, agent: Agent, tree: str, uri: str) -> tuple[str, str]:
        """Return the service of an agent's request, and the path to ask there."""
        name = self.settings.profiles.get(agent.profile, self.settings.default)
        if tree == "root":
            return name, self.settings.backends[name].root(agent.uid)
        if tree == name:
            return name, uri
        path = unquote(uri.partition("?")[0]).rstrip("/")
        return ("moved" if path in self.settings.backends[tree].entrances(agent.uid) else "gone"), "/"

    async def prove(self, name: bytes, password: bytes, address: str) -> Agent:
        """The agent of a device. Raises Refused, Unsure; both are in the journal."""
        try:
            return await self.dovecot.prove(password_proof(name, password), address, "device")
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
        if tree == self.settings.default and (token := bearer(headers.get("authorization", ""))):
            return await self.answer_token(tree, uri, token, address)
        name_and_password = credentials(headers.get("authorization", ""))
        if name_and_password is None:
            return 401, [CHALLENGE], b""
        try:
            agent = await self.prove(*name_and_password, address)
        except Unsure:
            return 503, [], b""
        except Refused:
            return 401, [CHALLENGE], b""
        where, path = self.route(agent, tree, uri)
        answer_headers = [f"X-Dav-User: {agent.uid}", f"X-Dav-Route: {where}", f"X-Dav-Path: {path}"]
        if where == "sogo":
            # It sends invitations with that password, and takes it beside the uid alone.
            pair = base64.b64encode(agent.uid.encode() + b":" + name_and_password[1]).decode()
            answer_headers.append(f"X-Dav-Authorization: Basic {pair}")
        return 200, answer_headers, b""

    async def answer_token(self, tree: str, uri: str, token: bytes, address: str) -> Answer:
        """As `answer`, for a webmail that acts by an agent's token: in that agent's own tree of the default service.

        Dovecot tells no class with a token, and whom it is for is asked of the address.
        """
        uid = self.settings.backends[tree].owner(uri)
        if not SAFE_UID.fullmatch(uid):
            return 401, [CHALLENGE], b""
        try:
            agent = await self.dovecot.prove(token_proof(uid.encode(), token), address, "webmail")
        except Unsure as error:
            LOG.error("no answer from Dovecot: %s", error)
            return 503, [], b""
        except Refused:
            return 401, [CHALLENGE], b""
        if agent.uid != uid:
            return 401, [CHALLENGE], b""
        return 200, [f"X-Dav-User: {uid}", f"X-Dav-Route: {tree}", f"X-Dav-Path: {uri}"], b""

    async def respond(self, request: Request) -> Answer:
        """The answer to one question of nginx, to a browser on its way to the log-in page or back, or to that page."""
        path, _mark, query = request.target.partition("?")
        if path == "/session":
            return await self.sign_on.session(request.headers)
        if path == "/sign-on":
            return await self.sign_on.out(request.headers)
        if path == "/back":
            return await self.sign_on.back(query, request.headers)
        if path == "/log-out":
            return await self.sign_on.leave(request.headers)
        if path.startswith(ENDED):
            return await self.log_outs.respond(path.removeprefix(ENDED), request)
        return await self.answer(request.target[1:], request.headers) if path.startswith("/") else (400, [], b"")
