"""Rights on an agenda of SOGo, in its own table. Its memcached then forgets what it knew of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from malleposte.accounts.agendas.sogo import quoted, quoted_json, rows

ANYBODY, NOTHING = "<default>", "None"
Sql = Callable[[str], str]
"""Statements for SOGo's database -> what they print."""
Forget = Callable[[Iterable[str]], None]
"""Keys of memcached, to be forgotten."""

_HELD = """SELECT row_to_json(one) FROM (SELECT c_folder_id AS id, c_uid AS uid, c_role AS role FROM sogo_acl
  WHERE c_folder_id IN (SELECT json_array_elements_text({ids})::int)) AS one;"""
_GRANT = """BEGIN;
DELETE FROM sogo_acl WHERE c_folder_id = {id} AND c_uid IN (SELECT json_array_elements_text({wrong}));
INSERT INTO sogo_acl (c_folder_id, c_object, c_uid, c_role)
  SELECT {id}, {path}, uid, role FROM json_to_recordset({right}) AS w (uid text, role text);
COMMIT;"""


@dataclass(frozen=True)
class Agenda:
    """An agenda, or an address book (`Contacts`): its number in the tables, its owner, its name in addresses."""

    id: int
    owner: str
    name: str
    module: str = "Calendar"

    @property
    def path(self) -> str:
        """Its place below the root."""
        return f"{self.owner}/{self.module}/{self.name}"

    @property
    def key(self) -> str:
        """The key of memcached that has its rights."""
        return f"{self.path}+acl"


def keep(sql: Sql, forget: Forget, agenda: Agenda, wanted: Iterable[tuple[str, str]]) -> bool:
    """Leave these rights (uid, role) on an agenda, and no other; whether any had to change."""
    return bool(keep_all(sql, forget, {agenda: wanted}))


def keep_all(sql: Sql, forget: Forget, wanted: Mapping[Agenda, Iterable[tuple[str, str]]]) -> set[Agenda]:
    """The same for many agendas, which are read at once; those that had to change."""
    pairs: dict[int, list[tuple[str, str]]] = {agenda.id: [] for agenda in wanted}
    for one in rows(sql(_HELD.format(ids=quoted_json(sorted(pairs))))) if pairs else ():
        pairs[one["id"]].append((one["uid"], one["role"]))
    changed = set()
    for agenda, given in wanted.items():
        held, right = _by_uid(pairs[agenda.id]), _by_uid(given)
        if held != right:
            _grant(sql, agenda, held, right)
            forget([agenda.key])
            changed.add(agenda)
    return changed


def _grant(sql: Sql, agenda: Agenda, held: Mapping[str, set[str]], right: Mapping[str, set[str]]) -> None:
    wrong = sorted(uid for uid, roles in held.items() if right.get(uid) != roles)
    new = [
        {"uid": uid, "role": role} for uid, roles in right.items() if held.get(uid) != roles for role in sorted(roles)
    ]
    path = quoted(f"/{agenda.path}")
    sql(_GRANT.format(id=agenda.id, path=path, wrong=quoted_json(wrong), right=quoted_json(new)))


def _by_uid(pairs: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for uid, role in pairs:
        found.setdefault(uid, set()).add(role)
    return found
