"""The orders of agents and offices, and the state that they are shown; nobody reaches what is another's."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
from malleposte.accounts.convocations import orders, store
from malleposte.accounts.convocations.model import DAY, Answer, Order, Row, Stage, Way
from malleposte.accounts.hosts.acts import contents
from malleposte.accounts.hosts.model import File
from malleposte.accounts.life.rules import LifeRules
from malleposte.core.errors import InputError

from .office import EVENT, IDENT, NOW, START, convocation


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    one = convocation("anne", "bruno")
    for invitee in one.invitees:
        invitee.mailed = 0
    store.keep(one, tmp_path)
    return tmp_path


def test_an_agent_sees_and_answers_the_own_convocations_alone(folder: Path) -> None:
    (anne,), (bruno,) = orders.mine("anne", START, folder), orders.mine("bruno", START, folder)
    assert anne.invitation != bruno.invitation and orders.mine("chantal", START, folder) == []
    assert orders.answer("chantal", anne.invitation, True, START, folder) is None
    assert orders.answer("bruno", anne.invitation, True, START, folder) is None
    for wrong in ("", "x", f"{IDENT}-", f"{IDENT}-x", "../../etc/passwd-x", anne.invitation + "\n"):
        assert orders.answer("anne", wrong, True, START, folder) is None
    said = orders.answer("anne", anne.invitation, False, START, folder)
    assert said is not None and (said.answer, said.answered) == (Answer.NO, "2026-06-01T08:00:00+00:00")
    invitee = store.load(IDENT, folder).invitees[0]
    assert (invitee.answer, invitee.way, invitee.to_file or invitee.filed == "") == (Answer.NO, Way.PORTAL, True)
    assert store.asked(folder)
    store.begin(folder)
    assert orders.answer("anne", anne.invitation, False, START + 9, folder) is not None
    assert not store.asked(folder), "the same answer changes nothing"


def test_what_is_off_or_over_is_answered_no_more(folder: Path) -> None:
    (anne,) = orders.mine("anne", START, folder)
    after = EVENT.ends.timestamp() + 1
    assert (
        orders.answer("anne", anne.invitation, True, after, folder) is None and orders.mine("anne", after, folder) == []
    )
    orders.give("dec", IDENT, Order.CALL_OFF, "anne", START, folder)
    assert orders.answer("anne", anne.invitation, True, START, folder) is None
    assert [one.off for one in orders.mine("anne", START, folder)] == [True]


def test_a_page_of_before_answers_no_hours_that_changed_since(tmp_path: Path) -> None:
    one = convocation("anne")
    store.keep(one, tmp_path)
    (before,) = orders.mine("anne", START, tmp_path)
    held = store.load(IDENT, tmp_path)
    held.invitees[0].change(msgspec.structs.replace(EVENT, place="Salle 4"))
    store.keep(held, tmp_path)
    assert orders.answer("anne", before.invitation, True, START, tmp_path) is None
    (now,) = orders.mine("anne", START, tmp_path)
    assert (now.event.place, now.answer) == ("Salle 4", Answer.SILENCE)
    said = orders.answer("anne", now.invitation, True, START, tmp_path)
    assert said is not None and said.answer is Answer.YES


def test_an_office_orders_on_its_own_alone(folder: Path) -> None:
    assert orders.give("autre", IDENT, Order.CALL_OFF, "", START, folder) is None
    assert store.load(IDENT, folder).stage is Stage.OPEN
    shown = orders.give("dec", IDENT, Order.CALL_OFF, "", START, folder)
    assert shown is not None and shown.summary.stage is Stage.OFF and all(line.off for line in shown.lines)
    assert orders.give("dec", IDENT, Order.CALL_OFF, "", START, folder) is not None
    assert [one.sequence for one in store.load(IDENT, folder).invitees] == [1, 1], "twice is once"
    assert [one.ident for one in orders.listed("dec", folder)] == [IDENT] and orders.listed("autre", folder) == []


def test_the_silent_are_reminded_once_a_day(folder: Path) -> None:
    assert orders.give("dec", IDENT, Order.REMIND, "", START + 2 * DAY, folder) is not None
    one = store.load(IDENT, folder)
    assert [invitee.remind for invitee in one.invitees] == [True, True]
    for invitee in one.invitees:
        invitee.remind, invitee.reminded = False, int(START + 2 * DAY)
    one.invitees[1].reply(Answer.YES, Way.MAIL, 1)
    store.keep(one, folder)
    orders.give("dec", IDENT, Order.REMIND, "", START + 2.5 * DAY, folder)
    assert [invitee.remind for invitee in store.load(IDENT, folder).invitees] == [False, False]
    orders.give("dec", IDENT, Order.REMIND, "", START + 3.5 * DAY, folder)
    assert [invitee.remind for invitee in store.load(IDENT, folder).invitees] == [True, False]


def test_a_plan_has_bounds_and_is_of_the_own_office(tmp_path: Path) -> None:
    row = Row(1, "anne", EVENT)
    for number in range(orders.MOST_OPEN):
        one = convocation("anne")
        one.ident = f"20260601-080000-{number:04x}"
        store.keep(one, tmp_path)
    new = convocation(stage=Stage.DRAFT)
    new.ident = "20260601-080001-0001"
    assert orders.ask_plan(new, "", [row], None, NOW, tmp_path) == ""
    other = msgspec.structs.replace(new, office="autre")
    assert orders.ask_plan(other, "", [row], None, NOW, tmp_path) == new.ident
    with pytest.raises(InputError, match="no convocation"):
        orders.ask_plan(convocation(stage=Stage.DRAFT), new.ident, [row], None, NOW, tmp_path)
    with pytest.raises(InputError, match="at most"):
        orders.ask_plan(other, new.ident, [row] * orders.MOST_ROWS, None, NOW, tmp_path)


def test_a_draft_is_no_agent_s(tmp_path: Path) -> None:
    store.keep(convocation("anne", stage=Stage.DRAFT), tmp_path)
    assert orders.mine("anne", START, tmp_path) == []
    assert orders.answer("anne", f"{IDENT}-{1:024x}", True, START, tmp_path) is None


def test_the_copy_of_the_own_data_has_the_own_ones_alone(folder: Path) -> None:
    host: Any = SimpleNamespace(convocations_folder=folder)
    (file,) = contents.convocations(host, "anne")
    assert isinstance(file, File) and file.name == "agendas-et-contacts/convocations.json"
    (row,) = json.loads(file.content)
    assert (row["service"], row["Identifiant"], row["Réponse"]) == ("Division des examens", "anne", "pas de réponse")
    assert "bruno" not in file.content.decode() and list(contents.convocations(host, "chantal")) == []


def test_the_academy_s_choices_are_read_strictly() -> None:
    given = {"offices": ["dec@ac-exemple.test"], "per_minute": "30", "order": {"title": "Ordre", "text": "{name}"}}
    rules = LifeRules.parse({"convocations": given}, "accounts.json").convocations
    assert (rules.offices, rules.per_minute, rules.keep_days) == (("dec@ac-exemple.test",), 30, 365)
    assert rules.order.filled({"name": "Anne"}) == "Anne"
    with pytest.raises(InputError, match=r"accounts\.json"):
        LifeRules.parse({"convocations": {"nothing": 1}}, "accounts.json")
