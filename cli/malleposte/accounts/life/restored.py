"""Restores in the journal of accounts, for their owners and for audits."""

from __future__ import annotations

from malleposte.accounts.actor import actor
from malleposte.accounts.journal import Journal
from malleposte.accounts.life.base import uid_of
from malleposte.accounts.search import by_any_name
from malleposte.accounts.settings import Settings
from malleposte.core.errors import MallepostError

KINDS = ("mailbox", "folder", "message", "dav", "undo")
"""The restores of one account; the journal writes `restore-` before them."""


def note(settings: Settings, kind: str, who: str, what: str, reason: str) -> str:
    """Write one; whose account it is. `what`: the folder or collection. Raises OSError.

    An account that the directory does not give is written as it was typed: a restore may be of what is lost there too.
    """
    try:
        with settings.directory() as directory:
            uid = uid_of(by_any_name(directory, who))
    except MallepostError:
        uid = who.strip().lower()
    facts = {"what": what, "note": reason}
    with Journal(settings.journal, actor()) as journal:
        journal.write(f"restore-{kind}", uid, **{name: text for name, text in facts.items() if text})
    return uid
