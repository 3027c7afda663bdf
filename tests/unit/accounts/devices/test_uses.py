"""Last uses of devices: what is asked of Valkey, and what is made of its answers."""

import datetime
from collections.abc import Sequence

from malleposte.accounts.devices import uses
from malleposte.adapters.valkey import Unavailable
from malleposte.directory.devices import Device

AT = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)


class Fake:
    """Keeps what it was asked."""

    def __init__(self, told: Sequence[str] = (), *, broken: bool = False) -> None:
        self.told, self.broken = list(told), broken
        self.asked: list[tuple[tuple[str, ...], tuple[object, ...]]] = []

    def run(self, script: str, keys: Sequence[str], *arguments: object) -> int:
        self.asked.append((tuple(keys), arguments))
        if self.broken:
            raise Unavailable("away")
        return 1

    def texts(self, script: str, keys: Sequence[str], *arguments: object) -> list[str]:
        self.run(script, keys, *arguments)
        return self.told


def test_a_use_is_written_once_a_minute_for_each_address() -> None:
    clock, store = [0.0], Fake()
    known = uses.Uses(store, lambda: clock[0])
    for moment, address in ((0, "192.0.2.1"), (30, "192.0.2.1"), (30, "192.0.2.9"), (61, "192.0.2.1")):
        clock[0] = moment
        known.note("abcdefgh", address)
    assert [arguments[0] for _keys, arguments in store.asked] == ["192.0.2.1", "192.0.2.9", "192.0.2.1"]
    assert store.asked[0][0] == ("throttle:device:abcdefgh",)


def test_what_is_no_device_is_not_written() -> None:
    store = Fake()
    for name in ("", "-", "abcdefgh:x", "ABCDEFGH", "abcdefghi"):
        uses.Uses(store).note(name, "192.0.2.1")
    assert store.asked == []
    uses.Uses(store).note("abcdefgh", "192.0.2.1")
    assert len(store.asked) == 1


def test_without_valkey_nothing_is_known_and_nothing_fails() -> None:
    known = uses.Uses(Fake(broken=True))
    known.note("abcdefgh", "192.0.2.1")
    assert known.of(["abcdefgh"]) == {}


def test_answers_are_read() -> None:
    known = uses.Uses(Fake([str(int(AT.timestamp())), "192.0.2.1", "", ""]))
    assert known.of(["abcdefgh", "abcdefg2"]) == {"abcdefgh": uses.Use(AT, "192.0.2.1")}


def test_the_later_of_valkey_and_directory_counts() -> None:
    device = Device("abcdefgh", "mdupond", "x", ("imap",), used=AT, place="192.0.2.1")
    later, earlier = (AT + datetime.timedelta(hours=hours) for hours in (1, -1))
    assert uses.latest(device, uses.Use(later, "192.0.2.9")).place == "192.0.2.9"
    assert uses.latest(device, uses.Use(earlier, "192.0.2.9")) == device == uses.latest(device, None)
    assert uses.used(device, uses.Use(later, "")) == {"mpDeviceUsed": ["20261124130000Z"], "mpDevicePlace": []}
