"""An alert in a channel of Mattermost, by an incoming webhook. The webhook's address is the secret.

Source: "Incoming webhooks" (`POST /hooks/…`, `text` in Markdown): https://developers.mattermost.com/integrate/webhooks/incoming/.
A webhook that was removed is answered by 400 or 404. It knows no key of idempotency.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from malleposte.accounts.mailbox.tools.kinds.base import (
    JSON,
    OPEN,
    Answer,
    Field,
    Note,
    Request,
    Tool,
    Verdict,
    code,
    encoded,
    judged,
)  # fmt: skip
from malleposte.accounts.mailbox.tools.kinds.markup import markdown, quoted

FIELDS = (
    Field("url", re.compile(r"https://[a-z0-9.-]{1,200}(/[A-Za-z0-9._-]{1,60}){0,3}/hooks/[a-z0-9]{26}"), secret=True),
)
GONE = ("web.incoming_webhook.invalid.app_error", "api.incoming_webhook.disabled.app_error")


def request(values: Mapping[str, str], note: Note, _now: float) -> Request:
    """The request for an alert."""
    lines = [f"**{markdown(note.title)}**", *map(markdown, note.about), quoted(note.text)]
    lines.append(f"[{OPEN}]({note.link})" if note.link else "")
    return Request(values["url"], JSON, encoded({"text": "\n\n".join(line for line in lines if line)}))


def judge(answer: Answer) -> Verdict:
    """A webhook that is there no more is told by 404, or by 400 and one of two words."""
    if answer.status == 400 and any(f'"{word}"'.encode() in answer.body for word in GONE):
        return judged(answer, (400,))
    return judged(answer, (401, 403, 404), code(answer, "id"))


def address(values: Mapping[str, str]) -> str:
    """The webhook's."""
    return values["url"]


TOOL = Tool("mattermost", FIELDS, request, judge, address)
