"""The two ways by which alarms leave."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest
from malleposte.adapters.relay import Relay
from malleposte.adapters.sms import NotSentError
from malleposte.core.errors import InputError
from malleposte.paging import receivers
from malleposte.paging.message import Alarm, Message
from malleposte.paging.receivers import NobodyToldError, Receivers

PAGE = Message("page", (Alarm("a", "mail1: it is down"),))
TICKET = Message("ticket", (Alarm("a", "mail1: it is old"),))


@dataclass
class Gateway:
    """Keeps messages; refuses numbers of a list."""

    refuses: Sequence[str] = ()
    sent: list[str] = field(default_factory=list)

    def send(self, number: str, text: str) -> None:
        if number in self.refuses:
            raise NotSentError("the gateway answered 500")
        self.sent.append(f"{number}: {text}")


class Mailer(Relay):
    """Keeps mails; `broken` refuses."""

    mails: list[str]

    def send(self, recipients: Sequence[str], subject: str, text: str) -> None:
        if self.host == "broken":
            raise NotSentError("the relay answered 550")
        self.mails.append(f"{subject}\n{text}")


def made(*refuses: str, mailer: str = "works") -> tuple[Receivers, Gateway, Mailer]:
    gateway, relay = Gateway(refuses), Mailer(mailer, "alarmes@ailleurs.test")
    object.__setattr__(relay, "mails", [])
    return Receivers(gateway, ("+33600000001", "+33600000002"), relay, ("dsi@ailleurs.test",)), gateway, relay


def test_a_page_goes_by_both_ways_and_a_ticket_by_mail() -> None:
    everything, gateway, relay = made()
    assert everything.send(PAGE, 0) == []
    assert (len(gateway.sent), len(relay.mails)) == (2, 1)
    assert everything.send(TICKET, 0) == []
    assert (len(gateway.sent), len(relay.mails)) == (2, 2)


def test_the_mail_says_that_the_other_way_failed() -> None:
    everything, gateway, relay = made("+33600000001")
    assert everything.send(PAGE, 0) == ["text message to number 1: the gateway answered 500"]
    assert len(gateway.sent) == 1
    assert "number 1: the gateway answered 500" in relay.mails[0]
    assert "+336" not in relay.mails[0]


def test_one_way_is_enough_and_none_is_an_error() -> None:
    everything, gateway, _relay = made(mailer="broken")
    assert everything.send(PAGE, 0) == ["mail: the relay answered 550"]
    assert len(gateway.sent) == 2
    with pytest.raises(NobodyToldError):
        everything.send(TICKET, 0)
    nothing, _gateway, _relay = made("+33600000001", "+33600000002", mailer="broken")
    with pytest.raises(NobodyToldError):
        nothing.send(PAGE, 0)
    with pytest.raises(NobodyToldError, match="no way"):
        Receivers().send(PAGE, 0)


def test_a_night_of_pages_sends_so_many_text_messages_an_hour_and_all_mails() -> None:
    everything, gateway, relay = made()
    for second in range(receivers.MOST_SMS + 5):
        everything.send(PAGE, float(second))
    assert len(gateway.sent) == 2 * receivers.MOST_SMS
    assert len(relay.mails) == receivers.MOST_SMS + 5
    assert "were tried within an hour" in relay.mails[-1]
    everything.send(PAGE, receivers.HOUR + receivers.MOST_SMS)
    assert len(gateway.sent) == 2 * receivers.MOST_SMS + 2


def test_pages_that_are_being_sent_count() -> None:
    """Several are at a time, each in a thread of its own, and a gateway may take its time."""
    everything, gateway, _relay = made()

    @dataclass
    class Slow(Gateway):
        def send(self, number: str, text: str) -> None:
            everything.text(PAGE, 1.0)
            gateway.send(number, text)

    everything.gateway = Slow()
    everything.text(PAGE, 0.0)
    assert len(gateway.sent) == 2 * receivers.MOST_SMS


def test_a_gateway_that_was_away_is_used_again_soon_and_not_within_the_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receivers, "MOST_SMS", 4)
    everything, gateway, _relay = made("+33600000001", "+33600000002", mailer="broken")
    for look in range(6):
        with pytest.raises(NobodyToldError):
            everything.send(PAGE, look * 15)
    gateway.refuses = ()
    with pytest.raises(NobodyToldError, match="no text message: 4 were tried"):
        everything.send(PAGE, 100)  # such a gateway may have sent what it said that it had not
    assert everything.send(PAGE, receivers.FAILED + 46) == ["mail: the relay answered 550"]
    assert len(gateway.sent) == 2


def test_settings_are_read_and_those_of_no_way_refused() -> None:
    found = receivers.of(
        {
            "sms": {"url": "https://sms.test/"}, "numbers": ["+33600000001"],
            "relay": {"host": "relais.test", "sender": "alarmes@ailleurs.test"}, "mails": ["dsi@ailleurs.test"],
        },
        "pager.json",
    )  # fmt: skip
    assert found.by_sms
    assert found.by_mail
    assert not receivers.of({}, "pager.json").by_sms
    with pytest.raises(InputError, match="relay"):
        receivers.of({"relay": {"host": "relais.test", "sender": "nobody"}}, "pager.json")
    with pytest.raises(InputError, match="relay"):
        receivers.of({"relay": {"name": "relais.test"}}, "pager.json")
