"""Answers to what the portal asks in place of a captcha: the plain question, and ALTCHA's proof of work."""

import base64
import hashlib
import itertools
import json
import re
from typing import Any

from tests.support.page import Page

_LANGUAGES = ("un deux trois quatre cinq six sept huit neuf", "one two three four five six seven eight nine")
NUMBERS = {word: number for words in _LANGUAGES for number, word in enumerate(words.split(), 1)}


def answers(page: Page) -> dict[str, str]:
    """The fields of a page's question, rightly answered; none where it asks nothing."""
    hidden = {held.get("name"): held.get("value") for held, _text in page.all("input")}
    if "question" not in hidden:
        return {}
    ((_held, text),) = [one for one in page.all("legend") if one[0].get("id") == "human-question"]
    words = [word for word in re.findall(r"[a-z]+", text) if word in NUMBERS]
    return {"question": str(hidden["question"]), "answer": str(sum(NUMBERS[word] for word in words))}


def solution(challenge: dict[str, Any]) -> str:
    """The payload of a challenge that is solved, as ALTCHA's widget sends it."""
    asked = challenge["parameters"]
    head = bytes.fromhex(asked["salt"]) + bytes.fromhex(asked["nonce"])
    for counter in itertools.count():
        derived = hashlib.sha256(head + counter.to_bytes(4, "big")).hexdigest()
        if derived.startswith(asked["keyPrefix"]):
            break
    told = {
        "challenge": {"parameters": asked, "signature": challenge["signature"]},
        "solution": {"counter": counter, "derivedKey": derived, "time": 1.5},
    }
    return base64.b64encode(json.dumps(told).encode()).decode()
