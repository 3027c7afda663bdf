"""The page in place of one of the DSI's, where accountd does not open it."""

from __future__ import annotations

from flask import render_template
from malleposte.accountd.message import Forbidden

from malleposte_portal.core.acts import Refusal
from malleposte_portal.core.answers import Answer
from malleposte_portal.core.forbidden import sentence


def closed(refusal: Refusal, title: str, address: str) -> Answer:
    """Say why; a log-in that shows no factor lately can be made again, and leads to `address`."""
    # The provider asks nothing again of a log-in of the last five minutes: one without a factor is ended first.
    late = refusal.page == sentence(Forbidden.LATELY)
    page = render_template("dsi/closed.html", title=title, sentence=refusal.page, late=late, address=address)
    return page, refusal.status
