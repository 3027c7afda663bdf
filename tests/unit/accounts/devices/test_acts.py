"""Device passwords made and revoked."""

import datetime
from typing import Any

import pytest
from malleposte.accounts.devices import acts, follow
from malleposte.core.errors import InputError
from malleposte.policy import devices as form
from malleposte.policy import salted

from .conftest import NOW, UID, Stage, agent

DAY = datetime.timedelta(days=1)


def test_a_device_is_found_by_its_first_group_and_proved_by_its_digest(stage: Stage) -> None:
    made = stage.add(scopes=("dav", "imap"))
    (held,) = stage.held()
    assert form.is_device_password(made.password) and held["mpDeviceId"] == [form.identifier(made.password)]
    assert salted.verify(made.password, held["mpDeviceDigest"][0].encode())
    assert held["mpDeviceScope"] == ["imap", "dav"] and held["mpState"] == ["active"]
    assert made.password not in repr(made) and made.password not in str(stage.lines())
    assert stage.lines()[-1]["action"] == "device-add" and stage.lines()[-1]["name"] == "Téléphone"


def test_networks_lie_in_the_entry_and_stay_when_it_follows_its_owner(stage: Stage) -> None:
    made = stage.add(networks=("2001:DB8::/32", "192.0.2.7", "192.0.2.7/32"))
    assert made.device.networks == ("192.0.2.7/32", "2001:db8::/32")
    assert stage.lines()[-1]["networks"] == ["192.0.2.7/32", "2001:db8::/32"]
    stage.directory.modify(agent().dn(stage.directory.suffix), {"mpProfile": ["roundcube"]})
    assert follow.follow(stage.directory, stage.tools.journal, UID) == 1
    (held,) = stage.held()
    assert held["mpDeviceNetwork"] == ["192.0.2.7/32", "2001:db8::/32"] and held["mpProfile"] == ["roundcube"]
    (found,) = follow.of(stage.directory, UID)
    assert found.networks == made.device.networks


def test_several_devices_up_to_the_limit(stage: Stage) -> None:
    journal, directory = stage.tools.journal, stage.tools.directory
    for number in range(3):
        acts.add(directory, journal, UID, acts.Specification(f"Appareil {number}"), NOW, most=3)
    with pytest.raises(InputError, match="has 3 devices, of 3 at most"):
        acts.add(directory, journal, UID, acts.Specification("Un de trop"), NOW, most=3)
    assert sorted(one.name for one in follow.of(directory, UID)) == [f"Appareil {number}" for number in range(3)]


@pytest.mark.parametrize(
    ("wanted", "cause"),
    [
        ({"name": " "}, "has a name"),
        ({"name": "x" * 65}, "has a name"),
        ({"name": "a\x1bb"}, "has a name"),
        ({"name": "a", "scopes": ()}, "no scope"),
        ({"name": "a", "scopes": ("imap", "sso")}, "sso is no scope"),
        ({"name": "a", "expires": NOW}, "lies in the past"),
        ({"name": "a", "networks": ("192.0.2.1/24",)}, "192.0.2.1/24 is no network"),
        ({"name": "a", "networks": ("bureau",)}, "bureau is no network"),
        ({"name": "a", "networks": [f"192.0.2.{number}" for number in range(21)]}, "20 networks at most"),
    ],
)
def test_what_cannot_be_a_device(stage: Stage, wanted: dict[str, Any], cause: str) -> None:
    with pytest.raises(InputError, match=cause):
        stage.add(**wanted)
    assert stage.held() == []
    assert stage.add(name="a", scopes=("imap",), expires=NOW + DAY).device.name == "a"


@pytest.mark.parametrize("state", ["pending", "suspended", "blocked", "expired"])
def test_only_an_active_account_gets_one(stage: Stage, state: str) -> None:
    stage.directory.modify(agent().dn(stage.directory.suffix), {"mpState": [state]})
    with pytest.raises(InputError, match=f"is {state}"):
        stage.add()
    with pytest.raises(InputError, match="no account"):
        stage.add(uid="personne")


def test_a_device_is_revoked_alone_and_cut(stage: Stage) -> None:
    lost, kept = stage.add("Perdu"), stage.add("Gardé")
    device = acts.find(stage.directory, UID, "perdu")
    assert acts.revoke(stage.directory, stage.tools.journal, stage.hosts, device, "lost") == []
    assert [held["mpDeviceId"] for held in stage.held()] == [[kept.device.ident]]
    assert stage.hosts.cuts == [(UID, lost.device.ident)]
    line = stage.lines()[-1]
    assert (line["action"], line["device"], line["note"]) == ("device-revoke", lost.device.ident, "lost")
    acts.revoke(stage.directory, stage.tools.journal, stage.hosts, device)
    assert len(stage.lines()) == 3 and len(stage.hosts.cuts) == 2, "again: nothing to remove, cut once more"


def test_a_host_that_does_not_answer_is_told(stage: Stage) -> None:
    made, stage.hosts.down = stage.add(), True
    (failure,) = acts.revoke(stage.directory, stage.tools.journal, stage.hosts, made.device)
    assert str(failure) == "dovecot: no route to host" and stage.held() == []


def test_a_device_is_named_by_its_identifier_or_a_name_that_one_has(stage: Stage) -> None:
    one, _other = stage.add("Téléphone"), stage.add("Téléphone")
    assert acts.find(stage.directory, UID, one.device.ident).ident == one.device.ident
    with pytest.raises(InputError, match="several devices"):
        acts.find(stage.directory, UID, "téléphone")
    with pytest.raises(InputError, match="has no device"):
        acts.find(stage.directory, UID, "Tablette")
