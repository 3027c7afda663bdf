"""The ledger: kept, asked, removed after its time; the pace over processes."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from malleposte.accounts.convocations import store
from malleposte.accounts.convocations.model import DAY
from malleposte.core.errors import InputError
from malleposte.platform import idents

from .office import EVENT, IDENT, NOW, START, convocation


def test_a_convocation_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    one = convocation("anne")
    with store.turn(tmp_path):
        store.ask(one, tmp_path)
    assert store.load(IDENT, tmp_path) == one and store.asked(tmp_path)
    assert (tmp_path / f"{IDENT}.json").stat().st_mode & 0o777 == 0o600
    store.begin(tmp_path)
    assert not store.asked(tmp_path) and store.has(IDENT, tmp_path)


@pytest.mark.parametrize("word", ["", "../x", "20260601-080000-3F2A", f"{IDENT}\n", "20260601-080000-0000"])
def test_what_is_no_convocation_is_refused(word: str, tmp_path: Path) -> None:
    store.keep(convocation(), tmp_path)
    assert not store.has(word, tmp_path)
    with pytest.raises(InputError):
        store.load(word, tmp_path)
    assert idents.is_ident(idents.new_ident(NOW))


def test_a_file_that_cannot_be_read_stops_no_other(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    store.keep(convocation("anne"), tmp_path)
    (tmp_path / "20260601-080000-0001.json").write_text('{"ident": 3}')
    with caplog.at_level(logging.ERROR):
        assert [one.ident for one in store.every(tmp_path)] == [IDENT]
    assert "20260601-080000-0001" in caplog.text
    assert list(store.every(tmp_path / "none")) == []


def test_it_goes_after_its_time_and_not_before(tmp_path: Path) -> None:
    store.keep(convocation("anne"), tmp_path)
    end = EVENT.ends.timestamp()
    assert store.prune(end + 9 * DAY, 10, tmp_path) == [] and store.has(IDENT, tmp_path)
    assert store.prune(end + 11 * DAY, 10, tmp_path) == [IDENT] and not store.has(IDENT, tmp_path)


def test_one_process_sends_at_a_time(tmp_path: Path) -> None:
    with store.sending(tmp_path) as first, store.sending(tmp_path) as second:
        assert (first, second) == (True, False)
    with store.sending(tmp_path) as third:
        assert third


def test_the_pace_holds_over_processes_and_damage(tmp_path: Path) -> None:
    store.Pace(10, tmp_path).spend(7, START)
    again = store.Pace(10, tmp_path)
    assert again.left(START + 30) == 3
    again.spend(3, START + 30)
    assert again.left(START + 59) == 0 and again.left(START + 60) == 10
    (tmp_path / "pace").write_bytes(b"\xff")
    assert again.left(START) == 10
