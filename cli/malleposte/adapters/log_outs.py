"""Services are told of a log-in that was ended in the store of LemonLDAP::NG (Back-Channel Logout 1.0).

A session that is removed there is told to nobody. The log-in page's own process sends the tokens: it holds the key and
may reach the services, which hostd may not. A service that was not told goes on until its token ends.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from malleposte.adapters import fastcgi

CONFIGURATION = Path("/etc/lemonldap-ng/malleposte/lmConf-1.json")
"""Of the role lemonldap, which removes it where the academy has a provider of its own."""
SERVER = Path("/run/lemonldap/page.sock")
ADDRESS = "/_ended"
SCRIPT = "/usr/share/lemonldap-ng/portal/htdocs/index.psgi"
PATIENCE = 15.0
"""Seconds. The log-in page waits three for each service that gives no answer."""
RENEWS = "refresh_token"
"""The kind of rows of the store that name the services of a log-in; they outlive it, and renew nothing then."""


@dataclass(frozen=True)
class Opened:
    """A service that a log-in opened, by its name at the log-in page, and the name that the log-in has there."""

    client: str
    uid: str
    sid: str = field(repr=False)


type Tell = Callable[[Sequence[Opened]], tuple[str, ...]]
"""Tells services; those that were not told."""


def opened(rows: Iterable[Mapping[str, Any]], log_ins: Collection[str]) -> list[Opened]:
    """The services that these log-ins opened, by the rows of their owner; `log_ins` are names in the store, digests."""
    services = [
        Opened(str(one["client_id"]), str(one["_session_uid"]), str(one["_oidc_sid"]))
        for one in rows
        if one.get("_type") == RENEWS
        and one.get("_oidc_sid")
        and hashlib.sha256(str(one.get("user_session_id")).encode()).hexdigest() in log_ins
    ]
    return list(dict.fromkeys(services))


def tell(services: Sequence[Opened], server: Path = SERVER, configuration: Path = CONFIGURATION) -> tuple[str, ...]:
    """Have the log-in page tell these services; the names of those that were not told. Raises nothing."""
    if not services:
        return ()
    body = json.dumps([asdict(one) for one in services]).encode()
    try:
        host = urlsplit(str(json.loads(configuration.read_bytes())["portal"])).netloc
        status, answer = fastcgi.ask(server, _parameters(host, len(body)), body, PATIENCE)
        if status == HTTPStatus.OK:
            return tuple(map(str, json.loads(answer)["untold"]))
    except (OSError, fastcgi.NoAnswerError, ValueError, LookupError, TypeError):
        pass
    return tuple(dict.fromkeys(one.client for one in services))


def _parameters(host: str, length: int) -> dict[str, str]:
    """As the web front gives them, and the one that no client of its can send."""
    return {
        "MALLEPOSTE_WITHIN": "1", "LLTYPE": "psgi", "SCRIPT_FILENAME": SCRIPT, "SCRIPT_NAME": "", "PATH_INFO": ADDRESS,
        "REQUEST_URI": ADDRESS, "REQUEST_METHOD": "POST", "QUERY_STRING": "", "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(length), "HTTP_HOST": host, "HTTP_ACCEPT": "application/json", "HTTPS": "on",
        "SERVER_NAME": host, "SERVER_PORT": "443", "SERVER_PROTOCOL": "HTTP/1.1", "REMOTE_ADDR": "127.0.0.1",
    }  # fmt: skip
