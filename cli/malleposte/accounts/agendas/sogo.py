"""The store of SOGo: read from its tables, written by its own tool (`sogo-tool restore`), for its indexes."""

from __future__ import annotations

import hashlib
import json
import os
import plistlib
import pwd
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

from malleposte.accounts.agendas.model import (
    MAIN,
    Collection,
    Item,
    Kind,
    collected,
    components,
    fit_name,
    newer,
)
from malleposte.core.errors import MallepostError
from malleposte.runtime import owner

PATHS = {Kind.AGENDA: "Calendar", Kind.CONTACTS: "Contacts"}
PUBLISHER = "malleposte-calendars"
"""The owner of the published calendars (`groupware.published`): no agent, and nobody can log in by that name."""
TITLES = {Kind.AGENDA: "Agenda personnel", Kind.CONTACTS: "Carnet d'adresses personnel"}
"""As SOGo names them itself in French."""
UNKNOWN = {"VJOURNAL", "VLIST"}
"""SOGo has no journals; its lists of contacts are nobody else's, and stay."""
TIMEOUT = 60  # seconds
_ENVIRONMENT = ("HOME", "PGSSLMODE", "PGSSLROOTCERT")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]")
Sql = Callable[[str, str], str]
"""(database, statements) -> what they print."""
Restore = Callable[[str, bytes], None]
"""(uid, a property list as `sogo-tool backup` writes it) -> it is in SOGo."""

_READ = """
SELECT row_to_json(one) FROM (
  SELECT i.c_path3 AS path, i.c_path4 AS place, i.c_foldername AS title, s.c_name AS name, s.c_content AS text,
    s.c_lastmodified AS changed
  FROM sogo_folder_info i LEFT JOIN sogo_store s ON s.c_folder_id = i.c_folder_id AND coalesce(s.c_deleted, 0) = 0
  WHERE i.c_path2 = {uid} AND i.c_path3 IN ('Calendar', 'Contacts') ORDER BY i.c_folder_id, s.c_name) AS one;
"""
_RIGHTS = """
SELECT row_to_json(one) FROM (
  SELECT i.c_path3 AS path, i.c_path4 AS place, a.c_uid AS uid, a.c_role AS role
  FROM sogo_folder_info i JOIN sogo_acl a ON a.c_folder_id = i.c_folder_id
    AND a.c_object = '/' || i.c_path2 || '/' || i.c_path3 || '/' || i.c_path4
  WHERE i.c_path2 = {uid} AND i.c_path3 IN ('Calendar', 'Contacts') ORDER BY i.c_folder_id, a.c_uid, a.c_role) AS one;
"""
# As SOGo deletes: the row stays and says so, for devices that ask what has gone; the quick tables forget it.
_REMOVE = """
BEGIN;
CREATE TEMP TABLE gone ON COMMIT DROP AS
  SELECT s.c_folder_id, s.c_name FROM json_to_recordset({items}) AS w (path text, place text, name text, digest text)
  JOIN sogo_folder_info i ON i.c_path2 = {uid} AND i.c_path3 = w.path AND i.c_path4 = w.place
  JOIN sogo_store s ON s.c_folder_id = i.c_folder_id AND s.c_name = w.name AND coalesce(s.c_deleted, 0) = 0
  WHERE encode(sha256(convert_to(s.c_content, 'UTF8')), 'hex') = w.digest FOR UPDATE OF s;
UPDATE sogo_store s SET c_deleted = 1, c_lastmodified = extract(epoch FROM now())::int, c_version = s.c_version + 1
  FROM gone WHERE (s.c_folder_id, s.c_name) = (gone.c_folder_id, gone.c_name);
DELETE FROM sogo_quick_appointment q USING gone WHERE (q.c_folder_id, q.c_name) = (gone.c_folder_id, gone.c_name);
DELETE FROM sogo_quick_contact q USING gone WHERE (q.c_folder_id, q.c_name) = (gone.c_folder_id, gone.c_name);
COMMIT;
"""
_HOLDERS = """
SELECT DISTINCT i.c_path2 FROM sogo_folder_info i JOIN sogo_store s USING (c_folder_id)
WHERE i.c_path3 IN ('Calendar', 'Contacts') AND coalesce(s.c_deleted, 0) = 0 AND s.c_content NOT LIKE 'BEGIN:VLIST%'
  AND i.c_path2 <> {publisher};
"""


def quoted(text: str) -> str:
    """A literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def quoted_json(value: Any) -> str:
    """A literal of SQL that holds a value as JSON."""
    return quoted(json.dumps(value))


def rows(printed: str) -> Iterator[dict[str, Any]]:
    """Objects that a statement printed, a line each: by "\\n", JSON leaves Unicode's other ends of lines alone."""
    return (json.loads(line) for line in printed.split("\n") if line)


def printable(text: str) -> str:
    """The text without what a property list cannot hold."""
    return _CONTROL.sub("", text)


def restore(uid: str, content: bytes) -> None:
    """By SOGo's tool, as its own user: root's work, or a job's of that user. Raises MallepostError."""
    sogo = pwd.getpwnam("sogo")
    become: dict[str, Any] = {} if os.geteuid() else {"user": "sogo", "group": "sogo", "extra_groups": []}
    # A job's unit says how the database is reached.
    given = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ and not become}
    with owner.as_user(sogo.pw_uid, sogo.pw_gid), tempfile.TemporaryDirectory(prefix="malleposte-sogo.") as folder:
        (Path(folder) / uid).write_bytes(content)
        try:
            done = subprocess.run(
                ["sogo-tool", "restore", "-f", "ALL", folder, uid], **become,
                cwd=folder, env={"PATH": "/usr/sbin:/usr/bin", **given}, stdin=subprocess.DEVNULL, capture_output=True,
                text=True, errors="replace", check=False, timeout=TIMEOUT,
            )  # fmt: skip
        except subprocess.TimeoutExpired as error:
            raise MallepostError(f"sogo-tool did not end within {TIMEOUT} s") from error
    # It is silent and content where it does not know the agent: who calls looks at what is there.
    if done.returncode:
        lines = [line for line in done.stderr.splitlines() if "SOGoCache" not in line] or ["no word"]
        raise MallepostError(f"sogo-tool ended with {done.returncode}: {lines[-1][:200]}")


class SogoStore:
    """SOGo's agendas and address books, for root on the host of its database and its tool."""

    name = "sogo"
    flat = False

    def __init__(self, database: str, sql: Sql, put: Restore = restore) -> None:
        """`database`: its name."""
        self.database, self.sql, self.put = database, sql, put

    def read(self, uid: str) -> list[Collection]:
        """See Store."""
        kinds = {path: kind for kind, path in PATHS.items()}
        titles: dict[tuple[Kind, str], str] = {}
        items: dict[tuple[Kind, str], list[Item]] = {}
        for row in rows(self.sql(self.database, _READ.format(uid=quoted(uid)))):
            place = kinds[row["path"]], str(row["place"])
            titles[place] = str(row["title"] or "") if place[1] != MAIN else ""
            held = items.setdefault(place, [])
            if row["name"] is not None and not components(row["text"]) & UNKNOWN:
                held.append(Item(str(row["name"]), str(row["text"]), float(row["changed"])))
        return [Collection(*place, titles[place], collected(held)) for place, held in items.items()]

    def add(self, uid: str, collections: Sequence[Collection]) -> None:
        """See Store. The tool passes over names that are there, so what is older goes first.

        It puts the rights of its file in the place of those that a collection has: the file says the same again.
        """
        held = {one.place: one for one in self.read(uid)}
        tables: dict[str, dict[str, object]] = {}
        older: list[Collection] = []
        for one in collections:
            there = held.get(one.place, Collection(one.kind, one.name))
            wanted = {
                key: item for key, item in one.items.items()
                if newer(item, there.items.get(key)) and not components(item.text) & UNKNOWN
            }  # fmt: skip
            older.append(there.only(wanted))
            if wanted or one.place not in held:
                title = one.title or (TITLES[one.kind] if one.name == MAIN else one.name)
                records = _records(one.kind, wanted, there)
                path = f"{PATHS[one.kind]}/{one.name}"
                tables[f"/Users/{uid}/{path}"] = {"acl": {}, "displayname": printable(title), "records": records}
        if tables:
            for path, rights in self._rights(uid).items():
                tables.get(f"/Users/{uid}/{path}", {})["acl"] = rights
            self.remove(uid, older)
            self.put(uid, plistlib.dumps({"tables": tables}))

    def _rights(self, uid: str) -> dict[str, dict[str, list[str]]]:
        """The rights of others: path of a collection -> who -> roles."""
        found: dict[str, dict[str, list[str]]] = {}
        for row in rows(self.sql(self.database, _RIGHTS.format(uid=quoted(uid)))):
            of_it = found.setdefault(f"{row['path']}/{row['place']}", {})
            of_it.setdefault(str(row["uid"]), []).append(str(row["role"]))
        return found

    def remove(self, uid: str, collections: Sequence[Collection]) -> None:
        """See Store."""
        gone = [
            {"path": PATHS[one.kind], "place": one.name, "name": item.name,
             "digest": hashlib.sha256(item.text.encode()).hexdigest()}
            for one in collections for item in one.items.values()
        ]  # fmt: skip
        if gone:
            text = json.dumps(gone, ensure_ascii=True)
            self.sql(self.database, _REMOVE.format(uid=quoted(uid), items=quoted(text)))

    def holders(self) -> set[str]:
        """See Store."""
        return set(self.sql(self.database, _HOLDERS.format(publisher=quoted(PUBLISHER))).split())


def _records(kind: Kind, wanted: dict[str, Item], there: Collection) -> list[dict[str, str]]:
    """Items as the tool takes them: under the names they have here, else their own."""
    taken = {item.name for key, item in there.items.items() if key not in wanted}
    records = []
    for key, item in wanted.items():
        held = there.items.get(key)
        name = held.name if held else fit_name(item, kind, taken)
        taken.add(name)
        records.append({"c_name": name, "c_content": printable(item.text)})
    return records
