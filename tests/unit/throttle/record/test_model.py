"""Events of a record: what is told is checked, and says nothing more than its fields."""

from typing import Any

import pytest
from malleposte.throttle.record.model import Kept, LogIn, Refusal, Seen, event, program, reason

GOOD: dict[str, Any] = {"account": "mdupond", "accepted": True, "service": "imap", "place": "192.0.2.7"}


def test_an_event_is_read() -> None:
    assert event("logins", GOOD) == LogIn("mdupond", True, "imap", "192.0.2.7")
    told = {"account": "mdupond", "way": "in", "other": "a\nb@x.test" + "x" * 500, "reason": "spam"}
    found = event("refusals", told)
    assert isinstance(found, Refusal)
    assert found.other.startswith("a b@x.test") and len(found.other) == 120


@pytest.mark.parametrize(
    ("kind", "change", "why"),
    [
        ("others", {}, "no such kind"),
        ("logins", {"password": "secret"}, "password is not a field"),
        ("logins", {"accepted": "yes"}, "accepted is not of its type"),
        ("logins", {"place": 7}, "place is not of its type"),
        ("logins", {"account": "../etc"}, "names no account"),
        ("logins", {"account": ""}, "names no account"),
    ],
)
def test_what_is_none_is_refused(kind: str, change: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        event(kind, GOOD | change)


def test_a_field_that_is_missing_is_refused() -> None:
    with pytest.raises(ValueError, match="missing"):
        event("logins", {"account": "mdupond"})


@pytest.mark.parametrize(
    ("said", "name"),
    [
        ('"name" "Thunderbird" "version" "128.5.0"', "Thunderbird"),
        ('"vendor" "Apple" "NAME" "iPhone Mail"', "iPhone Mail"),
        ('"name" NIL', ""),
        ("c0ffee", ""),
        ("", ""),
        (f'"name" "{"x" * 99}"', "x" * 40),
    ],
)
def test_a_program_is_known_by_what_it_said_of_itself(said: str, name: str) -> None:
    assert program(said) == name


@pytest.mark.parametrize(
    ("symbols", "word"),
    [
        (["CLAM_VIRUS", "DMARC_POLICY_REJECT"], "virus"),
        (["DMARC_POLICY_REJECT"], "dmarc"),
        ([], "spam"),
        (["X"], "spam"),
    ],
)
def test_a_symbol_of_the_filter_gives_the_reason(symbols: list[str], word: str) -> None:
    assert reason(symbols) == word


def test_records_of_several_hosts_are_one() -> None:
    early, late = (Seen(LogIn("mdupond", True, "imap", place), at, at) for place, at in (("a", 10), ("b", 20)))
    refused = Seen(LogIn("mdupond", False, "imap", reason="password"), 30, 30)
    whole = Kept((early,), used_mb=5, quota_mb=10).also(Kept((refused, late)))
    assert whole.logins == (refused, late, early)
    assert (whole.used_mb, whole.quota_mb) == (5, 10)
    assert whole.last_log_in() == late
    assert Kept((refused,)).last_log_in() is None
