# SPDX-License-Identifier: GPL-3.0-or-later
"""The file of Valkey's users: right digests, no empty password, refusals in order."""

import hashlib

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.filter.valkey import valkey_acl, valkey_instance_acl

PASSWORD = "correct horse battery"
DIGEST = hashlib.sha256(PASSWORD.encode()).hexdigest()


def test_the_default_user_is_refused_before_it_is_granted() -> None:
    assert valkey_acl(PASSWORD, {}, ["@dangerous"], ["info"]) == (
        f"user default on #{DIGEST} ~* &* +@all -@dangerous +info\n"
    )


def test_other_users_keep_to_their_keys_and_commands() -> None:
    users = {"portal": {"password": PASSWORD, "keys": ["portal:*"], "commands": ["+get", "+set"]}}
    assert valkey_acl(PASSWORD, users, [], []).splitlines()[1] == f"user portal on #{DIGEST} ~portal:* &* +get +set"


@pytest.mark.parametrize("password", ["", "short"])
def test_a_short_password_is_refused(password: str) -> None:
    with pytest.raises(AnsibleFilterError, match="less than 16 characters"):
        valkey_acl(password, {}, [], [])


def test_a_name_cannot_smuggle_rules() -> None:
    with pytest.raises(AnsibleFilterError, match="not a user name"):
        valkey_acl(PASSWORD, {"x on nopass": {"password": PASSWORD}}, [], [])


def test_a_further_instance_knows_nobody_without_a_name() -> None:
    users = {"throttle": {"password": PASSWORD, "keys": ["throttle:*"], "commands": ["-@all", "+eval"]}}
    assert valkey_instance_acl(users, [], []).splitlines() == [
        "user default off ~* &* +@all",
        f"user throttle on #{DIGEST} ~throttle:* &* -@all +eval",
    ]
    for wrong in ({}, {"throttle": {}}):
        with pytest.raises(AnsibleFilterError):
            valkey_instance_acl(wrong, [], [])
