"""The controller's work silences the hosts that it touches, and a host that says nothing keeps it from nothing."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
from malleposte.fleet import remote
from malleposte.watch import work

HOSTS = """
all:
  children:
    malleposte:
      hosts:
        mail1: {ansible_host: 192.0.2.1}
        pia1: {ansible_host: 192.0.2.2}
        vault1: {ansible_host: 192.0.2.3}
"""


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    (tmp_path / "hosts.yml").write_text(HOSTS)
    return tmp_path


class Hosts:
    """Answers of hosts: an exit code each, 0 by default; and what each was asked."""

    def __init__(self, **codes: int) -> None:
        self.codes = codes
        self.asked: list[tuple[str, str]] = []

    def __call__(self, place: remote.Place, words: Sequence[str]) -> subprocess.CompletedProcess[str]:
        assert list(words[:2]) == ["status", "--silence"]
        assert words[-1] == "a deploy"
        self.asked.append((place.name, words[2]))
        return subprocess.CompletedProcess(list(words), self.codes.get(place.name, 0), "", "no room")


def test_every_host_is_silent_during_the_work_and_a_while_after(inventory: Path) -> None:
    hosts, said = Hosts(), list[str]()

    def fails() -> None:
        assert sorted(hosts.asked) == [(name, "60") for name in ("mail1", "pia1", "vault1")]
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), work.silenced(inventory, "a deploy", said.append, ask=hosts):
        fails()
    assert sorted(hosts.asked[3:]) == [(name, str(work.AFTER)) for name in ("mail1", "pia1", "vault1")]
    assert said == []


def test_a_limit_leaves_the_others_loud(inventory: Path) -> None:
    hosts = Hosts()
    with work.silenced(inventory, "a deploy", print, "pia1", ask=hosts):
        assert hosts.asked == [("pia1", "60")]


def test_a_host_that_cannot_take_its_note_is_named_and_a_new_one_is_not(inventory: Path) -> None:
    said: list[str] = []
    with work.silenced(inventory, "a deploy", said.append, ask=Hosts(mail1=127, pia1=1, vault1=remote.SSH_FAILED)):
        assert said == ["pia1: its alarms are not silenced: no room"]
