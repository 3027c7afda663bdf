"""The room that an owner's agendas and address books have in SOGo's tables, held by the database itself.

SOGo knows no such limit, and writes from its pages, from devices and for guests of an event. Triggers refuse a row that
has no room left, so SOGo refuses the whole request (500) and nothing is written by halves. A row counts with ROW octets
of its own. Programs of the platform, which move agendas or bring them back by psql, are refused nothing. What was
deleted loses its words where they would take room from what is new, else after a month; its name stays, for devices
that ask what has gone.
"""

import hashlib

from malleposte.adapters.postgresql import quoted
from malleposte.adapters.sogo import Sql

ROW = 1_024
"""Octets that a row counts beside its content: its name, its keys, its row in the quick tables."""
MOST_FOLDERS = 100
"""Agendas and address books of an owner."""
DELETED_DAYS = 30
"""Days for which the words of what was deleted stay."""

# The sum is made of an owner's rows by their key: octet_length reads no content.
_TRIGGERS = """
CREATE OR REPLACE FUNCTION malleposte_room() RETURNS trigger LANGUAGE plpgsql AS $body$
DECLARE owner text; living bigint; octets bigint;
BEGIN
  IF TG_OP = 'UPDATE' AND octet_length(NEW.c_content) <= octet_length(OLD.c_content) THEN
    RETURN NEW;
  END IF;
  SELECT c_path2 INTO owner FROM sogo_folder_info WHERE c_folder_id = NEW.c_folder_id;
  SELECT coalesce(sum(octet_length(s.c_content) + {row}), 0),
      coalesce(sum(octet_length(s.c_content) + {row}) FILTER (WHERE s.c_deleted IS DISTINCT FROM 1), 0)
    INTO octets, living
    FROM sogo_folder_info i JOIN sogo_store s USING (c_folder_id) WHERE i.c_path2 = owner AND s.c_content <> '';
  IF living + octet_length(NEW.c_content) > {octets} THEN
    RAISE EXCEPTION 'no room: the agendas and address books of % take % MB', owner, living / 1048576
      USING ERRCODE = 'disk_full';
  END IF;
  IF octets + octet_length(NEW.c_content) > {octets} THEN
    UPDATE sogo_store SET c_content = '' WHERE c_deleted = 1 AND c_content <> ''
      AND c_folder_id IN (SELECT c_folder_id FROM sogo_folder_info WHERE c_path2 = owner);
  END IF;
  RETURN NEW;
END $body$;
CREATE OR REPLACE FUNCTION malleposte_folders() RETURNS trigger LANGUAGE plpgsql AS $body$
BEGIN
  IF (SELECT count(*) FROM sogo_folder_info WHERE c_path2 = NEW.c_path2) >= {folders} THEN
    RAISE EXCEPTION 'no room: % has {folders} agendas and address books', NEW.c_path2
      USING ERRCODE = 'disk_full';
  END IF;
  RETURN NEW;
END $body$;
CREATE OR REPLACE TRIGGER malleposte_room BEFORE INSERT OR UPDATE OF c_content ON sogo_store
  FOR EACH ROW WHEN (current_setting('application_name') <> 'psql') EXECUTE FUNCTION malleposte_room();
CREATE OR REPLACE TRIGGER malleposte_folders BEFORE INSERT ON sogo_folder_info
  FOR EACH ROW WHEN (current_setting('application_name') <> 'psql') EXECUTE FUNCTION malleposte_folders();
"""
_PRESENT = """SELECT to_regclass('sogo_store') IS NOT NULL AND to_regclass('sogo_folder_info') IS NOT NULL,
  (SELECT obj_description(oid, 'pg_proc') FROM pg_proc WHERE proname = 'malleposte_room');"""
_TAKEN = """SELECT coalesce(sum(octet_length(s.c_content) + {row}), 0)
  FROM sogo_folder_info i JOIN sogo_store s USING (c_folder_id) WHERE i.c_path2 = {owner} AND s.c_content <> ''
  AND s.c_deleted IS DISTINCT FROM 1;"""
_ERASE = """WITH old AS (UPDATE sogo_store SET c_content = '' WHERE c_deleted = 1 AND c_content <> ''
  AND c_lastmodified < extract(epoch FROM now())::int - {seconds} RETURNING 1) SELECT count(*) FROM old;"""


def limit(sql: Sql, megabytes: int) -> bool:
    """Have the tables refuse what SOGo writes beyond so many MB of an owner; return whether that is new."""
    statements = _TRIGGERS.format(octets=megabytes << 20, row=ROW, folders=MOST_FOLDERS)
    sign = hashlib.sha256(statements.encode()).hexdigest()[:16]
    tables, _sign, present = sql(_PRESENT).strip().partition("|")
    if tables != "t" or present == sign:  # SOGo makes its tables with its first request
        return False
    sql(f"BEGIN;{statements}COMMENT ON FUNCTION malleposte_room() IS {quoted(sign)};COMMIT;")
    return True


def taken(sql: Sql, owner: str) -> int:
    """Return the octets of what an owner has, as the triggers count them, without what was deleted."""
    return int(sql(_TAKEN.format(row=ROW, owner=quoted(owner))).strip() or 0)


def erase_deleted(sql: Sql) -> int:
    """Erase the words of what was deleted DELETED_DAYS ago; return of how many."""
    return int(sql(_ERASE.format(seconds=DELETED_DAYS * 86_400)).strip() or 0)
