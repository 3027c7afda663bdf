"""Fields of authors that programs read differently: refused where one of them names us, by a corpus of hostile and honest heads."""

import json
from pathlib import Path

import pytest

from tests.stack.support.mail import FOREIGN, token
from tests.stack.support.scans import verdicts

OURS = "ac-exemple.test"
CORPUS: dict[str, list[str]] = json.loads(
    Path(__file__).parents[1].joinpath("support/data/authors.json").read_text("utf-8")
)
VICTIM = f"jerome.saint-exupere@{OURS}"


def message(head: str, subject: str = "essai") -> str:
    """A message of a stranger under whole header lines."""
    lines = head.replace("\n", "\r\n")
    return (
        f"{lines}\r\nTo: probe1@{OURS}\r\nSubject: {subject}\r\nMessage-ID: <{token()}@{FOREIGN}>\r\n"
        "Date: Mon, 02 Mar 2026 10:00:00 +0100\r\n\r\nBonjour.\r\n"
    )


def test_the_corpus_is_large_enough():
    assert all(len(heads) >= 60 for heads in CORPUS.values()), {name: len(heads) for name, heads in CORPUS.items()}


def test_every_hostile_head_is_refused_and_no_honest_one(site):
    found = {
        kind: [
            head
            for head, verdict in zip(heads, verdicts(site, map(message, heads)), strict=True)
            if ("MP_SENDER_FORGED" in verdict["symbols"]) is not (kind == "hostile")
        ]
        for kind, heads in CORPUS.items()
    }
    assert found == {"hostile": [], "honest": []}
