"""« Mes horaires »: what is kept is shown, forms ask accountd for what they say, a wrong one asks nothing."""

import datetime
from copy import replace
from typing import Any

import pytest
from malleposte.accountd.calls.mailbox.hours import SetHours
from malleposte.accountd.message import ErrorCode
from malleposte_portal.core.languages import catalogues
from malleposte_portal.own.messages.hours import DAYS, SPANS, until

from tests.support.portal import ADDRESSES, BOTH
from tests.unit.portal.own.test_pages import DONE

HELD = replace(
    DONE, on=True, slots=("12345 08:00-18:00", "6 22:00-24:00"), rounds=("08:00", "12:30"),
    through=("chef@lointain.test",), holidays=True, opens=False, following="2099-01-05T08:00", waiting=7,
    quiet_until="", recall=True, recalled=4,
    school=False, answer=False, known=("2098-12-19/2099-01-04",),
)  # fmt: skip
NONE = replace(
    DONE, on=False, slots=(), rounds=(), through=(), holidays=False, opens=True, following="", waiting=0,
    quiet_until="", recall=False, recalled=0, school=False, answer=False, known=(),
)  # fmt: skip
PAGE = ADDRESSES["hours"][0]
FILLED = {"days1": ["1", "3"], "begin1": "09:00", "end1": "17:00", "pace": "flow"}


def fields(page: Any, act: str) -> Any:
    return [one["fields"] for one in page.forms() if one["fields"].get("act") == act][-1]


def sent(inside: Any, accountd: Any, act: str, **given: Any) -> Any:
    accountd.answer = HELD
    filled = fields(inside.get(PAGE), act)
    page = inside.post(PAGE, {**filled, **given})
    assert "C’est fait" in page.main and "C’est fait" not in inside.get(PAGE).main
    return accountd.only(SetHours)


def test_school_holidays_can_be_chosen_where_the_academy_has_some(inside: Any, accountd: Any) -> None:
    accountd.answer = NONE
    assert "vacances scolaires" not in inside.get(PAGE).main
    accountd.answer = HELD
    page = inside.get(PAGE)
    assert "du 19 décembre 2098 au 4 janvier 2099" in page.main and "Pendant les vacances" in page.main
    assert sent(inside, accountd, "times", **FILLED, school="y").school is True
    accountd.answer = replace(NONE, school=True)  # chosen, and none is known any more
    assert "vacances scolaires" in inside.get(PAGE).main


@BOTH
def test_what_is_kept_is_shown(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = HELD
    page = inside.get(ADDRESSES["hours"][language])
    english, french = ("5 January 2099", "folder “Hors horaires”"), ("5 janvier 2099", "chef@lointain.test")
    for told in english if language else french:
        assert told in page.main, told
    ticked = [(one["name"], one["value"]) for one, _text in page.all("input") if "checked" in one]
    assert [value for name, value in ticked if name == "days1"] == list("12345")
    assert ("days2", "6") in ticked and ("pace", "rounds") in ticked
    assert "holidays" in [name for name, _value in ticked]
    values = {one["name"]: one.get("value", "") for one, _text in page.all("input") if one.get("type") == "time"}
    assert (values["begin1"], values["end1"], values["end2"], values["round2"]) == ("08:00", "18:00", "00:00", "12:30")


def test_who_chose_nothing_sees_an_ordinary_week(inside: Any, accountd: Any) -> None:
    accountd.answer = NONE
    page = inside.get(PAGE)
    assert "ne sont pas en service" in page.main and "arrivent dans la boîte de réception" in page.main
    shown = [one["fields"]["act"] for one in page.forms() if "act" in one["fields"]]
    assert shown == [*["quiet"] * len(SPANS), "times", "recall", "add"]


def test_slots_and_times_are_sent(inside: Any, accountd: Any) -> None:
    asked = sent(
        inside, accountd, "times", **FILLED | {"pace": "rounds"}, days2=["5"], begin2="20:00", end2="00:00",
        round1="17:00", round2="", round3=" 08:30 ",
    )  # fmt: skip
    assert (asked.on, asked.slots, asked.rounds) == (True, ("13 09:00-17:00", "5 20:00-24:00"), ("17:00", "08:30"))
    assert (asked.holidays, asked.quiet_until, asked.add, asked.remove) == (False, None, (), ())


def test_mail_as_it_arrives_has_no_times(inside: Any, accountd: Any) -> None:
    asked = sent(inside, accountd, "times", **FILLED, round1="08:00", holidays="y")
    assert asked.rounds == () and asked.holidays is True


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"days1": None}, "Cochez les jours"),
        ({"begin1": ""}, "Indiquez une heure"),
        ({"end1": ""}, "Indiquez une heure"),
        ({"begin1": "18:00"}, "finit après son début"),
        ({"days1": None, "begin1": "", "end1": ""}, "au moins une plage"),
        ({"pace": "rounds"}, "Indiquez une heure"),
        ({"pace": "vite"}, "Choisissez comment"),
    ],
)
def test_a_wrong_slot_is_told_and_nothing_asked(inside: Any, accountd: Any, wrong: dict[str, Any], told: str) -> None:
    accountd.answer = HELD
    filled = {**fields(inside.get(PAGE), "times"), **FILLED, **wrong}
    page = inside.post(PAGE, {key: value for key, value in filled.items() if value is not None})
    assert inside.last.status_code == 422 and told in page.main
    assert accountd.requests(SetHours) == []


def test_each_button_is_one_act(inside: Any, accountd: Any) -> None:
    asked = sent(inside, accountd, "off")
    assert (asked.on, asked.quiet_until) == (False, "")
    accountd.asked.clear()
    accountd.answer = replace(HELD, quiet_until="2099-01-01T08:00")
    page = inside.get(PAGE)
    assert "1er janvier 2099" in page.main
    inside.post(PAGE, fields(page, "noisy"))
    asked = accountd.only(SetHours)
    assert (asked.on, asked.quiet_until) == (None, "")


def test_recalls_are_turned_on_and_off(inside: Any, accountd: Any) -> None:
    asked = sent(inside, accountd, "no-recall")
    assert (asked.recall, asked.on, asked.quiet_until) == (False, None, None)
    accountd.asked.clear()
    accountd.answer = NONE
    inside.post(PAGE, fields(inside.get(PAGE), "recall"))
    assert accountd.only(SetHours).recall is True
    accountd.answer = HELD
    assert "« Rappeler » : 4" in inside.get(PAGE).main


def test_do_not_disturb_begins_with_one_button(inside: Any, accountd: Any) -> None:
    asked = sent(inside, accountd, "quiet", span="tomorrow")
    assert asked.quiet_until.endswith("T08:00") and asked.on is None
    accountd.asked.clear()
    accountd.answer = HELD
    inside.post(PAGE, {**fields(inside.get(PAGE), "quiet"), "span": "toujours"})
    assert inside.last.status_code == 422 and accountd.requests(SetHours) == []


@pytest.mark.parametrize(
    ("span", "now", "end"),
    [
        ("1h", "2026-12-04T23:30", "2026-12-05T00:30"),
        ("4h", "2026-12-04T17:10", "2026-12-04T21:10"),
        ("tomorrow", "2026-12-31T19:00", "2027-01-01T08:00"),
        ("monday", "2026-12-04T19:00", "2026-12-07T08:00"),
        ("monday", "2026-12-07T07:00", "2026-12-14T08:00"),
        ("9h", "2026-12-04T19:00", ""),
    ],
)
def test_the_end_of_a_span(span: str, now: str, end: str) -> None:
    assert until(span, datetime.datetime.fromisoformat(now)) == end


def test_senders_come_and_go(inside: Any, accountd: Any) -> None:
    assert sent(inside, accountd, "add", value=" chef@lointain.test ").add == ("chef@lointain.test",)
    accountd.asked.clear()
    assert sent(inside, accountd, "remove", sender=["chef@lointain.test"]).remove == ("chef@lointain.test",)
    accountd.asked.clear()
    accountd.answer = HELD
    page = inside.get(PAGE)
    inside.post(PAGE, fields(page, "remove"))
    assert inside.last.status_code == 422 and accountd.requests(SetHours) == []


def test_every_word_has_its_english() -> None:
    english = catalogues()["en"].gettext
    for word in (*DAYS, *SPANS.values()):
        assert english(word) != word, word


@pytest.mark.parametrize(("act", "told"), [("add", "ni une adresse"), ("off", "ne conviennent pas")])
def test_a_refusal_of_accountd_is_told(inside: Any, accountd: Any, act: str, told: str) -> None:
    accountd.answer = HELD
    form = fields(inside.get(PAGE), act)
    accountd.refuse(ErrorCode.REFUSED_VALUE, SetHours, message="for the log alone")
    page = inside.post(PAGE, {**form, "value": "personne"})
    assert inside.last.status_code == 422 and told in page.main and "log alone" not in inside.last.text
