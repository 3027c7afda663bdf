"""The proofs that slapd is asked for, by all networks together: the scripts themselves, in a Redis of this process.

slapd locks an account at the hundredth failure within 300 s, whoever made them. Time is the test's.
"""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import fakeredis
import pytest
from malleposte.adapters.valkey import Unavailable
from malleposte.throttle import BROWSER, DEVICES, Settings, Throttle, Verdict

LOCKS_AT, WINDOW = 100, 300
SETTINGS = Settings("unix:///nowhere", "sel")
PHONE, BROWSER_OF_ALICE = "imap\0phone", BROWSER + "a1b2"
HOME, SCHOOL = "203.0.113.9", "192.0.2.1"
NETWORKS = [f"198.51.{number}.7" for number in range(100)]


class Store:
    """Runs the scripts at a time of its own."""

    def __init__(self) -> None:
        self.now, self.away = 1_800_000_000.0, False
        self._redis = fakeredis.FakeRedis(server=fakeredis.FakeServer())

    def run(self, script: str, keys: Sequence[str], *arguments: object) -> int:
        """The number that a script gives. Raises Unavailable."""
        if self.away:
            raise Unavailable("away")
        moment = (int(self.now), int(self.now % 1 * 1_000_000))
        timed = script.replace("redis.call('TIME')", "({ARGV[#ARGV - 1], ARGV[#ARGV]})")
        return int(self._redis.eval(timed, len(keys), *keys, *arguments, *moment))


@dataclass
class World:
    """One account, its throttle, and slapd's failures of it."""

    store: Store = field(default_factory=Store)
    failures: list[float] = field(default_factory=list)
    most: int = 0
    numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        self.throttle = Throttle(SETTINGS, self.store, lambda: self.store.now)

    @property
    def locked(self) -> bool:
        """Whether slapd has locked the account."""
        return self.most >= LOCKS_AT

    def word(self) -> str:
        """A digest of a password that was not tried before."""
        return f"{next(self.numbers):05x}"

    def judge(self, address: str, client: str = "", word: str = "", account: str = "alice") -> Verdict:
        """One try; its proof is under way when there is nothing to wait."""
        return self.throttle.judge(account, address, word or self.word(), client)

    def fail(self, address: str, word: str, client: str = "") -> None:
        """slapd says no."""
        self.failures = [one for one in self.failures if one > self.store.now - WINDOW] + [self.store.now]
        self.most = max(self.most, len(self.failures))
        self.throttle.failed("alice", address, word, client)

    def guess(self, address: str, client: str = "", word: str = "") -> float:
        """A wrong password: the seconds to wait, 0 when slapd was asked."""
        word = word or self.word()
        wait = self.judge(address, client, word).wait
        if not wait:
            self.fail(address, word, client)
        return wait

    def enter(self, address: str, client: str = "") -> bool:
        """The right password: whether it opens."""
        if self.judge(address, client, "right").wait:
            return False
        self.throttle.succeeded("alice", address, client, "right")
        return True


@pytest.fixture
def world() -> World:
    return World()


def obey(world: World, addresses: Sequence[str], seconds: float, clients: Sequence[str] = ("",)) -> int:
    """Guesses by each client from each address as soon as its delay is over; how many were proved."""
    due = dict.fromkeys(itertools.product(addresses, clients), 0.0)
    proved, end = 0, world.store.now + seconds
    while world.store.now < end:
        for (address, client), moment in due.items():
            if moment <= world.store.now:
                wait = world.guess(address, client)
                proved, due[address, client] = proved + (not wait), world.store.now + wait
        world.store.now += 1
    return proved


def fill(world: World) -> None:
    """Strangers use up what they have together."""
    assert not any(world.guess(address) for address in NETWORKS[: SETTINGS.strangers])
    assert not world.enter(SCHOOL)


def test_ten_networks_that_obey_every_delay_do_not_reach_the_lock(world: World) -> None:
    """They made 110 proofs in 285 s, again and again."""
    for client in (PHONE, BROWSER_OF_ALICE):
        assert world.enter(HOME, client)
    proved = obey(world, NETWORKS[:10], 285)
    assert SETTINGS.free * 8 < proved <= SETTINGS.strangers
    assert not world.enter(SCHOOL), "a stranger with the right password waits too: else guesses would be answered"
    assert world.enter(HOME, PHONE)
    assert world.enter("192.0.2.77", BROWSER_OF_ALICE), "a browser is known wherever it comes from"
    obey(world, NETWORKS[:10], 900)
    assert world.enter(HOME, PHONE)
    assert not world.locked
    world.store.now += WINDOW
    assert world.enter(SCHOOL), "it ends by itself"


def test_a_hundred_networks_at_once_are_proved_within_the_bound(world: World) -> None:
    """Proofs count before slapd is asked, in whatever order they come back, and over the edge of the window."""
    for _ in range(2):
        begun = [(address, word) for address in NETWORKS[:60] for word in [world.word()]
                 if not world.judge(address, word=word).wait]  # fmt: skip
        world.store.now += 40
        for address, word in reversed(begun):
            world.fail(address, word)
        world.store.now += WINDOW - 41
        assert all(world.guess(address) for address in NETWORKS[:9]), "what failed late counts from then on"
        world.store.now += 42
    assert not world.locked
    assert world.most <= SETTINGS.strangers


def test_without_an_attack_a_new_client_enters(world: World) -> None:
    assert world.enter(SCHOOL)
    assert not any(world.guess(HOME) for _ in range(SETTINGS.free - 1))
    assert world.enter(HOME)


def test_one_network_has_a_half_at_most(world: World) -> None:
    """Whatever it does: the same password twenty times at once, or each /64 of a /48."""
    for address in ("198.51.100.7", "2001:db8:1::1"):
        one = World()
        begun = [not one.judge(address, word=word).wait for word in [one.word() for _ in range(5)] for _ in range(20)]
        assert sum(begun) == SETTINGS.strangers // 2
        assert one.enter(SCHOOL)
    wide = sum(not world.guess(f"2001:db8:1:{number:x}::1") for number in range(200))
    assert wide <= SETTINGS.strangers // 2
    assert world.enter(SCHOOL)


def test_known_clients_stay_below_the_lock_too(world: World) -> None:
    """A stolen telephone, or pupils who speak as the teacher's program does from the school's address."""
    clients = [f"imap\0{number}" for number in range(12)]
    for place in (HOME, SCHOOL):
        assert all(world.enter(place, client) for client in clients)
    assert obey(world, [SCHOOL], 20, clients) == (SETTINGS.acquainted + 1) // 2, "no network has all of it"
    assert world.enter(HOME, clients[0])
    assert not world.enter(SCHOOL, clients[0])
    obey(world, [HOME], 20, clients)
    fill(world)
    assert len(world.failures) == SETTINGS.acquainted + SETTINGS.strangers
    assert not world.locked
    world.store.now += WINDOW
    assert world.enter(HOME, clients[0])


def test_an_old_telephone_asks_slapd_once_in_a_window(world: World) -> None:
    assert world.enter(HOME, PHONE)
    answers = []
    for _ in range(200):
        answers.append(world.guess(HOME, PHONE, "old"))
        world.store.now += 1
    assert answers.count(0) == 1
    assert world.enter(HOME, PHONE)


def test_right_passwords_use_nothing_up(world: World) -> None:
    for number in range(60):
        assert world.enter(f"192.0.{number}.9", f"imap\0{number}")
        assert world.enter(HOME, PHONE)


def test_what_slapd_was_not_asked_for_is_none(world: World) -> None:
    """Nor what the directory could not answer, nor a log-in that no password opens."""
    for end in (world.throttle.undo, world.throttle.unknown):
        for address in NETWORKS[: SETTINGS.strangers + 1]:
            word = world.word()
            assert not world.judge(address, word=word).wait
            end("alice", address, word)
    assert world.enter(SCHOOL)


def test_codes_and_devices_are_not_in_that_count(world: World) -> None:
    """A code of recovery, tried by a new browser; a device's password: slapd is asked for neither."""
    fill(world)
    assert not world.throttle.judge("ina:alice", SCHOOL, "x", BROWSER_OF_ALICE, bounded=False).wait
    assert not world.throttle.judge(DEVICES + "alice", SCHOOL, "x", PHONE, bounded=False).wait
    # They do not lead to the other count either.
    for address in NETWORKS[: SETTINGS.strangers + 1]:
        word = world.word()
        assert not world.throttle.judge(DEVICES + "alice", address, word, PHONE, bounded=False).wait
        world.throttle.failed(DEVICES + "alice", address, word, PHONE)
    assert not world.throttle.judge(DEVICES + "alice", SCHOOL, "x", PHONE, bounded=False).wait


def test_a_new_password_gives_guessers_nothing_more(world: World) -> None:
    """Every delay ends with it; what slapd has counted, or is being asked for, does not."""
    fill(world)
    world.throttle.forget("alice")
    assert all(world.guess(address) for address in NETWORKS[:9])
    assert not world.enter(SCHOOL, BROWSER_OF_ALICE)
    world.throttle.admit("alice", SCHOOL)
    assert world.enter(SCHOOL, BROWSER_OF_ALICE), "it opens where it was chosen by a code"
    assert world.enter(SCHOOL, "imap\0phone"), "also another program"
    assert not world.enter(HOME)
    assert sum(not world.guess(SCHOOL, "imap\0pupil") for _ in range(SETTINGS.free + 3)) == SETTINGS.free
    world.store.now += SETTINGS.forget + 1
    world.throttle.forget("alice")
    fill(world)
    assert world.enter(SCHOOL, BROWSER_OF_ALICE), "known by now"


def test_what_seems_wrong_already_is_looked_at_again_where_the_password_is_known_and_counts(world: World) -> None:
    assert not world.guess(SCHOOL, word="x")
    assert world.throttle.judge("alice", SCHOOL, "x").known_wrong
    again = [world.throttle.judge("alice", SCHOOL, "x", again=True).wait for _ in range(SETTINGS.strangers)]
    assert 0 < again.count(0) < SETTINGS.strangers // 2


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "", "local"])
def test_nobody_is_exempt(world: World, address: str) -> None:
    """Any program of a host of ours may send from there; a program that has read mail from there goes on."""
    assert world.enter(address, PHONE)
    assert sum(not world.guess(address) for _ in range(SETTINGS.free + 5)) == SETTINGS.free
    assert world.enter(address, PHONE)


def test_without_valkey_strangers_are_bounded_and_who_was_seen_goes_on(world: World) -> None:
    assert world.enter(HOME, PHONE)
    world.store.away = True
    assert world.enter(SCHOOL), "a new client enters"
    proved = sum(not world.guess(address) for address in NETWORKS * 3)
    assert proved == SETTINGS.alone
    assert not world.enter("192.0.2.130", "imap\0another")
    for _ in range(3 * SETTINGS.alone):
        assert world.enter(HOME, PHONE)
    processes = 4
    assert SETTINGS.strangers + processes * SETTINGS.alone < LOCKS_AT
    world.store.now += WINDOW
    assert world.enter("192.0.2.130", "imap\0another")


def test_the_bounds_follow_what_locks() -> None:
    small, none = (Settings("unix:///nowhere", "sel", locks_at=number) for number in (20, 0))
    assert (small.strangers, small.acquainted) == (10, 9)
    assert (none.strangers, none.acquainted) == (50, 45)
    with pytest.raises(ValueError, match="locks_at"):
        Settings("unix:///nowhere", "sel", locks_at=9)
