"""The plan of the site: each page that an address alone opens is on it, and the foot of every page leads to it."""

from typing import Any

import pytest
from malleposte_portal.app import SUBJECTS
from malleposte_portal.front import plan

from tests.support.portal import ADDRESSES, BOTH, LANGUAGES, acts

ELSEWHERE = {
    "human", "strength_data", "login", "login_again",
    "logged_out", "done", "step", "hacked_check", "hacked_end", "device_made", "setup_apple_made",
    "recovery_mail", "recovery_phone", "recovery_confirm", "factor_remove", "charge", "charge_add", "charge_filtering",
    "desk_agent", "desk_box", "desk_block", "desk_code", "desk_aloud", "desk_factor", "desk_delegate",
    "desk_undelegate", "desk_trace", "desk_sealed", "trace", "state",
    "retractions", "retraction_new", "retraction", "reports",
    "office_convocations", "office_convoke", "office_convocation", "meeting", "poll", "poll_new", "ballot", "circular",
    "owned_box", "team", "team_end", "team_link", "team_member", "team_new",
    "tool_add", "tool_renew",
}  # fmt: skip
"""Pages that are a step of another, are about one thing that the address names, or are for programs."""


@pytest.mark.parametrize("language", [0, pytest.param(1, marks=pytest.mark.full)], ids=LANGUAGES)
def test_the_plan_has_each_page(visit: Any, language: int) -> None:
    wanted = {name: held[language] for name, held in ADDRESSES.items() if name not in ELSEWHERE | set(acts(*SUBJECTS))}
    links = visit.get(ADDRESSES["site_map"][language]).links
    assert {name for name, address in wanted.items() if address not in links} == set()
    assert "/guide/agenda" in links and "https://webmail.test/" in links


def test_nothing_on_the_plan_is_left_out_by_mistake() -> None:
    own = [one for _title, pages in (*plan.OWN, plan.DESK) for one in pages]
    shown = {name for section in (plan.ACCOUNT, own, plan.SET_UP, plan.ABOUT) for name, _words in section}
    assert ELSEWHERE & shown == set()
    assert ELSEWHERE | shown | set(acts(*SUBJECTS)) == set(ADDRESSES)


@BOTH
def test_the_foot_of_every_page_leads_to_it(visit: Any, language: int) -> None:
    page = visit.get(ADDRESSES["home"][language])
    words = dict(zip(page.links, [text for _held, text in page.all("a")], strict=True))
    assert words[ADDRESSES["site_map"][language]] in ("Plan du site", "Site map")
