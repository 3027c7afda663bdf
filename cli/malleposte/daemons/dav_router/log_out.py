"""Log-outs of which the provider tells (OpenID Connect Back-Channel Logout 1.0), for both webmails.

Each has an address of its own, since a token is for one of the provider's clients. SOGo's sessions end here. Those of
Roundcube end in its own database, by its own rights: nginx asks it, within the host, for the session that was proved.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlencode

from malleposte.accountd import log_out
from malleposte.accountd.proof import Keys, NoLogInError
from malleposte.daemons.dav_router.sessions import Sessions
from malleposte.runtime.http import Answer, Request

LOG = logging.getLogger("dav-router")
SOGO, ROUNDCUBE = "sogo", "roundcube"
WITHIN = "/_ended"
"""The address by which nginx has Roundcube end a session; no client can ask for it (role roundcube)."""


@dataclass(frozen=True)
class Teller:
    """The provider as it tells of log-outs; `clients` are the names that the webmails have there, by ours."""

    issuer: str
    keys: Keys
    clients: Mapping[str, str]
    uid_claim: str = "sub"


class LogOuts:
    """Answers the provider."""

    def __init__(self, teller: Teller, sessions: Sessions, clock: Callable[[], float] = time.time) -> None:
        self.teller, self.sessions, self.clock = teller, sessions, clock

    def respond(self, webmail: str, request: Request) -> Answer:
        """The answer to what is posted at the address of a webmail (section 2.8)."""
        if webmail not in self.teller.clients:
            return 404, [], b""
        told = ["Cache-Control: no-store"]
        if request.method != "POST":
            return 405, [*told, "Allow: POST"], b""
        try:
            sid, uid = self.ended(webmail, request.body)
        except (NoLogInError, log_out.NoLogOutError) as error:
            LOG.warning("a log-out was refused: %s", error)
            return 400, told, b""
        if webmail == ROUNDCUBE:
            return 200, [*told, f"X-Accel-Redirect: {WITHIN}?{urlencode({'sid': sid})}"], b""
        self.sessions.end_all(sid, uid)
        return 200, told, b""

    def ended(self, webmail: str, body: bytes) -> tuple[str, str]:
        """The session that ended, and its agent, who may be unknown. Raises NoLogInError, NoLogOutError."""
        try:
            (token,) = parse_qs(body.decode("ascii"), max_num_fields=8)["logout_token"]
        except (ValueError, KeyError) as error:
            raise log_out.NoLogOutError("there is none") from error
        ours, now = self.teller, self.clock()
        claims = ours.keys.claims(token, log_out.asked(ours.issuer, ours.clients[webmail]), now)
        sid, uid = log_out.ended(claims, ours.uid_claim, now)
        if not sid:
            raise log_out.NoLogOutError("it names no session")
        return sid, uid
