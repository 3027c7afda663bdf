"""INA codes: their form, whose they are, how long they are good, and the keys that recognise them."""

from __future__ import annotations

import base64
import datetime
import json
from collections.abc import Callable

import pytest
from malleposte.accounts import codes
from malleposte.accounts.digests import Keyring
from malleposte.directory.memory import MemoryDirectory
from malleposte.directory.protocol import Entry
from malleposte.errors import InputError

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
        assert codes.waits(issued.attributes, moment) is good
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
    assert codes.holder(directory, both, "01E9500002ABC") == ""
    assert codes.holder(directory, new, numen) == ""


def test_a_new_code_replaces_the_one_that_waits_and_is_not_for_the_suspended() -> None:
    keys = ring("k1")
    held = {"uid": ["mdupond"], "mpState": ["active"], "mpInaDigest": ["k1:old"]}
    issued, change = codes.renew(Entry("uid=mdupond", held), keys, NOW, 1, "letter lost")
    assert change.before == {"mpInaDigest": ["k1:old"], "mpInaExpiry": []}
    assert (change.after, change.note) == (issued.attributes, "letter lost")
    with pytest.raises(InputError, match="suspended"):
        codes.renew(Entry("uid=mdupond", held | {"mpState": ["suspended"]}), keys, NOW)
