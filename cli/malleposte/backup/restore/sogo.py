"""One agent's agendas and contacts of SOGo back, out of the archive of its database, into the live one.

The archive is loaded beside (`restore_database`); the agent's rows alone go over, in one transaction. What was made
since stays; what was changed or deleted since is as it was then, with a new version, so that every device takes it.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

from malleposte.backup.restore import database
from malleposte.backup.restore.model import Outcome, Source
from malleposte.core.errors import InputError
from malleposte.platform.identity import is_uid

DATABASE = "sogo"
OTHERWISE = "try another --as-of, or --service radicale where its class was another then"
FOLDERS, STORE, RIGHTS = "sogo_folder_info", "sogo_store", "sogo_acl"
QUICK = ("sogo_quick_appointment", "sogo_quick_contact")
COLLECTION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
MERGE = """
CREATE TEMP TABLE place ON COMMIT DROP AS
  SELECT r.c_folder_id AS then, l.c_folder_id AS now FROM r_{folders} r JOIN {folders} l USING (c_path);
UPDATE r_{store} r SET c_folder_id = place.now FROM place WHERE r.c_folder_id = place.then;
DELETE FROM r_{store} r USING {store} l WHERE (l.c_folder_id, l.c_name) = (r.c_folder_id, r.c_name)
  AND l.c_content = r.c_content AND coalesce(l.c_deleted, 0) = 0;
UPDATE r_{store} r SET c_lastmodified = extract(epoch FROM now())::int,
  c_version = 1 + greatest(r.c_version, (SELECT l.c_version FROM {store} l
    WHERE (l.c_folder_id, l.c_name) = (r.c_folder_id, r.c_name)));
DELETE FROM {store} l USING r_{store} r WHERE (l.c_folder_id, l.c_name) = (r.c_folder_id, r.c_name);
INSERT INTO {store} SELECT * FROM r_{store};
"""
MERGE_QUICK = """
UPDATE r_{quick} r SET c_folder_id = place.now FROM place WHERE r.c_folder_id = place.then;
DELETE FROM {quick} l USING r_{quick} r WHERE (l.c_folder_id, l.c_name) = (r.c_folder_id, r.c_name);
INSERT INTO {quick} SELECT * FROM r_{quick};
"""
# Shares are those of today: one that was ended since opens nothing again, one that was made since stays. An agenda that
# was gone has those of then.
MERGE_RIGHTS = """
UPDATE r_{rights} r SET c_folder_id = place.now FROM place WHERE r.c_folder_id = place.then;
INSERT INTO {rights} SELECT r.* FROM r_{rights} r JOIN {folders} USING (c_folder_id) JOIN fresh USING (c_path);
"""


def restore(
    uid: str,
    collection: str,
    source: Source,
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
        path = f"/Users/{uid}/{collection}"
        where = f"c_path = '{path}'" if collection else f"c_path LIKE '{path.replace('_', '\\_')}%'"
        ids = server.sql(f"SELECT c_folder_id FROM {FOLDERS} WHERE {where}", scratch).split()
        if not ids:
            raise InputError(
                f"account {uid}: no such agenda or address book in {copy}",
                OTHERWISE,
            )
        suffix = f"-{copy.taken.astimezone():%Y%m%d}" if beside else ""
        server.sql(script(server, scratch, ids, suffix), DATABASE)
        items = server.sql(
            f"SELECT count(*) FROM {STORE} WHERE c_folder_id IN ({','.join(ids)}) AND coalesce(c_deleted, 0) = 0",
            scratch,
        )
    finally:
        server.sql(f'DROP DATABASE IF EXISTS "{scratch}"')
    outcome = Outcome(f"agendas and contacts of {uid}" + (f": {collection}" if collection else ""), copy)
    outcome.counts = {"collections": len(ids), "items": int(items.strip())}
    outcome.notes.append("beside, under the same names and a date" if suffix else "what was made since stays")
    outcome.seconds = time.monotonic() - begun
    return outcome


def script(server: database.Postgres, scratch: str, ids: list[str], suffix: str) -> str:
    """The SQL that carries the folders `ids` of the scratch database over; with `suffix`, into others."""
    chosen = f"c_folder_id IN ({','.join(ids)})"
    alive = f"{chosen} AND coalesce(c_deleted, 0) = 0"
    parts = ["BEGIN;"]
    tables = [(FOLDERS, chosen), (STORE, alive), *((one, chosen) for one in QUICK)]
    tables += [] if suffix else [(RIGHTS, chosen)]
    for table, where in tables:
        columns = server.sql(
            "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) "
            f"FROM information_schema.columns WHERE table_name = '{table}'",
            DATABASE,
        ).strip()
        rows = server.sql(f"COPY (SELECT {columns} FROM {table} WHERE {where}) TO STDOUT", scratch)
        parts += [f"CREATE TEMP TABLE r_{table} (LIKE {table}) ON COMMIT DROP;"]
        parts += [f"COPY r_{table} ({columns}) FROM STDIN;", rows.rstrip("\n"), "\\."] if rows.strip("\n") else []
        if table == FOLDERS:
            parts += [_folders(server, suffix)]
    parts += [MERGE.format(folders=FOLDERS, store=STORE)]
    parts += [MERGE_QUICK.format(quick=table) for table in QUICK]
    if not suffix:
        parts += [MERGE_RIGHTS.format(rights=RIGHTS, folders=FOLDERS)]
    parts += ["COMMIT;"]
    return "\n".join(parts)


def _folders(server: database.Postgres, suffix: str) -> str:
    """SQL that makes the folders that the live database has not."""
    columns = server.sql(
        "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) "
        f"FROM information_schema.columns WHERE table_name = '{FOLDERS}' AND column_name <> 'c_folder_id'",
        DATABASE,
    ).strip()
    rename = (
        f"UPDATE r_{FOLDERS} SET c_path = c_path || '{suffix}', c_path4 = c_path4 || '{suffix}', "
        f"c_foldername = c_foldername || ' {suffix.lstrip('-')}';"
        if suffix
        else ""
    )
    return (
        f"{rename}\nCREATE TEMP TABLE fresh ON COMMIT DROP AS SELECT c_path FROM r_{FOLDERS} r "
        f"WHERE NOT EXISTS (SELECT 1 FROM {FOLDERS} l WHERE l.c_path = r.c_path);\n"
        f"INSERT INTO {FOLDERS} ({columns}) SELECT {columns} FROM r_{FOLDERS} JOIN fresh USING (c_path);"
    )
