"""An alert in a channel of Slack, by an incoming webhook. The webhook's address is the secret.

Source: "Sending messages using incoming webhooks" with its "Handling errors" (403 `invalid_token`, 404 `no_service`,
410 `channel_is_archived`), "Rate limits" (429 with Retry-After) and "Formatting text for app surfaces" (&, < and > are
escaped; text of the type `plain_text` has no markup): https://api.slack.com/messaging/webhooks. It knows no key of
idempotency.
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
from malleposte.accounts.mailbox.tools.kinds.markup import entities, unlinked

HOST = "hooks.slack.com"
FIELDS = (
    Field(
        "url", re.compile(r"https://hooks\.slack\.com/services/[A-Za-z0-9]{1,20}/[A-Za-z0-9]{1,20}/[A-Za-z0-9]{1,60}"),
        secret=True,
    ),
)  # fmt: skip


def request(values: Mapping[str, str], note: Note, _now: float) -> Request:
    """The request for an alert: plain text in blocks, and the link."""
    text = "\n".join(line for line in (note.title, *note.about, note.text) if line)
    blocks = [{"type": "section", "text": {"type": "plain_text", "text": unlinked(text)[:3000], "emoji": False}}]
    if note.link:
        link = f"<{entities(note.link)}|{OPEN}>"
        blocks.append({"type": "section", "text": {"type": "mrkdwn", "text": link}})
    message = {"text": entities(unlinked(note.title)), "unfurl_links": False, "blocks": blocks}
    return Request(values["url"], JSON, encoded(message))


def judge(answer: Answer) -> Verdict:
    """403, 404 and 410: the webhook is there no more. The answer is a word."""
    return judged(answer, (401, 403, 404, 410), code(answer))


def address(values: Mapping[str, str]) -> str:
    """The webhook's."""
    return values["url"]


TOOL = Tool("slack", FIELDS, request, judge, address)
