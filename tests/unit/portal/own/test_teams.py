"""« Mes équipes »: what members see, and what the forms ask of accountd."""

from copy import replace
from typing import Any

import pytest
from malleposte.accountd.calls.meetings.week import Meeting
from malleposte.accountd.calls.shared.teams import (
    MakeTeam,
    SetMember,
    SetTeam,
    TeamLink,
    TeamList,
    TeamMember,
    TeamShown,
)
from malleposte.accountd.message import ErrorCode
from malleposte.accounts.teams.model import Role

from tests.support.portal import ADDRESSES, BOTH

UID = "equipe-projet"
MEMBERS = (TeamMember("mdupond", "Marie Dupond", Role.LEADS), TeamMember("pmartin", "Paul Martin", Role.READS))
TEAM = TeamShown(
    UID, "Équipe <b>Projet</b>", f"{UID}@ac-exemple.test", Role.LEADS, "2027-07-05", members=MEMBERS,
    links=(TeamLink("Nos documents", "https://a.test/x"),),
)  # fmt: skip
HELD = TeamList(
    "mdupond", teams=(TEAM,), tools=(TeamLink("Discussion", "https://discussion.test/"),),
    meetings=(Meeting("2026-06-15T08:00", "2026-06-15T09:00", "Point <i>hebdo</i>", "Salle 1"),), makes=True,
)  # fmt: skip
PATHS = {
    name: ADDRESSES[name][0]
    for name in ("teams", "team", "team_new", "team_member", "team_remove", "team_end", "team_link", "team_unlink")
}


def asked(accountd: Any, kind: type) -> Any:
    return accountd.requests(kind)[-1]


@BOTH
def test_teams_are_listed_and_made_by_who_may(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = HELD
    page = inside.get(ADDRESSES["teams"][language])
    assert f"{ADDRESSES['team'][language]}?team={UID}" in page.links
    assert ADDRESSES["team_new"][language] in page.links
    assert "Équipe &lt;b&gt;Projet&lt;/b&gt;" in inside.last.text and "<b>Projet" not in inside.last.text
    accountd.answer = replace(HELD, teams=(), makes=False)
    page = inside.get(ADDRESSES["teams"][language])
    assert ADDRESSES["team_new"][language] not in page.links
    assert ("You are a member of no team" if language else "membre d’aucune équipe") in page.main


@BOTH
def test_a_team_shows_members_meetings_and_tools(inside: Any, accountd: Any, language: int) -> None:
    accountd.answer = HELD
    page = inside.get(f"{ADDRESSES['team'][language]}?team={UID}")
    assert "<b>Projet" not in inside.last.text and "<i>hebdo" not in inside.last.text
    for words in ("Marie Dupond", "Paul Martin", "Nos documents", "https://discussion.test/", "Salle 1"):
        assert words in page.main, words
    assert {"https://a.test/x", "https://discussion.test/"} <= set(page.links)
    assert f"{ADDRESSES['team_member'][language]}?team={UID}" in page.links
    accountd.answer = replace(
        HELD, teams=(replace(TEAM, role=Role.READS, ends="", by_rule=True),), meetings=(), more=True
    )
    page = inside.get(f"{ADDRESSES['team'][language]}?team={UID}")
    for name in ("team_member", "team_end", "team_link"):
        assert f"{ADDRESSES[name][language]}?team={UID}" not in page.links, "who reads is shown no act"
    assert ("has no end" if language else "n’a pas de fin") in page.main


@pytest.mark.parametrize(
    ("name", "typed", "expected"),
    [
        ("team_new", {"name": " Projet ", "ends": ""}, ("Projet", "")),
        ("team_new", {"name": "Projet", "ends": "2027-07-05"}, ("Projet", "2027-07-05")),
        ("team_member", {"who": "pmartin", "role": "lit"}, (UID, "pmartin", "lit")),
        ("team_end", {"ends": ""}, (UID, "-")),
        ("team_end", {"ends": "2027-07-05"}, (UID, "2027-07-05")),
        ("team_link", {"words": "Docs", "address": "https://a.test/"}, (UID, "", "Docs", "https://a.test/")),
    ],
)
def test_a_form_asks_for_one_act(inside: Any, accountd: Any, name: str, typed: dict[str, str], expected: Any) -> None:
    accountd.answer = HELD
    query = "" if name == "team_new" else f"?team={UID}"
    form = inside.get(f"{PATHS[name]}{query}").form(PATHS[name])
    inside.post(PATHS[name], form | typed)
    assert inside.last.request.full_path == f"{PATHS['team']}?team={UID}"
    request = asked(accountd, {"team_new": MakeTeam, "team_member": SetMember}.get(name, SetTeam))
    values = tuple(getattr(request, field) for field in request.__struct_fields__[3:])
    assert values[: len(expected)] == expected


@pytest.mark.parametrize(
    ("name", "typed", "word", "field"),
    [
        ("team_new", {"name": "Projet"}, "used", "name"), ("team_new", {"name": "Projet"}, "full", "name"),
        ("team_member", {"who": "nul", "role": "lit"}, "who", "who"),
        ("team_end", {"ends": "2001-01-01"}, "day", "ends"),
        ("team_link", {"words": "x", "address": "http://a.test"}, "link", "address"),
    ],
)  # fmt: skip
def test_a_refusal_stands_at_its_field(
    inside: Any, accountd: Any, name: str, typed: Any, word: str, field: str
) -> None:
    form = inside.get(f"{PATHS[name]}{'' if name == 'team_new' else f'?team={UID}'}").form(PATHS[name])
    accountd.refuse(ErrorCode.REFUSED_VALUE, message=word)
    page = inside.post(PATHS[name], form | typed)
    assert inside.last.status_code == 422 and page.named(f"{field}-error")


def test_members_go_and_leave_and_links_go(inside: Any, accountd: Any) -> None:
    accountd.answer = HELD
    page = f"{PATHS['team']}?team={UID}"
    inside.press(page, PATHS["team_remove"], team=UID, who="pmartin")
    assert (asked(accountd, SetMember).who, asked(accountd, SetMember).role) == ("pmartin", "")
    inside.press(page, PATHS["team_unlink"], team=UID, address="https://a.test/x")
    assert asked(accountd, SetTeam).remove == "https://a.test/x"
    answer = inside.press(page, PATHS["team_remove"], team=UID, who="mdupond")
    assert answer.headers["Location"] == page


def test_a_team_that_is_not_the_agent_s_leads_to_the_list(inside: Any, accountd: Any) -> None:
    accountd.refuse(ErrorCode.NOT_FOUND)
    assert inside.raw(f"{PATHS['team']}?team=equipe-autre").headers["Location"] == PATHS["teams"]
    accountd.refuse(ErrorCode.UNAVAILABLE)
    assert inside.raw(f"{PATHS['team']}?team={UID}").status_code == 503
