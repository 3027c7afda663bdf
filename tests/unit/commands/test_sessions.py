"""`accounts end-sessions` on a host: every channel of it, without the directory."""

from __future__ import annotations

import json
from typing import Any

import pytest
from malleposte.adapters import log_outs
from malleposte.cli import main
from malleposte.commands.accounts import sessions
from malleposte.core import paths

from tests.support.hosts import FakeChannel


class Channel(FakeChannel):
    """A channel with a name of its own, and the names of the account that it was given."""

    def __init__(self, name: str, reason: str = "") -> None:
        super().__init__(reason)
        self.name = name


@pytest.fixture
def channels(monkeypatch: pytest.MonkeyPatch) -> list[Channel]:
    """The channels of this host; the last one gets the names that they were asked with."""
    host = [Channel("sso"), Channel("dovecot")]

    class Host:
        def __init__(self, _rules: object) -> None:
            """Holds the channels above."""

        def channels(self, names: Any, tell: Any) -> list[Channel]:
            assert tell is log_outs.tell, "the portal hears of it from nobody else"
            host[-1].forgotten = list(names("mdupond"))
            return host

    class Settings:
        @classmethod
        def read(cls) -> Settings:
            return cls()

        def rules(self) -> None:
            """None are needed."""

    monkeypatch.setattr(paths, "HOSTED", True)
    monkeypatch.setattr(sessions, "LocalHost", Host)
    monkeypatch.setattr(sessions, "HostSettings", Settings)
    monkeypatch.setattr(sessions.facts, "read", lambda: {"domain": "ac-exemple.test"})
    monkeypatch.setattr(sessions.syslog, "syslog", lambda *_words: None)
    return host


def test_every_channel_of_the_host_is_closed_under_every_name(
    channels: list[Channel], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["accounts", "end-sessions", "mdupond", "Marie.Dupond@ac-exemple.test"]) == 0
    assert [one.closed for one in channels] == [["mdupond"], ["mdupond"]]
    assert channels[-1].forgotten == ["mdupond", "mdupond@ac-exemple.test", "marie.dupond@ac-exemple.test"]
    assert capsys.readouterr().out == "mdupond: sessions ended: sso, dovecot\n"


def test_a_channel_that_fails_is_named_and_hides_no_other(
    channels: list[Channel], capsys: pytest.CaptureFixture[str]
) -> None:
    channels[0].reason = "no answer"
    assert main(["accounts", "end-sessions", "mdupond", "--json"]) == 4
    said = capsys.readouterr()
    assert json.loads(said.out) == {"uid": "mdupond", "ended": ["dovecot"], "failures": ["sso: no answer"]}
    assert said.err == "malleposte: mdupond: not done: sso: no answer\n"
    assert channels[1].closed == ["mdupond"]


def test_an_address_is_no_log_in_name(channels: list[Channel]) -> None:
    assert main(["accounts", "end-sessions", "marie.dupond@ac-exemple.test"]) == 2
    assert [one.closed for one in channels] == [[], []]
