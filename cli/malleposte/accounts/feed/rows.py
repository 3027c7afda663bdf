"""Feeds of an operator's own rows, lists and rooms: each row by itself to changes. What is missing is never removed."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from malleposte.accounts.feed import Feed, ListRow, Problem, Reject, RoomRow
from malleposte.accounts.plan.changes import Change, Plan
from malleposte.core.errors import InputError
from malleposte.directory.model import Attributes


def plan[Row: (ListRow, RoomRow)](
    feed: Feed, rows: Iterable[Row], key: str, judged: Callable[[Row], Sequence[Change]], domain: str,
    now: datetime.datetime,
) -> tuple[Plan, Feed]:  # fmt: skip
    """The changes of all rows; and the feed, its rejects joined by the rows that name what the directory lacks.

    `judged` gives the changes of a row, or raises InputError; `key` is the column under which that is told.
    """
    changes: list[Change] = []
    rejects = list(feed.rejects)
    unchanged = 0
    for row in rows:
        try:
            entry = judged(row)
        except InputError as error:
            rejects.append(
                Reject(row.line, row.cells, (Problem(feed.columns.titles[key], error.french or str(error)),))
            )
            continue
        changes += entry
        unchanged += not entry
    rejects.sort(key=lambda reject: reject.line)
    new_plan = Plan(
        domain=domain,
        feed=feed.name,
        feed_sha256=feed.sha256,
        made=now.astimezone(datetime.UTC).isoformat(timespec="seconds"),
        changes=tuple(changes),
        unchanged=unchanged,
        rejected=len(rejects),
    )
    return new_plan, replace(feed, rejects=tuple(rejects))


def decided(feed: Feed, decides: Mapping[str, Sequence[str]], attributes: Attributes) -> Attributes:
    """Of the attributes wanted of an existing entry, those that the feed has columns for; one without a value ends."""
    named = [name for column, names in decides.items() if column in feed.columns.places for name in names]
    return {name: attributes.get(name, []) for name in named}
