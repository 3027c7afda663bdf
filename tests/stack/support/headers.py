"""The headers of every answer of the portal: what a page may do there, and what a browser may keep and tell."""

import re

from tests.stack.support.web import Answer

POLICY = re.compile(
    r"default-src 'none'; script-src 'self'; worker-src 'self'; connect-src 'self'; style-src 'self'; "
    r"img-src 'self' data:; font-src 'self'; base-uri 'none'; form-action 'self'( https://[\w.:-]+)*; "
    r"frame-ancestors 'none'"
)
"""The origins to which forms lead besides are those of the log-in page."""
GUARDS = {
    "Strict-Transport-Security": "max-age=31536000",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}


def guarded(answer: Answer) -> Answer:
    """The answer, once each header was found there, once, as it should be."""
    (policy,) = answer.headers.get_all("Content-Security-Policy") or [""]
    assert POLICY.fullmatch(policy), policy
    for name, wanted in GUARDS.items():
        (held,) = answer.headers.get_all(name) or [""]
        assert held == wanted, f"{name}: {held}"
    for line in answer.headers.get_all("Set-Cookie") or []:
        words = {word.strip() for word in line.split(";")[1:]}
        assert line.startswith("__Host-") and {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= words, line
    return answer


def private(answer: Answer) -> Answer:
    """The answer, once it was found to be kept by no cache: those of pages, not of files that are the same for all."""
    assert answer.headers.get_all("Cache-Control") == ["no-store"]
    return guarded(answer)
