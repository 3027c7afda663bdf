"""A signed call to a program of the academy's, or of a partner that the academy named.

Source: Standard Webhooks, "Signature scheme" (`webhook-id`, `webhook-timestamp` and `webhook-signature`, HMAC-SHA256
over identifier, time and body; a secret is `whsec_` and Base64): https://www.standardwebhooks.com/. `webhook-id` is the
key of idempotency. 410 says that the receiver wants no more.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Mapping

from malleposte.accounts.mailbox.tools.kinds.base import (
    JSON,
    Answer,
    Field,
    Note,
    Request,
    Tool,
    Verdict,
    encoded,
    judged,
)  # fmt: skip
from malleposte.core.errors import InputError

FIELDS = (
    Field("url", re.compile(r"https://[a-z0-9.-]{1,200}(/[A-Za-z0-9._~!$&'()*+,;=:@%/?-]{0,500})?")),
    Field("secret", re.compile(r"whsec_[A-Za-z0-9+/]{32,88}={0,2}"), secret=True),
)


def request(values: Mapping[str, str], note: Note, now: float) -> Request:
    """The call, signed at that time (seconds since 1970). Raises InputError."""
    message = {"subject": note.title, "from": note.sender, "text": note.text, "link": note.link}
    event = {"title": note.title, "begin": note.begin, "end": note.end, "place": note.place}
    body = encoded({"type": "event.told", "data": event} if note.begin else {"type": "mail.told", "data": message})
    time = str(int(now))
    headers = {
        **JSON, "webhook-id": note.key, "webhook-timestamp": time,
        "webhook-signature": signature(values["secret"], note.key, time, body),
    }  # fmt: skip
    return Request(values["url"], headers, body)


def signature(secret: str, ident: str, time: str, body: bytes) -> str:
    """The signature over identifier, time and body. Raises InputError."""
    try:
        key = base64.b64decode(secret.removeprefix("whsec_"), validate=True)
    except binascii.Error as error:
        raise InputError("the secret of the webhook is no Base64", "give another") from error
    signed = hmac.new(key, f"{ident}.{time}.".encode() + body, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(signed).decode()}"


def judge(answer: Answer) -> Verdict:
    """401, 403 and 410: the receiver wants no more."""
    return judged(answer, (401, 403, 410))


def address(values: Mapping[str, str]) -> str:
    """The receiver's."""
    return values["url"]


TOOL = Tool("webhook", FIELDS, request, judge, address)
