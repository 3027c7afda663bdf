"""Sessions, forms and caches. The headers that every site bears are nginx's (role nginx, `snippets/headers.conf`)."""

from __future__ import annotations

from flask import Flask, Response, render_template, request
from flask_wtf.csrf import CSRFError, CSRFProtect

LARGEST_FORM = 16 * 1024
"""Bytes; no form here is larger."""
SECRET_BYTES = 32


def setup_security(app: Flask) -> None:
    """Cookies, protection of forms (OWASP's cheat sheet on CSRF), nothing kept by caches but static files."""
    app.config.update(
        # A cookie of this name is Secure, has Path=/ and no Domain, or browsers refuse it (RFC 6265bis, 4.1.3.2).
        SESSION_COOKIE_NAME="__Host-portal",
        SESSION_COOKIE_SECURE=True,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        MAX_CONTENT_LENGTH=LARGEST_FORM,
        MAX_FORM_MEMORY_SIZE=LARGEST_FORM,
        # A form may stay open as long as the browser: its token is bound to the session.
        WTF_CSRF_TIME_LIMIT=None,
        # nginx ends TLS and its Referrer-Policy may send none; the token and SameSite stand.
        WTF_CSRF_SSL_STRICT=False,
    )
    CSRFProtect(app)

    @app.errorhandler(CSRFError)
    def form_too_old(_error: CSRFError) -> tuple[str, int]:
        return render_template("errors/form.html"), 400

    @app.after_request
    def keep_nothing(response: Response) -> Response:
        if request.endpoint not in ("static_file", "asset"):
            response.headers["Cache-Control"] = "no-store"
        return response
