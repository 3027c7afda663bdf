# SPDX-License-Identifier: GPL-3.0-or-later
"""rspamd's files: password hashes as rspamadm makes them, keys, switches, strings that cannot escape."""

from pathlib import Path

import pytest
import yaml
from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.filter import rspamd

KEY = "-----BEGIN PRIVATE KEY-----\nMIIE\n-----END PRIVATE KEY-----\n"


def test_the_hash_is_the_one_of_rspamadm() -> None:
    # Made by: rspamadm pw -e -t pbkdf2 (3.12.1)
    salt = sum(rspamd.ALPHABET.index(c) << (5 * i) for i, c in enumerate("skuw6dqmudtzzsuce1mcbx6gj8ksrpzn"))
    made = rspamd.base32(rspamd.pbkdf2(b"Secret123", salt.to_bytes(20, "little")))
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
    for name in ("rbl", "fuzzy_check", "asn", "multimap", "whitelist", "mid", "rspamd_update"):
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


def test_limits_become_windows_and_what_is_not_said_is_as_in_the_default() -> None:
    default = {"warn_5_minutes": 500, "minute": 1000, "hour": 1500, "day": 5000}
    assert rspamd.rspamd_windows({}, default) == "60 0 1000 300 500 0 3600 0 1500 86400 0 5000"
    assert rspamd.rspamd_windows({"hour": 9, "minute": 0}, default) == "300 500 0 3600 0 9 86400 0 5000"
    assert rspamd.rspamd_windows(dict.fromkeys(default, 0), default) == ""


@pytest.mark.parametrize("limits", [{"week": 5}, {"hour": -1}, {"hour": "many"}, {"hour": True}])
def test_limits_that_cannot_be_are_refused(limits: dict[str, object]) -> None:
    with pytest.raises(AnsibleFilterError, match="limits on recipients"):
        rspamd.rspamd_windows(limits, {})


def test_the_virus_scanner_looks_at_whatever_is_taken() -> None:
    wiring = yaml.safe_load((Path(__file__).parents[4] / "playbooks/group_vars/all/wiring.yml").read_text())
    limits = {wiring["rspamd_antivirus_max_mb"], wiring["clamav_max_mb"]}
    assert limits == {"{{ __fact_mail.message_size_mb }}"}
    assert wiring["postfix_message_size_limit"] == "{{ __fact_mail.message_size_mb * 1048576 }}"


def test_names_of_attachments_count_without_online_maps() -> None:
    off = {Path(one["dest"]).stem for one in rspamd.rspamd_switches(False, False) if "false" in one["content"]}
    assert "multimap" in off
    assert "mime_types" not in off
