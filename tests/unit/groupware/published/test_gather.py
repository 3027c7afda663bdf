"""The timer's work: sources read again, agents of a rule, the files of the web; a bad source changes nothing."""

import datetime
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.mailbox.hours import holidays
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.model import Agent, Attributes, State, agent_attributes
from malleposte.directory.query import Query
from malleposte.groupware.published import content
from malleposte.groupware.published.gather import Gatherer
from malleposte.groupware.published.model import Published, Shown
from malleposte.groupware.published.settings import Fixed
from malleposte.groupware.published.store import Store
from malleposte.lists import rule

from tests.support.directory import MemoryDirectory
from tests.unit.groupware.files import calendar, event

NOW = datetime.datetime(2026, 11, 26, 8, 0, tzinfo=datetime.UTC)
SOURCE = "https://calendrier.ministere.test/zone-a.ics"


@pytest.fixture
def directory() -> MemoryDirectory:
    made = MemoryDirectory()
    for uai, department in (("0890001T", "89"), ("0210002N", "21")):
        held = {"objectClass": ["mpSchool"], "mpEstablishment": [uai], "o": ["E"], "mpDepartment": [department]}
        made.add(f"mpEstablishment={uai},ou=establishments,{made.suffix}", held)
    for uid, uai, state in (
        ("a1", "0890001T", State.ACTIVE), ("a2", "0210002N", State.PENDING), ("gone", "0890001T", State.SUSPENDED),
    ):  # fmt: skip
        one = Agent(
            uid=uid, given_name="Z", surname=uid, mail=f"{uid}@ac-exemple.test", profile="roundcube", state=state,
            establishments=(uai,),
        )  # fmt: skip
        made.add(one.dn(made.suffix), agent_attributes(one))
    return made


@pytest.fixture
def store(tmp_path: Path) -> Store:
    made = Store(tmp_path / "store")
    for folder in (made.entries, made.gone, tmp_path / "web"):
        folder.mkdir(parents=True)
    return made


class _Source:
    """A server of one file; an exception is raised."""

    def __init__(self) -> None:
        self.given: bytes | Exception = calendar(event("1"))
        self.asked = 0

    def read(self, _url: str) -> bytes:
        self.asked += 1
        if isinstance(self.given, Exception):
            raise self.given
        return self.given


@pytest.fixture
def source() -> _Source:
    return _Source()


@pytest.fixture
def gatherer(store: Store, directory: MemoryDirectory, source: _Source, tmp_path: Path) -> Gatherer:
    def search(query: Query, attributes: Sequence[str]) -> list[Attributes]:
        branches: Any = ("people", "establishments")
        return [one.attributes for branch in branches for one in directory.search(branch, tuple(attributes), query)]

    return Gatherer(store, tmp_path / "web", directory.suffix, search, source.read)


def publish(store: Store, directory: MemoryDirectory, name: str, words: str = "", **more: str) -> Published:
    url = rule.to_url(rule.parse(words), directory.suffix) if words else ""
    one = Published(name, name.title(), rule=words, url=url, token="f00d", **more)
    with store.locked():
        store.put(one, content.whole(content.check(calendar(event("1")), name).items, one.name))
    return one


@pytest.mark.parametrize(
    ("words", "whom"),
    [
        ("", None), ("uai=0890001T", ("a1",)), ("departement=21", ("a2",)), ("profil=roundcube", ("a1", "a2")),
        ("departement=58", ()),
    ],
)  # fmt: skip
def test_a_rule_says_who_is_shown_it(
    gatherer: Gatherer, store: Store, directory: MemoryDirectory, words: str, whom: tuple[str, ...] | None
) -> None:
    publish(store, directory, "vacances", words)
    assert gatherer.run(NOW) == []
    assert [(one.ident, one.members) for one in store.shown()] == [("vacances", whom)]


def test_the_web_has_a_plain_name_for_all_and_none_that_can_be_guessed_for_a_rule(
    gatherer: Gatherer, store: Store, directory: MemoryDirectory
) -> None:
    publish(store, directory, "tous")
    publish(store, directory, "ecole", "uai=0890001T")
    gatherer.run(NOW)
    assert sorted(path.name for path in gatherer.web.iterdir()) == ["ecole-f00d.ics", "tous.ics"]
    with store.locked():
        store.withdraw("ecole", NOW)
    gatherer.run(NOW)
    assert [path.name for path in gatherer.web.iterdir()] == ["tous.ics"]
    assert sorted(path.name for path in store.gone.iterdir()) == [
        "ecole-20261126T080000Z.ics", "ecole-20261126T080000Z.json",
    ]  # fmt: skip


def test_an_engine_that_reads_while_one_is_withdrawn_reads_again(
    gatherer: Gatherer, store: Store, directory: MemoryDirectory
) -> None:
    for name in ("tous", "autre"):
        publish(store, directory, name)
    gatherer.run(NOW)
    seen = []

    def engine(shown: list[Shown]) -> int:
        seen.append([one.ident for one in shown])
        if len(seen) == 1:
            with store.locked():
                store.withdraw("autre", NOW)
        return sum(len(store.content(one.ident)) > 0 for one in shown)

    assert store.bring(engine) == 1
    assert [sorted(one) for one in seen] == [["autre", "tous"], ["tous"]]

    def broken(_shown: list[Shown]) -> int:
        raise FileNotFoundError("sogo-tool")

    with pytest.raises(FileNotFoundError, match="sogo-tool"):
        store.bring(broken)


def test_a_source_is_read_again_when_it_is_due(
    gatherer: Gatherer, store: Store, directory: MemoryDirectory, source: _Source
) -> None:
    publish(store, directory, "zone-a", source=SOURCE, fetched=NOW.isoformat())
    gatherer.run(NOW + datetime.timedelta(hours=2))
    assert source.asked == 0
    source.given = calendar(event("1"), event("2", "Hiver"))
    gatherer.run(NOW + datetime.timedelta(hours=3))
    assert source.asked == 1
    assert "Hiver" in store.content("zone-a").decode()
    assert "Hiver" in (gatherer.web / "zone-a.ics").read_text("utf-8")


@pytest.mark.parametrize("bad", [b"<html>", calendar(), MallepostError("no answer"), InputError("more than 5 MB")])
def test_a_bad_source_leaves_the_last_good_content(
    gatherer: Gatherer, store: Store, directory: MemoryDirectory, source: _Source, bad: bytes | Exception
) -> None:
    one = publish(store, directory, "zone-a", source=SOURCE, fetched=NOW.isoformat())
    good = store.content("zone-a")
    source.given = bad
    (said,) = gatherer.run(NOW + datetime.timedelta(hours=3))
    assert said.startswith("zone-a: its last good content stays: ")
    assert store.content("zone-a") == good
    held = store.find("zone-a")
    assert held is not None and held.error
    assert replace(held, error="") == one
    source.given = calendar(event("3"))
    assert gatherer.run(NOW + datetime.timedelta(hours=3, minutes=10)) == []
    assert store.find("zone-a") == replace(one, fetched=(NOW + datetime.timedelta(hours=3, minutes=10)).isoformat())


def test_without_the_directory_agents_are_as_they_were(
    gatherer: Gatherer, store: Store, directory: MemoryDirectory
) -> None:
    def away(_query: Query, _attributes: Sequence[str]) -> list[Attributes]:
        raise MallepostError("directory: no answer")

    publish(store, directory, "ecole", "uai=0890001T")
    gatherer.run(NOW)
    publish(store, directory, "autre", "uai=0210002N")
    said = replace(gatherer, search=away).run(NOW)
    assert [line.partition(":")[0] for line in said] == ["autre", "ecole"]
    assert {one.ident: one.members for one in store.shown()} == {"autre": (), "ecole": ("a1",)}
    assert [one.error for one in store.every()] == ["its agents are as they were: directory: no answer"] * 2
    assert gatherer.run(NOW) == []
    assert [one.error for one in store.every()] == ["", ""]


def test_a_calendar_that_is_not_there_is_not_withdrawn(store: Store, directory: MemoryDirectory) -> None:
    publish(store, directory, "tous")
    with store.locked(), pytest.raises(InputError, match="no calendar 'autre' is published; known are: tous"):
        store.withdraw("autre", NOW)
    assert store.find("tous") is not None


HOLIDAYS = Fixed("Vacances scolaires (zone B)", source=SOURCE)
ZONE_B = "vacances-scolaires-zone-b"


def names(store: Store) -> list[str]:
    return [one.ident for one in store.shown()]


def test_a_calendar_of_the_inventory_comes_changes_and_goes(
    gatherer: Gatherer, store: Store, directory: MemoryDirectory, source: _Source
) -> None:
    publish(store, directory, "examens")
    with_b = replace(gatherer, fixed=(HOLIDAYS,))
    assert with_b.run(NOW) == []
    assert names(store) == ["examens", ZONE_B]
    assert store.find(ZONE_B) == Published(
        ZONE_B, HOLIDAYS.name, source=SOURCE, fixed=True, published=NOW.isoformat(), fetched=NOW.isoformat(),
        token=store.find(ZONE_B).token,  # type: ignore[union-attr]
    )  # fmt: skip
    # It is read again as every source is, and not at each look.
    source.given = calendar(event("2"))
    assert with_b.run(NOW + datetime.timedelta(minutes=10)) == [] and source.asked == 1
    assert with_b.run(NOW + datetime.timedelta(hours=4)) == [] and source.asked == 2
    assert b"UID:2" in store.content(ZONE_B)
    other = replace(gatherer, fixed=(replace(HOLIDAYS, name="Vacances scolaires (zone A)"),))
    assert other.run(NOW) == []
    assert names(store) == ["examens", "vacances-scolaires-zone-a"]
    # An operator's own calendar stays when the inventory has none.
    assert gatherer.run(NOW) == []
    assert names(store) == ["examens"]


def test_a_file_of_the_inventory_changes_with_it(gatherer: Gatherer, store: Store, source: _Source) -> None:
    def run(text: bytes, colour: str = "#000091") -> None:
        one = Fixed(HOLIDAYS.name, colour, content=text.decode())
        assert replace(gatherer, fixed=(one,)).run(NOW) == []

    run(calendar(event("1")))
    before = store.find(ZONE_B)
    run(calendar(event("1")))
    assert store.find(ZONE_B) == before
    run(calendar(event("2")), "#18753C")
    after = store.find(ZONE_B)
    assert after and after.colour == "#18753c" and b"UID:2" in store.content(ZONE_B)
    assert source.asked == 0


@pytest.mark.parametrize("given", [MallepostError("404"), b"<html>"])
def test_an_address_of_the_inventory_that_fails_is_told_and_tried_again(
    gatherer: Gatherer, store: Store, source: _Source, given: bytes | Exception
) -> None:
    source.given = given
    both = replace(gatherer, fixed=(HOLIDAYS,))
    (told,) = both.run(NOW)
    assert told.startswith(f"{ZONE_B}: it is not published as the inventory has it: ") and names(store) == []
    source.given = calendar(event("1"))
    assert both.run(NOW) == [] and names(store) == [ZONE_B]
    # Once it is there, its last good content stays.
    source.given = given
    (told,) = both.run(NOW + datetime.timedelta(hours=4))
    assert "its last good content stays" in told and names(store) == [ZONE_B]


def test_one_that_an_operator_published_becomes_the_inventory_s(
    gatherer: Gatherer, store: Store, directory: MemoryDirectory
) -> None:
    publish(store, directory, ZONE_B, "uai=0890001T")
    assert replace(gatherer, fixed=(HOLIDAYS,)).run(NOW) == []
    (one,) = store.shown()
    assert one.members is None and one.name == HOLIDAYS.name


def test_the_school_holidays_that_are_not_over_are_written_down(
    gatherer: Gatherer, store: Store, directory: MemoryDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    def days(number: str, first: datetime.date, last: datetime.date) -> str:
        given = f"{first:%Y%m%d}\nDTEND;VALUE=DATE:{last + datetime.timedelta(days=1):%Y%m%d}"
        return event(number).replace("20261219", given)

    today, week = NOW.date(), datetime.timedelta(days=7)
    whole = calendar(days("1", today - 3 * week, today - 2 * week), days("2", today + week, today + 3 * week))
    publish(store, directory, "examens")
    assert replace(gatherer, fixed=(Fixed(HOLIDAYS.name, content=whole.decode()),)).run(NOW) == []
    file = store.root / holidays.FILE.name
    assert holidays.loaded(file.read_text("utf-8"), file) == (holidays.written(today + week, today + 3 * week),)
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "America/Martinique")
        time.tzset()
        late = datetime.datetime.combine(today + 3 * week + datetime.timedelta(days=1), datetime.time(2), datetime.UTC)
        replace(gatherer, fixed=(Fixed(HOLIDAYS.name, content=whole.decode()),)).run(late)
    time.tzset()
    assert len(holidays.loaded(file.read_text("utf-8"), file)) == 1, "their last day is that of the academy"
    assert gatherer.run(NOW) == [] and holidays.loaded(file.read_text("utf-8"), file) == ()
