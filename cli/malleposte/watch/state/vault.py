"""The state of the platform as this vault knows it: the table's questions to Prometheus, and what rings."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from msgspec import structs

from malleposte.core.errors import MallepostError
from malleposte.core.loops import named
from malleposte.watch import ringing
from malleposte.watch.state import prometheus, table
from malleposte.watch.state.document import (
    LONGEST,
    MOST_ALARMS,
    MOST_BLIND,
    MOST_OF_A_HOST,
    MOST_POINTS,
    MOST_ROWS,
    VAULT,
    Alarm,
    History,
    Row,
    State,
    encoded,
    short,
)
from malleposte.watch.status import RUNBOOK

PATIENCE = 10.0
"""Seconds after which no further question is asked: for the tables, and for the histories."""

type Histories = tuple[dict[str, History], list[str]]
"""Histories by name, and what could not be asked."""


@dataclass(frozen=True)
class Asked:
    """The functions that answer: see `prometheus` and `ringing`. Tests give others."""

    instant: Callable[[str, float], Sequence[tuple[prometheus.Labels, float]]] = prometheus.instant
    ranged: Callable[[str, float, float, float], Sequence[float | None]] = prometheus.ranged
    alarms: Callable[[], list[ringing.Rings]] = ringing.every


def histories(now: float, ask: Asked) -> Histories:
    """Return the histories, and what could not be asked."""
    blind, every, end = list[str](), dict[str, History](), time.monotonic() + PATIENCE
    for name, query in table.HISTORY.items():
        with named(blind.append, name):
            _in_time(end)
            day = ask.ranged(table.over(query, table.DAY_STEP), now, table.DAY, table.DAY_STEP)
            month = ask.ranged(table.over(query, table.MONTH_STEP), now, table.MONTH, table.MONTH_STEP)
            every[name] = History(tuple(day[-MOST_POINTS:]), tuple(month[-MOST_POINTS:]))
    return every, blind


def tables(now: float, ask: Asked) -> tuple[dict[str, tuple[Row, ...]], list[str]]:
    """Return the tables of now, and what could not be asked."""
    blind, every, end = list[str](), dict[str, tuple[Row, ...]](), time.monotonic() + PATIENCE
    for name, one in table.NOW.items():
        with named(blind.append, name):
            _in_time(end)
            rows = [
                Row(short(labels.get(one.host, "")), short(labels.get(one.what, "")), value)
                for labels, value in ask.instant(one.query, now)
            ]
            every[name] = tuple(_shared(sorted(rows, key=lambda row: (row.host, row.what))))
    return every, blind


def _shared(rows: Sequence[Row]) -> list[Row]:
    """The rows that a table has room for; none of a host takes that of others."""
    counts, chosen = Counter[str](), list[Row]()
    for row in rows:
        counts[row.host] += 1
        if not row.host or counts[row.host] <= MOST_OF_A_HOST:
            chosen.append(row)
    return chosen[:MOST_ROWS]


def fitting(state: State) -> State:
    """Return the state without its longest tables where it would be too long; they are named as not looked at."""
    tables, blind = dict(state.tables), state.blind
    while tables and len(encoded(state)) > LONGEST:
        longest = max(tables, key=lambda name: sum(len(encoded(row)) for row in tables[name]))
        del tables[longest]
        blind = (f"{longest}: too long", *blind)[:MOST_BLIND]
        state = structs.replace(state, tables=dict(tables), blind=blind)
    return state


def _in_time(end: float) -> None:
    if time.monotonic() > end:
        raise MallepostError("Prometheus is too slow to be asked this as well")


def alarms(ask: Asked) -> tuple[tuple[Alarm, ...], list[str]]:
    """Return what rings, pages first, and what could not be asked."""
    blind, alarms = list[str](), list[Alarm]()
    with named(blind.append, "alarms"):
        alarms = [
            Alarm(one.severity, short(one.summary), short(f"{RUNBOOK}#{one.anchor}"), one.since) for one in ask.alarms()
        ]
    alarms.sort(key=lambda one: (one.severity, one.since))
    return tuple(alarms[:MOST_ALARMS]), blind


def state(name: str, now: float, history: Histories, ask: Asked) -> State:
    """Return the state by the vault of this name. What does not answer is named in it."""
    values, blind = tables(now, ask)
    ring, deaf = alarms(ask)
    every = tuple(map(short, [*deaf, *blind, *history[1]]))
    return fitting(
        State(VAULT, name, now, ring, values, history[0], table.DAY_STEP, table.MONTH_STEP, every[:MOST_BLIND])
    )
