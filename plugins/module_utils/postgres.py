# SPDX-License-Identifier: GPL-3.0-or-later
"""Databases and their roles: what the description says, what PostgreSQL has, and the statements between the two.

A description is ``{name, owner, system_user, password, clients}``; ``owner`` defaults to ``name``. ``system_user``
enters by the Unix socket without a password; ``clients`` (networks) enter over TLS with ``password``. A monitor is a
system user with a role of its own name, which reads what the server counts of itself (``pg_monitor``) and no table.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import ipaddress
import re
import secrets
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

ITERATIONS = 4096
"""Rounds of PBKDF2, PostgreSQL's own default (scram_iterations)."""
KEYS = frozenset({"name", "owner", "system_user", "password", "clients"})
ADMIN = "postgres"
RIGHTS = "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS"
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
_SYSTEM_USER = re.compile(r"[a-z_][a-z0-9_-]{0,31}")
_LOCALE = re.compile(r"[a-zA-Z0-9-]{2,40}")


class DatabaseError(ValueError):
    """A description that cannot be right; the message names the database and the key."""


def checked(databases: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The descriptions, every key there. Raises DatabaseError."""
    result: list[dict[str, Any]] = []
    for entry in databases:
        name = str(entry.get("name", ""))
        unknown = sorted(set(entry) - KEYS)
        if unknown:
            raise DatabaseError(f"database {name}: unknown key {unknown[0]}; known: {', '.join(sorted(KEYS))}")
        whole = {"owner": name, "system_user": "", "password": "", "clients": [], **entry}
        for key in ("name", "owner"):
            if not _NAME.fullmatch(str(whole[key])) or whole[key] in {ADMIN, "template0", "template1"}:
                raise DatabaseError(f"database {name}: {key} cannot be {whole[key]!r}")
        if whole["system_user"] and not _SYSTEM_USER.fullmatch(whole["system_user"]):
            raise DatabaseError(f"database {name}: not a system user: {whole['system_user']!r}")
        whole["clients"] = [_network(name, text) for text in whole["clients"]]
        if whole["clients"] and not whole["password"]:
            raise DatabaseError(f"database {name}: clients over the network need a password")
        if not re.fullmatch(r"[!-~]*", whole["password"]) or 0 < len(whole["password"]) < 16:
            raise DatabaseError(f"database {name}: a password has 16 printable ASCII characters at least")
        result.append(whole)
    names = [entry["name"] for entry in result]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DatabaseError(f"database {twice[0]} is described twice")
    return result


def _network(name: str, text: str) -> str:
    try:
        network = ipaddress.ip_network(str(text), strict=False)
    except ValueError as error:
        raise DatabaseError(f"database {name}: clients: {error}") from error
    if network.prefixlen == 0:
        raise DatabaseError(f"database {name}: {text} would let every address try")
    return str(network)


def hba(
    databases: Iterable[Mapping[str, Any]], administrators: Sequence[str], monitors: Sequence[str] = ()
) -> list[str]:
    """Lines of pg_hba.conf: each owner into its own database, monitors into that of the server, nothing else."""
    lines = [f"local all {ADMIN} peer map=administrators"] if administrators else []
    lines += [f"local {ADMIN} {monitor} peer" for monitor in _monitors(monitors)]
    for entry in checked(databases):
        if entry["system_user"]:
            lines.append(f"local {entry['name']} {entry['owner']} peer map={entry['name']}")
        lines += [f"hostssl {entry['name']} {entry['owner']} {network} scram-sha-256" for network in entry["clients"]]
    return lines


def _monitors(names: Sequence[str]) -> list[str]:
    """The names of monitors. Raises DatabaseError."""
    for name in names:
        if not _NAME.fullmatch(name) or name == ADMIN:
            raise DatabaseError(f"a monitor cannot be {name!r}")
    return list(names)


def ident(databases: Iterable[Mapping[str, Any]], administrators: Sequence[str]) -> list[str]:
    """Lines of pg_ident.conf: which system user is which role."""
    lines = [f"administrators {user} {ADMIN}" for user in administrators]
    return lines + [
        f"{entry['name']} {entry['system_user']} {entry['owner']}"
        for entry in checked(databases)
        if entry["system_user"]
    ]


def verifier(password: str, salt: bytes | None = None, iterations: int = ITERATIONS) -> str:
    """The password verifier of PostgreSQL (RFC 5803): a password can be proved against it, not read from it."""
    salt = secrets.token_bytes(16) if salt is None else salt
    salted = hashlib.pbkdf2_hmac("sha256", password.encode(), salt, iterations)
    stored = hashlib.sha256(hmac.digest(salted, b"Client Key", "sha256")).digest()
    server = hmac.digest(salted, b"Server Key", "sha256")
    parts = [base64.b64encode(part).decode() for part in (salt, stored, server)]
    return f"SCRAM-SHA-256${iterations}:{parts[0]}${parts[1]}:{parts[2]}"


def same_password(password: str, kept: str | None) -> bool:
    """Whether a kept verifier is of this password; no password and no verifier are the same too."""
    if not password or not kept:
        return not password and not kept
    found = re.fullmatch(r"SCRAM-SHA-256\$(\d+):([A-Za-z0-9+/=]+)\$.*", kept)
    if not found:
        return False
    return hmac.compare_digest(kept, verifier(password, base64.b64decode(found[2]), int(found[1])))


STATE = """
SELECT json_build_object(
  'roles', (SELECT json_object_agg(rolname, json_build_object(
      'password', rolpassword,
      'plain', rolcanlogin AND NOT (rolsuper OR rolcreatedb OR rolcreaterole OR rolreplication OR rolbypassrls)))
    FROM pg_authid),
  'monitors', (SELECT json_agg(member::regrole::text) FROM pg_auth_members WHERE roleid = 'pg_monitor'::regrole),
  'databases', (SELECT json_object_agg(datname, json_build_object(
      'owner', pg_get_userbyid(datdba),
      'public', datacl IS NULL OR EXISTS (SELECT FROM aclexplode(datacl) WHERE grantee = 0)))
    FROM pg_database));
"""
"""Asks PostgreSQL for what `statements` compares."""


def _watching(monitors: Iterable[str], state: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The statements that make monitors."""
    work = []
    for monitor in monitors:
        if monitor not in state["roles"]:
            work.append((f"role {monitor} made", f'CREATE ROLE "{monitor}" {RIGHTS};'))
        if monitor not in (state.get("monitors") or []):
            work.append((f"role {monitor} may read the server's counts", f'GRANT pg_monitor TO "{monitor}";'))
    return work


def statements(
    databases: Iterable[Mapping[str, Any]], state: Mapping[str, Any], locale: str, monitors: Sequence[str] = ()
) -> list[tuple[str, str]]:
    """Return the statements, in order: ``[(text for the log, SQL)]``. Nothing is ever dropped. Raises DatabaseError."""
    if locale and not _LOCALE.fullmatch(locale):
        raise DatabaseError(f"not a locale: {locale!r}")
    work: list[tuple[str, str]] = []
    entries = checked(databases)
    for entry in {entry["owner"]: entry for entry in entries}.values():
        owner, role = entry["owner"], state["roles"].get(entry["owner"])
        if role is None:
            work.append((f"role {owner} made", f'CREATE ROLE "{owner}" {RIGHTS};'))
        elif not role["plain"]:
            work.append((f"rights of role {owner} reduced", f'ALTER ROLE "{owner}" {RIGHTS};'))
        if not same_password(entry["password"], role and role["password"]):
            kept = f"'{verifier(entry['password'])}'" if entry["password"] else "NULL"
            work.append((f"password of role {owner} set", f'ALTER ROLE "{owner}" PASSWORD {kept};'))
    work += _watching(_monitors(monitors), state)
    provider = f"icu ICU_LOCALE '{locale}'" if locale else "builtin BUILTIN_LOCALE 'C.UTF-8'"
    for entry in entries:
        name, owner = entry["name"], entry["owner"]
        database = state["databases"].get(name)
        if database is None:
            options = f"ENCODING 'UTF8' LOCALE 'C.UTF-8' LOCALE_PROVIDER {provider} TEMPLATE template0"
            work.append((f"database {name} made", f'CREATE DATABASE "{name}" OWNER "{owner}" {options};'))
        elif database["owner"] != owner:
            work.append((f"database {name} given to {owner}", f'ALTER DATABASE "{name}" OWNER TO "{owner}";'))
        if database is None or database["public"]:
            work.append((f"database {name} closed to others", f'REVOKE ALL ON DATABASE "{name}" FROM PUBLIC;'))
    return work
