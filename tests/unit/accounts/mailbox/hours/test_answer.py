"""The automatic answer outside the hours: its words, and to whom it goes."""

import pytest
from malleposte.accounts.mailbox.hours import answer, script
from malleposte.accounts.mailbox.hours.model import Hours, Slot

WEEK = (Slot((1, 2, 3, 4, 5), "08:00", "12:30"), Slot((1, 3), "14:00", "24:00"))
PLATFORM = "postmaster@ac-exemple.test"


@pytest.mark.parametrize(
    ("hours", "readings"),
    [
        (Hours(True, WEEK), ["du lundi au vendredi de 8 h à 12 h 30", "le lundi et mercredi de 14 h à minuit"]),
        (Hours(True, WEEK[:1], ("08:00", "12:15", "17:00")), ["du lundi au vendredi à 8 h, 12 h 15 et 17 h"]),
        (Hours(True, (Slot((1, 2, 3, 4, 5, 6, 7), "00:00", "24:00"),)), ["tous les jours toute la journée"]),
        (Hours(True, (Slot((6, 7), "09:00", "10:00"),)), ["le samedi et dimanche de 9 h à 10 h"]),
        (Hours(until="2026-12-03T08:00", since="2026-12-01T08:00"), []),
    ],
)
def test_it_says_when_the_agent_reads(hours: Hours, readings: list[str]) -> None:
    lines = answer.text(hours).splitlines()
    assert [line.removeprefix("- ") for line in lines if line.startswith("- ")] == readings
    assert ("Je lis mes messages\N{NO-BREAK SPACE}:" in lines) is bool(readings)


def test_only_colleagues_get_one_and_only_where_it_was_chosen() -> None:
    text = script.script(Hours(True, WEEK, answer=True), (), PLATFORM, 2026)
    held = text.partition('fileinto :create "Hors horaires";')[2]
    test, _brace, act = held.partition("{")
    assert test.strip() == 'if header :matches "X-Malleposte-Author" "*@ac-exemple.test"'
    assert act.strip().startswith('vacation :days 3 :handle "malleposte-hours"')
    assert '"vacation"' in text.splitlines()[2]
    assert "vacation" not in script.script(Hours(True, WEEK), (), PLATFORM, 2026).replace('"answer":false', "")


def test_a_list_that_was_chosen_comes_through_by_its_own_header() -> None:
    text = script.script(Hours(True, WEEK, senders=("profs@ac-exemple.test", "lointain.test")), (), PLATFORM, 2026)
    assert 'header :is "X-Malleposte-List" ["profs@ac-exemple.test"]' in text
    assert "lointain.test" not in text.partition('"X-Malleposte-List"')[2].partition("]")[0]
