"""Polls of dates: links that are good for one person, votes, the end, the letters."""

from __future__ import annotations

import re
from typing import Any

import msgspec
import pytest
from malleposte.accounts.convocations import orders, store
from malleposte.accounts.convocations.model import Person
from malleposte.accounts.mailbox.later.submit import Outcome
from malleposte.accounts.meetings import ballots, invite, polls
from malleposte.accounts.meetings.polls import MOST_OPEN, Poll, Shown, Slot

from tests.unit.accounts.convocations.office import DOMAIN, START, person
from tests.unit.accounts.meetings.test_invite import BY, DAY, OUTSIDE, House, house  # noqa: F401  # a fixture

SLOTS = (Slot("2026-06-15T08:00", "2026-06-15T09:00"), Slot("2026-06-16T08:00", "2026-06-16T09:00"))
TITLE = "Conseil <b>d’été</b>"
NOTHING = "--"
PEOPLE = (person("bruno"), OUTSIDE)


def asked(stage: House, *, by: Any = BY, tell: bool = False, people: Any = PEOPLE) -> Shown:
    made = polls.ask(by, TITLE, "Texte <i>", SLOTS, people, tell, stage.now, stage.folder)
    assert made is not None
    return made


def links(stage: House) -> dict[str, str]:
    """The links of the letters that went, by address; the newest of each."""
    found = {}
    for one in stage.letters:
        text = one.get_body().get_content()  # type: ignore[union-attr]
        found[str(one["To"].addresses[0].addr_spec)] = re.findall(rf"https://pia\.{DOMAIN}/sondage\?lien=(\S+)", text)[
            0
        ]
    return found


def kept(stage: House, ident: str) -> Poll:
    one = polls.load(ident, stage.folder)
    assert one is not None
    return one


@pytest.fixture
def stage(house: House) -> House:  # noqa: F811
    return house


def test_each_gets_a_link_of_the_own_from_the_organiser(stage: House) -> None:
    made = asked(stage)
    assert stage.run().failures == []
    found = links(stage)
    assert set(found) == {f"bruno@{DOMAIN}", OUTSIDE.address} and len(set(found.values())) == 2
    assert {by for by, _to in stage.handed} == {"anne"} and stage.agendas == {}
    text = stage.letters[0].get_body().get_content()  # type: ignore[union-attr]
    assert TITLE in text and "Texte <i>" in text and f"/en/poll?lien={found[f'bruno@{DOMAIN}']}" in text
    stage.run()
    assert len(stage.letters) == 2, "a second time there is nothing to do"
    whole = (stage.folder / "polls" / f"{made.ident}.json").read_text("utf-8")
    assert not any(link.partition(".")[2] in whole for link in found.values()), "no link is kept"
    assert (stage.folder / "polls").stat().st_mode & 0o077 == 0


def test_votes_are_taken_and_changed_by_the_link_alone(stage: House) -> None:
    made = asked(stage)
    stage.run()
    mine, other = links(stage)[f"bruno@{DOMAIN}"], links(stage)[OUTSIDE.address]
    for votes in ("ym", "ny"):
        seen = polls.vote(mine, votes, stage.time, stage.folder)
        assert seen is not None and (seen.own, seen.rows, seen.ident) == (votes, (), "")
    shown = polls.of_owner("anne", made.ident, stage.folder)
    assert shown is not None and [one.votes for one in shown.rows] == ["ny", NOTHING]
    there = polls.seen(other, stage.time, stage.folder)
    assert there is not None and (there.own, there.rows, there.title) == (NOTHING, (), TITLE)
    assert polls.of_owner("bruno", made.ident, stage.folder) is None


@pytest.mark.parametrize("votes", ["y", "yyy", "yx", "", "y" * 500, "é-"])
def test_wrong_votes_change_nothing(stage: House, votes: str) -> None:
    made = asked(stage)
    stage.run()
    link = links(stage)[OUTSIDE.address]
    assert polls.vote(link, votes, stage.time, stage.folder) is None
    assert kept(stage, made.ident).voters[1].votes == NOTHING
    assert polls.vote(link, "y-", stage.time, stage.folder) is not None


def test_a_wrong_link_that_of_another_poll_and_an_old_one_open_nothing(stage: House) -> None:
    first, second = asked(stage), asked(stage, by=person("chantal"))
    stage.run()
    link = links(stage)[OUTSIDE.address]
    secret = link.partition(".")[2]
    other = first.ident if link.startswith(second.ident) else second.ident
    wrong = (
        f"{other}.{secret}", link[:-1], link + "x", secret, f"{first.ident}.", first.ident, "", "../x.y",
        f"../polls/{first.ident}.{secret}", "x" * 5000, f"{first.ident}.{'é' * 32}",
    )  # fmt: skip
    for one in wrong:
        assert polls.seen(one, stage.time, stage.folder) is None, one
        assert polls.vote(one, "yy", stage.time, stage.folder) is None, one
    assert polls.seen(link, stage.time, stage.folder) is not None
    owner = "anne" if link.startswith(first.ident) else "chantal"
    polls.end(owner, link.partition(".")[0], stage.folder)
    assert polls.seen(link, stage.time, stage.folder) is None
    assert polls.vote(link, "yy", stage.time, stage.folder) is None
    assert all(not voter.digests for voter in kept(stage, link.partition(".")[0]).voters)


def test_it_ends_by_itself_with_its_last_slot(stage: House) -> None:
    asked(stage)
    stage.run()
    link = links(stage)[OUTSIDE.address]
    assert polls.seen(link, START + 13 * DAY, stage.folder) is not None
    assert polls.seen(link, START + 16 * DAY, stage.folder) is None


def test_others_votes_are_shown_on_wish_alone(stage: House) -> None:
    asked(stage, tell=True)
    stage.run()
    polls.vote(links(stage)[f"bruno@{DOMAIN}"], "yn", stage.time, stage.folder)
    seen = polls.seen(links(stage)[OUTSIDE.address], stage.time, stage.folder)
    assert seen is not None and [(one.name, one.votes) for one in seen.rows] == [("Agent Bruno", "yn")]


def test_a_choice_ends_it_and_invites_once(stage: House) -> None:
    made = asked(stage)
    stage.run()
    assert polls.decide("bruno", made.ident, 1, "", stage.now, stage.folder) is None
    assert polls.decide("anne", made.ident, 2, "", stage.now, stage.folder) is None
    assert polls.decide("anne", made.ident, -1, "", stage.now, stage.folder) is None
    for slot in (1, 0):
        done = polls.decide("anne", made.ident, slot, "https://visio.test/x", stage.now, stage.folder)
        assert done is not None and (done.chosen, done.open) == (1, False)
    (meeting,) = invite.listed("anne", stage.time, stage.folder)
    assert (meeting.event.begin, meeting.event.place) == (SLOTS[1].begin, "https://visio.test/x")
    assert [one.name for one in meeting.guests] == ["Agent Bruno", OUTSIDE.address]
    stage.run()
    assert len(stage.letters) == 4


def test_a_choice_that_was_interrupted_is_finished(stage: House, monkeypatch: pytest.MonkeyPatch) -> None:
    made = asked(stage)

    def killed(*_words: Any, **_given: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(invite, "call", killed)
        with pytest.raises(KeyboardInterrupt):
            polls.decide("anne", made.ident, 0, "", stage.now, stage.folder)
    polls.decide("anne", made.ident, 1, "", stage.now, stage.folder)
    assert [one.event.begin for one in invite.listed("anne", stage.time, stage.folder)] == [SLOTS[0].begin]


def test_a_choice_that_was_interrupted_after_the_call_invites_once(
    stage: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, call = asked(stage), invite.call

    def killed(*words: Any, **given: Any) -> None:
        call(*words, **given)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(invite, "call", killed)
        with pytest.raises(KeyboardInterrupt):
            polls.decide("anne", made.ident, 0, "", stage.now, stage.folder)
    for slot in (1, 0):
        assert polls.decide("anne", made.ident, slot, "", stage.now, stage.folder) is not None
    (meeting,) = invite.listed("anne", stage.time, stage.folder)
    assert meeting.event.begin == SLOTS[0].begin
    invite.call_off("anne", meeting.ident, stage.time, stage.folder)
    polls.decide("anne", made.ident, 0, "", stage.now, stage.folder)
    assert [one.off for one in invite.listed("anne", stage.time, stage.folder)] == [True], "what is off stays off"


def test_a_letter_that_is_refused_goes_later_with_a_link_that_works(stage: House) -> None:
    made = asked(stage, people=(OUTSIDE,))
    stage.outcome = Outcome.LATER
    stage.run()
    shown = polls.of_owner("anne", made.ident, stage.folder)
    assert shown is not None and [(one.sent, one.failed) for one in shown.rows] == [(False, True)]
    stage.outcome = Outcome.SENT
    stage.run()
    assert stage.letters == [], "not at once"
    stage.time += 120
    stage.run()
    assert polls.seen(links(stage)[OUTSIDE.address], stage.time, stage.folder) is not None
    assert len(stage.letters) == 1


def test_an_agent_has_so_many_polls_and_takes_none_of_another_s(stage: House) -> None:
    for _turn in range(MOST_OPEN):
        asked(stage)
    assert polls.ask(BY, TITLE, "", SLOTS, (OUTSIDE,), False, stage.now, stage.folder) is None
    asked(stage, by=person("bruno"))
    polls.end("anne", polls.listed("anne", stage.folder)[0].ident, stage.folder)
    asked(stage)


def test_who_has_many_letters_to_send_takes_no_more_turns_than_another(stage: House) -> None:
    asked(stage, by=person("bruno"), people=(OUTSIDE, person("chantal")))
    for _turn in range(3):
        asked(stage, people=[Person(f"p{number}@example.org") for number in range(12)])
    tried = ballots.send(stage.submit_letter, f"pia.{DOMAIN}", 6, stage.time, stage.folder)
    assert (tried, [by for by, _to in stage.handed].count("bruno")) == (6, 2)
    stage.run()
    assert len(stage.handed) == 38, "all of them go"


def test_a_choice_that_is_refused_leaves_the_poll_as_it_was(stage: House, monkeypatch: pytest.MonkeyPatch) -> None:
    made = asked(stage)
    stage.run()
    monkeypatch.setattr(invite, "MOST_OPEN", 1)
    held = stage.called()
    done = polls.decide("anne", made.ident, 1, "", stage.now, stage.folder)
    assert done is not None and (done.chosen, done.open) == (-1, True)
    assert polls.seen(links(stage)[OUTSIDE.address], stage.time, stage.folder) is not None
    invite.call_off("anne", held.ident, stage.time, stage.folder)
    done = polls.decide("anne", made.ident, 0, "", stage.now, stage.folder)
    assert done is not None and (done.chosen, done.open) == (0, False)


def test_two_polls_of_one_moment_are_two(stage: House, monkeypatch: pytest.MonkeyPatch) -> None:
    given = iter(["0000", "0000", "0001", "0000", "0001"])
    monkeypatch.setattr("malleposte.platform.idents.secrets.token_hex", lambda _bytes: next(given))
    first, second = asked(stage), asked(stage, by=person("bruno"))
    assert first.ident != second.ident
    assert [len(polls.listed(uid, stage.folder)) for uid in ("anne", "bruno")] == [1, 1]


def test_a_page_of_an_agent_takes_no_file_of_others_apart(stage: House, monkeypatch: pytest.MonkeyPatch) -> None:
    for uid in ("anne", "bruno", "anne-marie"):
        asked(stage, by=person(uid), people=(OUTSIDE,))
        stage.called(OUTSIDE, by=person(uid))
    taken: list[str] = []
    decode = msgspec.json.decode

    def counted(content: bytes, **words: Any) -> Any:
        taken.append(content.decode())
        return decode(content, **words)

    monkeypatch.setattr(msgspec.json, "decode", counted)
    assert len(polls.listed("anne", stage.folder)) == len(stage.listed("anne")) == 1
    assert orders.mine("anne", stage.time, stage.folder) == []
    assert len(taken) == 3 and all('"anne"' in one for one in taken)


def test_it_goes_with_its_time_or_its_agent_and_is_told_to_who_is_in_it(stage: House) -> None:
    made = asked(stage)
    asked(stage, by=person("chantal"))
    one = kept(stage, made.ident)
    assert [row["réponses"] for row in polls.own_terms(one, "bruno")] == [NOTHING]
    assert len(polls.own_terms(one, "anne")) == 1 and polls.own_terms(one, "chantal") == []
    assert polls.forget("chantal", stage.folder) and not polls.forget("chantal", stage.folder)
    assert polls.prune(one.last + 4 * DAY, 5, stage.folder) == []
    assert polls.prune(one.last + 6 * DAY, 5, stage.folder) == [made.ident]
    assert polls.listed("anne", stage.folder) == []


def test_a_file_that_cannot_be_read_stops_no_other(stage: House) -> None:
    asked(stage)
    (stage.folder / "polls" / "20260101-000000-0000.json").write_text("{", "utf-8")
    assert len(list(polls.every(stage.folder))) == 1 and list(store.every(stage.folder)) == []
    assert polls.load("20260101-000000-0000", stage.folder) is None
