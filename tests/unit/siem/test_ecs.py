"""Events for the SIEM: the fields that the register of processing names, and no others."""

import json

import pytest
from malleposte.siem import ecs
from malleposte.siem.ecs import ACTS, EVENTS, Namer

KEYED = Namer(b"0123456789abcdef")


def event(kind, content, namer=None):
    line = content if isinstance(content, bytes) else json.dumps(content).encode()
    return ecs.event(kind, line, "mail1.ac-exemple.test", namer or Namer(), "7-120")


def log_in(**more):
    return {
        "time": 1_796_000_000, "account": "mdupond", "accepted": True, "service": "imap", "place": "192.0.2.7",
        "program": "Thunderbird", "device": "d3", "reason": "", **more,
    }  # fmt: skip


def test_a_log_in_is_an_event_of_the_schema():
    assert event(EVENTS, log_in()) == {
        "@timestamp": "2026-11-30T00:53:20.000+00:00",
        "ecs": {"version": "8.11"},
        "host": {"name": "mail1.ac-exemple.test"},
        "event": {
            "kind": "event", "module": "malleposte", "dataset": "malleposte.events", "id": "7-120", "action": "log-in",
            "category": ["authentication"], "type": ["start"], "outcome": "success",
        },
        "user": {"name": "mdupond"},
        "service": {"name": "imap"},
        "user_agent": {"original": "Thunderbird"},
        "source": {"ip": "192.0.2.7"},
    }  # fmt: skip


def test_a_refused_log_in_has_its_reason():
    made = event(EVENTS, log_in(accepted=False, reason="password", program="", place=""))
    assert (made["event"]["outcome"], made["event"]["reason"]) == ("failure", "password")
    assert "source" not in made and "user_agent" not in made


@pytest.mark.parametrize(
    ("way", "side", "direction"), [("in", "source", "inbound"), ("out", "destination", "outbound")]
)
def test_of_refused_mail_the_domain_alone_of_the_other_end_is_sent(way, side, direction):
    row = {"time": 1_796_000_000, "account": "mdupond", "way": way, "other": "paul@lointain.test", "reason": "virus"}
    made = event(EVENTS, row)
    assert made[side] == {"domain": "lointain.test"} and made["network"] == {"direction": direction}
    assert made["event"]["action"] == "mail-refused" and "paul" not in json.dumps(made)


def act(**more):
    return {
        "time": "2026-11-29T10:00:00.123+00:00",
        "who": "root@pc-dsi",
        "action": "block",
        "account": "mdupond",
        **more,
    }


def test_an_act_names_who_acts_and_on_whom_and_nothing_of_its_facts():
    made = event(ACTS, act(note="après un appel", mpRecoveryMail="x@y.test", name="téléphone", changes={"mail": ["a"]}))
    assert made["@timestamp"] == "2026-11-29T10:00:00.123+00:00"
    assert made["user"] == {"name": "root@pc-dsi", "target": {"name": "mdupond"}}
    assert made["event"]["outcome"] == "success" and made["event"]["category"] == ["iam"]
    assert not [word for word in ("appel", "y.test", "phone", "changes") if word in json.dumps(made)]


def test_an_act_of_the_desk_names_the_person_and_a_refusal_is_one():
    made = event(
        ACTS, act(who="accountd:portal", action="desk-refused", by="cmartin", why="protected", source="192.0.2.9")
    )
    assert made["user"]["name"] == "cmartin" and made["source"] == {"ip": "192.0.2.9"}
    assert (made["event"]["outcome"], made["event"]["reason"], made["event"]["type"]) == (
        "failure",
        "protected",
        ["denied"],
    )
    assert event(ACTS, act(action="refused", call="prove"))["event"]["category"] == ["authentication"]


def test_a_keyed_uid_is_a_digest_everywhere_and_the_same_each_time():
    made = [event(EVENTS, log_in(), KEYED), event(ACTS, act(by="mdupond"), KEYED)]
    assert "mdupond" not in json.dumps(made)
    digests = {made[0]["user"]["hash"], made[1]["user"]["hash"], made[1]["user"]["target"]["hash"]}
    assert len(digests) == 1 and len(digests.pop()) == 64
    assert event(EVENTS, log_in(), Namer(b"another key 0123"))["user"] != made[0]["user"]


@pytest.mark.parametrize(
    "line",
    [
        b"", b"nonsense", b"[]", b"3", b'{"time": "x"}', b'{"time": 1e99, "account": "a", "service": "imap"}',
        b'{"time": 1796000000, "service": "imap"}', b'{"time": null, "account": "a"}', b"[" * 100_000, b"\xff",
    ],
)  # fmt: skip
@pytest.mark.parametrize("kind", [ACTS, EVENTS])
def test_a_line_that_is_none_is_no_event(kind, line):
    assert event(kind, line) is None


def test_values_are_cut_and_have_no_line_ends():
    made = event(EVENTS, log_in(program="a\nb" * 400))
    assert len(made["user_agent"]["original"]) == ecs.LONGEST and "\n" not in made["user_agent"]["original"]
