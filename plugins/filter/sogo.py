# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the role sogo: its property list, its database's addresses, who may log in, the publisher of calendars."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

_TABLES = {
    "SOGoProfileURL": "sogo_user_profile",
    "OCSFolderInfoURL": "sogo_folder_info",
    "OCSSessionsFolderURL": "sogo_sessions_folder",
    "OCSEMailAlarmsFolderURL": "sogo_alarms_folder",
    "OCSStoreURL": "sogo_store",
    "OCSAclURL": "sogo_acl",
    "OCSCacheFolderURL": "sogo_cache_folder",
    "OCSAdminURL": "sogo_admin",
}
"""Settings and their tables: with OCSStoreURL, all agents share these and two quick tables (SOGo's guide, Database)."""

_SOCKET = "%2Frun%2Fpostgresql"
"""The folder of PostgreSQL's socket, as the host of an address."""

PUBLISHER = "malleposte-calendars"
"""The uid of the owner of published calendars, the same as in malleposte.accounts.agendas.sogo."""
_NOWHERE = "calendars.invalid"
"""The domain of its address (RFC 2606): no mail goes there."""

_BARE = re.compile(r"[A-Za-z0-9_]+")
_VALUE = re.compile(r"[A-Za-z0-9_-]+")


def _quoted(text: str) -> str:
    if any((ord(char) < 0x20 and char not in "\n\t") or ord(char) == 0x7F for char in text):
        raise AnsibleFilterError(f"sogo: a control character in {text!r}")
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\t", "\\t")
    return f'"{escaped}"'


def _render(value: Any, indent: str) -> str:
    deeper = indent + "  "
    if isinstance(value, bool):
        return "YES" if value else "NO"
    if isinstance(value, (int, float)):
        return str(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, Mapping):
        lines = [f"{deeper}{_key(name)} = {_render(one, deeper)};\n" for name, one in value.items()]
        return "{\n" + "".join(lines) + indent + "}" if lines else "{ }"
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        items = [f"{deeper}{_render(one, deeper)}" for one in value]
        return "(\n" + ",\n".join(items) + f"\n{indent})" if items else "( )"
    raise AnsibleFilterError(f"sogo: a property list holds no {type(value).__name__}: {value!r}")


def _key(name: Any) -> str:
    text = str(name)
    return text if _BARE.fullmatch(text) else _quoted(text)


def sogo_plist(settings: Mapping[str, Any]) -> str:
    """An OpenStep property list, as SOGo reads it; settings that are None are left out.

    :raises AnsibleFilterError: a value that such a list cannot hold.
    """
    return _render({name: value for name, value in settings.items() if value is not None}, "") + "\n"


def _database(database: str, host: str, port: int, user: str, password: str) -> str:
    login = quote(user, safe="") + (f":{quote(password, safe='')}" if host else "")
    return f"postgresql://{login}@{host or _SOCKET}:{port}/{quote(database, safe='')}"


def sogo_tables(database: str, host: str, port: int, user: str, password: str) -> dict[str, str]:
    """The settings that name SOGo's tables. Without a host: the Unix socket, where the system user proves itself.

    The socket's folder and the user are named all the same: SOGo uses a connection again only where both are said, and
    opens one more at each log-in where they are not, until it may open none.
    """
    where = _database(database, host, port, user, password)
    return {setting: f"{where}/{table}" for setting, table in _TABLES.items()}


def sogo_publisher(
    database: str, host: str, port: int, user: str, password: str, name: str,
    uid: str = PUBLISHER, ident: str = "calendriers",
) -> dict[str, Any]:  # fmt: skip
    """The source (`ident`) of one user (`uid`) who owns the published calendars, or the schools' address books.

    `name` stands after theirs on the agents' pages.

    SOGo selects from what the address ends with, so the row needs no table that a restore could lack. Its tool takes no
    user of a source without log-ins: the filter refuses each. A search looks through a column that is empty.
    """
    columns = {
        "c_uid": uid, "c_name": uid, "c_password": "*", "c_cn": name, "mail": f"{uid}@{_NOWHERE}",
        "c_nothing": "",
    }  # fmt: skip
    values = ", ".join("'{}'::text AS {}".format(value.replace("'", "''"), key) for key, value in columns.items())
    where = _database(database, host, port, user, password)
    return {
        "id": ident,
        "type": "sql",
        "viewURL": f"{where}/{quote(f'(SELECT {values}) AS publisher', safe='')}",
        "canAuthenticate": True,
        "authenticationFilter": "c_uid = ''",
        "userPasswordAlgorithm": "ssha512",
        "isAddressBook": False,
        "SearchFieldNames": ["c_nothing"],
    }


def _one_of(attribute: str, values: Sequence[str]) -> str:
    wrong = [value for value in values if not _VALUE.fullmatch(value)]
    if wrong:
        raise AnsibleFilterError(f"sogo: {attribute} cannot be {wrong[0]!r}")
    return "(" + " OR ".join(f"{attribute}='{value}'" for value in values) + ")"


def sogo_agents(states: Sequence[str], profiles: Sequence[str]) -> str:
    """SOGo's own: agents in one of these states, of one of these profiles, whose password is not to be replaced.

    :raises AnsibleFilterError: no state, or a word that cannot stand in a filter.
    """
    if not states:
        raise AnsibleFilterError("sogo_login_states: nobody could log in")
    parts = ["objectClass='mpAgent'", _one_of("mpState", states)]
    if profiles:
        parts.append(_one_of("mpProfile", profiles))
    return "(" + " AND ".join([*parts, "NOT (pwdReset='TRUE')"]) + ")"


def sogo_address_book(states: Sequence[str]) -> str:
    """Return the filter of an agent's search: agents and functional boxes in these states, but for the hidden ones."""
    kinds = "(objectClass='mpAgent' OR objectClass='mpFunctionalBox')"
    return f"({kinds} AND {_one_of('mpState', states)} AND NOT (mpHidden='TRUE'))"


FilterModule = filters(sogo_plist, sogo_publisher, sogo_tables, sogo_agents, sogo_address_book)
