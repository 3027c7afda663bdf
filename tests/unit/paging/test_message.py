"""Alarms as a person reads them."""

from __future__ import annotations

import pytest
from malleposte.paging import message
from malleposte.paging.message import Alarm, Message

PAYLOAD = {
    "alerts": [
        {
            "status": "firing", "fingerprint": "a1", "startsAt": "2026-11-29T10:00:00Z", "labels": {},
            "annotations": {"summary": "mail1: the host does not answer", "runbook": "docs/watch.md#hostdown"},
        },
        {
            "status": "resolved", "fingerprint": "b2", "startsAt": "2026-11-29T09:00:00Z", "labels": {"alertname": "X"},
            "annotations": {},
        },
    ]
}  # fmt: skip


def test_a_notification_of_alertmanager_is_read() -> None:
    found = message.of_alertmanager(PAYLOAD, "page")
    assert [(one.key, one.over) for one in found.alarms] == [("a1", False), ("b2", True)]
    assert found.headline == "mail1: the host does not answer"
    assert found.subject == "[Malleposte] page: mail1: the host does not answer"
    assert "what to do: docs/watch.md#hostdown" in found.text


@pytest.mark.parametrize("payload", [{}, {"alerts": [{}]}, {"alerts": 3}, []])
def test_what_is_none_is_refused(payload: object) -> None:
    with pytest.raises((KeyError, TypeError, AttributeError, IndexError)):
        message.of_alertmanager(payload, "page")  # type: ignore[arg-type]


def test_a_text_message_fits_in_one_and_ends_with_the_run_book() -> None:
    long = Message("page", (Alarm("a", "é" * 300, "docs/watch.md#hostdown"), Alarm("b", "other")))
    assert len(long.sms) == message.LONGEST_SMS
    assert long.sms.endswith("docs/watch.md#hostdown")
    assert long.sms.isascii()


def test_an_end_is_another_event_than_a_beginning() -> None:
    begun, ended = Alarm("a", "it"), Alarm("a", "it", over=True)
    assert begun.event != ended.event
    assert Message("page", (ended,)).headline == "over: it"
    assert message.without(Message("page", (begun, ended)), [begun.event]).alarms == (ended,)


def test_a_mail_lists_so_many_and_counts_the_rest() -> None:
    many = Message("page", tuple(Alarm(str(number), f"alarm {number}") for number in range(60)))
    assert many.text.endswith("and 10 more")
