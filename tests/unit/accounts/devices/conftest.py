"""An agent with a device, in memory."""

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts import acts
from malleposte.accounts.devices import acts as devices
from malleposte.accounts.journal import Journal
from malleposte.directory.model import Agent, State, agent_attributes

from tests.support.directory import MemoryDirectory
from tests.support.hosts import FakeHands

NOW = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)
DOMAIN = "ac-exemple.test"
UID = "mdupond"


@dataclass
class Stage:
    """The directory, its tools, and what was written."""

    tools: acts.Tools[Any]
    hosts: FakeHands
    folder: Path

    @property
    def directory(self) -> MemoryDirectory:
        assert isinstance(self.tools.directory, MemoryDirectory)
        return self.tools.directory

    def add(self, name: str = "Téléphone", uid: str = UID, **more: Any) -> devices.NewDevice:
        wanted = devices.Specification(name, **more)
        return devices.add(self.tools.directory, self.tools.journal, uid, wanted, NOW)

    def held(self) -> list[dict[str, list[str]]]:
        """The attributes of every device."""
        return [entry.attributes for key, entry in self.directory.entries.items() if ",ou=devices," in key]

    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in (self.folder / "journal.jsonl").read_text("utf-8").splitlines()]


def agent(uid: str = UID, **more: Any) -> Agent:
    return Agent(**{"uid": uid, "given_name": "Marie", "surname": "Dupond", "mail": f"marie.{uid}@{DOMAIN}",
                    "profile": "convergence", "state": State.ACTIVE, **more})  # fmt: skip


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    directory, hosts = MemoryDirectory(), FakeHands()
    directory.add(agent().dn(directory.suffix), agent_attributes(agent()) | {"userPassword": ["Ancien-Passage7!"]})
    directory.force(agent().dn(directory.suffix), {"pwdChangedTime": ["20260101000000Z"]})
    with Journal(tmp_path / "journal.jsonl", "root@essai") as journal:
        yield Stage(acts.Tools(directory, journal, [], hosts, hosts), hosts, tmp_path)
