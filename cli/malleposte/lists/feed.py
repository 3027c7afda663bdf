"""From a feed of distribution lists to their entries. A list that is missing from it is never removed."""

from __future__ import annotations

import datetime
from dataclasses import replace

from malleposte.accounts.changes import Change, Plan
from malleposte.accounts.current import Current
from malleposte.accounts.feed import Feed, ListRow, Problem, Reject
from malleposte.errors import InputError
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
    changes: list[Change] = []
    rejects = list(feed.rejects)
    unchanged = 0
    for row in feed.lists:
        try:
            found = _changes(row, feed, current, domain)
        except InputError as error:
            rejects.append(
                Reject(row.line, row.cells, (Problem(feed.columns.titles["liste"], error.french or str(error)),))
            )
            continue
        changes += found
        unchanged += not found
    rejects.sort(key=lambda reject: reject.line)
    made = Plan(
        domain=domain,
        feed=feed.name,
        feed_sha256=feed.sha256,
        made=now.astimezone(datetime.UTC).isoformat(timespec="seconds"),
        changes=tuple(changes),
        unchanged=unchanged,
        rejected=len(rejects),
    )
    return made, replace(feed, rejects=tuple(rejects))


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
    wanted = attributes_of(one)
    named = [name for column, names in DECIDES.items() if column in feed.columns.places for name in names]
    return edits.changed(entry, {name: wanted.get(name, []) for name in named}, row.line)
