"""Busy times of a group: both stores' events, what was declined, and what one agent may cost the others."""

import io
import json
import time
from pathlib import Path
from typing import Any

import pytest
from malleposte.groupware import busy, busy_times

from tests.unit.groupware.test_busy import kept
from tests.unit.groupware.test_reminders import ONCE, PARIS, calendar, event

SPAN = {"from": "20300304T000000Z", "until": "20300305T000000Z"}
TAKEN = [["20300304T130000Z", "20300304T140000Z"]]


def asked(root: Path, *people: dict[str, Any], **more: Any) -> tuple[str, Any]:
    raw = json.dumps({**SPAN, "people": people, **more}).encode()
    head = f"POST / HTTP/1.0\r\nContent-Length: {len(raw)}\r\n\r\n".encode()
    status, body = busy_times.respond(io.BytesIO(head + raw), root, PARIS)
    return status, json.loads(body) if status.startswith("200") else body.decode()


def test_those_who_keep_events_here_and_elsewhere(tmp_path: Path) -> None:
    kept(tmp_path, "anne", calendar(event(ONCE)))
    status, found = asked(
        tmp_path, {"uid": "anne"}, {"uid": "benoit", "texts": [calendar(event(ONCE)), "no calendar"]},
        {"uid": "chloe", "texts": []}, {"uid": "denis"},
    )  # fmt: skip
    assert status == "200 OK"
    assert found == {"anne": TAKEN, "benoit": TAKEN, "chloe": [], "denis": None}


def test_nothing_but_times_goes_out(tmp_path: Path) -> None:
    text = calendar(event(ONCE).replace("Conseil", "Rendez-vous chez le médecin"))
    _status, found = asked(tmp_path, {"uid": "anne", "texts": [text]})
    assert "médecin" not in json.dumps(found, ensure_ascii=False) and found == {"anne": TAKEN}


@pytest.mark.parametrize(("answer", "takes"), [("DECLINED", False), ("ACCEPTED", True), ("TENTATIVE", True)])
def test_what_the_agent_declined_takes_no_time(tmp_path: Path, answer: str, takes: bool) -> None:
    mine = f"ATTENDEE;PARTSTAT={answer}:mailto:Anne@ac-exemple.test\n"
    other = "ATTENDEE;PARTSTAT=DECLINED:mailto:benoit@ac-exemple.test\n"
    text = calendar(event(ONCE, more=other + mine))
    _status, found = asked(tmp_path, {"uid": "anne", "mails": ["anne@ac-exemple.test"], "texts": [text]})
    assert found == {"anne": TAKEN if takes else []}


def test_who_keeps_more_than_can_be_read_is_unknown_and_stops_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(busy_times, "SECONDS", 0.2)
    plain = busy.spans

    def slow(text: str, *words: Any) -> Any:
        if "SUMMARY:lent" in text:
            time.sleep(0.3)
        return plain(text, *words)

    monkeypatch.setattr(busy, "spans", slow)
    texts = [calendar(event(ONCE).replace("Conseil", "lent"))] * 20
    begun = time.monotonic()
    _status, found = asked(
        tmp_path, {"uid": "anne", "texts": texts}, {"uid": "benoit", "texts": [calendar(event(ONCE))]}
    )
    assert found == {"anne": None, "benoit": TAKEN}
    assert time.monotonic() - begun < 20 * 0.3, "the rest is not read"


@pytest.mark.parametrize(
    "more",
    [
        {"until": "hier"}, {"until": "20310304T000000Z"}, {"people": [{"uid": "../anne"}]}, {"people": [{}]},
        {"people": [{"uid": "anne"}] * (busy_times.MOST_PEOPLE + 1)}, {"other": 1},
    ],
)  # fmt: skip
def test_other_questions_are_refused(tmp_path: Path, more: dict[str, Any]) -> None:
    assert asked(tmp_path, {"uid": "anne"})[0] == "200 OK"
    assert asked(tmp_path, {"uid": "anne"}, **more)[0] == "400 Bad Request"
