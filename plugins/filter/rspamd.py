# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters of the rspamd role: the controller's password hash, signing keys, module switches, UCL strings."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

ALPHABET = "ybndrfg8ejkmcpqxot1uwisza345h769"
_ROUNDS = 16000
_SALT_BYTES = 20
_KEY_BYTES = 32
_HEADER = "# Managed by Malleposte; changes are overwritten\n"
_DOMAIN = re.compile(r"(?:[a-z0-9_](?:[a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z0-9-]{2,63}")
_SELECTOR = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,61}[a-z0-9])?")

# Modules that ask the Internet (DNS lists, fuzzy hashes, AS numbers): off where nothing outside may be asked.
ONLINE_MODULES = ("rbl", "fuzzy_check", "asn", "rspamd_update")
# Modules whose data are maps fetched over HTTPS; without them they have nothing to say.
MAP_MODULES = ("multimap", "whitelist", "mid")
# Never wanted: they cost memory or time and need a service that we do not run.
UNUSED_MODULES = ("neural", "bimi", "clickhouse", "elastic", "metric_exporter", "dcc", "p0f", "aws_s3")


def base32(data: bytes) -> str:
    """rspamd's own base 32: the z-base-32 alphabet, bits taken from the least significant end."""
    number = int.from_bytes(data, "little")
    digits = -(-len(data) * 8 // 5)
    return "".join(ALPHABET[(number >> (5 * i)) & 31] for i in range(digits))


def pbkdf2(password: bytes, salt: bytes) -> bytes:
    """PBKDF2 whose pseudo-random function is keyed BLAKE2b (64 bytes), one block, as rspamd computes it."""
    key = password if len(password) <= 64 else hashlib.blake2b(password).digest()
    block = hashlib.blake2b(salt + (1).to_bytes(4, "big"), key=key).digest()
    total = int.from_bytes(block, "big")
    for _ in range(1, _ROUNDS):
        block = hashlib.blake2b(block, key=key).digest()
        total ^= int.from_bytes(block, "big")
    return total.to_bytes(64, "big")[:_KEY_BYTES]


@cache
def rspamd_password_hash(password: str, use: str = "") -> str:
    """The ``$1$`` hash (as ``rspamadm pw -t pbkdf2`` makes) of a controller password.

    The salt is derived from the password and ``use``, so that a second run gives the same file; these
    passwords are long and random, a salt shared between hosts tells nothing about them.
    """
    if len(password) < 16:
        raise AnsibleFilterError("the rspamd controller passwords must have 16 characters at least")
    secret = password.encode()
    label = use.encode()[:16]
    salt = hashlib.blake2b(secret, digest_size=_SALT_BYTES, person=b"mp-rspamd", salt=label).digest()
    return f"$1${base32(salt)}${base32(pbkdf2(secret, salt))}"


def rspamd_keys(keys: Iterable[Mapping[str, str]], directory: str) -> list[dict[str, str]]:
    """config_set entries of the signing keys (``{domain, selector, key}``), readable by rspamd only.

    :raises AnsibleFilterError: a name that cannot stand in DNS, a domain given twice, a key not in PEM.
    """
    files: list[dict[str, str]] = []
    seen: set[str] = set()
    for entry in keys:
        domain, selector, key = entry["domain"].lower(), entry["selector"].lower(), entry["key"].strip()
        if not _DOMAIN.fullmatch(domain) or not _SELECTOR.fullmatch(selector):
            raise AnsibleFilterError(f"rspamd_dkim_keys: not a DNS name: {selector}._domainkey.{domain}")
        if domain in seen:
            raise AnsibleFilterError(f"rspamd_dkim_keys: {domain} is given twice; only one key signs")
        if not key.startswith("-----BEGIN") or "PRIVATE KEY" not in key.splitlines()[0]:
            raise AnsibleFilterError(f"rspamd_dkim_keys: the key of {domain} is not a PEM private key")
        seen.add(domain)
        path = f"{directory}/{domain}.{selector}.key"
        files.append({"dest": path, "content": key + "\n", "group": "_rspamd", "mode": "0640"})
    return files


WINDOWS = {"minute": 60, "warn_5_minutes": 300, "hour": 3600, "day": 86400}
"""Limits on recipients by name, and the seconds they are counted over; a `warn_` one only warns."""


def rspamd_windows(limits: Mapping[str, Any], default: Mapping[str, Any]) -> str:
    """Limits on recipients as the filter reads them: seconds, above how many to warn and to hold (0: never), and so on.

    :param limits: by the names of ``WINDOWS``; what is not said is as in ``default``.
    :raises AnsibleFilterError: an unknown name, or what is no number.
    """
    whole = {**default, **limits}
    for name, value in whole.items():
        if name not in WINDOWS:
            raise AnsibleFilterError(f"limits on recipients: {name!r} is none of {', '.join(WINDOWS)}")
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            raise AnsibleFilterError(f"limits on recipients: {name}: a number from 0 up is expected, not {value!r}")
    numbers = [
        (seconds, whole[name], 0) if name.startswith("warn") else (seconds, 0, whole[name])
        for name, seconds in WINDOWS.items()
        if whole.get(name)
    ]
    return " ".join(str(number) for window in numbers for number in window)


def rspamd_switches(online_checks: bool, online_maps: bool) -> list[dict[str, str]]:
    """config_set entries that switch whole modules, one ``override.d`` file a module."""
    states: dict[str, bool] = dict.fromkeys(UNUSED_MODULES, False)
    states |= dict.fromkeys(ONLINE_MODULES, online_checks)
    states |= dict.fromkeys(MAP_MODULES, online_maps)
    states["rspamd_update"] = False
    return [
        {"dest": f"/etc/rspamd/override.d/{name}.conf", "content": f"{_HEADER}enabled = {str(on).lower()};\n"}
        for name, on in sorted(states.items())
    ]


def ucl_string(value: Any) -> str:
    """A UCL string literal: no value can end it, and ``${...}`` in it stays as it is."""
    text = str(value)
    if any(ord(character) < 32 for character in text):
        raise AnsibleFilterError("a control character in a value for rspamd")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\u0024") + '"'


def ucl_list(values: Iterable[Any]) -> str:
    """A UCL array of strings."""
    return "[" + ", ".join(ucl_string(value) for value in values) + "]"


FilterModule = filters(rspamd_password_hash, rspamd_keys, rspamd_switches, rspamd_windows, ucl_string, ucl_list)
