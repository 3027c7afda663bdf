"""The file of an agent's hours: kept, read again, and made anew where the platform changed."""

import datetime
import json
import time
from pathlib import Path

import pytest
from malleposte.accounts import facts
from malleposte.accounts.mailbox.hours import holidays, script
from malleposte.accounts.mailbox.hours.model import Change, Hours, Slot
from malleposte.accounts.mailbox.hours.store import Store, Through
from malleposte.core.errors import InputError, MallepostError

from tests.unit.accounts.mailbox.hours.chosen import choose

WEEK = Hours(True, (Slot((1, 2, 3, 4, 5), "08:00", "18:00"),), senders=("chef@ac-exemple.test", "rectorat.test"))
THROUGH = Through(("aide@ac-exemple.test",), "postmaster@ac-exemple.test")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path, THROUGH)


def test_hours_are_kept_and_read_again(store: Store, tmp_path: Path) -> None:
    assert store.read("mdupond") == Hours() and store.stamps() == {}
    assert choose(store, "mdupond", WEEK).hours == WEEK == store.read("mdupond")
    path = tmp_path / ".hours" / "mdupond.sieve"
    assert path.stat().st_mode & 0o777 == 0o600 and path.stat().st_mtime > time.time()
    before = store.changed()
    assert list(store.stamps()) == ["mdupond"]
    choose(store, "mdupond", Hours())
    assert store.changed() != before and "fileinto" not in path.read_text("utf-8")


def test_what_cannot_be_changes_nothing(store: Store) -> None:
    choose(store, "mdupond", WEEK)
    before = store.stamps()
    with pytest.raises(InputError):
        choose(store, "mdupond", Hours(on=True))
    with pytest.raises(InputError):
        choose(store, "../mdupond", WEEK)
    assert store.stamps() == before and store.read("mdupond") == WEEK


def test_a_file_that_is_none_of_ours_is_named(store: Store, tmp_path: Path) -> None:
    choose(store, "mdupond", WEEK)
    (tmp_path / ".hours" / "mdupond.sieve").write_text("keep;\n", "utf-8")
    with pytest.raises(MallepostError, match=r"mdupond\.sieve"):
        store.read("mdupond")


def test_the_script_follows_the_platform_and_the_choice_stays(store: Store, tmp_path: Path) -> None:
    choose(store, "mdupond", WEEK)
    stamps = store.stamps()
    assert store.refresh("mdupond") == WEEK and store.stamps() == stamps
    later = Store(tmp_path, Through(("crise@ac-exemple.test",), "postmaster@ac-exemple.test"))
    assert later.refresh("mdupond") == WEEK and later.stamps() != stamps
    assert "crise@ac-exemple.test" in (tmp_path / ".hours" / "mdupond.sieve").read_text("utf-8")


def test_nothing_is_left_at_the_end(store: Store, tmp_path: Path) -> None:
    choose(store, "mdupond", WEEK)
    (tmp_path / ".hours" / "mdupond.svbin").write_bytes(b"compiled")
    assert store.forget("mdupond") and not store.forget("mdupond")
    assert [one.name for one in (tmp_path / ".hours").iterdir()] == ["lock"]


def test_the_platform_s_facts_say_who_comes_through(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "platform.json"
    monkeypatch.setattr(facts, "FILE", path)
    path.write_text(
        json.dumps(
            {"domain": "ac-exemple.test", "support": {"mail": "Aide@ac-exemple.test"}, "urgent_senders": ["crise.test"]}
        )
    )
    choose(Store(tmp_path), "mdupond", WEEK)
    text = (tmp_path / ".hours" / "mdupond.sieve").read_text("utf-8")
    assert '"aide@ac-exemple.test"' in text and '"*@crise.test"' in text and '"postmaster@ac-exemple.test"' in text


def test_nobody_comes_through_by_what_a_sender_writes_alone() -> None:
    text = script.script(WEEK, THROUGH.urgent, THROUGH.platform, 2026)
    rule = text.partition("anyof (")[2].partition("\n  ),\n")[0]
    assert len(rule.splitlines()) == 5
    for line in rule.strip().splitlines():
        assert line.strip().startswith(
            (
                'header :is "X-Malleposte-Author"',
                'header :matches "X-Malleposte-Author"',
                "allof (header :is",
                'header :is "X-Malleposte-List"',
            )
        )


@pytest.mark.parametrize(
    "hours", [Hours(), Hours(slots=WEEK.slots), Hours(slots=WEEK.slots, rounds=("08:00",), holidays=True)]
)
def test_hours_that_are_off_file_nothing(hours: Hours) -> None:
    assert "fileinto" not in script.script(hours, (), "p@x.test", 2026)
    assert "fileinto" in script.script(WEEK, (), "p@x.test", 2026)


TODAY = datetime.datetime.now().astimezone().date()
HERE, NEXT, OVER = (
    holidays.written(TODAY + datetime.timedelta(days=days), TODAY + datetime.timedelta(days=days + 14))
    for days in (-1, 40, -60)
)


def test_school_holidays_count_for_the_agents_who_chose_them(store: Store, tmp_path: Path) -> None:
    whole = Hours(True, (Slot((1, 2, 3, 4, 5, 6, 7), "00:00", "24:00"),))
    choose(store, "mdupond", whole)
    choose(store, "pmartin", whole)
    assert store.change("mdupond", Change(school=True)).opens  # nobody told the host of any
    stamps = store.stamps()
    store.learn([OVER, HERE, NEXT])
    assert store.stamps() != stamps  # so that the mover reads the hours again
    assert store.refresh("mdupond").closed == (HERE, NEXT) and store.refresh("pmartin").closed == ()
    closed, open_ = store.state("mdupond"), store.state("pmartin")
    assert not closed.opens and open_.opens and closed.known == open_.known == (HERE, NEXT)
    first, last = HERE.split("/")
    text = (tmp_path / ".hours" / "mdupond.sieve").read_text("utf-8")
    assert f'allof (currentdate :value "ge" "date" "{first}", currentdate :value "le" "date" "{last}")' in text
    assert first not in (tmp_path / ".hours" / "pmartin.sieve").read_text("utf-8")
    assert store.change("mdupond", Change(school=False)).opens


@pytest.mark.parametrize("wrong", ["2026-12-19", "2026-12-19/2026-12-18", "2026-13-01/2026-13-02", "toutes"])
def test_what_is_no_period_is_refused(store: Store, wrong: str) -> None:
    store.learn([NEXT])
    with pytest.raises(InputError):
        store.learn([HERE, wrong])
    assert store.school_holidays() == (NEXT,)
