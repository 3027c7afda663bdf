"""Log-outs of which the provider tells (OpenID Connect Back-Channel Logout 1.0), for both webmails.

Each has an address of its own, since a token is for one of the provider's clients. SOGo's sessions end here. Those of
Roundcube end in its own database, by its own rights: nginx asks it, within the host, for the session that was proved.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from urllib.parse import parse_qs, urlencode

from malleposte.accountd.relying_party import AwayError, RefusedError, RelyingParty
from malleposte.daemons.dav_router.sessions import Sessions
from malleposte.runtime.http import Answer, Request

LOG = logging.getLogger("dav-router")
SOGO, ROUNDCUBE = "sogo", "roundcube"
WITHIN = "/_ended"
"""The address by which nginx has Roundcube end a session; no client can ask for it (role roundcube)."""


class LogOuts:
    """Answers the provider. `clients` are the names that the webmails have there, by ours."""

    def __init__(self, provider: RelyingParty, clients: Mapping[str, str], sessions: Sessions) -> None:
        self.provider, self.clients, self.sessions = provider, clients, sessions

    async def respond(self, webmail: str, request: Request) -> Answer:
        """The answer to what is posted at the address of a webmail (section 2.8)."""
        if webmail not in self.clients:
            return 404, [], b""
        headers = ["Cache-Control: no-store"]
        if request.method != "POST":
            return 405, [*headers, "Allow: POST"], b""
        try:
            sid, uid = await asyncio.to_thread(self.provider.ended, _token(request.body), self.clients[webmail])
            if not sid:
                raise RefusedError("it names no session")
        except RefusedError as error:
            LOG.warning("a log-out was refused: %s", error)
            return 400, headers, b""
        except AwayError as error:
            LOG.error("a log-out cannot be carried out: %s", error)
            return 503, headers, b""
        if webmail == ROUNDCUBE:
            return 200, [*headers, f"X-Accel-Redirect: {WITHIN}?{urlencode({'sid': sid})}"], b""
        self.sessions.end_all(sid, uid)
        return 200, headers, b""


def _token(body: bytes) -> str:
    """The log-out token of a form. Raises RefusedError."""
    try:
        (token,) = parse_qs(body.decode("ascii"), max_num_fields=8)["logout_token"]
    except (ValueError, KeyError) as error:
        raise RefusedError("there is none") from error
    return token
