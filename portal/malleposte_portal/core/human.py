"""Against programs that try forms by the thousand: work for the browser, or a plain question without JavaScript.

The work is ALTCHA's proof of work, version 2 of its format: find a counter so that SHA-256 of `salt + nonce + counter`
begins with a prefix. Its own worker does it (`altcha/sha.js`) while the agent fills in the form; nothing is shown.
What is asked is signed and not kept; that it is answered once is accountd's to see (`enrolment.Begin.once`). The
reasons are in ADR 37.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from typing import Any

from flask import Response, current_app, jsonify

from malleposte_portal.core.languages import translate as _
from malleposte_portal.core.subject import Subject

SUBJECT = Subject("human")
SECONDS = 1800
"""For how long a challenge or a question is good: longer than a form takes, shorter than accountd remembers."""
PREFIX = "0000"
"""The digest begins with this (hexadecimal): 65,536 tries on average, a second or two of a telephone."""
LONGEST_COUNTER = 2**32
LARGEST = 4096
"""Characters of an answer."""
NUMBERS = ("un", "deux", "trois", "quatre", "cinq", "six", "sept", "huit", "neuf")


def challenge() -> dict[str, Any]:
    """A new challenge, as ALTCHA writes it: parameters and their signature."""
    parameters = {
        "algorithm": "SHA-256",
        "cost": 1,
        "expiresAt": int(time.time()) + SECONDS,
        "keyLength": 32,
        "keyPrefix": PREFIX,
        "nonce": secrets.token_hex(16),
        "salt": secrets.token_hex(16),
    }
    return {"parameters": parameters, "signature": _signed("work", _canonical(parameters))}


def solved(payload: str) -> str:
    """The nonce of a challenge of ours that was solved in time; empty for anything else."""
    if not payload or len(payload) > LARGEST:
        return ""
    try:
        answer = json.loads(base64.b64decode(payload, validate=True))
        parameters, counter = answer["challenge"]["parameters"], answer["solution"]["counter"]
        signature = str(answer["challenge"]["signature"])
        if not hmac.compare_digest(_signed("work", _canonical(parameters)).encode(), signature.encode()):
            return ""
        # From here on the parameters are those that were given.
        if type(counter) is not int or not 0 <= counter < LONGEST_COUNTER or parameters["expiresAt"] < time.time():
            return ""
        salt, nonce = bytes.fromhex(parameters["salt"]), bytes.fromhex(parameters["nonce"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    digest = hashlib.sha256(salt + nonce + counter.to_bytes(4, "big")).hexdigest()
    return str(parameters["nonce"]) if digest.startswith(PREFIX) else ""


def question() -> tuple[str, str]:
    """A question in the language of the page, and its token: end, a random word, and a signature over the answer."""
    one, two = secrets.randbelow(len(NUMBERS)), secrets.randbelow(len(NUMBERS))
    end, word = int(time.time()) + SECONDS, secrets.token_hex(8)
    token = f"{end}.{word}.{_signed('question', f'{end}.{word}.{one + two + 2}')}"
    return _("Combien font %(one)s plus %(two)s ?", one=_(NUMBERS[one]), two=_(NUMBERS[two])), token


def answered(token: str, answer: str) -> str:
    """The word of a question of ours that is answered rightly and in time; empty for anything else."""
    end, _dot, rest = token.partition(".")
    word, _dot, signature = rest.partition(".")
    digits = answer.strip()
    if not end.isdecimal() or len(end) > 12 or int(end) < time.time() or not digits.isdecimal() or len(digits) > 2:
        return ""
    right = _signed("question", f"{end}.{word}.{int(digits)}")
    return word if hmac.compare_digest(right.encode(), signature.encode()) else ""


@SUBJECT.page("/verification.json", "/en/verification.json", "human")
def work() -> Response:
    """A challenge for the page's script, and where its worker is."""
    assets: Any = current_app.jinja_env.globals["asset"]
    return jsonify(**challenge(), worker=assets("altcha/sha.js"))


def _canonical(parameters: Any) -> str:
    return json.dumps(parameters, sort_keys=True, separators=(",", ":"))


def _signed(purpose: str, text: str) -> str:
    key = current_app.secret_key
    assert isinstance(key, bytes)
    return hmac.new(key, f"human\0{purpose}\0{text}".encode(), hashlib.sha256).hexdigest()
