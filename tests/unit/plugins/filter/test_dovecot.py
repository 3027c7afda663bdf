# SPDX-License-Identifier: GPL-3.0-or-later
"""Dovecot's queries to the directory, and the quota it makes of the answer."""

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.filter.dovecot import (
    dovecot_barred_filter,
    dovecot_device_filter,
    dovecot_device_networks,
    dovecot_list,
    dovecot_login_filter,
    dovecot_quota,
    dovecot_scripts,
    dovecot_user_filter,
)


def test_only_an_agent_whose_password_stands_logs_in_by_any_of_the_names() -> None:
    assert dovecot_login_filter(["active"]) == (
        "(&(objectClass=%{password | if('~', '^[a-z2-9]{8}(-[a-z2-9]{4}){4}$', '-', 'mpAgent')})"
        "(mpState=active)(!(pwdReset=TRUE))"
        "(|(!(mpTwoFactor=*))(objectClass=%{protocol | if('eq', 'sso', 'mpAgent', '-')}))"
        "(|(uid=%{user})(mail=%{user})(mpLoginAlias=%{user})(mailLocalAddress=%{user})))"
    )


def test_a_device_is_found_by_its_first_group_and_nothing_else_comes_into_the_filter() -> None:
    assert dovecot_device_filter(["active"]) == (
        "(&(objectClass=mpDevice)"
        "(mpDeviceId=%{password | if('~', '^[a-z2-9]{8}(-[a-z2-9]{4}){4}$', password, '--------') | substr(0, 8)})"
        "(mpDeviceLogin=%{user})(mpDeviceScope=%{protocol})(mpState=active))"
    )


def test_a_device_has_its_own_networks_else_those_of_the_scope_else_any() -> None:
    any_network = "'0.0.0.0/0,::/0')"
    assert dovecot_device_networks({"smtp": ["192.0.2.0/24", "2001:db8::/32"], "dav": []}, ["127.0.0.0/8"]) == (
        "%{ldap_multi:mpDeviceNetwork | default(protocol) | list(',')"
        f" | regexp('^imap$', {any_network} | regexp('^smtp$', '192.0.2.0/24,2001:db8::/32')"
        f" | regexp('^sieve$', {any_network} | regexp('^dav$', {any_network}}},127.0.0.0/8"
    )
    with pytest.raises(AnsibleFilterError, match="pop3 is no scope"):
        dovecot_device_networks({"pop3": ["192.0.2.0/24"]}, [])


def test_a_token_opens_no_box_of_an_agent_in_another_state() -> None:
    assert dovecot_barred_filter(["active"]) == (
        "(&(|(objectClass=mpAgent)(objectClass=mpFunctionalBox))(uid=%{user})"
        "(!(&(objectClass=mpAgent)(mpState=active))))"
    )
    assert "(|(mpState=active)(mpState=blocked))" in dovecot_barred_filter(["active", "blocked"])


def test_every_receiving_state_has_a_box() -> None:
    text = dovecot_user_filter(["active", "blocked"])
    assert "(|(mpState=active)(mpState=blocked))" in text
    assert "(objectClass=mpFunctionalBox)" in text
    assert "(mailLocalAddress=%{user})" in text
    assert "stores" not in text
    own = dovecot_user_filter(["active"], "stores.invalid")
    assert "(uid=%{user | regexp('^(.*)@(sent[.])?stores[.]invalid$', '\\\\1')})" in own


@pytest.mark.parametrize("states", [[], ["active)(uid=*"]])
def test_states_that_open_or_close_everything_are_refused(states: list[str]) -> None:
    with pytest.raises(AnsibleFilterError):
        dovecot_login_filter(states)


def test_the_override_comes_before_the_profile_and_the_default_last() -> None:
    assert dovecot_quota({"roundcube": {"quota_mb": 2500}, "convergence": {"quota_mb": 5000}}, 1000) == (
        "%{ldap:mpQuota | default(ldap:mpProfile) | default('1000')"
        " | regexp('^convergence$', '5000') | regexp('^roundcube$', '2500')}M"
    )


@pytest.mark.parametrize(
    ("profiles", "message"),
    [
        ({"12": {"quota_mb": 5}}, "not the name of a profile"),
        ({"a": {"quota_mb": "much"}}, "must be a number of MB"),
        ({"a": {"quota_mb": 0}}, "must be a number of MB"),
        ({"a": {}}, "must be a number of MB"),
    ],
)
def test_a_profile_without_a_sound_quota_is_refused(profiles: dict[str, Any], message: str) -> None:
    with pytest.raises(AnsibleFilterError, match=message):
        dovecot_quota(profiles, 1000)


def test_commands_of_two_words_are_quoted() -> None:
    assert dovecot_list(["kick", "auth cache flush"]) == 'kick "auth cache flush"'


def test_scripts_land_before_and_after() -> None:
    assert dovecot_scripts([{"20-labels": "keep;"}, {"90-quiet": "keep;\n"}], "/s") == [
        {"dest": "/s/before/20-labels.sieve", "content": "keep;\n"},
        {"dest": "/s/after/90-quiet.sieve", "content": "keep;\n"},
    ]


def test_a_script_cannot_leave_its_folder() -> None:
    with pytest.raises(AnsibleFilterError, match="not the name of a script"):
        dovecot_scripts([{"../x": "keep;"}, {}], "/s")
