"""Access rules and entries of the directory, from a table of who reads what.

`services` maps the name of a daemon's account to its rights: `branches` (such as people), `read` (attributes),
`unlimited` (whether it may list everything).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

# Kept from everyone but the one writer, whatever a table says.
SECRETS = (
    *("mpNumenDigest", "mpInaCode", "mpInaDigest", "mpInaExpiry", "mpRecoveryCode", "mpSourceDigest", "mpEnrolment"),
)
RECOVERY = ("mpRecoveryMail", "mpRecoveryPhone", "mpRecoveryChanged", "mpRecoveryNext")
# State of a password, kept by ppolicy; the writer sets it (must change, end, unlock). A table may let others read it.
PASSWORD_STATE = ("pwdReset", "pwdEndTime", "pwdAccountLockedTime", "pwdFailureTime")
# Digests of device passwords: for accounts that prove them, and in their own branch alone.
DEVICE_BRANCH, DEVICE_DIGEST = "devices", "mpDeviceDigest"
# Attributes that nobody reads over the network: old digests, and the choice of a policy.
CLOSED = ("pwdHistory", "pwdPolicySubentry")
BRANCHES = ("people", "functional", "resources", "lists", "establishments", "tombstones", "devices")
ALWAYS = ("entry", "objectClass")


class AccessError(ValueError):
    """A right that may not be given; the message says which."""


def service_dn(name: str, suffix: str) -> str:
    """Name of a daemon's account."""
    return f"cn={name},ou=services,{suffix}"


def suffix_of(domain: str) -> str:
    """The suffix of a domain: ac-exemple.test gives dc=ac-exemple,dc=test."""
    return ",".join(f"dc={label}" for label in domain.strip(".").lower().split("."))


def _by(names: Sequence[str], suffix: str, level: str) -> str:
    return "".join(f' by dn.exact="{service_dn(name, suffix)}" {level}' for name in names)


def _check(services: Mapping[str, Mapping[str, Any]]) -> None:
    closed = {name.lower() for name in (*SECRETS, *CLOSED, "userPassword")}
    for name, rights in services.items():
        for attribute in rights.get("read", []):
            if attribute.lower() in closed:
                raise AccessError(f"{attribute} may not be read by {name}")
        for branch in rights.get("branches", []):
            if branch not in BRANCHES:
                raise AccessError(f"{branch} of {name} is not a branch: {', '.join(BRANCHES)}")
        if (DEVICE_BRANCH in rights.get("branches", [])) is not (DEVICE_DIGEST in rights.get("read", [])):
            raise AccessError(f"{name}: the branch {DEVICE_BRANCH} is for accounts that prove by {DEVICE_DIGEST}")


def _readers(branch: str, services: Mapping[str, Mapping[str, Any]]) -> dict[tuple[str, ...], list[str]]:
    """Attributes of a branch, gathered by their readers."""
    by_attribute: dict[str, list[str]] = {}
    for name in sorted(services):
        if branch in services[name].get("branches", []):
            for attribute in (*ALWAYS, *services[name].get("read", [])):
                by_attribute.setdefault(attribute, []).append(name)
    groups: dict[tuple[str, ...], list[str]] = {}
    for attribute in sorted(by_attribute):
        groups.setdefault(tuple(by_attribute[attribute]), []).append(attribute)
    return groups


def _who_reads(attribute: str, branch: str, services: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return [
        name
        for name in sorted(services)
        if branch in services[name].get("branches", []) and attribute in services[name].get("read", [])
    ]


def _branch_rules(
    branch: str, suffix: str, writer: str, services: Mapping[str, Mapping[str, Any]], self_read: Sequence[str]
) -> list[str]:
    """Rules of one branch: an attribute is read by those the table names, and by its owner where `self_read` says."""
    target = f'to dn.subtree="ou={branch},{suffix}"'
    write = _by([writer], suffix, "write")
    own = {*ALWAYS, *self_read} if branch == "people" else set()
    rules = []
    for names, attributes in _readers(branch, services).items():
        for shared in (True, False):
            chosen = [attribute for attribute in attributes if (attribute in own) is shared]
            if chosen:
                tail = " by self read" if shared else ""
                read = _by(names, suffix, "read")
                rules.append(f"{target} attrs={','.join(chosen)}{write}{read}{tail} by * none")
    seen = {attribute for attributes in _readers(branch, services).values() for attribute in attributes}
    alone = sorted(own - seen)
    if alone:
        rules.append(f"{target} attrs={','.join(alone)}{write} by self read by * none")
    rules.append(f"{target}{write} by * none")
    return rules


def access_rules(
    services: Mapping[str, Mapping[str, Any]], suffix: str, writer: str, self_read: Sequence[str]
) -> list[str]:
    """All access rules of the database, in order: the first whose target matches decides.

    Nobody changes a password of their own here, and nobody reads one: an anonymous client may only prove one.
    Raises AccessError.
    """
    _check(services)
    write = _by([writer], suffix, "write")
    people = f'to dn.subtree="ou=people,{suffix}"'
    rules = [
        f"{people} attrs=userPassword{_by([writer], suffix, '=w')} by anonymous auth by * none",
        "to attrs=userPassword by anonymous auth by * none",
        f"to attrs={','.join(CLOSED)} by * none",
        *(
            f"{people} attrs={attribute}{write}"
            f"{_by(_who_reads(attribute, 'people', services), suffix, 'read')} by * none"
            for attribute in PASSWORD_STATE
        ),
        f"to attrs={','.join((*SECRETS, *RECOVERY))}{write} by * none",
    ]
    trimmed = {
        name: {**rights, "read": [a for a in rights.get("read", []) if a not in PASSWORD_STATE]}
        for name, rights in services.items()
    }
    for branch in BRANCHES:
        rules += _branch_rules(branch, suffix, writer, trimmed, self_read)
    everyone = _by([writer, *(name for name in sorted(services) if name != writer)], suffix, "read")
    rules += [
        f'to dn.subtree="ou=policies,{suffix}"{_by([writer], suffix, "read")} by * none',
        f'to dn.base="{suffix}" attrs=entry,objectClass{everyone} by * none',
        "to * by * none",
    ]
    return rules


def limits(services: Mapping[str, Mapping[str, Any]], suffix: str, writer: str) -> list[str]:
    """Accounts that may list everything, paged or not."""
    names = [writer, *(name for name in sorted(services) if services[name].get("unlimited") and name != writer)]
    tail = "size.soft=unlimited size.hard=unlimited size.prtotal=unlimited time=unlimited"
    return [f'dn.exact="{service_dn(name, suffix)}" {tail}' for name in names]


def tree(suffix: str, organisation: str) -> list[dict[str, Any]]:
    """The suffix and its branches."""
    label = suffix.partition(",")[0].partition("=")[2]
    entries: list[dict[str, Any]] = [
        {
            "dn": suffix,
            "attributes": {"objectClass": ["dcObject", "organization"], "dc": label, "o": organisation},
        }
    ]
    for branch in (*BRANCHES, "services", "policies"):
        attributes = {"objectClass": ["organizationalUnit"], "ou": branch}
        entries.append({"dn": f"ou={branch},{suffix}", "attributes": attributes})
    return entries


def accounts(names: Sequence[str], suffix: str) -> list[dict[str, Any]]:
    """The daemons' accounts, under the policy of machines."""
    return [
        {
            "dn": service_dn(name, suffix),
            "attributes": {
                "objectClass": ["applicationProcess", "simpleSecurityObject"],
                "cn": name,
                "pwdPolicySubentry": f"cn=services,ou=policies,{suffix}",
            },
        }
        for name in sorted(names)
    ]
