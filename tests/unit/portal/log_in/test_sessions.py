"""Log-ins in Valkey: found by the browser's identifier alone, ended one by one and together."""

from copy import replace
from typing import Any

import pytest
from malleposte_portal.log_in.sessions import Session, Sessions, StoreError, key_of

from tests.support.valkey import MemoryValkey, ValkeyError


@pytest.fixture
def kept(valkey: MemoryValkey, clock: Any) -> Sessions:
    return Sessions(valkey, ValkeyError, clock=clock)


def session(clock: Any, uid: str = "mdupond", sid: str = "s1") -> Session:
    return Session(uid, "Marie", sid, "id", "access", "refresh", clock() + 300, clock(), clock())


def test_an_identifier_opens_and_its_key_does_not(kept: Sessions, clock: Any, valkey: MemoryValkey) -> None:
    identifier = kept.open(session(clock))
    found = kept.read(identifier)
    assert found is not None and found.uid == "mdupond"
    assert kept.read(key_of(identifier)) is None and kept.read("") is None
    assert identifier not in str(valkey.held)
    assert "access" not in repr(found)


def test_each_ends_alone_and_all_together(kept: Sessions, clock: Any) -> None:
    first, second = kept.open(session(clock)), kept.open(session(clock, sid="s2"))
    other = kept.open(session(clock, "autre", "s3"))
    assert set(kept.of("mdupond")) == {key_of(first), key_of(second)}
    kept.close(key_of(first))
    assert set(kept.of("mdupond")) == {key_of(second)}
    assert kept.close_all(sid="s3") == 1 and kept.read(other) is None
    assert kept.close_all(uid="mdupond") == 1 and kept.read(second) is None
    assert kept.close_all(uid="mdupond") == 0


def test_what_was_ended_meanwhile_does_not_come_back_with_newer_tokens(kept: Sessions, clock: Any) -> None:
    identifier, held = kept.open(session(clock)), session(clock)
    kept.keep(identifier, replace(held, access="newer"))
    found = kept.read(identifier)
    assert found is not None and found.access == "newer"
    kept.close(key_of(identifier))
    kept.keep(identifier, held)
    assert kept.read(identifier) is None


def test_lists_forget_what_ended_by_itself(kept: Sessions, clock: Any) -> None:
    kept.open(session(clock))
    clock.now += 3601
    later = kept.open(session(clock))
    assert list(kept.of("mdupond")) == [key_of(later)]


def test_valkey_that_is_away_is_one_error(kept: Sessions, clock: Any, valkey: MemoryValkey) -> None:
    identifier = kept.open(session(clock))
    valkey.away = True
    for ask in (lambda: kept.read(identifier), lambda: kept.of("mdupond"), lambda: kept.take_once("x")):
        with pytest.raises(StoreError):
            ask()
