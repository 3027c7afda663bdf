"""`malleposte sso` on the controller asks every host of the portal; one out of reach keeps no other from it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from click.testing import CliRunner, Result
from malleposte.commands import sso
from malleposte.errors import ExitCode, InputError, MallepostError
from malleposte.fleet import remote

BOTH = [remote.Place("pia1", ()), remote.Place("pia2", ())]
ANSWER = {"factors": [], "sessions": []}


@pytest.fixture
def away(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """Names of hosts that cannot be reached."""
    gone: set[str] = set()

    def answer(place: remote.Place, words: Sequence[str]) -> tuple[int, Any]:
        assert list(words) == ["sso", "status", "mdupond", "--json"]
        if place.name in gone:
            raise MallepostError(f"{place.name} cannot be reached over ssh")
        return 0, ANSWER

    monkeypatch.setattr(remote, "places", lambda _inventory, group: BOTH if group == "portal" else [])
    monkeypatch.setattr(remote.Place, "answer", answer)
    return gone


def status() -> Result:
    return CliRunner().invoke(
        sso.command, ["status", "mdupond", "--json"], catch_exceptions=False, standalone_mode=False
    )


def test_every_host_of_the_portal_answers(away: set[str]) -> None:
    assert not away
    done = status()
    assert (done.return_value, json.loads(done.stdout)) == (ExitCode.DONE, {"hosts": {"pia1": ANSWER, "pia2": ANSWER}})


def test_a_host_out_of_reach_is_named_and_the_other_answers(away: set[str]) -> None:
    away.add("pia1")
    done = status()
    assert (done.return_value, json.loads(done.stdout)) == (ExitCode.PARTLY, {"hosts": {"pia2": ANSWER}})
    assert "pia1 cannot be reached" in done.stderr


def test_without_a_host_of_the_portal_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "places", lambda _inventory, _group: [])
    with pytest.raises(InputError, match="no host is in the group portal"):
        status()
