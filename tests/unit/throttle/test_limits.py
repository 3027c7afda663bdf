"""Rate limits of accountd: by account and network, by network, in all; and the end of a limit."""

import hashlib
from collections import Counter
from ipaddress import ip_network
from pathlib import Path

import pytest
from malleposte.throttle import carried, costs
from malleposte.throttle import limits as module
from malleposte.throttle.limits import FEW, Limits, Rate, Rates, network
from malleposte.throttle.windows import Once

from tests.support.clock import Clock

HERE, THERE = "192.0.2.0/24", "198.51.100.0/24"
TO = "marie@exemple.test"


@pytest.fixture
def clock() -> Clock:
    return Clock()


def limits(clock: Clock, **rates: Rate) -> Limits:
    return Limits(Rates(**rates), clock)


@pytest.mark.parametrize(
    ("address", "where"),
    [("192.0.2.7", HERE), ("::ffff:192.0.2.7", HERE), ("2001:db8:1:2:3::4", "2001:db8:1:2::/64"),
     ("fe80::1%eth0", "fe80::/64")],
)  # fmt: skip
def test_an_address_counts_for_its_network(address: str, where: str) -> None:
    assert network(address) == where


@pytest.mark.parametrize("address", ["", "x", "192.0.2.0/24", "1.2.3"])
def test_what_is_no_address_has_none(address: str) -> None:
    with pytest.raises(ValueError, match="address"):
        network(address)


def test_log_ins_have_windows_of_their_own(clock: Clock) -> None:
    those = limits(clock, network=Rate(1, 60), login_network=Rate(3, 60), account=Rate(2, 60))
    assert [those.call("mdupond", HERE), those.call("other", HERE)] == [0, 60]
    assert [those.log_in("mdupond", HERE) for _ in range(3)] == [0, 0, 60]
    those.forget("mdupond")
    assert [those.log_in("mdupond", HERE) for _ in range(2)] == [0, 60], "the network's are used up"


def test_a_browser_counts_apart_from_its_account_and_is_reset_with_it(clock: Clock) -> None:
    those = limits(clock, account=Rate(1, 60), wrong=Rate(1, 60))
    own, other = (Limits.apart("mdupond", browser * 32) for browser in "ab")
    for name in ("mdupond", own):
        assert [those.log_in(name, HERE), those.log_in(name, HERE)] == [0, 60]
        those.wrong(name, HERE, "first")
    assert those.log_in(Limits.apart(" MDUPOND ", "a" * 32), HERE) == 60
    assert (those.log_in(other, HERE), those.may_try(other, HERE, "second")) == (0, (0, False))
    those.forget(own)
    assert (those.log_in(own, HERE), those.may_try(own, HERE, "second")) == (0, (0, False))
    assert (those.log_in("mdupond", HERE), those.may_try("mdupond", HERE, "second")) == (60, (60, False))
    those.wrong(own, HERE, "first")
    those.forget("mdupond")
    assert [those.log_in(name, HERE) for name in ("mdupond", own, other)] == [0, 0, 0]
    assert those.may_try(own, HERE, "second") == (0, False)


def test_calls_of_one_account_from_one_network(clock: Clock) -> None:
    those = limits(clock, account=Rate(2, 60))
    assert [those.call("mdupond", HERE) for _ in range(3)] == [0, 0, 60]
    assert those.call("MDUPOND ", HERE) == 60
    assert those.call("mdupond", THERE) == those.call("other", HERE) == 0
    those.forget("other")
    assert those.call("mdupond", HERE) == 60
    those.forget("mdupond")
    assert those.call("mdupond", HERE) == those.call("mdupond", HERE) == 0
    clock.now = 60
    assert those.call("mdupond", HERE) == 0


def test_a_noisy_network_takes_nothing_from_the_others(clock: Clock) -> None:
    those = limits(clock, network=Rate(50, 600), whole=Rate(40, 60))
    for noisy in (HERE, "203.0.113.0/24"):
        counted = [those.call(f"a{number}", noisy) == 0 for number in range(100)].count(True)
        assert counted in (50, 30), noisy
    assert [those.call(f"b{number}", THERE) for number in range(FEW)] == [0] * FEW, "all is full, and for them alone"
    assert those.call("c", THERE) == 60
    browser = Limits.apart("mdupond", "a" * 32)
    assert those.call(browser, HERE) == 0, "a browser that has succeeded before counts for itself alone"
    clock.now = 60
    assert those.call("c", THERE) == 0


def test_the_same_wrong_password_counts_once_and_the_right_one_starts_afresh(clock: Clock) -> None:
    those = limits(clock, wrong=Rate(2, 60))
    for _ in range(50):
        those.wrong("mdupond", HERE, "first")
    assert those.may_try("mdupond", HERE, "first") == (0, True)
    assert those.may_try("mdupond", HERE, "second") == (0, False)
    those.wrong("mdupond", HERE, "second")
    assert those.may_try("mdupond", HERE, "third") == (60, False)
    assert those.may_try("mdupond", THERE, "third") == (0, False)
    assert those.may_try("other", HERE, "third") == (0, False)
    those.forget("other", "mdupond")
    assert those.may_try("mdupond", HERE, "first") == (0, False)


def test_a_limit_ends(clock: Clock) -> None:
    those = limits(clock, wrong=Rate(1, 60), codes=Rate(1, 60))
    those.wrong("mdupond", HERE, "first")
    assert those.code("mdupond", HERE, TO) == 0
    assert those.code("mdupond", HERE, TO) == 60
    assert those.may_try("mdupond", HERE, "x") == (60, False)
    clock.now = 60
    assert those.may_try("mdupond", HERE, "x") == (0, False)
    assert those.code("mdupond", HERE, TO) == 0


def test_what_strangers_ask_for_takes_none_of_the_owner_s_codes(clock: Clock) -> None:
    those = limits(clock, codes=Rate(3, 3600), codes_account=Rate(5, 3600))
    assert [those.code("mdupond", HERE, TO) > 0 for _ in range(9)] == [False] * 3 + [True] * 6
    assert [those.code("mdupond", THERE, TO) > 0 for _ in range(9)] == [False] * 2 + [True] * 7, "no mailbox is filled"
    assert those.code("other", HERE, TO) == 0


def test_a_network_of_schools_may_ten_times_as_much_and_an_account_there_no_more(clock: Clock) -> None:
    schools = [ip_network("192.0.2.7/32"), ip_network("2001:db8:1::/48")]
    rates = Rates(account=Rate(3, 60), network=Rate(5, 60), whole=Rate(1000, 60))
    those = Limits(rates, clock, schools)
    for there, most in ((HERE, 50), (THERE, 5), ("2001:db8:1:2::/64", 50), ("2001:db8:2:2::/64", 5)):
        assert [those.call(f"agent{n}", there) for n in range(most)] == [0] * most, there
        assert those.call("one-more", there) == 60, there
    clock.now = 60
    assert [those.call("mdupond", HERE) for _ in range(4)] == [0, 0, 0, 60]


def test_so_many_codes_a_day_for_an_account_an_address_and_a_network(clock: Clock) -> None:
    those = limits(clock, codes=Rate(9, 60), codes_account=Rate(9, 60), day_account=Rate(2, 86_400),
                   day_target=Rate(3, 86_400), day_network=Rate(4, 86_400))  # fmt: skip
    assert [those.code("mdupond", HERE, TO) for _ in range(3)] == [0, 0, 86_400]
    assert [those.code("other", HERE, TO) for _ in range(2)] == [0, 86_400], "the address has had enough"
    assert [those.code(f"agent{n}", HERE, f"{n}@x.test") for n in range(2)] == [0, 86_400], "so has the network"
    assert those.code("another", THERE, "y@x.test") == 0
    clock.now = 86_400
    assert those.code("mdupond", HERE, TO) == 0


def test_forms_with_a_question_have_a_limit_of_their_own(clock: Clock) -> None:
    those = limits(clock, questions=Rate(1, 60))
    assert [those.question(HERE), those.question(HERE), those.question(THERE)] == [0, 60, 0]


def test_ipv6_counts_for_its_48_as_well(clock: Clock) -> None:
    inside, outside = [f"2001:db8:1:{number:x}::/64" for number in range(20)], "2001:db8:2:1::/64"
    for those, ask in (
        (each := limits(clock, account=Rate(2, 60)), lambda where: each.call("mdupond", where)),
        (every := limits(clock, network=Rate(2, 60)), lambda where: every.call(where, where)),
        (enters := limits(clock, login_network=Rate(2, 60)), lambda where: enters.log_in(where, where)),
    ):
        assert [ask(where) for where in inside] == [0] * 8 + [60] * 12
        assert [ask(outside) for _ in range(3)] == [0, 0, 60], "a /64 has its own share"
        assert those.call("mdupond", HERE) == 0
    codes = limits(clock, codes=Rate(1, 60), codes_account=Rate(100, 60), day_target=Rate(100, 60))
    assert [codes.code("mdupond", where, TO) > 0 for where in inside] == [False] * 4 + [True] * 16


def test_wrong_proofs_of_ipv6_count_for_its_48_as_well(clock: Clock) -> None:
    inside, outside = [f"2001:db8:1:{number:x}::/64" for number in range(9)], "2001:db8:2:1::/64"
    those = limits(clock, wrong=Rate(2, 60))
    for number, where in enumerate(inside):
        those.wrong("mdupond", where, f"guess {min(number, 7)}")
    assert those.may_try("mdupond", inside[0], "another") == (60, False)
    assert those.may_try("mdupond", inside[0], "guess 0") == (0, True)
    assert those.may_try("mdupond", outside, "another") == (0, False)
    assert those.may_try("other", inside[0], "another") == (0, False)
    those.forget("mdupond")
    assert those.may_try("mdupond", inside[0], "another") == (0, False)


def acts(those: Limits, uid: str, cost: costs.Cost = costs.ACT, client: str = "pia1") -> float:
    return those.take(cost, uid, client).wait


def test_an_agent_s_acts_stop_that_agent_alone(clock: Clock) -> None:
    those = limits(clock, acts=Rate(2, 600), classes=Rate(1, 3600), whole=Rate(1, 60))
    for number in range(9):
        those.call(f"a{number}", HERE)
    assert [acts(those, "mdupond") for _ in range(3)] == [0, 0, 600]
    assert [acts(those, "jmartin", costs.CLASS) for _ in range(2)] == [0, 3600]
    assert acts(those, "jmartin") == 0, "what was refused took nothing of the acts"
    assert acts(those, "jmartin") == 600
    assert acts(those, "chef", costs.CLASS) == 0
    clock.now = 600
    assert acts(those, "mdupond") == 0


@pytest.mark.parametrize(
    ("cost", "budget"), [(costs.ACT, "all_acts"), (costs.CLASS, "all_classes"), (costs.BLOCK, "all_blocks")]
)
def test_a_client_has_its_limits_far_above(clock: Clock, cost: costs.Cost, budget: str) -> None:
    rates = Rates()
    whole, own = getattr(rates, budget), getattr(rates, cost.budgets[-1])
    assert whole.most >= 10 * own.most
    those = limits(clock, **{budget: Rate(2, 3600)})
    assert [acts(those, f"agent{number}", cost) for number in range(3)] == [0, 0, 3600]
    assert acts(those, "agent3", cost, "pia2") == 0
    assert acts(those, "agent4", costs.PROTECT) == 0, "and nobody's protection"


def test_what_changed_nothing_is_given_back(clock: Clock) -> None:
    those = limits(clock, acts=Rate(1, 600), all_acts=Rate(2, 600))
    for _ in range(300):
        taken = those.take(costs.ACT, "mdupond", "pia1")
        assert taken.wait == 0
        those.give_back(taken)
    assert [acts(those, "mdupond"), acts(those, "mdupond"), acts(those, "jmartin")] == [0, 600, 0]
    taken = those.day("chef", "aloud", 1)
    assert those.day("chef", "aloud", 1).wait == 86_400
    those.give_back(taken)
    assert those.day("chef", "aloud", 1).wait == 0


def test_a_wave_of_protection_is_said_once(clock: Clock) -> None:
    those = limits(clock, protections=Rate(3, 3600))
    assert [those.protected("pia1") for _ in range(6)] == [False, False, False, True, False, False]
    clock.now = 3600
    assert not those.protected("pia1")


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stores of a hundredth of their size."""
    monkeypatch.setattr(module, "REMEMBERED", 500)
    monkeypatch.setattr(module, "OF_A_NETWORK", 50, raising=False)


def flood(those: Limits, clock: Clock, networks: int, times: int) -> None:
    """Strangers send a hundred log-ins of each network in ten minutes, each by another name, so many times."""
    for turn in range(times):
        for one in range(networks):
            for number in range(100):
                those.log_in(f"a{turn}-{number}", f"203.0.{one}.0/24")
        clock.now += 600


@pytest.mark.usefixtures("small")
def test_no_flood_of_names_makes_a_day_or_a_word_forgotten(clock: Clock) -> None:
    """All windows lay in one store, which one network fills in three hours."""
    those = limits(clock, codes=Rate(99, 3600), codes_account=Rate(99, 3600), day_account=Rate(2, 86_400))
    assert [those.code("mdupond", HERE, TO) for _ in range(2)] == [0, 0]
    assert those.day("chef", "aloud", 1).wait == 0 == acts(those, "mdupond", costs.CLASS)
    assert those.once("form", "mot", 36_000)
    flood(those, clock, 1, 20)
    flood(those, clock, 20, 1)
    assert those.code("mdupond", HERE, TO) > 0
    assert those.day("chef", "aloud", 1).wait > 0
    assert not those.once("form", "mot", 36_000)
    assert len(those.left()["strangers"]) <= 500


@pytest.mark.usefixtures("small")
def test_a_network_that_floods_loses_its_own_counts_and_nobody_else_s(clock: Clock) -> None:
    those = limits(clock, account=Rate(1, 86_400), wrong=Rate(1, 86_400))
    assert those.call("mdupond", THERE) == 0
    those.wrong("mdupond", THERE, "faux")
    flood(those, clock, 3, 10)
    assert those.call("mdupond", THERE) > 0
    assert those.may_try("mdupond", THERE, "faux") == (0.0, True)
    of_each = Counter(row[0] for row in those.left()["strangers"])
    assert max(of_each.values()) <= 50 and of_each[THERE] == 1


def test_a_word_is_known_for_its_time_and_at_most_twice_as_long(clock: Clock) -> None:
    those = limits(clock)
    clock.now = 3599
    assert those.once("form", "mot", 3600) and those.once("form", "autre", 3600)
    clock.now = 7199
    assert not those.once("form", "mot", 3600)
    clock.now = 14_400
    assert those.once("form", "autre", 3600)


def test_many_words_hide_few_others() -> None:
    words = Once(3600)
    for number in range(50_000):
        words.first(hashlib.md5(b"x%d" % number, usedforsecurity=False).digest(), 0)
    fresh = [words.first(hashlib.sha256(b"%d" % number).digest(), 0) for number in range(2000)]
    assert fresh.count(False) <= 2


def test_a_network_has_a_part_of_the_places_and_one_of_schools_a_larger_one(clock: Clock) -> None:
    those = Limits(clock=clock, schools=[ip_network("192.0.2.7/32")])
    assert (those.share(HERE, 64), those.share(THERE, 64)) == (32, 16)


# --- over a restart ---


def test_counts_hold_over_a_restart_and_wrong_proofs_stay_out_of_the_file(clock: Clock, tmp_path: Path) -> None:
    before = limits(clock, account=Rate(2, 60), codes=Rate(1, 3600), wrong=Rate(1, 900), classes=Rate(1, 3600))
    assert [before.call("mdupond", HERE) for _ in range(2)] == [0, 0]
    assert before.code("mdupond", HERE, TO) == 0 == before.day("chef", "aloud", 1).wait
    assert acts(before, "mdupond", costs.CLASS) == 0
    assert before.once("mdupond", "123456", 300)
    before.wrong("mdupond", HERE, "Presque-Le-Bon7!")
    carried.put(tmp_path, before)
    (file,) = tmp_path.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert not any(word in file.read_text() for word in ("wrong", "mdupond", "exemple.test", "chef"))
    clock.now += 30
    after = limits(clock, account=Rate(2, 60), codes=Rate(1, 3600), wrong=Rate(1, 900), classes=Rate(1, 3600))
    carried.take(tmp_path, after)
    assert list(tmp_path.iterdir()) == [], "once: a daemon that is killed begins anew"
    assert after.call("mdupond", HERE) == 30 and after.call("other", HERE) == 0
    assert after.code("mdupond", HERE, TO) == 3570 and after.day("chef", "aloud", 1).wait > 86_000
    assert acts(after, "mdupond", costs.CLASS) == 3570 and acts(after, "jmartin", costs.CLASS) == 0
    assert not after.once("mdupond", "123456", 300) and after.once("mdupond", "654321", 300)
    assert after.may_try("mdupond", HERE, "Autre7!") == (0.0, False)
    clock.now += 31
    assert after.call("mdupond", HERE) == 0


KEY = "00" * 32
HELD = '{"key": "%s", "strangers": %s, "codes": [], "agents": [], "words": [%s]}'


@pytest.mark.parametrize(
    "held",
    ["", "{", "[]", "[1]", "null", '[{"key": "00", "windows": []}]', "{}", HELD % ("00", "[]", ""),
     HELD % ("zz", "[]", ""), HELD % (KEY, "1", ""), HELD % (KEY, '[["a", "b", "c"]]', ""),
     HELD % (KEY, "[]", '[3600, {"span": 1, "now": "AAAA", "before": ""}]'),
     HELD % (KEY, "[]", '[3600, {"span": 1, "now": "eJwDAAAAAAE=", "before": ""}]')],
)  # fmt: skip
def test_what_cannot_be_read_counts_for_nothing(
    clock: Clock, tmp_path: Path, held: str, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / carried.FILE).write_text(held)
    those = limits(clock, account=Rate(1, 60))
    carried.take(tmp_path, those)
    assert [those.call("mdupond", HERE) for _ in range(2)] == [0, 60]
    assert "not taken over" in caplog.text


def test_without_a_folder_or_a_file_all_begin_at_0(
    clock: Clock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    those = limits(clock, account=Rate(1, 60))
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    for place in (carried.folder(), tmp_path, tmp_path / "absent"):
        carried.take(place, those)
        carried.put(place, those)
    assert those.call("mdupond", HERE) == 0
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    assert carried.folder() == tmp_path
