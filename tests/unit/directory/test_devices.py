"""Entries of devices: to attributes and back, and the copies of their owner."""

import datetime

from malleposte.directory.devices import READ, Device, copies, device_attributes, to_device
from malleposte.directory.model import Agent, State, agent_attributes

NOW = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)
OWNER = agent_attributes(
    Agent("mdupond", "Marie", "Dupond", "marie.dupond@ac-exemple.test", "roundcube", State.ACTIVE,
          addresses=("marie.martin@ac-exemple.test",), login_aliases=("MMartin",))
)  # fmt: skip


def test_an_entry_comes_back_without_its_digest() -> None:
    device = Device("abcdefgh", "mdupond", "Téléphone", ("imap", "smtp"), NOW, NOW + datetime.timedelta(days=1),
                    state="active")  # fmt: skip
    attributes = device_attributes(device, OWNER, "{SSHA512}x")
    assert attributes["mpDeviceDigest"] == ["{SSHA512}x"] and "mpDeviceDigest" not in READ
    assert to_device(attributes) == device
    assert device.dn("dc=x") == "mpDeviceId=abcdefgh,ou=devices,dc=x"


def test_a_device_without_end_has_none() -> None:
    device = Device("abcdefgh", "mdupond", "Copieur", ("smtp",), NOW)
    assert "mpDeviceExpires" not in device_attributes(device, OWNER, "{SSHA512}x") and not device.over(NOW)


def test_every_name_that_may_be_typed_is_copied_in_small_letters_once() -> None:
    assert copies(OWNER) == {
        "mpState": ["active"],
        "mpProfile": ["roundcube"],
        "mpDeviceLogin": [
            "marie.dupond@ac-exemple.test", "marie.martin@ac-exemple.test", "mdupond", "mmartin",
        ],
    }  # fmt: skip
