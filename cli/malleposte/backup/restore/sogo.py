"""One agent's agendas and contacts of SOGo back, out of the archive of its database, into the live one.

The archive is loaded beside (`restore_database`); the agent's rows alone go over, in one transaction. What was made
since stays; what was changed or deleted since is as it was then, with a new version, so that every device takes it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

from malleposte.adapters.sogo import merge
from malleposte.backup.restore import database
from malleposte.backup.restore.model import Outcome
from malleposte.backup.restore.vault import Archives
from malleposte.core.errors import InputError
from malleposte.platform.identity import is_uid

DATABASE = "sogo"
OTHERWISE = "try another --as-of, or --service radicale where its class was another then"
COLLECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")


def restore(
    uid: str,
    collection: str,
    source: Archives,
    server: database.Postgres,
    work: Path,
    *,
    beside: bool = False,
    say: Callable[[str], None] = print,
) -> Outcome:
    """Agendas and contacts of an agent: one collection (`Calendar/personal`), or all when it is empty."""
    begun = time.monotonic()
    if not is_uid(uid) or (collection and not COLLECTION.fullmatch(collection)):
        raise InputError(f"no collection {uid} {collection!r}", "type it as Calendar/personal or Contacts/personal")
    copy, scratch = database.load_beside(DATABASE, source, server, work, say)
    try:
        live, archived = partial(server.sql, database=DATABASE), partial(server.sql, database=scratch)
        ids = merge.numbers(archived, uid, collection)
        if not ids:
            raise InputError(
                f"account {uid}: no such agenda or address book in {copy}",
                OTHERWISE,
            )
        suffix = f"-{copy.taken.astimezone():%Y%m%d}" if beside else ""
        items = merge.merge(live, archived, ids, suffix)
    finally:
        server.sql(f'DROP DATABASE IF EXISTS "{scratch}"')
    outcome = Outcome(f"agendas and contacts of {uid}" + (f": {collection}" if collection else ""), copy)
    outcome.counts = {"collections": len(ids), "items": items}
    outcome.notes.append("beside, under the same names and a date" if suffix else "what was made since stays")
    outcome.seconds = time.monotonic() - begun
    return outcome
