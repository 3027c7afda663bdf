"""A file from an address: https alone, also after a redirect, within a size and a time."""

from __future__ import annotations

import time
import urllib.error
import urllib.request
from typing import IO, Any
from urllib.parse import urlsplit

from malleposte.core.errors import InputError, MallepostError
from malleposte.groupware.published.content import MOST_BYTES

SECONDS = 30
"""Seconds of a whole answer."""
SILENCE = 10
"""Seconds without an octet."""
AGENT = "Malleposte"


class OnlyHttps(urllib.request.HTTPRedirectHandler):
    """Follows no redirect to anything else."""

    def redirect_request(
        self, req: urllib.request.Request, fp: IO[bytes], code: int, msg: str, headers: Any, newurl: str
    ) -> urllib.request.Request | None:
        """See HTTPRedirectHandler. Raises InputError."""
        checked(newurl)
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def is_address(text: str) -> bool:
    """Whether a source that was typed is an address, and no file."""
    return "://" in text or text.lower().startswith("webcal:")


def checked(url: str) -> str:
    """An address that may be read. `webcal:` is another name of https. Raises InputError."""
    if url.lower().startswith("webcal://"):
        url = f"https{url[len('webcal') :]}"
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username is not None or not url.isprintable():
        raise InputError(f"{url[:200]!r}: only an address https://… without a name and a password is read", "give one")
    return url


def read(url: str) -> bytes:
    """The content behind an address. Raises InputError or MallepostError, which name it."""
    opener = urllib.request.build_opener(OnlyHttps())
    request = urllib.request.Request(  # noqa: S310  # https alone: `checked`
        checked(url), headers={"User-Agent": AGENT, "Accept": "text/calendar, */*;q=0.1"}
    )
    end = time.monotonic() + SECONDS
    try:
        with opener.open(request, timeout=SILENCE) as answer:
            content = b""
            while piece := answer.read(65_536):
                content += piece
                if len(content) > MOST_BYTES:
                    raise InputError(f"{url}: more than {MOST_BYTES >> 20} MB", "publish a part of it")
                if time.monotonic() > end:
                    raise MallepostError(f"{url}: not read in {SECONDS} s", "try again later")
            return content
    except urllib.error.HTTPError as error:
        raise MallepostError(f"{url}: the server answers {error.code}", "look at the address") from error
    except (OSError, ValueError) as error:
        raise MallepostError(f"{url}: {getattr(error, 'reason', '') or error}", "look at the address") from error
