"""INA codes: their form, their owners, their lifetime, and the keys that recognise them."""

import base64
import datetime
import json
from collections.abc import Callable

import pytest
from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials.digests import Keyring
from malleposte.core.errors import InputError
from malleposte.directory.protocol import Entry

from tests.support.directory import MemoryDirectory

NOW = datetime.datetime(2026, 9, 1, 8, tzinfo=datetime.UTC)
DAY = datetime.timedelta(days=1)


def ring(*names: str) -> Keyring:
    keys = {name: base64.b64encode(name.encode().ljust(32, b".")).decode() for name in names}
    return Keyring.parse(json.dumps({"current": names[0], "keys": keys}), "essai")


def test_a_code_has_ten_characters_that_nobody_confuses() -> None:
    many = {codes.issue(ring("k1"), "mdupond", NOW).code for _ in range(200)}
    assert len(many) == 200
    assert {len(code) for code in many} == {10}
    assert not set("".join(many)) & set("0O1IL5S2Z8BUAEa-z")
    assert "code=" not in repr(codes.issue(ring("k1"), "mdupond", NOW))


@pytest.mark.parametrize("write", [str, str.lower, lambda code: f" {code[:5]}-{code[5:]}\t", " ".join])
def test_it_is_known_however_it_is_typed(write: Callable[[str], str]) -> None:
    issued = codes.issue(ring("k1"), "mdupond", NOW)
    assert codes.matches(ring("k1"), "mdupond", write(issued.code), issued.attributes, NOW)
    assert codes.matches(ring("k1"), "mdupond", issued.shown, issued.attributes, NOW)


def test_it_is_nobody_else_s_and_nothing_else() -> None:
    keys = ring("k1")
    issued = codes.issue(keys, "mdupond", NOW)
    assert not codes.matches(keys, "mdupont", issued.code, issued.attributes, NOW)
    for wrong in ("", "3", issued.code[:-1], issued.code + "3", "é" * 10, "\0" * 10, "x" * 100_000):
        assert not codes.matches(keys, "mdupond", wrong, issued.attributes, NOW), wrong[:20]
    odd: list[dict[str, list[str]]] = [
        {}, {"mpInaDigest": []}, {"mpInaDigest": ["é"], "mpInaExpiry": ["20990101000000Z"]},
        {"mpInaCode": ["mail 20990101000000Z é", "x", "", "a b c d"]},
    ]  # fmt: skip
    for held in odd:
        assert not codes.matches(keys, "mdupond", issued.code, held, NOW)
    assert issued.code not in json.dumps(issued.attributes)


def test_it_ends_days_after_its_start_and_not_before() -> None:
    keys, start = ring("k1"), NOW + 10 * DAY
    issued = codes.issue(keys, "mdupond", NOW, 30, start=start)
    assert issued.expires == start + 30 * DAY
    for moment, good in ((NOW, True), (start + 29.9 * DAY, True), (start + 30 * DAY, False)):
        assert codes.matches(keys, "mdupond", issued.code, issued.attributes, moment) is good
        assert bool(codes.waits(issued.attributes, moment)) is good
    assert not codes.waits(dict(codes.SPENT), NOW)


def test_every_key_of_the_ring_recognises_codes_and_numens() -> None:
    old, both, new = ring("k1"), ring("k2", "k1"), ring("k2")
    issued = codes.issue(old, "mdupond", NOW)
    assert codes.matches(both, "mdupond", issued.code, issued.attributes, NOW)
    assert not codes.matches(new, "mdupond", issued.code, issued.attributes, NOW)
    directory = MemoryDirectory()
    numen = "01E9500001ABC"
    directory.add(
        f"uid=mdupond,ou=people,{directory.suffix}", {"uid": ["mdupond"], "mpNumenDigest": [old.digest("numen", numen)]}
    )
    assert codes.holder(directory, both, numen) == "mdupond"
    assert codes.opens(directory, "mdupond")
    assert not codes.opens(directory, "nobody")
    assert codes.holder(directory, both, "01E9500002ABC") == ""
    assert codes.holder(directory, new, numen) == ""


def held_with(keys: Keyring, *ways: codes.Way) -> tuple[dict[str, list[str]], list[codes.Issued]]:
    """An entry that codes of these ways were written to, one after the other."""
    held, made = {"uid": ["mdupond"], "mpState": ["active"]}, []
    for way in ways:
        issued, change = codes.renew(Entry("uid=mdupond", held), keys, NOW, 7, way=way)
        held, made = held | change.after, [*made, issued]
    return held, made


LETTER, DESK, MAIL = codes.Way.LETTER, codes.Way.DESK, codes.Way.MAIL


@pytest.mark.parametrize(
    ("ways", "good"),
    [
        ((DESK, MAIL, MAIL), [True, True, True]),
        ((LETTER, MAIL), [True, True]),
        ((LETTER, LETTER, MAIL), [False, True, True]),
        ((MAIL, LETTER), [True, True]),
        ((LETTER, MAIL, DESK), [False, False, True]),
    ],
)
def test_a_code_sent_on_request_ends_no_other(ways: tuple[codes.Way, ...], good: list[bool]) -> None:
    """Anybody may have one mailed; only who issues letters, or stands at the desk, ends what went out before."""
    keys = ring("k1")
    held, made = held_with(keys, *ways)
    assert [codes.matches(keys, "mdupond", one.code, held, NOW) for one in made] == good
    assert codes.waits(held, NOW) == sum(good)


def test_an_entry_of_before_stays_readable_and_is_written_anew() -> None:
    keys = ring("k1")
    old = codes.issue(keys, "mdupond", NOW, 30)
    digest, end = old.waiting.digest, old.waiting.end
    held = {"uid": ["mdupond"], "mpState": ["active"], "mpInaDigest": [digest], "mpInaExpiry": [end]}
    assert codes.matches(keys, "mdupond", old.code, held, NOW)
    new, change = codes.renew(Entry("uid=mdupond", held), keys, NOW, 1, way=MAIL)
    assert change.before == {"mpInaCode": [], "mpInaDigest": [digest], "mpInaExpiry": [end]}
    assert change.after == {
        "mpInaCode": [f"letter {end} {digest}", new.waiting.value], "mpInaDigest": [], "mpInaExpiry": [],
    }  # fmt: skip
    for issued in (old, new):
        assert codes.matches(keys, "mdupond", issued.code, change.after, NOW)


def test_each_code_has_its_own_end_and_what_is_over_is_purged() -> None:
    keys = ring("k1")
    held, (desk,) = held_with(keys, DESK)
    mailed, change = codes.renew(Entry("uid=mdupond", held), keys, NOW, 1, way=MAIL)
    held |= change.after
    assert codes.purged(held, NOW) == {}
    assert [codes.matches(keys, "mdupond", one.code, held, NOW + DAY) for one in (desk, mailed)] == [True, False]
    assert codes.purged(held, NOW + DAY)["mpInaCode"] == [desk.waiting.value]
    assert codes.purged(held, NOW + 8 * DAY) == dict(codes.SPENT)
    assert codes.purged({"mpInaDigest": ["k1:x"], "mpInaExpiry": ["20200101000000Z"]}, NOW) == dict(codes.SPENT)


def test_an_operator_s_code_is_not_for_the_suspended() -> None:
    keys = ring("k1")
    issued, change = codes.renew(Entry("uid=mdupond", {"uid": ["mdupond"]}), keys, NOW, 1, "letter lost")
    assert (change.after["mpInaCode"], change.note) == ([issued.waiting.value], "letter lost")
    assert issued.waiting.value.startswith("desk 20260902080000Z k1:")
    with pytest.raises(InputError, match="suspended"):
        codes.renew(Entry("uid=mdupond", {"uid": ["mdupond"], "mpState": ["suspended"]}), keys, NOW)
