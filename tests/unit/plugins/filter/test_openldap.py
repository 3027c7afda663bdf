"""Access rules, limits and entries of the directory."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from plugins.filter import openldap
from plugins.module_utils.slapd import access

ROOT = Path(__file__).resolve().parents[4]
SUFFIX = "dc=ac-exemple,dc=test"
SERVICES: dict[str, dict[str, Any]] = {
    "dovecot": {"branches": ["people"], "read": ["uid", "mail", "mpQuota"], "unlimited": True},
    "postfix": {"branches": ["people", "lists"], "read": ["uid", "mail"]},
}


def rules() -> list[str]:
    return access.access_rules(SERVICES, SUFFIX, "provision", ["uid", "cn"])


def who(rule: str) -> set[str]:
    return {part.partition(",")[0] for part in rule.split('dn.exact="cn=')[1:]}


def test_the_suffix_of_a_domain() -> None:
    assert access.suffix_of("Ac-Exemple.test.") == SUFFIX


def test_passwords_are_proved_and_never_read() -> None:
    of_passwords = [rule for rule in rules() if "attrs=userPassword" in rule]
    assert of_passwords == [
        f'to dn.subtree="ou=people,{SUFFIX}" attrs=userPassword'
        f' by dn.exact="cn=provision,ou=services,{SUFFIX}" =w by anonymous auth by * none',
        "to attrs=userPassword by anonymous auth by * none",
    ]
    assert rules()[:2] == of_passwords


def test_secrets_come_before_the_branches() -> None:
    found = rules()
    secret = next(i for i, rule in enumerate(found) if "mpNumenDigest" in rule)
    branch = next(i for i, rule in enumerate(found) if "attrs=entry" in rule or "entry," in rule)
    assert secret < branch
    assert who(found[secret]) == {"provision"}


def test_an_attribute_is_read_by_those_who_need_it() -> None:
    quota = next(r for r in rules() if "mpQuota" in r)
    assert "cn=dovecot,ou=services" in quota
    assert "cn=postfix" not in quota
    assert "by self" not in quota
    own = next(r for r in rules() if "ou=people" in r and ",uid" in r)
    assert "by self read" in own
    assert not any("ou=lists" in r and "by self" in r for r in rules())


def test_every_rule_ends_with_nobody_else() -> None:
    assert all(rule.endswith("by * none") for rule in rules())
    assert rules()[-1] == "to * by * none"


@pytest.mark.parametrize("attribute", ["userPassword", "pwdHistory", "mpNumenDigest", "MPINADIGEST"])
def test_no_table_gives_a_secret_away(attribute: str) -> None:
    with pytest.raises(access.AccessError, match="may not be read by x"):
        access.access_rules({"x": {"branches": ["people"], "read": [attribute]}}, SUFFIX, "provision", [])


def test_an_unknown_branch_is_named() -> None:
    with pytest.raises(access.AccessError, match="agents of x is not a branch"):
        access.access_rules({"x": {"branches": ["agents"], "read": []}}, SUFFIX, "provision", [])


@pytest.mark.parametrize("rights", [{"branches": ["devices"], "read": ["mpDeviceName"]},
                                    {"branches": ["people"], "read": ["mpDeviceDigest"]}])  # fmt: skip
def test_devices_are_for_who_proves_their_passwords(rights: dict[str, list[str]]) -> None:
    with pytest.raises(access.AccessError, match="x: the branch devices is for accounts that prove"):
        access.access_rules({"x": rights}, SUFFIX, "provision", [])
    both = {"x": {"branches": ["people", "devices"], "read": ["uid", "mpDeviceDigest"]}}
    found = [rule for rule in access.access_rules(both, SUFFIX, "provision", []) if "ou=devices" in rule]
    assert [who(rule) for rule in found if "mpDeviceDigest" in rule] == [{"provision", "x"}]


def test_the_manifest_gives_devices_to_dovecot_alone() -> None:
    manifest = yaml.safe_load((ROOT / "playbooks/group_vars/all/services.yml").read_text("utf-8"))[
        "malleposte_services"
    ]
    told = {name: rights for one in manifest.values() for name, rights in one.get("directory", {}).items()}
    assert [name for name, rights in told.items() if "devices" in rights["branches"]] == ["dovecot"]


def test_who_lists_everything() -> None:
    found = access.limits(SERVICES, SUFFIX, "provision")
    assert [rule.partition(",")[0] for rule in found] == ['dn.exact="cn=provision', 'dn.exact="cn=dovecot']


def test_parents_come_first() -> None:
    names = [entry["dn"] for entry in access.tree(SUFFIX, "académie d’Exemple")]
    assert names[0] == SUFFIX
    assert f"ou=tombstones,{SUFFIX}" in names
    assert access.accounts(["b", "a"], SUFFIX)[0]["attributes"]["cn"] == "a"


def test_the_state_of_a_password_is_given_one_attribute_at_a_time() -> None:
    services = SERVICES | {"sogo": {"branches": ["people"], "read": ["uid", "pwdReset"]}}
    found = access.access_rules(services, SUFFIX, "provision", ["uid"])
    readers = {rule.split("attrs=")[1].split()[0]: who(rule) for rule in found if "attrs=pwd" in rule}
    assert readers["pwdReset"] == {"provision", "sogo"}
    assert readers["pwdFailureTime"] == readers["pwdEndTime"] == {"provision"}


@pytest.mark.parametrize(
    ("facts", "attribute", "value"),
    [
        ({"min_length": 14}, "pwdMinLength", "14"),
        ({"history": 3}, "pwdInHistory", "3"),
        ({"renewal_days": 0}, "pwdMaxAge", "0"),
        ({"max_failures": 0}, "pwdLockout", "FALSE"),
    ],
)
def test_a_fact_of_the_policy_reaches_its_entry(facts: dict[str, Any], attribute: str, value: str) -> None:
    entries = openldap.openldap_entries(SUFFIX, "x", SERVICES, "provision", facts)
    (policy,) = (entry for entry in entries if entry["dn"] == f"cn=agents,ou=policies,{SUFFIX}")
    assert policy["attributes"][attribute] == [value]
