"""`malleposte bans`: every host that agents reach, once; on a host, what fail2ban says."""

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from malleposte.adapters import fail2ban
from malleposte.commands import bans
from malleposte.core import paths
from malleposte.core.errors import InputError
from malleposte.fleet import remote

LISTING = {
    "_meta": {"hostvars": {}},
    "mail": {"hosts": ["mail1"]},
    "web": {"hosts": ["mail1", "web1"]},
    "portal": {"hosts": ["pia1"]},
}


def typed(*words: str) -> Result:
    named = click.Group("malleposte", commands={"bans": bans.command})
    return CliRunner().invoke(named, ["bans", *words], catch_exceptions=False, standalone_mode=False)


def test_each_host_of_the_edge_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def answer(_place: remote.Place, words: Sequence[str]) -> tuple[int, Any]:
        assert list(words) == ["bans", "lift", "192.0.2.7", "--json"]
        return 0, {"lifted": ["192.0.2.7"]}

    monkeypatch.setattr(remote, "listing", lambda _inventory: LISTING)
    monkeypatch.setattr(remote.Place, "answer", answer)
    done = typed("lift", "192.0.2.7", "--json")
    assert done.return_value == 0
    assert list(json.loads(done.stdout)["hosts"]) == ["mail1", "web1", "pia1"]
    with pytest.raises(InputError, match="no host 'vault1'"):
        typed("lift", "192.0.2.7", "--host", "vault1")


def test_what_is_no_address_is_refused_before_any_host_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "listing", lambda _inventory: pytest.fail("a host was asked"))
    with pytest.raises(InputError, match="'school' is no address"):
        typed("lift", "school")


def test_on_a_host_it_says_what_was_banned(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "HOSTED", True)
    held = fail2ban.Ban("192.0.2.7", "guesses", "2026-11-26 14:35:40", "2026-11-26 14:45:40")
    monkeypatch.setattr(fail2ban, "bans", lambda: [held])
    monkeypatch.setattr(fail2ban, "lift", lambda asked: [one for one in asked if one == held.address])
    zone = datetime(2026, 11, 26, 14, 45).astimezone().tzname()  # fail2ban names none
    assert typed("list").stdout == f"{held.address:<40} guesses    until 2026-11-26 14:45 {zone}\n"
    assert typed("lift", "192.0.2.7", "192.0.2.9").stdout == "192.0.2.7: lifted\n192.0.2.9: was not banned\n"
