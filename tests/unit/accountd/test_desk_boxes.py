"""The help desk's calls about functional boxes: which are in reach, who may be given one, what is told to whom."""

from pathlib import Path
from typing import Any

import pytest
from malleposte.accountd.calls.desk.boxes import DeskBoxes, DeskSetDelegate
from malleposte.accountd.calls.shared.charges import ChargeList
from malleposte.accountd.desk_rules import Rules
from malleposte.accountd.message import Done, ErrorCode, Forbidden, Refused
from malleposte.directory.model import FunctionalBox, State, box_attributes

from .test_desk import DESK, FAR, NEAR, SCHOOL, WHY, change, forbidden, mine, school
from .test_service import NO_LOG_IN, OTHER_NUMEN, Stage, refusal, success, token

BOXES = {
    "ce.x": (SCHOOL,), "vie-scolaire.x": (SCHOOL,), "ce.y": (FAR,), "cite.z": (SCHOOL, FAR), "dsi": (),
}  # fmt: skip


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage(tmp_path)
    for uai, department in ((SCHOOL, "21"), (NEAR, "21"), (FAR, "58")):
        school(made, uai, department)
    made.agent("adesk", State.ACTIVE, OTHER_NUMEN, **DESK)
    made.agent("mdupond", State.ACTIVE, mpEstablishment=[SCHOOL])
    made.agent("loin", State.ACTIVE, "01E9500003ABC", mpEstablishment=[FAR], mpOpens=["ce.x"])
    made.agent("chef", State.ACTIVE, "01E9500004ABC", mpEstablishment=[SCHOOL], mpRole=["dsi"], mpOpens=["ce.x"])
    made.agent("parti", State.SUSPENDED, "01E9500005ABC", mpEstablishment=[SCHOOL])
    for name, schools in BOXES.items():
        box = FunctionalBox(name, f"Boîte {name}", f"{name}@ac-exemple.test", delegates=("chef", "loin"),
                            establishments=schools)  # fmt: skip
        made.directory.add(box.dn(made.directory.suffix), box_attributes(box))
    return made


def give(
    stage: Stage, box: str = "ce.x", target: str = "mdupond", *, add: bool = True, who: dict[str, str] | None = None
) -> ChargeList | Refused:
    return stage.ask(DeskSetDelegate(**who or mine(), box=box, target=target, reason=WHY, add=add))


def held(stage: Stage, box: str) -> list[str]:
    (entry,) = stage.directory.search("functional", ("mpDelegate",), {"uid": box})
    return sorted(entry.attributes.get("mpDelegate", []))


def listed(stage: Stage, uai: str) -> list[str]:
    answer = success(stage.ask(DeskBoxes(**mine(), school=uai)))
    return [one.name for one in answer.charges]


def test_the_boxes_of_a_school_in_reach_are_listed_and_shown(stage: Stage) -> None:
    assert listed(stage, SCHOOL.lower()) == ["ce.x", "vie-scolaire.x"]
    assert stage.ask(DeskBoxes(**mine(), school=NEAR)) == forbidden(Forbidden.REACH)
    answer = success(stage.ask(DeskBoxes(**mine(), box="CE.X")))
    assert (answer.charges[0].delegates, len(answer.people)) == (("chef", "loin"), 2)
    assert isinstance(stage.ask(DeskBoxes(**mine(), school="21")), Refused)
    change(stage, "adesk", mpRole=["helpdesk 21", "helpdesk 58"])
    assert listed(stage, SCHOOL) == ["ce.x", "cite.z", "vie-scolaire.x"]


@pytest.mark.parametrize("box", ["ce.y", "cite.z", "dsi", "nulle", "", "*"])
def test_a_box_out_of_reach_is_as_none_at_all(stage: Stage, box: str) -> None:
    before = held(stage, box) if box in BOXES else []
    for add, target in ((True, "mdupond"), (False, "loin")):
        assert give(stage, box, target, add=add) == forbidden(Forbidden.REACH)
    assert stage.held("mdupond", "mpOpens") == []
    assert (held(stage, box) if box in BOXES else []) == before
    assert [line["call"] for line in stage.lines() if line["action"] == "desk-refused"] == ["desk_set_delegate"] * 2
    assert isinstance(give(stage), Done)


def test_what_is_refused_by_an_address_is_in_the_journal_of_whoever_has_it(stage: Stage) -> None:
    assert isinstance(give(stage, target="chef@ac-exemple.test"), Refused)
    (line,) = (line for line in stage.lines() if line["action"] == "desk-refused")
    assert line["account"] == "chef"


def test_a_box_of_no_school_is_nobody_s_who_has_the_whole_academy_either(stage: Stage) -> None:
    change(stage, "adesk", mpRole=["helpdesk *"])
    assert give(stage, "dsi") == forbidden(Forbidden.REACH)
    assert isinstance(give(stage, "cite.z"), Done)


def test_a_delegate_comes_and_goes_at_once_and_all_are_told(stage: Stage) -> None:
    done = success(give(stage, target="MDupond@ac-exemple.test"))
    assert (done.uid, done.charges[0].delegates) == ("adesk", ("chef", "loin", "mdupond"))
    assert stage.held("mdupond", "mpOpens") == ["ce.x"] and stage.channel.closed == ["mdupond"]
    (letter,) = stage.letters
    assert letter["To"] == "ce.x@ac-exemple.test"
    text = letter.get_content()
    assert (
        "a permis à Marie Dupond (mdupond) d’ouvrir la boîte «\N{NO-BREAK SPACE}ce.x\N{NO-BREAK SPACE}»" in text
        and WHY in text
    )
    assert "adesk" not in text
    assert isinstance(give(stage), Done)
    assert len(stage.letters) == 1, "nothing changed: nothing is told"

    stage.channel.broken = True
    done = success(give(stage, target="mdupond", add=False))
    assert (done.charges[0].delegates, done.open) == (("chef", "loin"), ("essai",))
    assert stage.held("mdupond", "mpOpens") == []
    assert "a retiré à Marie Dupond" in stage.letters[-1].get_content()
    acts = [one for one in stage.lines() if one["action"] in ("desk-delegate", "desk-undelegate")]
    assert [(one["account"], one["by"], one["box"], one["note"]) for one in acts] == [
        ("mdupond", "adesk", "ce.x", f"boîte ce.x\N{NO-BREAK SPACE}: {WHY}"),
    ] * 2


def test_an_agent_who_went_to_another_school_is_taken_out_and_not_put_in(stage: Stage) -> None:
    assert isinstance(give(stage, target="loin", add=False), Done)
    assert (held(stage, "ce.x"), stage.held("loin", "mpOpens")) == (["chef"], [])
    for add in (True, False):
        assert give(stage, target="loin", add=add) == forbidden(Forbidden.REACH)
    assert held(stage, "ce.x") == ["chef"]


def test_nobody_gives_a_box_to_oneself_to_who_has_a_role_or_to_who_has_left(stage: Stage) -> None:
    refusals: dict[str, Any] = {
        "adesk": Forbidden.ONESELF, "chef": Forbidden.PROTECTED, "parti": Forbidden.STATE, "nul": Forbidden.REACH,
    }  # fmt: skip
    for target, word in refusals.items():
        assert give(stage, target=target) == forbidden(word), target
    assert give(stage, target="chef", add=False) == forbidden(Forbidden.PROTECTED)
    assert held(stage, "ce.x") == ["chef", "loin"] and not stage.letters


def test_it_needs_the_role_a_second_factor_a_reason_and_a_day_that_is_not_full(stage: Stage) -> None:
    for request in (DeskBoxes(**mine(2), box="ce.x"), DeskSetDelegate(**mine(2), box="ce.x", target="mdupond",
                    reason=WHY, add=True)):  # fmt: skip
        assert stage.ask(request) == forbidden(Forbidden.FACTOR)
    refused = refusal(stage.ask(DeskSetDelegate(**mine(), box="ce.x", target="mdupond", reason=" ", add=True)))
    assert refused.error is ErrorCode.REFUSED_VALUE
    assert give(stage, who=mine() | {"token": token("mdupond", level=5)}) == NO_LOG_IN
    object.__setattr__(stage.service.tools.rules, "desk", Rules(acts_a_day=1))
    assert isinstance(give(stage), Done)
    assert give(stage, add=False) == forbidden(Forbidden.CAP)
    assert stage.held("mdupond", "mpOpens") == ["ce.x"]
    change(stage, "adesk", mpRole=[])
    assert stage.ask(DeskBoxes(**mine(), box="ce.x")) == forbidden(Forbidden.ROLE)


def test_a_letter_that_cannot_be_sent_is_in_the_journal(stage: Stage) -> None:
    stage.mute = True
    assert isinstance(give(stage), Done)
    assert [one["account"] for one in stage.lines() if one["action"] == "told"] == ["ce.x"]
