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


def own(root: Path, *texts: str, people: int = 1, **more: Any) -> tuple[str, Any]:
    one = {"uid": "anne", "mails": ["anne@ac-exemple.test"], "texts": list(texts) or None}
    raw = json.dumps({**SPAN, "people": [one] * people, **more}).encode()
    head = f"POST /own HTTP/1.0\r\nContent-Length: {len(raw)}\r\n\r\n".encode()
    status, body = busy_times.respond(io.BytesIO(head + raw), root, PARIS)
    return status, json.loads(body) if status.startswith("200") else body.decode()


def test_an_agent_is_shown_the_own_events(tmp_path: Path) -> None:
    link = "https://visio.ac-exemple.test/reunion-1"
    kept(tmp_path, "anne", calendar(event(ONCE, more=f"DESCRIPTION:Lien : {link}\\n\\, puis {link}\n")))
    assert own(tmp_path) == (
        "200 OK",
        [{"begin": TAKEN[0][0], "end": TAKEN[0][1], "title": "Conseil", "place": "Salle 2", "links": [link]}],
    )
    whole = calendar(event("DTSTART;VALUE=DATE:20300303\nDTEND;VALUE=DATE:20300305"))
    declined = calendar(event(ONCE, more="ATTENDEE;PARTSTAT=DECLINED:mailto:anne@ac-exemple.test\n"))
    series = calendar(event(f"{ONCE}\nRRULE:FREQ=DAILY").replace("20300304T", "20300104T"))
    _status, found = own(tmp_path, series, declined, whole)
    assert [(one["begin"], one["end"]) for one in found] == [("20300303", "20300304"), tuple(TAKEN[0])]


def test_a_series_without_end_and_words_without_end_are_cut(tmp_path: Path) -> None:
    minutes = calendar(event("DTSTART:20300304T000000Z\nDURATION:PT30S\nRRULE:FREQ=MINUTELY"))
    assert own(tmp_path, minutes) == ("200 OK", None), "more than can be shown is said"
    long = calendar(event(ONCE).replace("Conseil", "c" * 5000).replace("Salle 2", "https://x.example/" + "p" * 5000))
    (one,) = own(tmp_path, long)[1]
    assert len(one["title"]) == busy_times.LONGEST_WORD == len(one["place"]) and len(one["links"][0]) <= 309


def test_the_question_of_two_agents_is_none(tmp_path: Path) -> None:
    assert own(tmp_path, calendar(event(ONCE)))[0] == "200 OK"
    assert own(tmp_path, calendar(event(ONCE)), people=2)[0] == "400 Bad Request"
    assert own(tmp_path, calendar(event(ONCE)), until="demain")[0] == "400 Bad Request"


def test_the_first_question_reads_an_event(tmp_path: Path) -> None:
    raw = json.dumps(busy_times.FIRST).encode()
    head = f"POST /own HTTP/1.0\r\nContent-Length: {len(raw)}\r\n\r\n".encode()
    answer = busy_times.answered(io.BytesIO(head + raw), tmp_path, PARIS)
    assert answer.startswith(b"HTTP/1.0 200 OK\r\n") and json.loads(answer.split(b"\r\n\r\n")[1])[0]["title"] == "1"
