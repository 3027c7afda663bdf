# SPDX-License-Identifier: GPL-3.0-or-later
"""Filters that shape Dovecot's configuration text."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.module_utils.policy import devices
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

WORD = re.compile(r"[A-Za-z0-9._-]+")
AGENT = "(objectClass=mpAgent)"
SIGN_ON = "sso"
"""The service by which the single sign-on's log-in page has a password proved."""
BOX = f"(|{AGENT}(objectClass=mpFunctionalBox))"


def _any_of(attribute: str, values: Iterable[str]) -> str:
    """An LDAP filter that holds when `attribute` is one of `values`; values are bare words."""
    words = list(values)
    if not words:
        raise AnsibleFilterError(f"dovecot: no value of {attribute} is allowed: nobody could enter")
    for word in words:
        if not WORD.fullmatch(word):
            raise AnsibleFilterError(f"dovecot: {attribute} cannot be {word!r}")
    terms = "".join(f"({attribute}={word})" for word in words)
    return terms if len(words) == 1 else f"(|{terms})"


def dovecot_login_filter(states: Sequence[str]) -> str:
    """Return the filter of log-ins: an agent in one of `states` whose password is valid, by uid, alias or any address.

    The addresses of before a change of name are among them: devices and habits know no other.
    """
    names = "(|(uid=%{user})(mail=%{user})(mpLoginAlias=%{user})(mailLocalAddress=%{user}))"
    # With a second factor the password alone opens nothing: it is proved for the page that then asks for the factor.
    alone = f"(|(!(mpTwoFactor=*))(objectClass=%{{protocol | if('eq', '{SIGN_ON}', 'mpAgent', '-')}}))"
    # A device password that no device has is not proved against the agent's own, which would cost an Argon2.
    agent = f"(objectClass=%{{password | if('~', '^{devices.FORM}$', '-', 'mpAgent')}})"
    return f"(&{agent}{_any_of('mpState', states)}(!(pwdReset=TRUE)){alone}{names})"


def dovecot_device_filter(states: Sequence[str]) -> str:
    """Return the filter of log-ins by a device password: found by its first group, in a state and a scope that let in.

    What has not the form of a device password stays out of the filter, and so out of logs: a main password most of all.
    """
    size = devices.GROUPS[0]
    found = f"%{{password | if('~', '^{devices.FORM}$', password, '{'-' * size}') | substr(0, {size})}}"
    names = "(mpDeviceLogin=%{user})(mpDeviceScope=%{protocol})"
    return f"(&(objectClass=mpDevice)(mpDeviceId={found}){names}{_any_of('mpState', states)})"


def dovecot_device_form(word: str) -> str:
    """Return the variable that is `word` for what has the form of a device's password, which slapd never proves."""
    return f"%{{password | if('~', '^{devices.FORM}$', '{word}', '-')}}"


def dovecot_device_networks(by_scope: Mapping[str, Sequence[str]], own: Sequence[str]) -> str:
    """Return the networks from which a device's password opens: its own, else those of the scope, else any.

    `own` are the platform's addresses: SOGo sends a device's invitations from there, whose password was proved before.
    """
    anywhere = ["0.0.0.0/0", "::/0"]
    strange = sorted(set(by_scope) - set(devices.SCOPES))
    if strange:
        raise AnsibleFilterError(f"dovecot: {strange[0]} is no scope of devices")
    # The protocol stands for the networks of a device that has none, and is then replaced by those of its scope.
    scopes = "".join(
        f" | regexp('^{scope}$', '{','.join(by_scope.get(scope) or anywhere)}')" for scope in devices.SCOPES
    )
    return f"%{{ldap_multi:mpDeviceNetwork | default(protocol) | list(','){scopes}}}{''.join(f',{one}' for one in own)}"


def dovecot_barred_filter(states: Sequence[str]) -> str:
    """Return the filter of boxes that no token opens: those of agents in no state of `states`, and of functions.

    A token proves itself, and Dovecot asks the directory afterwards for a refusal only. Its user is always a uid.
    """
    return f"(&{BOX}(uid=%{{user}})(!(&{AGENT}{_any_of('mpState', states)})))"


def dovecot_user_filter(states: Sequence[str], delivery: str = "") -> str:
    """Return the filter of boxes: an agent or a functional box in one of `states`, by any of its names or addresses.

    `delivery` is the domain of the SMTP server's own addresses of boxes (uid@delivery and uid@sent.delivery).
    """
    own = f" | regexp('^(.*)@(sent[.])?{delivery.replace('.', '[.]')}$', '\\\\1')" if delivery else ""
    names = f"(|(uid=%{{user{own}}})(mail=%{{user}})(mpLoginAlias=%{{user}})(mailLocalAddress=%{{user}}))"
    return f"(&{BOX}{_any_of('mpState', states)}{names})"


def dovecot_quota(profiles: Mapping[str, Mapping[str, Any]], default_mb: int) -> str:
    """The userdb value of quota_storage_size: mpQuota when set, else the profile's `quota_mb`, else `default_mb`.

    Dovecot has no table: each profile's name is replaced by its number in turn, and numbers match no name.
    """
    steps = []
    for name, profile in sorted(profiles.items()):
        quota = profile.get("quota_mb")
        if not re.fullmatch(r"[A-Za-z][A-Za-z0-9_-]*", name):
            raise AnsibleFilterError(f"dovecot_profiles: not the name of a profile: {name!r}")
        if not isinstance(quota, int) or isinstance(quota, bool) or quota < 1:
            raise AnsibleFilterError(f"dovecot_profiles: {name}: quota_mb must be a number of MB, got {quota!r}")
        steps.append(f" | regexp('^{name}$', '{quota}')")
    return "%{ldap:mpQuota | default(ldap:mpProfile) | default('" + str(default_mb) + "')" + "".join(steps) + "}M"


def dovecot_list(values: Iterable[str]) -> str:
    """A list setting on one line; values that hold spaces are quoted."""
    return " ".join(f'"{value}"' if " " in value else value for value in values)


def dovecot_scripts(scripts: Sequence[Mapping[str, str]], folder: str) -> list[dict[str, str]]:
    """Files for config_set: `scripts` are those before and those after the agent's own, by name."""
    files = []
    for place, named in zip(("before", "after"), scripts, strict=True):
        for name, text in sorted(named.items()):
            if not WORD.fullmatch(name):
                raise AnsibleFilterError(f"dovecot_sieve_{place}: not the name of a script: {name!r}")
            files.append({"dest": f"{folder}/{place}/{name}.sieve", "content": text.rstrip("\n") + "\n"})
    return files


FilterModule = filters(
    dovecot_login_filter,
    dovecot_device_filter,
    dovecot_barred_filter,
    dovecot_user_filter,
    dovecot_device_form,
    dovecot_device_networks,
    dovecot_quota,
    dovecot_list,
    dovecot_scripts,
)
