"""Text messages by a gateway: over HTTPS, or by a program of the academy's own. Neither text nor number is logged.

{"url": "https://sms.exemple.fr/send", "headers": {"Authorization": "Bearer …"}, "body": {"to": "{number}",
 "message": "{text}"}}            a POST of JSON; with "form": true of a form
{"command": ["/usr/local/bin/send-sms"]}    gets {"number": …, "text": …} as JSON on its standard input
"""

from __future__ import annotations

import http.client
import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import IO, Any, Protocol

from malleposte.core.errors import InputError

SECONDS = 15.0
"""A limit for the gateway's answer."""
_LOCAL = ("127.0.0.1", "localhost")


class NotSentError(ConnectionError):
    """A message was not sent. The text says why, and repeats neither number nor text: it may be logged."""


class Gateway(Protocol):
    """Sends one message."""

    def send(self, number: str, text: str) -> None:
        """`number` in E.164. Raises NotSentError."""


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A gateway that answers with another address has not sent: the message must not go there."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:  # fmt: skip
        return None


@dataclass(frozen=True)
class Http:
    """A POST to `url`. In the texts of `body`, at any depth, `{number}` and `{text}` are replaced."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    body: Mapping[str, Any] = field(default_factory=lambda: {"number": "{number}", "text": "{text}"})
    form: bool = False

    def send(self, number: str, text: str) -> None:
        """See Gateway; any answer but 2xx is an error."""
        filled = _filled(self.body, {"{number}": number, "{text}": text})
        data = urllib.parse.urlencode(filled) if self.form else json.dumps(filled, ensure_ascii=False)
        kind = "application/x-www-form-urlencoded" if self.form else "application/json; charset=utf-8"
        asked = urllib.request.Request(  # noqa: S310  # https, or this host: see `of`
            self.url, data.encode(), {"Content-Type": kind, **self.headers}, method="POST"
        )
        try:
            with urllib.request.build_opener(_NoRedirect).open(asked, timeout=SECONDS) as answer:
                answer.read(1)
        except urllib.error.HTTPError as error:
            with error:
                raise NotSentError(f"the gateway answered {error.code}") from None
        except (OSError, http.client.HTTPException) as error:
            cause = getattr(error, "reason", error)
            raise NotSentError(f"no answer from the gateway: {type(cause).__name__}") from error


@dataclass(frozen=True)
class Command:
    """A program, which ends with 0 when the message is sent."""

    words: Sequence[str]

    def send(self, number: str, text: str) -> None:
        """See Gateway."""
        message = json.dumps({"number": number, "text": text}, ensure_ascii=False)
        try:
            subprocess.run(
                list(self.words), input=message.encode(), check=True, timeout=SECONDS, capture_output=True,
            )  # fmt: skip
        except (OSError, subprocess.SubprocessError) as error:
            raise NotSentError(f"{self.words[0]}: {type(error).__name__}") from error


def of(settings: Mapping[str, Any], where: str) -> Gateway | None:
    """The gateway of the settings; None where there is none. Raises InputError, which repeats no value."""
    if not settings:
        return None
    if "command" in settings:
        words = settings["command"]
        if (
            set(settings) != {"command"}
            or not isinstance(words, list)
            or not words
            or not str(words[0]).startswith("/")
        ):
            raise InputError(f"{where}: command is a list, whose first word is a path")
        return Command(tuple(map(str, words)))
    try:
        gateway = Http(**settings)
    except TypeError as error:
        raise InputError(f"{where}: a gateway has url, headers, body and form, or command") from error
    parts = urllib.parse.urlsplit(gateway.url)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in _LOCAL):
        raise InputError(f"{where}: the url of the gateway begins with https://")
    return gateway


def reason(error: OSError) -> str:
    """The cause of a message that was not sent, for a log. Errors of mail repeat the address: only their kind."""
    return str(error) if isinstance(error, NotSentError) else type(error).__name__


def _filled(body: Any, words: Mapping[str, str]) -> Any:
    """The body with its words; in one pass, so that a text cannot hold another placeholder."""
    if isinstance(body, Mapping):
        return {name: _filled(value, words) for name, value in body.items()}
    if isinstance(body, list):
        return [_filled(value, words) for value in body]
    return words.get(body, body) if isinstance(body, str) else body
