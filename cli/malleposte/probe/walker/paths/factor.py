"""A log-in with a second factor: the password, a one-time code, a token of the log-in page, and the mail read by it."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import hmac
import re
import secrets
import struct
import time
import urllib.parse
from collections.abc import Callable, Iterator

from ..https import Answer, Browser
from ..plan import Factor, PathError, Plan
from ..wire import imap_by_token
from .sso import COOKIE, TOKEN, inner, send

PERIOD = 30
ASKED = re.compile(r'action="([^"]*totp2fcheck[^"]*)"')
LOST = (
    "no code was asked for: the log-in page has lost the probe's second factor (its store comes back from an archive); "
    "without one, take `totp` of probe3 out of secrets/probe-accounts.json"
)


def one_time(seed: str, moment: float) -> str:
    """The code of a base32 seed at a moment (RFC 6238, SHA-1, six digits, 30 seconds)."""
    key = base64.b32decode(seed.upper() + "=" * (-len(seed) % 8))
    digest = hmac.digest(key, struct.pack(">Q", int(moment) // PERIOD), "sha1")
    start = digest[-1] & 15
    return f"{(struct.unpack('>I', digest[start : start + 4])[0] & 0x7FFFFFFF) % 1_000_000:06d}"


def codes(
    seed: str, clock: Callable[[], float] = time.time, pause: Callable[[float], object] = time.sleep
) -> Iterator[str]:
    """Three codes, each good for a period at least. A code serves once, and a walk a moment ago may have used some."""
    shown = 0
    for _ in range(3):
        step = max(int(clock()) // PERIOD, shown + 1)
        while step > int(clock()) // PERIOD + 1:
            pause(1)
        shown = step
        yield one_time(seed, step * PERIOD)


def log_in(plan: Plan) -> str:
    """Log in by password and one-time code, get a token, and read mail with it. Raises PathError."""
    factor = plan.second_factor()
    if not factor.seed:
        raise PathError("the probe has no second factor yet; its enrolment failed")
    page, back = Browser(plan, plan.host("sso")), f"https://{plan.host('portal')}/sonde"
    verifier, state = secrets.token_urlsafe(48), secrets.token_hex(8)
    answer = type_code(page, authorize(factor, back, verifier, state), factor)
    while path := inner(page, answer):
        answer = page.get(path)
    parameters = dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(answer.headers.get("location", "")).query))
    if parameters.get("state") != state or "code" not in parameters:
        raise PathError("the log-in page does not lead back with a code")
    fields = {
        "grant_type": "authorization_code", "code": parameters["code"], "redirect_uri": back, "code_verifier": verifier,
        "client_id": factor.client, "client_secret": factor.secret,
    }  # fmt: skip
    token = Browser(plan, page.name).post_form("/oauth2/token", fields).expect(200, what="the token").json()
    with imap_by_token(plan, factor.account, str(token["access_token"])) as session:
        if session.select("INBOX", readonly=True)[0] != "OK":
            raise PathError("the token opens no inbox")
    log_out(page)
    return "logged in by password and one-time code, inbox opened by a token, logged out"


def authorize(factor: Factor, back: str, verifier: str, state: str) -> str:
    """The address by which a service asks for a log-in (OpenID Connect Core, 3.1.2.1; RFC 7636)."""
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    asked = {
        "response_type": "code", "client_id": factor.client, "redirect_uri": back, "scope": "openid mail",
        "state": state, "nonce": secrets.token_hex(8), "code_challenge": challenge, "code_challenge_method": "S256",
    }  # fmt: skip
    return "/oauth2/authorize?" + urllib.parse.urlencode(asked)


def type_code(page: Browser, path: str, factor: Factor) -> Answer:
    """Log in by the form of a page, and by a code. Raises PathError when it asks for none, or takes none.

    After a code that was used before, the log-in page begins anew.
    """
    for code in codes(factor.seed):
        answer = send(page, path, factor.account)
        form, target = TOKEN.search(answer.text), ASKED.search(answer.text)
        if form is None or target is None:
            raise PathError(LOST if page.cookies.get(COOKIE) else "log-in refused")
        answer = page.post_form(target[1].replace("&amp;", "&"), {"token": form[1], "code": code})
        if page.cookies.get(COOKIE):
            return answer
    raise PathError("the one-time code was refused")


def enrol(plan: Plan, keep: Callable[[str], None]) -> str:
    """Enrol an application of codes for the probe. `keep` gets the seed before the log-in page takes it for good.

    A seed that an interrupted run has kept is tried first. Raises PathError.
    """
    factor, page = plan.second_factor(), Browser(plan, plan.host("sso"))
    answer = send(page, "/", factor.account)
    if not page.cookies.get(COOKIE):
        if factor.seed and ASKED.search(answer.text):
            type_code(page, "/", factor)
            keep(factor.seed)
            log_out(page)
            return "was enrolled before"
        if ASKED.search(answer.text):
            raise PathError(f"{factor.account.uid} has a factor that is not known here: `sso factors remove`")
        raise PathError("log-in refused")
    offer = asked(page, "getkey").json()
    keep(str(offer["secret"]))
    code = next(codes(str(offer["secret"])))
    done = asked(page, "verify", token=str(offer["token"]), code=code, TOTPName="Sonde").json()
    if done.get("result") != 1:
        raise PathError(f"the factor was not taken: {done.get('error', done)}")
    log_out(page)
    return "enrolled"


def asked(page: Browser, action: str, **fields: str) -> Answer:
    """A question of the script of the page."""
    body = urllib.parse.urlencode(fields).encode()
    sent = {"Content-Type": "application/x-www-form-urlencoded", "X-CSRF-Check": "1", "Accept": "application/json"}
    return page.request("POST", f"/2fregisters/totp/{action}", body, sent).expect(200, what=action)


def log_out(page: Browser) -> None:
    """Leave the log-in page. That a session may stay is another path's matter."""
    with contextlib.suppress(PathError):
        page.get("/?logout=1")
