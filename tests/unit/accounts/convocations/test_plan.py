"""The plan of a convocation: new, changed, called off, and what is said of each agent."""

from __future__ import annotations

import msgspec
import pytest
from malleposte.accounts.convocations import plan
from malleposte.accounts.convocations.model import MOST, Answer, Event, Person, Stage, Way
from malleposte.core.errors import InputError, MallepostError
from malleposte.directory.model import State

from .office import DOMAIN, EVENT, START, agent, convocation, directory, people, person, planned, row

LATER = msgspec.structs.replace(EVENT, begin="2026-06-16T08:00", end="2026-06-16T12:00")
NUMEN = "01E9500003ABC"


def test_agents_are_found_by_log_in_address_and_numen() -> None:
    held = directory("anne")
    agent(held, "bruno", numen=NUMEN)
    made = planned(convocation(), [row("ANNE"), row(NUMEN), row("ami@lointain.example")], held)
    assert [one.person for one in made.new] == [
        person("anne"),
        person("bruno"),
        Person("ami@lointain.example", "", "ami@lointain.example"),
    ]
    assert len({one.token for one in made.new}) == 3 and all(len(one.token) == 24 for one in made.new)
    assert [(note.who, note.word) for note in made.notes] == [("ami@lointain.example", plan.OUTSIDE)]


@pytest.mark.parametrize("who", ["personne", f"personne@{DOMAIN}", "01E9599999ABC", "pas une adresse@"])
def test_who_is_nobody_is_refused_and_no_numen_is_repeated(who: str) -> None:
    made = planned(convocation(), [row(who, line=7), row("anne")], directory("anne"))
    (refusal,) = made.refused
    assert refusal.line == 7 and "01E9599999ABC" not in refusal.reason + refusal.french
    assert [one.key for one in made.new] == ["anne"]


def test_states_are_said_and_who_has_left_is_refused() -> None:
    held = directory("anne", "chantal", "david")
    agent(held, "parti", State.SUSPENDED)
    agent(held, "neuf", State.PENDING)
    agent(held, "vole", State.BLOCKED)
    agent(held, "muet", mpBlockedUntil=["20260610080000Z"])
    agent(held, "echu", State.EXPIRED)

    def absent(uid: str) -> bool:
        if uid == "david":
            raise MallepostError("mail2 does not answer")
        return uid == "chantal"

    words = ["anne", "chantal", "david", "parti", "neuf", "vole", "muet", "echu", f"ancien.anne@{DOMAIN}"]
    made = planned(convocation(), [row(who) for who in words[:-1]], held, absent)
    assert {note.who: note.word for note in made.notes} == {
        "Agent Chantal": plan.ABSENT, "Agent David": plan.UNKNOWN, "Agent Neuf": plan.PENDING,
        "Agent Vole": plan.BLOCKED, "Agent Muet": plan.BLOCKED, "Agent Echu": plan.EXPIRED,
    }  # fmt: skip
    assert [one.reason for one in made.refused] == ["parti has left"]
    (note,) = planned(convocation(), [row(words[-1])], held).notes
    assert (note.word, note.detail) == (plan.MOVED, f"anne@{DOMAIN}")
    assert set(plan.NOTES) >= {note.word for note in made.notes}


def test_an_agent_comes_twice_by_a_reference_alone() -> None:
    held = directory("anne")
    made = planned(
        convocation(), [row("anne"), row(f"anne@{DOMAIN}", line=3), row("anne", line=4, reference="B")], held
    )
    assert [one.key for one in made.new] == ["anne", "anne#B"]
    assert [one.line for one in made.refused] == [3]


def test_the_same_file_changes_nothing_and_another_one_what_differs() -> None:
    held = directory("anne", "bruno", "chantal")
    one = convocation("anne", "bruno")
    for invitee in one.invitees:
        invitee.mailed, invitee.filed = 0, invitee.entry_due
        invitee.reply(Answer.YES, Way.MAIL, 1)
    same = planned(one, [row("anne"), row("bruno")], held)
    assert (same.changes, same.same) == (0, 2)
    made = planned(one, [row("anne", event=LATER), row("chantal")], held)
    assert ([new.key for new in made.new], [new.key for new in made.changed], made.off) == (
        ["chantal"],
        ["anne"],
        ["bruno"],
    )
    for _twice in range(2):
        plan.apply(one, made)
    anne, bruno, chantal = one.invitees
    assert (anne.event, anne.sequence, anne.answer, anne.to_mail, anne.to_file) == (
        LATER,
        1,
        Answer.SILENCE,
        True,
        True,
    )
    assert (bruno.off, bruno.sequence, bruno.entry_due, bruno.to_mail) == (True, 1, "", True)
    assert (chantal.sequence, chantal.to_mail, chantal.to_file) == (0, True, True)
    back = planned(one, [row("anne", event=LATER), row("bruno"), row("chantal")], held)
    assert [new.key for new in back.changed] == ["bruno"]
    plan.apply(one, back)
    assert (bruno.off, bruno.sequence) == (False, 2), "a sequence never goes back"


def test_what_is_over_is_refused_and_stays_as_it_was() -> None:
    over = msgspec.structs.replace(EVENT, begin="2026-05-30T08:00", end="2026-05-30T12:00")
    one = convocation("anne", event=over)
    made = planned(one, [row("bruno", event=over)], directory("anne", "bruno"))
    assert [refusal.reason for refusal in made.refused] == ["the event is over"] and made.off == []
    plan.call_off(one, START)
    assert one.stage is Stage.OFF and not one.invitees[0].off


def test_a_substitute_comes_for_who_says_no_and_the_next_after() -> None:
    held = directory("anne", "bruno", "chantal")
    agent(held, "parti", State.SUSPENDED)
    one = convocation()
    made = planned(
        one, [row("anne", substitutes=("parti", "inconnu", "bruno", "chantal", "anne"), reference="J")], held
    )
    assert [note.word for note in made.notes] == [plan.SUBSTITUTE] * 3
    plan.apply(one, made)
    anne = one.invitees[0]
    anne.reply(Answer.NO, Way.MAIL, 1)
    bruno = plan.stand_in(one, anne, START)
    assert bruno is not None and (bruno.key, bruno.instead_of, anne.called) == ("bruno#J", "anne#J", "bruno#J")
    assert plan.stand_in(one, anne, START) is None, "one comes for one"
    bruno.reply(Answer.NO, Way.MAIL, 1)
    chantal = plan.stand_in(one, bruno, START)
    assert chantal is not None and chantal.substitutes == ()
    chantal.reply(Answer.NO, Way.MAIL, 1)
    assert plan.stand_in(one, chantal, START) is None, "nobody is left"
    same = planned(one, [row("anne", substitutes=("bruno", "chantal"), reference="J")], held)
    assert same.off == [], "substitutes stay while their agent is in the file"
    gone = planned(one, [], held)
    assert gone.off == ["anne#J", "bruno#J", "chantal#J"]


def test_a_substitute_follows_the_hours_of_the_agent_and_does_not_come_too_late() -> None:
    held = directory("anne", "bruno")
    one = convocation()
    plan.apply(one, planned(one, [row("anne", substitutes=("bruno",))], held))
    anne = one.invitees[0]
    assert plan.stand_in(one, anne, EVENT.starts.timestamp()) is None
    bruno = plan.stand_in(one, anne, START)
    assert bruno is not None
    plan.apply(one, planned(one, [row("anne", event=LATER, substitutes=("bruno",))], held))
    assert bruno.event == LATER and not bruno.off


def test_a_convocation_has_an_end() -> None:
    held = directory("anne")
    with pytest.raises(InputError, match=f"{MOST} at most"):
        plan.build(convocation(), [row("anne")] * (MOST + 1), [], people(held), lambda uid: False, START)


def test_events_are_told_apart_by_agent_and_convocation() -> None:
    one = convocation("anne", "bruno")
    idents = {one.event_id(invitee) for invitee in one.invitees}
    assert len(idents) == 2 and all(ident.endswith(f"@{DOMAIN}") for ident in idents)
    assert Event("T", "2026-06-15", "2026-06-15").whole_days
