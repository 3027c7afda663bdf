"""A card of Trello.

Source: the REST API of Trello, "Cards", `POST /1/cards` (idList, name, desc, pos), and "Authorization", which has key
and token in a header: https://developer.atlassian.com/cloud/trello/rest/api-group-cards/. At its limit of rate it
answers 429. It knows no key of idempotency: a card whose answer was lost is made twice.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from malleposte.accounts.mailbox.tools.kinds.base import Answer, Field, Note, Request, Tool, Verdict, judged
from malleposte.accounts.mailbox.tools.kinds.markup import markdown, quoted, unlinked

HOST = "api.trello.com"
URL = f"https://{HOST}/1/cards"
FIELDS = (
    Field("list", re.compile(r"[0-9a-f]{24}")),
    Field("key", re.compile(r"[0-9a-f]{32}"), secret=True),
    Field("token", re.compile(r"[A-Za-z0-9]{64,200}"), secret=True),
)


def request(values: Mapping[str, str], note: Note, _now: float) -> Request:
    """The request for a card. Its name is plain text, its description is Markdown."""
    lines = [*map(markdown, note.about), quoted(note.text), note.link]
    card = {
        "idList": values["list"],
        "name": unlinked(note.title),
        "desc": "\n\n".join(line for line in lines if line),
        "pos": "top",
    }
    headers = {
        "Authorization": f'OAuth oauth_consumer_key="{values["key"]}", oauth_token="{values["token"]}"',
        "Content-Type": "application/x-www-form-urlencoded",
        "Accept": "application/json",
    }
    return Request(URL, headers, urlencode(card).encode())


def judge(answer: Answer) -> Verdict:
    """401: the token was revoked. It answers 404 where the list is not there, and 400 where a value is none."""
    return judged(answer)


def address(_values: Mapping[str, str]) -> str:
    """Always the same."""
    return URL


TOOL = Tool("trello", FIELDS, request, judge, address)
