# SPDX-License-Identifier: GPL-3.0-or-later
"""fail2ban's jails: only known ones, and networks that make sense."""

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.filter.fail2ban import fail2ban_jails, fail2ban_networks

SSHD = {"name": "sshd", "filter": "sshd", "ports": [22], "failures": 5}
MAIL = {"name": "dovecot", "filter": "malleposte-dovecot", "ports": [993], "failures": 20}


def test_jails_in_order_and_once() -> None:
    assert fail2ban_jails(["dovecot", "sshd", "dovecot"], [SSHD, MAIL]) == [MAIL, SSHD]
    assert fail2ban_jails([], [SSHD]) == []


def test_an_unknown_jail_is_named_with_the_known_ones() -> None:
    with pytest.raises(AnsibleFilterError, match="unknown: dovecott; known: dovecot, sshd"):
        fail2ban_jails(["dovecott"], [SSHD, MAIL])


@pytest.mark.parametrize("change", [{"name": "a b"}, {"name": "x]\n[y"}, {"failures": 0}, {"ports": []}])
def test_an_unusable_jail_is_refused(change: dict[str, object]) -> None:
    with pytest.raises(AnsibleFilterError, match="fail2ban"):
        fail2ban_jails([], [SSHD | change])


def test_networks_are_checked() -> None:
    assert fail2ban_networks(["10.0.0.5/8", "::1", "10.0.0.0/8"]) == "10.0.0.0/8 ::1/128"
    with pytest.raises(AnsibleFilterError, match="would ban nobody"):
        fail2ban_networks(["0.0.0.0/0"])
    with pytest.raises(AnsibleFilterError, match="fail2ban_ignore_networks"):
        fail2ban_networks(["bureau"])
