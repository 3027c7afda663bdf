"""From a feed of distribution lists to their entries. A list that is missing from it is never removed."""

from __future__ import annotations

import datetime

from malleposte.accounts.feed import Feed, ListRow, rows
from malleposte.accounts.plan.changes import Change, Plan
from malleposte.accounts.plan.current import Current
from malleposte.lists import edits
from malleposte.lists.model import attributes_of, entry_of

DECIDES = {
    "intitule": ("displayName",),
    "regle": ("mpMemberURL",),
    "membres": ("member", "mpMember"),
    "emetteurs": ("mpPoster",),
    "moderateurs": ("mpModerator",),
    "responsables": ("mpManager",),
    "taille": ("mpMaxSize",),
    "debit": ("mpRate",),
    "masquee": ("mpHidden",),
}
"""The fields of an existing list that each column decides; a field without a column stays as it is."""


def plan(feed: Feed, current: Current, domain: str, now: datetime.datetime) -> tuple[Plan, Feed]:
    """Lists to make or to change; and the feed, its rejects joined by the rows that name what the directory lacks."""
    return rows.plan(feed, feed.lists, "liste", lambda row: _changes(row, feed, current, domain), domain, now)


def _changes(row: ListRow, feed: Feed, current: Current, domain: str) -> list[Change]:
    """Return the changes that bring the list to its row. Raises InputError."""
    directory = current.directory
    one = edits.draft(
        directory, row.name, row.title, domain, rules=row.rules, members=row.members, posters=row.posters,
        moderators=row.moderators, managers=row.managers, max_kb=row.max_kb, rate=row.rate, hidden=row.hidden,
    )  # fmt: skip
    entry = entry_of(directory, one.name)
    if entry is None:
        return [edits.create(one, current.names(), directory.suffix, row.line)]
    return edits.changed(entry, rows.decided(feed, DECIDES, attributes_of(one)), row.line)
