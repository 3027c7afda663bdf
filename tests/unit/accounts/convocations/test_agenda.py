"""Entries in agendas of both classes: put, replaced where they lie, taken out, never twice."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from malleposte.accounts.agendas import Collection, Item, Kind, Stores
from malleposte.accounts.agendas.radicale import PROPERTIES, Radicale
from malleposte.accounts.convocations import agenda, itip
from malleposte.accounts.convocations.agenda import Filing
from malleposte.accounts.convocations.model import Answer, Convocation, Invitee

from tests.support.classes import CLASSES

from .office import NOW, START, convocation

ALARM = "BEGIN:VALARM\r\nACTION:DISPLAY\r\nTRIGGER:-PT15M\r\nDESCRIPTION:Départ\r\nEND:VALARM\r\n"


class Sogo:
    """SOGo's store in memory; it takes nothing while `deaf`, and changes entries while it is asked (`busy`)."""

    name, flat = "sogo", False

    def __init__(self) -> None:
        self.held: dict[str, dict[str, dict[str, Item]]] = {}
        self.deaf = self.busy = False
        self.writes = 0

    def read(self, uid: str) -> list[Collection]:
        return [Collection(Kind.AGENDA, name, "", dict(items)) for name, items in self.held.get(uid, {}).items()]

    def add(self, uid: str, collections: Sequence[Collection]) -> None:
        for one in collections:
            items = self.held.setdefault(uid, {}).setdefault(one.name, {})
            for key, item in one.items.items():
                if not self.deaf and (key not in items or items[key].changed < item.changed):
                    items[key] = item
                    self.writes += 1

    def remove(self, uid: str, collections: Sequence[Collection]) -> None:
        for one in collections:
            for key in one.items:
                if not self.busy:
                    self.held[uid][one.name].pop(key, None)

    def forget(self, uid: str) -> None: ...

    def holders(self) -> set[str]:
        return set(self.held)


@pytest.fixture
def radicale(tmp_path: Path) -> Radicale:
    root = tmp_path / "collections" / "collection-root"
    root.mkdir(parents=True)
    return Radicale(root)


@pytest.fixture
def sogo() -> Sogo:
    return Sogo()


@pytest.fixture
def stores(sogo: Sogo, radicale: Radicale) -> Stores:
    return Stores([sogo, radicale], CLASSES)


def filing(one: Convocation, invitee: Invitee, profile: str) -> Filing:
    text = itip.entry(one, invitee, NOW) if invitee.entry_due else ""
    return Filing(invitee.person.uid, profile, one.event_id(invitee), text)


def entries(store: Sogo | Radicale, uid: str) -> list[str]:
    return [item.text for held in store.read(uid) if held.kind is Kind.AGENDA for item in held.items.values()]


@pytest.mark.parametrize("profile", ["convergence", "roundcube"])
def test_an_entry_is_put_replaced_and_taken_out(profile: str, stores: Stores, sogo: Sogo, radicale: Radicale) -> None:
    one = convocation("anne")
    (anne,) = one.invitees
    store, other = (sogo, radicale) if profile == "convergence" else (radicale, sogo)
    for moment in (START, START, START - 5):
        assert agenda.file(stores, [filing(one, anne, profile)], moment) == []
    (text,) = entries(store, "anne")
    assert "SEQUENCE:0" in text and entries(other, "anne") == []
    anne.change(anne.event)
    anne.reply(Answer.YES, anne.way, 1)
    assert agenda.file(stores, [filing(one, anne, profile)], START - 60) == [], "the clock went back"
    (text,) = entries(store, "anne")
    assert "SEQUENCE:1" in text and "ACCEPTED" in text
    anne.call_off()
    for _twice in range(2):
        assert agenda.file(stores, [filing(one, anne, profile)], START) == []
    assert entries(store, "anne") == []


def test_it_stays_where_the_agent_keeps_it_with_the_agent_s_alarms(stores: Stores, sogo: Sogo) -> None:
    one = convocation("anne")
    (anne,) = one.invitees
    agenda.file(stores, [filing(one, anne, "convergence")], START)
    (item,) = sogo.held["anne"].pop("personal").values()
    moved = Item("mien.ics", item.text.replace("END:VEVENT", f"{ALARM}END:VEVENT"), START + 9)
    sogo.held["anne"] = {"personal": {}, "jurys": {one.event_id(anne): moved}}
    anne.change(anne.event)
    assert agenda.file(stores, [filing(one, anne, "convergence")], START) == []
    held = sogo.held["anne"]
    assert held["personal"] == {} and held["jurys"][one.event_id(anne)].name == "mien.ics"
    text = held["jurys"][one.event_id(anne)].text
    assert ALARM in text and "SEQUENCE:1" in text and text.index(ALARM) < text.index("END:VEVENT")


@pytest.mark.parametrize(
    "old",
    [
        "BEGIN:VALARM\r\nACTION:DISPLAY", "END:VALARM BEGIN:VALARM", "BEGIN:VALARM\r\nBEGIN:VEVENT\r\nEND:VALARM",
        "BEGIN:VALARM\r\nEND:VEVENT\r\nEND:VALARM", f"BEGIN:VALARM{'x' * 5000}END:VALARM", "",
    ],
)  # fmt: skip
def test_what_is_no_plain_alarm_is_left_out(old: str) -> None:
    assert agenda.with_alarms("BEGIN:VEVENT\r\nEND:VEVENT\r\n", old) == "BEGIN:VEVENT\r\nEND:VEVENT\r\n"
    many = agenda.with_alarms("BEGIN:VEVENT\r\nEND:VEVENT\r\n", ALARM * 50)
    assert many.count("BEGIN:VALARM") == agenda.MOST_ALARMS


def test_an_entry_leaves_the_store_of_an_earlier_class(stores: Stores, sogo: Sogo, radicale: Radicale) -> None:
    one = convocation("anne")
    (anne,) = one.invitees
    agenda.file(stores, [filing(one, anne, "convergence")], START)
    anne.call_off()
    assert agenda.file(stores, [filing(one, anne, "roundcube")], START) == []
    assert entries(sogo, "anne") == [] and entries(radicale, "anne") == []


def test_the_one_that_fails_is_named_and_the_next_is_done(stores: Stores, sogo: Sogo, radicale: Radicale) -> None:
    one = convocation("anne", "bruno", "chantal")
    anne, bruno, chantal = one.invitees
    sogo.deaf = True
    given = [filing(one, anne, "convergence"), filing(one, bruno, "nulle-part"), filing(one, chantal, "roundcube")]
    failures = dict(agenda.file(stores, given, START))
    assert failures == {
        one.event_id(anne): "sogo took no entry for anne",
        one.event_id(bruno): "the agendas of the class 'nulle-part' are not on this host",
    }
    assert len(entries(radicale, "chantal")) == 1


def test_an_entry_that_changes_while_it_is_taken_out_is_tried_again(stores: Stores, sogo: Sogo) -> None:
    one = convocation("anne")
    (anne,) = one.invitees
    agenda.file(stores, [filing(one, anne, "convergence")], START)
    anne.call_off()
    sogo.busy = True
    assert "meanwhile" in agenda.file(stores, [filing(one, anne, "convergence")], START)[0][1]
    sogo.busy = False
    assert agenda.file(stores, [filing(one, anne, "convergence")], START) == []


def test_radicale_s_own_agenda_has_it_and_others_events_stay(stores: Stores, radicale: Radicale) -> None:
    one = convocation("anne")
    own = radicale.root / "anne" / "agenda"
    own.mkdir(parents=True)
    (own / PROPERTIES).write_text(json.dumps({"tag": "VCALENDAR"}))
    (own / "a.ics").write_text(
        "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:a\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
    )
    agenda.file(stores, [filing(one, one.invitees[0], "roundcube")], START)
    names = sorted(path.name for path in own.iterdir() if not path.name.startswith("."))
    assert len(names) == 2 and "a.ics" in names
