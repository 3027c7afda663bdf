"""The daemon that Dovecot asks whether a token of the academy's own provider opens mail (RFC 7662).

HTTP on a port of the loopback that systemd hands over: `POST /` with `token=…` as a form. The answer is
`{"active": true, "username": uid}`, or `REFUSED`. The token is verified here, by the keys that the deploy lays:
nobody is asked, so mail opens while the provider is away. Whether the account may enter is Dovecot's own question
afterwards.

Dovecot could verify tokens itself, but reads beyond its memory where a claim of one that is right is a list (2.4.1),
seeks keys by the client that a token names, and keeps a key that was removed: what another provider writes is not ours
to choose. Nothing is kept or logged of a token.
"""

from __future__ import annotations

import json
import logging
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

from malleposte.accountd.proof import NoLogInError, Proofs, Provider
from malleposte.platform import identity
from malleposte.runtime import http, kit

LOG = logging.getLogger("sso-tokens")
LIMITS = http.Limits(head=8192, body=32_768, seconds=120)
"""Dovecot closes a connection that has been idle for a minute, and repeats no question: the end is left to it."""
REFUSED: dict[str, str | bool] = {"active": False, "username": "-"}
"""Without a name Dovecot would take the answer for a fault and have the client come again. `-` is no uid."""
JSON = ["Content-Type: application/json"]


class Config:
    """The provider, as the accounts' daemon knows it too."""

    def __init__(self, proofs: Proofs) -> None:
        self.proofs = proofs

    @classmethod
    def read(cls, path: Path) -> Config:
        """From a JSON file with the keys of Provider. Raises OSError, ValueError, TypeError."""
        document = json.loads(path.read_text("utf-8"))
        if not document.get("scope"):
            raise ValueError("scope is missing: a token of any service would open mail")
        return cls(Proofs(Provider(**document)))


class Server:
    """Questions of Dovecot."""

    def __init__(self, proofs: Proofs) -> None:
        self.proofs = proofs

    async def respond(self, request: http.Request) -> http.Answer:
        """The answer to one question."""
        if request.method != "POST" or request.target != "/":
            return 404, [], b""
        try:
            fields = urllib.parse.parse_qs(request.body.decode("ascii"), strict_parsing=True, max_num_fields=4)
            (token,) = fields["token"]
        except (ValueError, KeyError):
            return 400, [], b""
        return 200, JSON, json.dumps(self.judged(token)).encode()

    def judged(self, token: str) -> dict[str, str | bool]:
        """The answer about a token."""
        try:
            uid = self.proofs.uid(token)
        except NoLogInError as error:
            LOG.info("a token was refused: %s", error)
            return REFUSED
        if not identity.is_uid(uid):
            LOG.warning("a token names %r, which is no uid: see uid_claim of malleposte_sso", uid[:64])
            return REFUSED
        return {"active": True, "username": uid}


def main(words: Sequence[str]) -> int:
    """The exit code."""
    return kit.start(
        words,
        "sso-tokens",
        __doc__,
        Config.read,
        lambda config: kit.run(http.serve(Server(config.proofs).respond, LIMITS)),
    )
