"""The document of the state: what fits is taken, and nothing else."""

from __future__ import annotations

import json
from typing import Any

import pytest
from malleposte.core.errors import InputError
from malleposte.watch.state import document
from malleposte.watch.state.document import Alarm, History, Row, State, decoded, encoded

STATE = State(
    "vault", "vault1", 1000.0, (Alarm("page", "mail1: it is down", "docs/watch.md#hostdown", 900.0),),
    {"queues": (Row("mail1", "active", 3.0),)}, {"acts": History((1.0, None), (2.0,))}, 900.0, 21_600.0, ("x",),
)  # fmt: skip


def test_a_state_is_the_same_on_the_other_side() -> None:
    assert decoded(State, encoded(STATE)) == STATE


@pytest.mark.parametrize(
    "changed",
    [
        {"kind": "portal"},
        {"at": "now"},
        {"more": 1},
        {"source": "x" * 301},
        {"blind": ["x"] * 101},
        {"alarms": [{"severity": "heartbeat", "text": "", "runbook": "", "since": 1}]},
        {"alarms": [{"severity": "page", "text": "", "runbook": "", "since": 1}] * 201},
        {"tables": {"<script>": []}},
        {"tables": {f"t{chr(97 + one)}": [] for one in range(26)} | {f"u{chr(97 + one)}": [] for one in range(26)}},
        {"tables": {"queues": [{"host": "a", "what": "b", "value": 1}] * 501}},
        {"tables": {"queues": [{"host": "a", "what": "b", "value": "many"}]}},
        {"history": {"acts": {"day": [1.0] * 151}}},
    ],
)
def test_what_is_of_another_form_or_too_much_is_refused(changed: dict[str, Any]) -> None:
    given = json.loads(encoded(STATE))
    assert decoded(State, json.dumps(given).encode()) == STATE
    with pytest.raises(InputError):
        decoded(State, json.dumps(given | changed).encode())


@pytest.mark.parametrize("text", [b"", b"[" * 100_000, b"\xff", b" " * (document.LONGEST + 1)])
def test_what_is_no_document_is_refused(text: bytes) -> None:
    with pytest.raises(InputError):
        decoded(State, text)


def test_a_text_is_cut_to_one_line_that_fits() -> None:
    assert document.short("a\n b") == "a b"
    assert len(document.short("x" * 5000)) == document.LONGEST_TEXT
