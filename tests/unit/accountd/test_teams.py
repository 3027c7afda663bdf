"""« Mes équipes »: who may make a team, what each member sees and may do; at once."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd.calls.shared.teams import MakeTeam, SetMember, SetTeam, TeamList, Teams
from malleposte.accountd.message import Done, Refused
from malleposte.accounts import boxes, facts
from malleposte.accounts.meetings.model import Appointment
from malleposte.directory.model import State

from .test_service import HERE, NO_LOG_IN, NOW, Stage, success, token

UID = "equipe-projet-erasmus"
CHEF, WRITER, READER, STRANGER = "chef", "ecrit", "lecteur", "dehors"
MEETING = {"begin": "20260615T060000Z", "end": "20260615T070000Z", "title": "Point"}
TOOL = {"name": "Documents", "address": "https://documents.ac-exemple.test/"}


@pytest.fixture
def given(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The fact, which a test may change."""
    fact: dict[str, Any] = {"makers": "@staff", "most": 2, "quota_mb": 100, "tools": [TOOL]}
    monkeypatch.setattr(facts, "read", lambda: {"teams": fact})
    return fact


@pytest.fixture
def stage(tmp_path: Path, given: dict[str, Any]) -> Stage:
    made = Stage(tmp_path)
    for number, uid in enumerate((CHEF, WRITER, READER, STRANGER)):
        made.agent(uid, State.ACTIVE, f"01E950000{number}ABC")
    made.hosts.own_days = lambda asked, *_span: [Appointment(**MEETING)] if asked.uid == UID else []
    made.agent("parti", State.SUSPENDED, "01E9500009ABC")
    return made


@pytest.fixture
def team(stage: Stage) -> Stage:
    """A team with one member of each role."""
    success(stage.ask(MakeTeam(HERE, CHEF, token(CHEF), "Projet Erasmus")))
    for who, role in ((WRITER, "participe"), (READER, "lit")):
        success(place(stage, who, role))
    stage.channel.closed.clear()
    return stage


def place(stage: Stage, who: str, role: str, by: str = CHEF, team: str = UID) -> TeamList | Refused:
    return stage.ask(SetMember(HERE, by, token(by), team, who, role))


def day(number: int) -> str:
    """The day that is so many days away."""
    return (NOW.astimezone() + datetime.timedelta(days=number)).date().isoformat()


def seen(stage: Stage, uid: str, team: str = "") -> TeamList | Refused:
    return stage.ask(Teams(HERE, uid, token(uid), team))


def refused(answer: Done | Refused) -> tuple[str, str]:
    assert isinstance(answer, Refused), answer
    return answer.error, answer.message


def test_a_team_is_made_led_and_shown_to_its_members_alone(team: Stage) -> None:
    one = success(seen(team, READER, UID)).teams[0]
    assert (one.name, one.mail, one.role) == ("Équipe Projet Erasmus", f"{UID}@ac-exemple.test", "lit")
    assert [(member.uid, member.role) for member in one.members] == [
        (CHEF, "anime"), (WRITER, "participe"), (READER, "lit"),
    ]  # fmt: skip
    assert [(tool.words, tool.address) for tool in success(seen(team, READER, UID)).tools] == [tuple(TOOL.values())]
    assert [one.title for one in success(seen(team, READER, UID)).meetings] == ["Point"]
    assert (team.held(WRITER, "mpOpens"), team.held(READER, "mpReads")) == ([UID], [UID])
    entry = boxes.find(team.directory, UID).attributes
    assert (entry["mpAgenda"], entry["mpQuota"], entry["mpTeam"]) == (["TRUE"], ["100"], [CHEF])
    assert [one.uid for one in success(seen(team, WRITER)).teams] == [UID]
    assert success(seen(team, STRANGER)).teams == ()
    for name in (UID, "equipe-autre"):
        assert refused(seen(team, STRANGER, name))[0] == "not_found", "one answer for what is another's and what is not"
    assert team.ask(Teams(HERE, CHEF, token(STRANGER), UID)) == NO_LOG_IN


@pytest.mark.parametrize("who", [WRITER, READER, STRANGER])
def test_only_who_leads_decides(team: Stage, who: str) -> None:
    error = "not_found" if who == STRANGER else "forbidden"
    for target, role in ((STRANGER, "lit"), (who, "anime"), (CHEF, ""), (READER if who == WRITER else WRITER, "")):
        if not (target == who and not role):
            assert refused(place(team, target, role, by=who))[0] == error, (target, role)
    for request in (
        SetTeam(HERE, who, token(who), UID, ends="-"),
        SetTeam(HERE, who, token(who), UID, words="x", address="https://mal.test/"),
    ):
        assert refused(team.ask(request))[0] == error
    assert success(place(team, STRANGER, "lit"))
    assert boxes.mirror(team.directory) == []


def test_a_right_ends_at_once_and_a_gain_ends_no_session(team: Stage) -> None:
    success(place(team, STRANGER, "participe"))
    notes = {one["account"]: one.get("note") for one in team.lines()}
    assert notes[STRANGER] == f"équipe {UID}"
    success(place(team, WRITER, "lit"))
    assert (team.held(WRITER, "mpOpens"), team.held(WRITER, "mpReads")) == ([], [UID])
    team.channel.broken = True
    assert success(place(team, WRITER, "")).open == ("essai",)
    assert team.held(WRITER, "mpReads") == []
    assert refused(seen(team, WRITER, UID))[0] == "not_found"


def test_a_member_leaves_and_the_last_who_leads_does_not(team: Stage) -> None:
    assert success(place(team, READER, "", by=READER)).teams == ()
    assert team.held(READER, "mpReads") == []
    assert refused(place(team, CHEF, "", by=CHEF)) == ("refused_value", "last")
    assert refused(place(team, CHEF, "lit")) == ("refused_value", "last")
    success(place(team, WRITER, "anime"))
    success(place(team, CHEF, "", by=CHEF))
    assert refused(seen(team, CHEF, UID))[0] == "not_found"


def test_what_cannot_be_taken_has_its_word(team: Stage) -> None:
    for who, role, word in (("nul", "lit", "who"), ("parti", "lit", "who"), (WRITER, "chef", "who")):
        assert refused(place(team, who, role)) == ("refused_value", word)
    for fields, word in (
        ({"ends": "2001-01-01"}, "day"), ({"ends": day(13)}, "day"),
        ({"words": "x", "address": "http://a.test/"}, "link"),
        ({"words": "", "address": "https://a.test/"}, "link"),
    ):  # fmt: skip
        assert refused(team.ask(SetTeam(HERE, CHEF, token(CHEF), UID, **fields))) == ("refused_value", word)
    for name, word in (("<b>x</b>", "name"), ("Projet Erasmus", "used"), ("", "name")):
        assert refused(team.ask(MakeTeam(HERE, CHEF, token(CHEF), name))) == ("refused_value", word)
    done = success(team.ask(SetTeam(HERE, CHEF, token(CHEF), UID, words="Nos documents", address="https://a.test/")))
    assert [(one.words, one.address) for one in done.teams[0].links] == [("Nos documents", "https://a.test/")]
    done = success(team.ask(SetTeam(HERE, CHEF, token(CHEF), UID, ends=day(15))))
    assert done.teams[0].ends == day(15), "its members are told before"
    done = success(team.ask(SetTeam(HERE, CHEF, token(CHEF), UID, remove="https://a.test/")))
    assert done.teams[0].links == ()


def test_an_agent_has_so_many_teams_and_none_where_the_academy_does_not_say_so(
    stage: Stage, given: dict[str, Any]
) -> None:
    given["makers"] = ""
    assert not success(seen(stage, CHEF)).makes
    assert refused(stage.ask(MakeTeam(HERE, CHEF, token(CHEF), "Une")))[0] == "forbidden"
    given["makers"] = "fonction=Proviseur"
    assert refused(stage.ask(MakeTeam(HERE, CHEF, token(CHEF), "Une")))[0] == "forbidden"
    given["makers"] = "@staff"
    for name in ("Une", "Deux"):
        success(stage.ask(MakeTeam(HERE, CHEF, token(CHEF), name)))
    assert not success(seen(stage, CHEF)).makes
    assert refused(stage.ask(MakeTeam(HERE, CHEF, token(CHEF), "Trois"))) == ("refused_value", "full")
    success(stage.ask(MakeTeam(HERE, WRITER, token(WRITER), "Trois")))
    success(place(stage, CHEF, "anime", by=WRITER, team="equipe-trois"))
    success(place(stage, WRITER, "", by=WRITER, team="equipe-trois"))
    assert refused(stage.ask(MakeTeam(HERE, CHEF, token(CHEF), "Quatre")))[1] == "full"
    success(stage.ask(MakeTeam(HERE, WRITER, token(WRITER), "Quatre")))


def test_who_takes_part_by_a_rule_is_not_for_a_page_to_say(team: Stage) -> None:
    entry = boxes.find(team.directory, UID)
    team.directory.modify(entry.dn, {"mpMemberURL": [f"ldap:///ou=people,{team.directory.suffix}??one?(mpFunction=x)"]})
    assert refused(place(team, STRANGER, "participe")) == ("refused_value", "rule")
    assert refused(place(team, WRITER, "")) == ("refused_value", "rule")
    assert refused(place(team, WRITER, "", by=WRITER)) == ("refused_value", "rule")
    success(place(team, STRANGER, "lit"))


def test_a_team_that_ends_is_nobody_s_any_more(team: Stage) -> None:
    team.directory.modify(f"uid={UID},ou=functional,{team.directory.suffix}", {"mpState": ["suspended"]})
    assert refused(seen(team, CHEF, UID))[0] == "not_found" and success(seen(team, CHEF)).teams == ()


def test_nobody_shuts_a_colleague_out_again_and_again(team: Stage) -> None:
    """To lose a role ends sessions: one who leads gives the same agent few roles in a day; others get theirs."""
    answers = [place(team, STRANGER, role) for role in ("lit", "", "participe", "lit", "", "lit", "", "lit")]
    assert [isinstance(answer, Refused) for answer in answers] == [False] * 7 + [True]
    assert refused(answers[-1])[1] == "cap"
    success(place(team, WRITER, "lit"))
