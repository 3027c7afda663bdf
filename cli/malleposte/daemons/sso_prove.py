"""The daemon that the log-in page asks about what is proved: it asks accountd, with the agent's address.

HTTP on a Unix socket that systemd hands over and the log-in page's user alone may open. Each question is a JSON object
sent to an address of `QUESTIONS`; all have `address`, the agent's, and may have `browser`, a digest of the cookie by
which the page tells browsers apart, for the calls that take one.

`/prove` takes a name and a password and answers `{"uid"}`, `{"wait"}` (seconds), `{"renew"}` (the address at which the
agent chooses a new password first), or `{}`: not recognised. `/try`, `/tried` and `/spend` are about codes of second
factors, `/mail` sends one to the recovery address, `/changed` tells that a factor came or went, `/codes` makes recovery
codes (`{"uid", "codes"}`), `/entered` tells of a log-in, `/ended` of log-ins that an operator ended. They answer like
`/prove`. Where accountd gives no answer, the status is 503 and nobody is let in.
Nothing here is kept or logged of a password or a code.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malleposte.accountd import client
from malleposte.accountd.calls import factors, log_in_page, log_ins, passwords
from malleposte.accountd.message import BadMessageError, ErrorCode, Request, checked
from malleposte.runtime import http, kit

LOG = logging.getLogger("sso-prove")
LIMITS = http.Limits(head=8192, body=8192, seconds=30)
THREADS = 48
"""Log-ins under way. Each waits for accountd's moment of answer, half a second at least, and does nothing meanwhile:
with few, the log-ins of some addresses would be those of all."""
"""Questions to accountd at once; it has as many threads itself."""
JSON = ["Content-Type: application/json"]
QUESTIONS: Mapping[str, tuple[type[Request[Any]], Mapping[str, str]]] = {
    "/prove": (passwords.Prove, {"user": "login", "password": "password"}),
    "/try": (log_in_page.TryFactor, {"user": "uid", "kind": "kind", "code": "code"}),
    "/tried": (log_in_page.FactorTried, {"user": "uid", "kind": "kind", "code": "code", "right": "right"}),
    "/spend": (log_in_page.SpendCode, {"user": "uid", "kind": "kind", "code": "code"}),
    "/mail": (log_in_page.MailFactorCode, {"user": "uid"}),
    "/changed": (
        factors.FactorChanged,
        {"user": "uid"} | {name: name for name in ("kind", "name", "added", "kinds", "by", "reason")},
    ),
    "/ended": (log_ins.SessionsEnded, {"user": "uid", "by": "by", "reason": "reason", "many": "many"}),
    "/codes": (factors.MakeRecoveryCodes, {"user": "uid"}),
    "/entered": (log_ins.Entered, {"user": "uid", "how": "how"}),
}
"""By address: the call of accountd, and its fields by the names that the log-in page gives them; see `BROWSER`."""
BROWSER = "browser"
"""The field of calls about a browser, which the log-in page names with each question."""


@dataclass(frozen=True)
class Config:
    """The way to accountd, and the page on which a password is renewed."""

    accountd: client.Client
    renew: str

    @classmethod
    def read(cls, path: Path) -> Config:
        """From a JSON file with the same keys. Raises OSError, or ValueError with what is wrong."""
        document = json.loads(path.read_text("utf-8"))
        try:
            return cls(client.Client(**document["accountd"]), str(document["renew"]))
        except (KeyError, TypeError) as error:
            raise ValueError(f"not the settings of sso-prove ({error})") from error


def asked(accountd: client.Client, renew: str, request: Request[Any]) -> dict[str, Any]:
    """The answer to one question. Raises client.UnavailableError."""
    try:
        done = accountd.call(request)
    except client.RefusedError as error:
        refused = error.refused
        if refused.error is ErrorCode.NOT_PROVED:
            return {}
        if refused.error is ErrorCode.SLOW_DOWN:
            return {"wait": max(1, refused.wait)}
        if refused.error is ErrorCode.MUST_RENEW:
            return {"renew": renew}
        raise client.UnavailableError(str(error)) from error
    return {"uid": done.uid} | ({"codes": list(done.codes)} if isinstance(done, factors.RecoveryCodes) else {})


class Server:
    """Requests of the log-in page."""

    def __init__(self, accountd: client.Client, renew: str, pool: ThreadPoolExecutor) -> None:
        self.accountd, self.renew, self.pool = accountd, renew, pool

    async def respond(self, request: http.Request) -> http.Answer:
        """The answer to one request."""
        if request.method != "POST" or request.target not in QUESTIONS:
            return 404, [], b""
        kind, names = QUESTIONS[request.target]
        try:
            document = {BROWSER: ""} | json.loads(request.body)
            args = {"source": document["address"]} | {name: document[key] for key, name in names.items()}
            args |= {BROWSER: document[BROWSER]} if BROWSER in kind.__struct_fields__ else {}
        except (ValueError, KeyError, TypeError):
            return 400, [], b""
        try:
            # The protocol's own form decides what is a value.
            question = checked(kind, args)
        except BadMessageError:
            return 200, JSON, b"{}"
        loop = asyncio.get_running_loop()
        try:
            answer = await loop.run_in_executor(self.pool, asked, self.accountd, self.renew, question)
        except client.UnavailableError as error:
            LOG.error("%s", error)
            return 503, [], b""
        return 200, JSON, json.dumps(answer).encode()


def main(words: Sequence[str]) -> int:
    """The exit code."""
    return kit.start(words, "sso-prove", __doc__, Config.read, _serve)


def _serve(config: Config) -> int:
    with ThreadPoolExecutor(THREADS, thread_name_prefix="sso-prove") as pool:
        return kit.run(http.serve(Server(config.accountd, config.renew, pool).respond, LIMITS))
