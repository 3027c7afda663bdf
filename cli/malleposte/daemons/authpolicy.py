"""The daemon that Dovecot asks before it proves a password, and tells afterwards (its `auth_policy_*` settings).

HTTP on a loopback socket that systemd hands over, since Dovecot knows no other way: `POST /?command=allow` answers
`{"status": 0}` to go on and `{"status": -1, "msg": …}` to refuse unproved; `POST /?command=report` says how it ended.
Each carries the key of the header `X-API-Key`. One question to Valkey a request; without Valkey everybody goes on.

A token of the log-in page (`mechanism`) is no password: it cannot be guessed, and goes on. What has the form of a
device's password (`form`) counts apart.

A name counts for the account that it means (`accounts.resolver` asks Dovecot). A client is the protocol and what
Dovecot calls its device: what it said of itself before the log-in, a browser's cookie for the webmails. A log-in by the
password of a device is noted as its last use (`accounts.devices.uses`). The record of the host is told how each log-in
ended (`throttle.record`); names that mean no account are not. `away` names the device whose password was right where it
is not good: such a log-in counts as one by a password that no device has.
"""

from __future__ import annotations

import hmac
import json
import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from malleposte.accounts.credentials.resolver import AccountResolver
from malleposte.accounts.devices.uses import Uses
from malleposte.adapters.valkey import Valkey
from malleposte.policy.devices import is_identifier
from malleposte.runtime import http, kit
from malleposte.throttle import DEVICES, Settings, Throttle
from malleposte.throttle.record import model
from malleposte.throttle.record.tell import Teller

LOG = logging.getLogger("auth-policy")
LIMITS = http.Limits(head=16_384, body=16_384, seconds=60)
TOKENS = ("XOAUTH2", "OAUTHBEARER")
"""Mechanisms (RFC 7628, and the one before it) that prove themselves by a signature."""
GO_ON = b'{"status":0,"msg":""}'
REASONS = {
    "credentials": model.PASSWORD, "account": model.CLOSED, "disabled": model.CLOSED, "expired": model.EXPIRED,
}  # fmt: skip
"""The reasons of the record by Dovecot's `fail_type`; another one is nobody's fault, and not recorded."""
# Told to whoever tries, in the one line that IMAP has; clients show it as it is.
WAIT = "Trop d'essais: patientez {seconds} s. Too many tries: wait {seconds} s."


@dataclass(frozen=True)
class Config:
    """The throttle's settings, the key that Dovecot shows, and its socket that resolves names."""

    throttle: Settings
    api_key: str = field(repr=False)
    names: Path | None = None

    @classmethod
    def read(cls, path: Path) -> Config:
        """From a JSON file: the throttle's settings, `api_key` and `names`. Raises OSError, or ValueError."""
        document = json.loads(path.read_text("utf-8"))
        if not isinstance(document, dict) or len(str(document.get("api_key", ""))) < 16:
            raise ValueError("api_key has less than 16 characters")
        mine = {"api_key", "names"}
        names = str(document.get("names", ""))
        settings = Settings.of({name: value for name, value in document.items() if name not in mine})
        return cls(settings, str(document["api_key"]), Path(names) if names else None)


def judge(
    throttle: Throttle, command: str, request: Mapping[str, Any], account: str, uses: Uses | None = None
) -> bytes:
    """The answer to one request of Dovecot on an account. Raises ValueError on one that is not Dovecot's."""
    if str(request.get("mechanism", "")).upper() in TOKENS:
        return GO_ON
    address, known_by = _peer(request), str(request.get("pwhash", ""))
    client = f"{request.get('protocol', '')}\0{request.get('device_id', '')}"
    device = request.get("form") == "device"
    if device and account:
        account = DEVICES + account
    if command == "allow":
        verdict = throttle.judge(account, address, known_by, client, bounded=not device)
        if not verdict.wait:
            return GO_ON
        # Known to be wrong: refused as it was before, in Dovecot's own words.
        message = "" if verdict.known_wrong else WAIT.format(seconds=math.ceil(verdict.wait))
        return json.dumps({"status": -1, "msg": message}).encode()
    if command != "report":
        raise ValueError(f"not a command: {command[:40]!r}")
    if request.get("success") is True:
        throttle.succeeded(account, address, client, known_by)
        if uses is not None:
            uses.note(str(request.get("device", "")), address)
    elif request.get("policy_reject") is not True:
        # `account`: no such account that may log in, nothing was proved; it counts, but may be tried again.
        kind = str(request.get("fail_type", ""))
        if kind == "internal":
            throttle.undo(account, address, known_by, client)
        elif kind == "credentials":
            throttle.failed(account, address, known_by, client)
        elif kind == "account":
            throttle.unknown(account, address, known_by, client)
    return GO_ON


def _peer(request: Mapping[str, Any]) -> str:
    """The address by which a try is judged.

    Whom a webmail says to speak for (IMAP's ID) is believed with a token alone, which nobody else has: a password that
    comes from the platform's own hosts is judged by their address, since any of their programs may send it.
    """
    token = str(request.get("mechanism", "")).upper() in TOKENS
    return str(request.get("remote" if token else "real", request.get("remote", "")))


def recorded(uid: str, command: str, request: Mapping[str, Any], answer: bytes) -> model.LogIn | None:
    """The log-in of an account that is to be recorded after a request of Dovecot and its answer; None for none.

    A token that is refused is not: it has ended, and the webmail asks for another one. Nor is one by which the webmail
    keeps a meeting in an agenda: it comes from the webmail's host, and its log-in is recorded already.
    """
    accepted = command == "report" and request.get("success") is True
    token = str(request.get("mechanism", "")).upper() in TOKENS
    if token and request.get("protocol") == "dav":
        return None
    if command == "allow":
        status = json.loads(answer)
        reason = "" if status["status"] == 0 else model.WAIT if status["msg"] else model.PASSWORD
    else:
        refused = not accepted and request.get("policy_reject") is not True and not token
        reason = REASONS.get(str(request.get("fail_type", "")), "") if refused else ""
    if not accepted and not reason:
        return None
    away = str(request.get("away", ""))
    if reason == model.CLOSED and is_identifier(away):
        reason = model.NETWORK
    device = away if reason == model.NETWORK else str(request.get("device", "")) if accepted else ""
    return model.LogIn(
        uid, accepted, str(request.get("protocol", "")), _peer(request),
        model.WEBMAIL if token else model.program(str(request.get("device_id", ""))),
        device if is_identifier(device) else "", reason,
    )  # fmt: skip


def sending(command: str, request: Mapping[str, Any]) -> str:
    """The address from which somebody has logged in to submission; empty for none."""
    accepted = command == "report" and request.get("success") is True and request.get("protocol") == "smtp"
    return _peer(request) if accepted else ""


class Server:
    """Requests of Dovecot, over connections that stay open."""

    def __init__(
        self,
        config: Config,
        throttle: Throttle | None = None,
        resolver: AccountResolver | None = None,
        uses: Uses | None = None,
        teller: Teller | None = None,
    ) -> None:
        """Tests give `throttle`, `resolver`, `uses` and `teller`."""
        self.key = config.api_key.encode()
        self.throttle = throttle or Throttle(config.throttle)
        self.resolver = resolver or AccountResolver(config.names)
        it = config.throttle
        self.uses = uses or Uses(Valkey(it.server, it.username, it.password))
        self.teller = teller or Teller()

    async def respond(self, request: http.Request) -> http.Answer:
        """The answer to one request of Dovecot."""
        status, body = await self.answer(request)
        return status, ["Content-Type: application/json"], body

    async def answer(self, request: http.Request) -> tuple[int, bytes]:
        """Status and body."""
        if request.method != "POST":
            return 400, b""
        if not hmac.compare_digest(request.headers.get("x-api-key", "").encode(), self.key):
            return 403, b""
        try:
            document = json.loads(request.body)
            if not isinstance(document, dict):
                raise ValueError("not an object")
            login, command = str(document.get("login", "")), request.target.rpartition("command=")[2]
            account = await self.resolver.account(login)
            answer = judge(self.throttle, command, document, account, self.uses)
            # Known by now: the resolver remembers, and nothing is asked again.
            if (uid := await self.resolver.uid(login)) and (event := recorded(uid, command, document, answer)):
                self.teller.log_in(event)
            if uid and (place := sending(command, document)):
                self.teller.sends(uid, place)
            return 200, answer
        except ValueError as error:
            LOG.warning("a request is not understood: %s", error)
            return 400, b""


def main(words: Sequence[str]) -> int:
    """The exit code."""
    return kit.start(
        words, "authpolicy", __doc__, Config.read, lambda config: kit.run(http.serve(Server(config).respond, LIMITS))
    )
