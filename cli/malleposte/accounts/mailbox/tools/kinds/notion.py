"""A page of Notion, below a page that the agent shared with the integration.

Source: the API of Notion, "Create a page", `POST /v1/pages`, "Request limits" (429 with Retry-After; 2,000 characters
of a text) and "Status codes": https://developers.notion.com/reference/post-page. It knows no key of idempotency.
"""

from __future__ import annotations

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
    code,
    encoded,
    judged,
)  # fmt: skip

HOST = "api.notion.com"
URL = f"https://{HOST}/v1/pages"
VERSION = "2022-06-28"
LONGEST = 2000
FIELDS = (
    Field("page", re.compile(r"[0-9a-f]{8}-?([0-9a-f]{4}-?){3}[0-9a-f]{12}")),
    Field("token", re.compile(r"(secret|ntn)_[A-Za-z0-9]{20,100}"), secret=True),
)


def request(values: Mapping[str, str], note: Note, _now: float) -> Request:
    """The request for a page. Texts of Notion have no markup."""
    paragraphs = [
        *map(_text, note.about),
        *([_text(note.text)] if note.text else []),
        *([_text(note.link, note.link)] if note.link else []),
    ]
    page = {
        "parent": {"page_id": values["page"]},
        "properties": {"title": {"title": [_text(note.title)]}},
        "children": [
            {"object": "block", "type": "paragraph", "paragraph": {"rich_text": [one]}} for one in paragraphs
        ],
    }  # fmt: skip
    return Request(
        URL, {**JSON, "Authorization": f"Bearer {values['token']}", "Notion-Version": VERSION}, encoded(page)
    )


def _text(content: str, link: str = "") -> dict[str, object]:
    return {"type": "text", "text": {"content": content[:LONGEST], **({"link": {"url": link}} if link else {})}}


def judge(answer: Answer) -> Verdict:
    """401 `unauthorized` and 403 `restricted_resource`: the access has ended."""
    return judged(answer, detail=code(answer, "code"))


def address(_values: Mapping[str, str]) -> str:
    """Always the same."""
    return URL


TOOL = Tool("notion", FIELDS, request, judge, address)
