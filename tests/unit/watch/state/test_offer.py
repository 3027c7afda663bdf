"""The state as a pager offers it: asked once for many, of the next vault where the first is away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from malleposte.core.errors import MallepostError
from malleposte.watch.ringing import Rings
from malleposte.watch.state import offer, table, vault
from malleposte.watch.state.document import LONGEST, MOST_OF_A_HOST, MOST_ROWS, Answer, Row, State, encoded
from malleposte.watch.state.offer import Offer
from malleposte.watch.state.prometheus import Labels
from malleposte.watch.state.vault import Asked
from msgspec import structs

from tests.support.clock import Clock

RINGS = Rings("HostDown", "a1", "page", "mail1: the host does not answer the vaults", "hostdown", 60.0)


class Vault:
    """Prometheus and Alertmanager of a test: they count what they are asked; `away` answer nothing."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.away: tuple[str, ...] = ()

    def _counted(self, query: str) -> None:
        self.asked.append(query)
        if any(one in query for one in self.away):
            raise MallepostError("Prometheus does not answer")

    def instant(self, query: str, _at: float) -> list[tuple[Labels, float]]:
        self._counted(query)
        return [({"instance": "mail1", "queue": "active", "user": "mdupond"}, 3.0)]

    def ranged(self, query: str, _end: float, _seconds: float, _step: float) -> list[float | None]:
        self._counted(query)
        return [1.0, None]

    def alarms(self) -> list[Rings]:
        self._counted("alarms")
        return [RINGS]

    @property
    def asks(self) -> Asked:
        return Asked(self.instant, self.ranged, self.alarms)


def test_a_vault_is_asked_once_however_many_look() -> None:
    there, clock = Vault(), Clock(1000.0)

    async def looks() -> list[State]:
        one = Offer("vault1", [], clock, there.asks)
        found = list(await asyncio.gather(*(one.own() for _ in range(50))))
        first = len(there.asked)
        clock.now += offer.SECONDS - 1
        found.append(await one.own())
        assert len(there.asked) == first
        clock.now += 2
        found.append(await one.whole())
        # The histories are good for longer.
        assert len(there.asked) == first + len(table.NOW) + 1
        return found

    states = asyncio.run(looks())
    assert len(states) == 52
    assert {one.source for one in states} == {"vault1"}


def test_a_state_holds_the_table_s_names_and_labels_and_no_others() -> None:
    there = Vault()
    state = vault.state("vault1", 1000.0, vault.histories(1000.0, there.asks), there.asks)
    assert state.tables.keys() == table.NOW.keys()
    assert state.history.keys() == table.HISTORY.keys()
    assert [(row.host, row.what) for row in state.tables["queues"]] == [("mail1", "active")]
    assert [(row.host, row.what) for row in state.tables["paths"]] == [("", "")]
    assert b"mdupond" not in encoded(state)
    assert [(one.text, one.runbook) for one in state.alarms] == [(RINGS.summary, "docs/watch.md#hostdown")]
    assert state.blind == ()


def test_what_cannot_be_asked_is_named_and_the_rest_is_shown() -> None:
    there = Vault()
    there.away = ("malleposte_queue_oldest_seconds", "alarms")
    state = vault.state("vault1", 1000.0, vault.histories(1000.0, there.asks), there.asks)
    assert [one.partition(":")[0] for one in state.blind] == ["alarms", "queues", "queue"]
    assert "queues" not in state.tables and "paths" in state.tables
    assert "queue" not in state.history and "acts" in state.history


def test_a_host_in_other_hands_hides_no_other_and_makes_no_document_too_long() -> None:
    there = Vault()
    many = [({"instance": "aaa", "mountpoint": f"/{number:04}{'é' * 290}"}, 0.5) for number in range(2000)]
    rows = [*many, ({"instance": "mail1", "mountpoint": "/srv"}, 0.09)]
    asks = replace(there.asks, instant=lambda _query, _at: rows)
    state = vault.state("vault1", 1000.0, ({}, []), asks)
    assert len(encoded(state)) <= LONGEST
    disks = state.tables["disks_free"]
    assert disks[-1] == Row("mail1", "/srv", 0.09)
    assert len(disks) == MOST_OF_A_HOST + 1

    paths = [({"path": f"{number:04}{'é' * 290}"}, 1.0) for number in range(2000)]
    asks = replace(there.asks, instant=lambda query, _at: paths if "by (path)" in query else rows[-1:])
    long = vault.state("vault1", 1000.0, ({}, []), asks)
    assert len(long.tables["paths"]) == MOST_ROWS, "what has no host has the table's room"
    short = vault.fitting(structs.replace(long, tables=dict(long.tables) | {"queues": long.tables["paths"] * 2}))
    assert len(encoded(short)) <= LONGEST
    assert (short.blind[0], "queues" in short.tables, "disks_free" in short.tables) == ("queues: too long", False, True)


def test_a_prometheus_that_hangs_is_not_asked_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    there = Vault()
    monkeypatch.setattr(vault, "PATIENCE", -1.0)
    state = vault.state("vault1", 1000.0, ({}, []), there.asks)
    assert there.asked == ["alarms"]
    assert len(state.blind) == len(table.NOW)


def answering(answer: bytes | Exception, asked: list[str], name: str) -> tuple[str, Callable[[], Awaitable[bytes]]]:
    async def ask() -> bytes:
        asked.append(name)
        if isinstance(answer, Exception):
            raise answer
        return answer

    return name, ask


GOOD = encoded(Answer(State("vault", "vault2", 5.0)))


@pytest.mark.parametrize(
    "broken", [OSError("no route"), TimeoutError(), b"", b"{}", encoded(Answer(refused="not known here")), GOOD[:-3]]
)
def test_the_next_vault_is_asked_where_the_first_gives_no_state(broken: Any) -> None:
    asked: list[str] = []
    vaults = [answering(broken, asked, "vault1"), answering(GOOD, asked, "vault2")]
    state = asyncio.run(Offer("pia1", vaults, Clock(0.0)).whole())
    assert (state.source, asked) == ("vault2", ["vault1", "vault2"])
    assert [one.partition(":")[0] for one in state.unreached] == ["vault1"]

    asked.clear()
    state = asyncio.run(Offer("pia1", vaults[::-1], Clock(0.0)).whole())
    assert (state.unreached, asked) == ((), ["vault2"])

    with pytest.raises(MallepostError, match="no vault answers"):
        asyncio.run(Offer("pia1", vaults[:1], Clock(0.0)).whole())
