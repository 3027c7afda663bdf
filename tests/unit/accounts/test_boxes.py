"""Functional boxes: both sides of a delegation, Dovecot's list of shared mailboxes, the mails about a full one."""

import pytest
from malleposte.accounts import boxes
from malleposte.accounts.journal import Journal
from malleposte.accounts.mailbox import own_addresses, quota_warning, shared_boxes
from malleposte.accounts.plan.apply import apply
from malleposte.accounts.plan.changes import Plan
from malleposte.core.errors import InputError
from malleposte.directory.model import Agent, FunctionalBox, State, agent_attributes, box_attributes

from tests.support.directory import MemoryDirectory


@pytest.fixture
def directory():
    made = MemoryDirectory()
    for uid in ("a1", "a2", "gone"):
        state = State.SUSPENDED if uid == "gone" else State.ACTIVE
        one = Agent(uid, "Z", uid, f"{uid}@ac-exemple.test", "roundcube", state)
        made.add(one.dn(made.suffix), agent_attributes(one))
    box = FunctionalBox("ce.x", "École", "ce.x@ac-exemple.test", establishments=("9990001X",))
    made.add(box.dn(made.suffix), box_attributes(box))
    return made


def done(directory, changes, tmp_path):
    with Journal(tmp_path / "journal", "test") as journal:
        outcome = apply(Plan("", "", "", "", tuple(changes)), directory, journal)
    assert not outcome.skipped
    return outcome.done


def held(directory, branch, uid, name):
    (entry,) = directory.search(branch, (name,), {"uid": uid})
    return entry.attributes.get(name, [])


def test_both_sides_of_a_delegation_and_its_end(directory, tmp_path):
    members = boxes.gather(directory, "9990001x", ["a1", "A2@ac-exemple.test"])
    assert done(directory, boxes.delegate(members), tmp_path) == 3
    assert held(directory, "functional", "ce.x", "mpDelegate") == ["a1", "a2"]
    assert held(directory, "people", "a2", "mpOpens") == ["ce.x"]
    assert boxes.delegate(boxes.gather(directory, "ce.x", ["a1"])) == []
    assert boxes.mirror(directory) == []
    changes = boxes.undelegate(boxes.gather(directory, "ce.x", ["a1"]))
    # Rights to open the box are removed first.
    assert [change.uid for change in changes] == ["a1", "ce.x"]
    done(directory, changes, tmp_path)
    assert held(directory, "people", "a1", "mpOpens") == []
    assert held(directory, "functional", "ce.x", "mpDelegate") == ["a2"]


def test_who_opens_a_team_is_for_its_own_command_to_say(directory):
    team = FunctionalBox("equipe-x", "Équipe X", "equipe-x@ac-exemple.test", team="a1")
    directory.add(team.dn(directory.suffix), {**box_attributes(team), "mpManager": ["a1"], "mpDelegate": ["a1"]})
    with pytest.raises(InputError, match="equipe-x is a team"):
        boxes.gather(directory, "equipe-x", ["a1"])
    assert boxes.gather(directory, "ce.x", ["a1"]).uid == "ce.x"


def test_the_mirror_follows_the_boxes(directory, tmp_path):
    directory.modify(f"uid=ce.x,ou=functional,{directory.suffix}", {"mpDelegate": ["a1"]})
    directory.modify(f"uid=a2,ou=people,{directory.suffix}", {"mpOpens": ["ce.x"]})
    done(directory, boxes.mirror(directory), tmp_path)
    assert held(directory, "people", "a1", "mpOpens") == ["ce.x"]
    assert held(directory, "people", "a2", "mpOpens") == []


@pytest.mark.parametrize(("box", "uid"), [("ce.y", "a1"), ("ce.x", "nobody"), ("ce.x", "gone")])
def test_what_is_not_there_is_one_line(directory, box, uid):
    with pytest.raises(InputError):
        boxes.gather(directory, box, [uid])


@pytest.mark.parametrize("local", ["Majuscule", "a b", "ce.x", "../etc", ""])
def test_a_name_that_cannot_be_a_box(directory, local):
    box = FunctionalBox(local, "X", f"{local}@ac-exemple.test")
    with pytest.raises(InputError):
        boxes.create(box, {}, {"ce.x", "ce.x@ac-exemple.test"}, directory.suffix)


def test_dovecots_list_keeps_what_agents_share(tmp_path):
    shared = "shared/shared-boxes/user/a1/a2\n1\nshared/shared-boxes/group/g/a2\n1\n"
    old = f"{shared}{shared_boxes.PREFIX}ce.old/ce.old\n1\n"
    assert shared_boxes.renewed(old, {"ce.x"}) == f"{shared}{shared_boxes.PREFIX}ce.x/ce.x\n1\n"
    path = tmp_path / "shared-mailboxes.db"
    path.write_text(old)
    assert shared_boxes.renew(path, {"ce.x"})
    assert not shared_boxes.renew(path, {"ce.x"})
    shared_boxes.furnish(tmp_path, {"ce.x"})
    assert len(list(tmp_path.glob("*/ce.x/Maildir/cur"))) == 1


def test_a_warning_speaks_french_first_and_goes_to_whom_it_may_concern():
    message = quota_warning.compose("postmaster@ac-exemple.test", 95, "a1", "-", "2500M")
    text = message.get_content()
    assert text.index("Bonjour") < text.index("Hello")
    assert "2500 Mo" in text
    assert "Bientôt" in text
    assert "95" in message["Subject"]
    assert message["Auto-Submitted"] == "auto-generated"
    assert quota_warning.recipients("a1", "-") == ["a1"]
    assert quota_warning.recipients("ce.x", "a1,a2,../x") == ["a1", "a2"]
    assert "La boîte ce.x" in quota_warning.compose("p@x.test", 80, "ce.x", "a1", "-").get_content()


def test_addresses_of_the_facts_that_nobody_has_become_boxes(directory):
    names = {"Dsi@ac-exemple.test": "Exploitation", "a1@ac-exemple.test": "Autre"}
    wanted = names | {"x@ailleurs.test": "Dehors", "": "Rien"}
    taken = {"a1", "a1@ac-exemple.test"}
    (box,) = own_addresses.missing(directory, wanted, "ac-exemple.test", taken, profile="roundcube")
    assert (box.uid, box.name, box.mail, box.delegates) == ("dsi", "Exploitation", "dsi@ac-exemple.test", ())
    directory.add(box.dn(directory.suffix), box_attributes(box))
    assert own_addresses.missing(directory, wanted, "ac-exemple.test", taken, profile="roundcube") == []


@pytest.mark.parametrize(
    ("address", "said"),
    [("parti@ac-exemple.test", "is or was somebody's"), ("a+b@ac-exemple.test", "cannot be a box")],
)
def test_an_address_of_the_facts_that_cannot_be_made_is_named(directory, address, said):
    with pytest.raises(InputError, match=said):
        own_addresses.missing(
            directory, {address: "X"}, "ac-exemple.test", {"parti@ac-exemple.test"}, profile="roundcube"
        )
