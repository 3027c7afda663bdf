"""The settings of a relay of another house. Sending is tested with the lab's one: tests/unit/dev/world."""

from __future__ import annotations

import pytest
from malleposte.adapters import relay
from malleposte.adapters.sms import NotSentError
from malleposte.core.errors import InputError

GIVEN = {"host": "127.0.0.1", "port": 9, "sender": "alarmes@ailleurs.test", "password": "secret"}


def test_settings_are_read() -> None:
    found = relay.of(GIVEN, "pager.json")
    assert found is not None
    assert found.tls == relay.DIRECT
    assert "secret" not in repr(found)
    assert relay.of({}, "pager.json") is None


@pytest.mark.parametrize("wrong", [{"tls": "none"}, {"host": ""}, {"sender": "alarmes"}, {"user": "it"}])
def test_settings_of_another_form_are_refused(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError, match="a relay"):
        relay.of(GIVEN | wrong, "pager.json")


@pytest.mark.parametrize("tls", [relay.DIRECT, relay.STARTTLS])
def test_a_relay_that_is_not_there_is_a_line(tls: str) -> None:
    found = relay.of(GIVEN | {"tls": tls}, "pager.json")
    assert found is not None
    with pytest.raises(NotSentError, match="the relay did not take it"):
        found.send(["dsi@ailleurs.test"], "it", "it")
