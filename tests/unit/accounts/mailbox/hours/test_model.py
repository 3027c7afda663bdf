"""The form of an agent's hours: what is refused, beside the same thing accepted; what is kept is read again."""

import pytest
from malleposte.accounts.mailbox.hours import model
from malleposte.accounts.mailbox.hours.model import Hours, Slot
from malleposte.core.errors import InputError

WEEK = Slot((1, 2, 3, 4, 5), "08:00", "18:00")
SINCE, UNTIL = "2026-12-01T10:00", "2026-12-02T08:00"


@pytest.mark.parametrize(
    ("bad", "good"),
    [
        (Hours(on=True), Hours(on=True, slots=(WEEK,))),
        (Hours(slots=(Slot((), "08:00", "18:00"),)), Hours(slots=(Slot((7,), "08:00", "18:00"),))),
        (Hours(slots=(Slot((0,), "08:00", "18:00"),)), Hours(slots=(Slot((1,), "08:00", "18:00"),))),
        (Hours(slots=(Slot((1, 1), "08:00", "18:00"),)), Hours(slots=(Slot((1, 2), "08:00", "18:00"),))),
        (Hours(slots=(Slot((1,), "18:00", "08:00"),)), Hours(slots=(Slot((1,), "18:00", "24:00"),))),
        (Hours(slots=(Slot((1,), "08:00", "08:00"),)), Hours(slots=(Slot((1,), "08:00", "08:01"),))),
        (Hours(slots=(Slot((1,), "24:00", "24:00"),)), Hours(slots=(Slot((1,), "00:00", "24:00"),))),
        (Hours(slots=(Slot((1,), "8:00", "18:00"),)), Hours(slots=(Slot((1,), "08:00", "18:00"),))),
        (Hours(slots=(Slot((1,), "08:60", "18:00"),)), Hours(slots=(Slot((1,), "08:59", "18:00"),))),
        (
            Hours(slots=tuple(Slot((1,), f"{hour:02d}:00", "23:00") for hour in range(8))),
            Hours(slots=tuple(Slot((1,), f"{hour:02d}:00", "23:00") for hour in range(7))),
        ),
        (Hours(rounds=("08:00", "12:00", "14:00", "17:00")), Hours(rounds=("08:00", "12:00", "17:00"))),
        (Hours(rounds=("24:00",)), Hours(rounds=("23:59",))),
        (Hours(senders=("Pas une adresse",)), Hours(senders=("chef@ac-exemple.test",))),
        (
            Hours(senders=tuple(f"x{number}.test" for number in range(51))),
            Hours(senders=tuple(f"x{number}.test" for number in range(50))),
        ),
        (Hours(until=UNTIL), Hours(since=SINCE, until=UNTIL)),
        (Hours(since=UNTIL, until=SINCE), Hours(since=SINCE, until=UNTIL)),
        (Hours(since=SINCE, until="2027-12-03T10:00"), Hours(since=SINCE, until="2027-12-02T10:00")),
        (Hours(since=SINCE, until="2026-12-02 08:00"), Hours(since=SINCE, until="2026-12-02T08:00")),
        (Hours(since=SINCE, until="2026-12-02T08:00+01:00"), Hours(since=SINCE, until="2026-12-02T08:01")),
        (Hours(since=SINCE, until="2026-W49-3"), Hours(since=SINCE, until="2026-12-02T00:00")),
    ],
)
def test_what_cannot_be_is_refused(bad: Hours, good: Hours) -> None:
    with pytest.raises(InputError):
        bad.checked()
    assert good.checked() == good


def test_the_form_is_one_whatever_the_order() -> None:
    given = Hours(
        slots=(Slot((5, 1), "08:00", "18:00"),) * 2, rounds=("12:00", "08:00", "12:00"), senders=("a.test",) * 2
    )
    assert given.checked() == Hours(
        slots=(Slot((1, 5), "08:00", "18:00"),), rounds=("08:00", "12:00"), senders=("a.test",)
    )


def test_hours_are_read_as_they_were_kept() -> None:
    hours = Hours(True, (WEEK,), ("08:00",), ("chef@ac-exemple.test",), True, SINCE, UNTIL)
    assert model.loaded(model.dumped(hours)) == hours
    assert model.loaded(model.dumped(Hours())) == Hours()


@pytest.mark.parametrize(
    "line",
    [
        "",
        "{}",
        '{"hours": {}, "version": 2}',
        '{"hours": {"on": 1}}',
        '{"hours": {"on": true}}',
        '{"hours": {}, "x": 1}',
        "[" * 9999,
    ],
)
def test_another_form_is_no_hours(line: str) -> None:
    with pytest.raises(InputError):
        model.loaded(line)
    assert model.loaded('{"hours": {}, "version": 1}') == Hours()


def test_a_copy_of_the_own_data_says_them_in_words() -> None:
    assert model.own_terms(Hours()) == {}
    told = model.own_terms(Hours(True, (Slot((1, 7), "08:00", "18:00"),), senders=("a.test",)))
    assert told["plages"] == ["lundi, dimanche 08:00-18:00"] and told["expéditeurs toujours remis"] == ["a.test"]
