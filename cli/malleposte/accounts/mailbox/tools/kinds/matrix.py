"""A message in a room of Matrix, such as Tchap, by the agent's own access.

Source: the client-server API, `PUT /_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}`, "m.room.message",
"User and room mentions", "Rate limiting" (429, `retry_after_ms`) and the errors M_UNKNOWN_TOKEN and M_FORBIDDEN:
https://spec.matrix.org/latest/client-server-api/. `txnId` is the key of idempotency. The room is not encrypted.
"""

from __future__ import annotations

import html
import re
from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from malleposte.accounts.mailbox.tools.kinds.base import (
    JSON,
    LONGEST_PAUSE,
    OPEN,
    Answer,
    Field,
    Note,
    Outcome,
    Request,
    Tool,
    Verdict,
    code,
    encoded,
    judged,
)  # fmt: skip
from malleposte.accounts.mailbox.tools.kinds.markup import unlinked

FIELDS = (
    Field("server", re.compile(r"https://[a-z0-9.-]{1,200}")),
    Field("room", re.compile(r"![A-Za-z0-9._=/+-]{1,200}(:[a-z0-9.-]{1,200})?")),
    Field("token", re.compile(r"[A-Za-z0-9._=/+-]{10,500}"), secret=True),
)


def request(values: Mapping[str, str], note: Note, _now: float) -> Request:
    """The request for a message, as plain text and as HTML. It names nobody."""
    title, text = unlinked(note.title), unlinked(note.text)
    about = [unlinked(line) for line in note.about]
    plain = [title, *about, text, note.link]
    marked = "<br>".join([f"<strong>{html.escape(title)}</strong>", *map(html.escape, about)])
    if text:
        marked += f"<blockquote>{html.escape(text).replace('\n', '<br>')}</blockquote>"
    if note.link:
        marked += f'<br><a href="{html.escape(note.link)}">{OPEN}</a>'
    content = {
        "msgtype": "m.text",
        "body": "\n".join(line for line in plain if line),
        "format": "org.matrix.custom.html",
        "formatted_body": marked,
        "m.mentions": {},
    }
    url = f"{address(values)}/{quote(note.key, safe='')}"
    return Request(url, {**JSON, "Authorization": f"Bearer {values['token']}"}, encoded(content), "PUT")


def judge(answer: Answer) -> Verdict:
    """401: the access has ended. 403: the agent is not in the room any more. A limit of rate may stand in the body."""
    verdict = judged(answer, detail=code(answer, "errcode"))
    if verdict.outcome == Outcome.LATER and not verdict.pause:
        try:
            waits = msgspec.json.decode(answer.body).get("retry_after_ms", 0)
        except (msgspec.MsgspecError, AttributeError, RecursionError, UnicodeDecodeError):
            waits = 0
        if isinstance(waits, int) and waits > 0:
            return msgspec.structs.replace(verdict, pause=min(waits / 1000, LONGEST_PAUSE))
    return verdict


def address(values: Mapping[str, str]) -> str:
    """The room's."""
    return f"{values['server']}/_matrix/client/v3/rooms/{quote(values['room'], safe='')}/send/m.room.message"


TOOL = Tool("matrix", FIELDS, request, judge, address)
