"""The password of a device on its way to the device itself, by the QR code of the page that shows it.

The code holds a link, not the password: programs that read codes keep their history, and some look texts up.
"""

from __future__ import annotations

import json
import logging
from typing import Any

from flask import render_template, request
from malleposte.accountd.relying_party import AwayError

from malleposte_portal.core.answers import Answer
from malleposte_portal.core.subject import Subject
from malleposte_portal.log_in import shown_once, sign_on
from malleposte_portal.log_in.sessions import StoreError

SUBJECT = Subject("handover")
"""A page without log-in, for the device that has read the QR code; the word proves where it comes from."""
LOG = logging.getLogger("malleposte_portal")


def keep(facts: dict[str, Any]) -> str:
    """Keep a device's facts for it; the word of their link. Raises AwayError, StoreError."""
    return shown_once.keep("device", json.dumps(facts).encode())


@SUBJECT.form("/appareil/<word>", "/en/device/<word>", "device_here")
def device_here(word: str) -> Answer:
    """A button, and behind it the password, once. The page spends nothing: programs that look at links may look."""
    try:
        if request.method != "POST":
            there = sign_on.sign_on().sessions.look_once(word)
            return render_template("own/device_here.html", state="there" if there else "gone"), 200 if there else 404
        content = shown_once.take("device", word)
    except (AwayError, StoreError) as error:
        LOG.error("the password of a device cannot be given: %s", error)
        return render_template("own/device_here.html", state="away"), 503
    if content is None:
        return render_template("own/device_here.html", state="gone"), 404
    return render_template("own/device_made.html", **json.loads(content), here=True, code="")
