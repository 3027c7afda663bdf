# SPDX-License-Identifier: GPL-3.0-or-later
"""rspamd's files: password hashes as rspamadm makes them, keys, switches, strings that cannot escape."""

from __future__ import annotations

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.filter import rspamd

KEY = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"


def test_the_hash_is_the_one_of_rspamadm() -> None:
    # Made by: rspamadm pw -e -t pbkdf2 (3.12.1)
    salt = sum(rspamd._ALPHABET.index(c) << (5 * i) for i, c in enumerate("skuw6dqmudtzzsuce1mcbx6gj8ksrpzn"))
    made = rspamd._base32(rspamd._pbkdf(b"Secret123", salt.to_bytes(20, "little")))
    assert made == "7p7dhawqxtug13wj3eohdt13z8rzamay4dctn95xhhza3inpz7jb"


def test_the_hash_is_stable_and_differs_by_password_and_use() -> None:
    first = rspamd.rspamd_password_hash("a" * 20, "read")
    assert first == rspamd.rspamd_password_hash("a" * 20, "read")
    assert first.startswith("$1$")
    others = {rspamd.rspamd_password_hash("a" * 20, "write"), rspamd.rspamd_password_hash("b" * 20, "read")}
    assert len({first, *others}) == 3
    with pytest.raises(AnsibleFilterError, match="16 characters"):
        rspamd.rspamd_password_hash("short")


def test_a_key_becomes_a_file_that_only_rspamd_reads() -> None:
    files = rspamd.rspamd_keys([{"domain": "AC-Exemple.test", "selector": "mp1", "key": KEY}], "/var/lib/rspamd/dkim")
    assert files == [
        {"dest": "/var/lib/rspamd/dkim/ac-exemple.test.mp1.key", "content": KEY, "group": "_rspamd", "mode": "0640"}
    ]


@pytest.mark.parametrize(
    ("entry", "why"),
    [
        ({"domain": "../x", "selector": "mp1", "key": KEY}, "not a DNS name"),
        ({"domain": "a.test", "selector": "a/b", "key": KEY}, "not a DNS name"),
        ({"domain": "a.test", "selector": "mp1", "key": "hello"}, "not a PEM"),
        ({"domain": "a.test", "selector": "mp1", "key": "-----BEGIN PUBLIC KEY-----"}, "not a PEM"),
    ],
)
def test_a_key_that_cannot_sign_is_refused(entry: dict[str, str], why: str) -> None:
    with pytest.raises(AnsibleFilterError, match=why):
        rspamd.rspamd_keys([entry], "/x")


def test_a_domain_has_one_signing_key() -> None:
    with pytest.raises(AnsibleFilterError, match="given twice"):
        rspamd.rspamd_keys([{"domain": "a.test", "selector": s, "key": KEY} for s in ("a", "b")], "/x")


def test_nothing_outside_is_asked_when_switched_off() -> None:
    off = {file["dest"]: file["content"] for file in rspamd.rspamd_switches(False, False)}
    for name in ("rbl", "fuzzy_check", "asn", "multimap", "whitelist", "mid", "mime_types", "rspamd_update"):
        assert "enabled = false;" in off[f"/etc/rspamd/override.d/{name}.conf"]
    on = {file["dest"]: file["content"] for file in rspamd.rspamd_switches(True, False)}
    assert "enabled = true;" in on["/etc/rspamd/override.d/rbl.conf"]
    assert "enabled = false;" in on["/etc/rspamd/override.d/multimap.conf"]
    assert "enabled = false;" in on["/etc/rspamd/override.d/neural.conf"]


@pytest.mark.parametrize(
    ("value", "literal"),
    [("a", '"a"'), ('a"b', '"a\\"b"'), ("a\\b", '"a\\\\b"'), ("${DBDIR}", '"\\u0024{DBDIR}"'), (5, '"5"')],
)
def test_ucl_strings(value: object, literal: str) -> None:
    assert rspamd.ucl_string(value) == literal


def test_ucl_refuses_control_characters() -> None:
    with pytest.raises(AnsibleFilterError, match="control character"):
        rspamd.ucl_list(["a\nb"])
