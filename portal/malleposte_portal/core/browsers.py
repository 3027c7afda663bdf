"""A cookie by which browsers are told apart where a password is proved.

It proves nothing. A school stands behind one address: without it, an agent would wait there for what pupils guess.
accountd is told a digest alone, and counts apart a browser that has succeeded for an account before.
"""

from __future__ import annotations

import hashlib
import re
import secrets

from flask import Flask, Response, request

COOKIE = "__Host-browser"
DAYS = 400
"""Browsers keep no cookie longer (RFC 6265bis, 5.5)."""
MARK = re.compile(r"[0-9a-f]{32}")


def digest() -> str:
    """The browser as accountd is told of it; empty where it has no such cookie."""
    mark = _mark()
    return hashlib.sha256(mark.encode()).hexdigest()[:32] if mark else ""


def setup_browsers(app: Flask) -> None:
    """Give each browser its cookie with the first page."""

    @app.after_request
    def marked(response: Response) -> Response:
        # With what another site's form sends here no cookie of ours comes along, and the one that is there must stay.
        if request.method == "GET" and response.mimetype == "text/html" and not _mark():
            response.set_cookie(
                COOKIE, secrets.token_hex(16), max_age=DAYS * 86_400,
                secure=True, httponly=True, samesite="Lax", path="/",
            )  # fmt: skip
        return response


def _mark() -> str:
    cookie = request.cookies.get(COOKIE, "")
    return cookie if MARK.fullmatch(cookie) else ""
