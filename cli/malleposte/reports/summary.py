"""A summary of the reports: sources of mail with their shares, TLS sessions by policy and failure, refused reports."""

from __future__ import annotations

from dataclasses import dataclass, field

from malleposte.reports.model import DAY, DMARC, TLS
from malleposte.reports.sources import UNKNOWN, NamedSources
from malleposte.reports.store import DROPPED, REFUSED, Refusal, Store

SOURCES = 500
"""Sources that are shown, those of most messages first."""
DETAILS = 200
NAMES = 5
REFUSALS = 20


@dataclass(frozen=True)
class Source:
    """A source of mail under our name: what it is, and its messages.

    `aligned` passed DMARC: by DKIM, by SPF or by both. Times are seconds since 1970.
    """

    address: str
    kind: str
    name: str
    messages: int
    aligned: int
    dkim: int
    spf: int
    quarantined: int
    rejected: int
    organisations: int
    last: int
    header_from: tuple[str, ...] = ()


@dataclass(frozen=True)
class Detail:
    """Messages of one source by one report: the end of its period, whose it is, and how they fared."""

    end: int
    organisation: str
    header_from: str
    disposition: str
    dkim: bool
    spf: bool
    messages: int


@dataclass(frozen=True)
class TlsSessions:
    """Sessions of one policy that ended alike; `failure` is empty for those that succeeded."""

    policy: str
    failure: str
    server: str
    sessions: int
    organisations: int


@dataclass(frozen=True)
class Summary:
    """The reports whose period ended within `days` days. `reports` and `last` (times of arrival) are by kind."""

    days: int
    reports: dict[str, int] = field(default_factory=dict)
    last: dict[str, int] = field(default_factory=dict)
    sources: tuple[Source, ...] = ()
    sources_left_out: int = 0
    details: tuple[Detail, ...] = ()
    sessions: tuple[TlsSessions, ...] = ()
    outcomes: dict[str, int] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True)
class Figures:
    """Numbers for the watch: last arrivals by kind, refused and dropped today, rows of unknown sources yesterday."""

    last: dict[str, int]
    refused: int
    dropped: int
    unknown: int


def summary(store: Store, senders: NamedSources, now: float, days: int, source: str = "") -> Summary:
    """Return what the reports of some days show; with `source`, of that address alone and with its details."""
    first = int(now) - days * DAY
    sources, left_out = _sources(store, senders, first, source)
    kinds = store.link.execute(
        "SELECT kind, count(*), max(received) FROM reports WHERE end >= ? GROUP BY kind", (first,)
    )
    rows = list(kinds)
    outcomes = store.link.execute(
        "SELECT outcome, sum(count) FROM outcomes WHERE day >= ? GROUP BY outcome", (first // DAY,)
    )
    return Summary(
        days=days,
        reports={kind: count for kind, count, _last in rows},
        last={kind: last for kind, _count, last in rows},
        sources=sources,
        sources_left_out=left_out,
        details=_details(store, first, source) if source else (),
        sessions=() if source else _sessions(store, first),
        outcomes=dict(outcomes.fetchall()),
        refusals=() if source else _refusals(store, first),
    )


def _sources(store: Store, senders: NamedSources, first: int, source: str) -> tuple[tuple[Source, ...], int]:
    rows = store.link.execute(
        "SELECT source, sum(count) AS messages, sum(count * (dkim OR spf)), sum(count * dkim), sum(count * spf),"
        " sum(count * (disposition = 'quarantine')), sum(count * (disposition = 'reject')),"
        " count(DISTINCT organisation), max(end), count(*) OVER ()"
        " FROM results JOIN reports ON reports.id = results.report"
        " WHERE kind = ? AND end >= ? AND (? = '' OR source = ?) GROUP BY source"
        " ORDER BY messages DESC, source LIMIT ?",
        (DMARC, first, source, source, SOURCES),
    ).fetchall()
    sources = tuple(
        Source(*(row[0], *senders.of_source(row[0]), *row[1:9], _names(store, first, row[0]))) for row in rows
    )
    return sources, (rows[0][9] - len(rows) if rows else 0)


def _names(store: Store, first: int, source: str) -> tuple[str, ...]:
    """The names of senders that a source used most."""
    rows = store.link.execute(
        "SELECT header_from FROM results JOIN reports ON reports.id = results.report"
        " WHERE end >= ? AND source = ? GROUP BY header_from ORDER BY sum(count) DESC, header_from LIMIT ?",
        (first, source, NAMES),
    )
    return tuple(name for (name,) in rows)


def _details(store: Store, first: int, source: str) -> tuple[Detail, ...]:
    rows = store.link.execute(
        "SELECT end, organisation, header_from, disposition, dkim, spf, count"
        " FROM results JOIN reports ON reports.id = results.report"
        " WHERE end >= ? AND source = ? ORDER BY end DESC, count DESC LIMIT ?",
        (first, source, DETAILS),
    )
    return tuple(Detail(*(*row[:4], bool(row[4]), bool(row[5]), row[6])) for row in rows)


def _sessions(store: Store, first: int) -> tuple[TlsSessions, ...]:
    rows = store.link.execute(
        "SELECT policy, failure, server, sum(count) AS sessions, count(DISTINCT organisation)"
        " FROM sessions JOIN reports ON reports.id = sessions.report WHERE kind = ? AND end >= ?"
        " GROUP BY policy, failure, server ORDER BY policy, failure != '', sessions DESC LIMIT ?",
        (TLS, first, DETAILS),
    )
    return tuple(TlsSessions(*row) for row in rows)


def _refusals(store: Store, first: int) -> tuple[Refusal, ...]:
    rows = store.link.execute(
        "SELECT received, sender, organisation, report, reason FROM refusals WHERE received >= ?"
        " ORDER BY id DESC LIMIT ?",
        (first, REFUSALS),
    )
    return tuple(Refusal(*row) for row in rows)


def figures(store: Store, senders: NamedSources, now: float) -> Figures:
    """Return the numbers for the watch. Yesterday is the day of UTC, as most reports have it."""
    today = int(now) // DAY
    outcomes = dict(store.link.execute("SELECT outcome, count FROM outcomes WHERE day = ?", (today,)).fetchall())
    rows = store.link.execute(
        "SELECT source, count(*) FROM results JOIN reports ON reports.id = results.report"
        " WHERE kind = ? AND end >= ? AND end < ? GROUP BY source",
        (DMARC, (today - 1) * DAY, today * DAY),
    )
    unknown = sum(count for source, count in rows if senders.of_source(source)[0] == UNKNOWN)
    last = dict(store.link.execute("SELECT kind, max(received) FROM reports GROUP BY kind").fetchall())
    return Figures(last, outcomes.get(REFUSED, 0), outcomes.get(DROPPED, 0), unknown)
