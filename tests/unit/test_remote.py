"""The way from the controller to the hosts."""

from __future__ import annotations

import pytest
from malleposte import remote
from malleposte.errors import InputError

LISTED = {
    "malleposte": {"children": ["mail", "web", "vault"]},
    "mail": {"hosts": ["mail1"]},
    "web": {"hosts": ["mail1", "pia1"]},
    "vault": {"hosts": ["vault1"]},
    "_meta": {"hostvars": {"mail1": {"ansible_host": "192.0.2.1", "ansible_user": "root", "ansible_port": 2222}}},
}


def test_hosts_of_a_group_come_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remote, "listing", lambda _inventory: LISTED)
    found = remote.places(remote.Path("x"), "malleposte", but="vault")
    assert [place.name for place in found] == ["mail1", "pia1"]
    assert found[0].argv(["backup", "list", "--source", "a b"])[-2:] == [
        "root@192.0.2.1",
        "malleposte backup list --source 'a b'",
    ]
    assert "2222" in found[0].ssh
    with pytest.raises(InputError, match="no host 'vault1'; known are mail1, pia1"):
        remote.places(remote.Path("x"), "malleposte", but="vault", only=["vault1"])
