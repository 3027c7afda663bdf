"""Boxes and lists that an agent manages: shown to their managers alone, changed by them, at once."""

from pathlib import Path

import pytest
from malleposte.accountd.calls.shared.charges import ChargeList, Charges, SetCharge
from malleposte.accountd.message import Done, Refused
from malleposte.directory.model import FunctionalBox, State, box_attributes
from malleposte.lists.model import MailingList, attributes_of

from .test_service import HERE, NO_LOG_IN, NOT_PROVED, Stage, success, token

DOMAIN = "ac-exemple.test"
CHEF, AUTRE = "chef", "autre"


@pytest.fixture
def stage(tmp_path: Path) -> Stage:
    made = Stage(tmp_path)
    directory = made.directory
    for number, uid in enumerate((CHEF, AUTRE, "mdupond", "pmartin")):
        made.agent(uid, State.ACTIVE, f"01E950000{number}ABC", mpOpens=["ce.x"] if uid == "pmartin" else [])
    made.agent("parti", State.SUSPENDED, "01E9500009ABC")
    for name, manager in (("ce.x", CHEF), ("ce.y", AUTRE)):
        box = FunctionalBox(name, f"Collège {name}", f"{name}@{DOMAIN}", delegates=("pmartin",))
        directory.add(box.dn(directory.suffix), box_attributes(box) | {"mpManager": [manager]})
    one = MailingList("conseil", "Conseil", f"conseil@{DOMAIN}", posters=("@members", "pmartin"), managers=(CHEF,))
    directory.add(one.dn(directory.suffix), attributes_of(one))
    return made


def shown(stage: Stage, kind: str = "", name: str = "", uid: str = CHEF) -> ChargeList:
    return success(stage.ask(Charges(HERE, uid, token(uid), kind, name)))


def change(
    stage: Stage, kind: str, name: str, part: str, who: str, *, add: bool = True, uid: str = CHEF
) -> ChargeList | Refused:
    return stage.ask(SetCharge(HERE, uid, token(uid), kind, name, part, who, add))


def refused(answer: Done | Refused) -> str:
    assert isinstance(answer, Refused), answer
    return answer.error


def test_managers_see_theirs_and_nobody_another_s(stage: Stage) -> None:
    assert [(one.kind, one.name, one.title) for one in shown(stage).charges] == [
        ("box", "ce.x", "Collège ce.x"), ("list", "conseil", "Conseil"),
    ]  # fmt: skip
    assert [one.name for one in shown(stage, uid=AUTRE).charges] == ["ce.y"]
    assert shown(stage, uid="mdupond").charges == ()
    done = shown(stage, "box", "CE.X")
    assert (done.charges[0].delegates, [one.uid for one in done.people]) == (("pmartin",), ["pmartin"])
    for kind, name in (("box", "ce.y"), ("box", "nul"), ("list", "ce.x"), ("strange", "ce.x")):
        assert refused(stage.ask(Charges(HERE, CHEF, token(CHEF), kind, name))) == "not_found"
    assert stage.ask(Charges(HERE, CHEF, token(AUTRE))) == NO_LOG_IN


def test_a_delegate_comes_and_goes_on_both_sides_at_once(stage: Stage) -> None:
    assert success(change(stage, "box", "ce.x", "delegate", "MDupond@ac-exemple.test")).charges[0].delegates == (
        "mdupond",
        "pmartin",
    )
    assert stage.held("mdupond", "mpOpens") == ["ce.x"] and stage.channel.closed == ["mdupond"]
    assert isinstance(change(stage, "box", "ce.x", "delegate", "mdupond"), Done)
    assert stage.channel.closed == ["mdupond"], "nothing changed: nothing is forgotten"
    stage.channel.broken = True
    done = success(change(stage, "box", "ce.x", "delegate", "pmartin", add=False))
    assert (done.charges[0].delegates, done.open) == (("mdupond",), ("essai",))
    assert stage.held("pmartin", "mpOpens") == []
    notes = {one["account"]: one.get("note") for one in stage.lines()}
    assert notes["pmartin"] == "boîte ce.x"


def test_nobody_changes_another_s_or_what_is_not_a_manager_s_to_change(stage: Stage) -> None:
    assert refused(change(stage, "box", "ce.y", "delegate", "mdupond")) == "not_found"
    assert refused(change(stage, "box", "ce.x", "delegate", "mdupond", uid=AUTRE)) == "not_found"
    for kind, name, part, who in (
        ("box", "ce.x", "manager", "mdupond"), ("box", "ce.x", "poster", "mdupond"),
        ("list", "conseil", "manager", "mdupond"), ("list", "conseil", "moderator", "nul"),
        ("box", "ce.x", "delegate", "nul"), ("box", "ce.x", "delegate", "parti"),
        ("list", "conseil", "poster", "@anyone"), ("list", "conseil", "poster", "@list:conseil"),
    ):  # fmt: skip
        assert refused(change(stage, kind, name, part, who)) == "refused_value", (kind, part, who)
    assert stage.held("mdupond", "mpOpens") == []
    assert isinstance(change(stage, "box", "ce.x", "delegate", "mdupond"), Done)


def test_posters_and_moderators_of_a_list(stage: Stage) -> None:
    for part, who in (
        ("poster", "mdupond"),
        ("poster", "@staff"),
        ("poster", "ami@exemple.test"),
        ("moderator", "autre"),
    ):
        assert isinstance(change(stage, "list", "conseil", part, who), Done)
    assert isinstance(change(stage, "list", "conseil", "poster", "@members", add=False), Done)
    (one,) = shown(stage, "list", "conseil").charges
    assert (one.posters, one.moderators) == (("@staff", "ami@exemple.test", "mdupond", "pmartin"), ("autre",))


def test_a_right_that_was_taken_away_ends_at_the_next_call(stage: Stage) -> None:
    assert shown(stage, "box", "ce.x").charges
    stage.directory.modify(f"uid=ce.x,ou=functional,{stage.directory.suffix}", {"mpManager": [AUTRE]})
    assert refused(change(stage, "box", "ce.x", "delegate", "mdupond")) == "not_found"
    assert isinstance(change(stage, "box", "ce.x", "delegate", "mdupond", uid=AUTRE), Done)
    stage.directory.modify(f"uid={AUTRE},ou=people,{stage.directory.suffix}", {"mpState": ["suspended"]})
    assert stage.ask(Charges(HERE, AUTRE, token(AUTRE))) == NOT_PROVED
