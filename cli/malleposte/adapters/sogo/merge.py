"""Folders of one owner, out of a copy of SOGo's database into the live one.

What was made since stays; what was changed or deleted since is as it was in the copy, with a new version, so that every
device takes it.
"""

from __future__ import annotations

from collections.abc import Sequence

from malleposte.adapters.postgresql import quoted
from malleposte.adapters.sogo import Sql
from malleposte.adapters.sogo.folders import QUICK

FOLDERS, STORE, RIGHTS = "sogo_folder_info", "sogo_store", "sogo_acl"
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


def numbers(copy: Sql, owner: str, collection: str = "") -> list[str]:
    """Return the numbers, in the copy, of an owner's folder (MODULE/NAME), or of all of them when it is empty."""
    path = f"/Users/{owner}/{collection}"
    where = f"c_path = {quoted(path)}" if collection else f"c_path LIKE {quoted(path.replace('_', '\\_') + '%')}"
    return copy(f"SELECT c_folder_id FROM {FOLDERS} WHERE {where}").split()


def merge(live: Sql, copy: Sql, ids: Sequence[str], suffix: str = "") -> int:
    """Carry the folders `ids` of the copy over, in one transaction; with `suffix`, into others, whose names end so.

    Return the number of their items.
    """
    live(script(live, copy, ids, suffix))
    return int(copy(f"SELECT count(*) FROM {STORE} WHERE {_chosen(ids)} AND coalesce(c_deleted, 0) = 0").strip())


def script(live: Sql, copy: Sql, ids: Sequence[str], suffix: str) -> str:
    """Return the SQL that does so."""
    chosen = _chosen(ids)
    alive = f"{chosen} AND coalesce(c_deleted, 0) = 0"
    parts = ["BEGIN;"]
    tables = [(FOLDERS, chosen), (STORE, alive), *((one, chosen) for one in QUICK.values())]
    tables += [] if suffix else [(RIGHTS, chosen)]
    for table, where in tables:
        columns = _columns(live, table)
        rows = copy(f"COPY (SELECT {columns} FROM {table} WHERE {where}) TO STDOUT")
        parts += [f"CREATE TEMP TABLE r_{table} (LIKE {table}) ON COMMIT DROP;"]
        parts += [f"COPY r_{table} ({columns}) FROM STDIN;", rows.rstrip("\n"), "\\."] if rows.strip("\n") else []
        if table == FOLDERS:
            parts += [_folders(live, suffix)]
    parts += [MERGE.format(folders=FOLDERS, store=STORE)]
    parts += [MERGE_QUICK.format(quick=table) for table in QUICK.values()]
    if not suffix:
        parts += [MERGE_RIGHTS.format(rights=RIGHTS, folders=FOLDERS)]
    parts += ["COMMIT;"]
    return "\n".join(parts)


def _chosen(ids: Sequence[str]) -> str:
    return f"c_folder_id IN ({','.join(ids)})"


def _columns(live: Sql, table: str, but: str = "") -> str:
    """Return the columns of a table of the live database, as SQL."""
    return live(
        "SELECT string_agg(quote_ident(column_name), ', ' ORDER BY ordinal_position) "
        f"FROM information_schema.columns WHERE table_name = {quoted(table)} AND column_name <> {quoted(but)}"
    ).strip()


def _folders(live: Sql, suffix: str) -> str:
    """Return the SQL that makes the folders that the live database has not."""
    columns = _columns(live, FOLDERS, but="c_folder_id")
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
