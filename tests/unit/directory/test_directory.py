"""Typed entries, the policy's control, and the directory in memory."""

import pytest
from malleposte.directory.control import PolicyErrorCode, PolicyState, decode
from malleposte.directory.errors import AlreadyThere, Refused
from malleposte.directory.ldap import filter_of
from malleposte.directory.model import Agent, FunctionalBox, State, agent_attributes, box_attributes, escape

from tests.support.directory import MemoryDirectory

AGENT = Agent(
    uid="elefevre",
    given_name="Élodie",
    surname="Lefèvre",
    mail="elodie.lefevre@ac-exemple.test",
    profile="convergence",
    state=State.ACTIVE,
    addresses=("elodie.lefevre@ac-exemple.test", "elodie.martin@ac-exemple.test"),
    establishments=("9990001X",),
    quota_mb=8000,
    hidden=True,
)


@pytest.mark.parametrize(
    ("value", "state"),
    [
        (b"0\x00", PolicyState()),
        (b"0\x03\x81\x01\x00", PolicyState(error=PolicyErrorCode.PASSWORD_EXPIRED)),
        (b"0\x03\x81\x01\x02", PolicyState(error=PolicyErrorCode.CHANGE_AFTER_RESET)),
        (b"0\x06\xa0\x04\x80\x02\x0e\x10", PolicyState(seconds_left=3600)),
        (b"0\x05\xa0\x03\x81\x01\x02", PolicyState(grace_left=2)),
        (b"", PolicyState()),
        (b"0\x03\x81", PolicyState()),
        (b"0\x03\x81\x01\x63", PolicyState()),
    ],
)
def test_the_control_is_decoded(value: bytes, state: PolicyState) -> None:
    assert decode(value) == state


def test_an_agent_has_no_password_by_itself_and_only_attributes_with_a_value() -> None:
    attributes = agent_attributes(AGENT)
    assert "userPassword" not in attributes and all(all(values) for values in attributes.values())
    assert (attributes["mpQuota"], attributes["mpHidden"], attributes["mpState"]) == (["8000"], ["TRUE"], ["active"])


def test_the_primary_address_is_among_all_in_small_letters() -> None:
    box = FunctionalBox("ce.9990001x", "Collège", "CE.9990001X@ac-exemple.test", delegates=("elefevre",))
    assert box_attributes(box)["mailLocalAddress"] == ["ce.9990001x@ac-exemple.test"]
    assert box_attributes(box)["mpDelegate"] == ["elefevre"]


@pytest.mark.parametrize(
    ("value", "escaped"),
    [("a,b", "a\\,b"), ("#a", "\\#a"), (" a ", "\\ a\\ "), ("a\0", "a\\00"), ("a+b=c", "a\\+b\\=c")],
)
def test_values_in_a_name_are_escaped(value: str, escaped: str) -> None:
    assert escape(value) == escaped


def test_values_in_a_filter_are_only_values() -> None:
    assert filter_of({"uid": "*)(uid=*"}) == "(&(uid=\\2a\\29\\28uid=\\2a))"
    assert filter_of(None) == "(objectClass=*)"


def test_memory_refuses_what_slapd_refuses() -> None:
    directory = MemoryDirectory()
    directory.add(AGENT.dn(directory.suffix), agent_attributes(AGENT))
    with pytest.raises(AlreadyThere):
        directory.add(AGENT.dn(directory.suffix), agent_attributes(AGENT))
    attacker = FunctionalBox("voleur", "Voleur", "elodie.martin@ac-exemple.test")
    [answer] = directory.add_many([(attacker.dn(directory.suffix), box_attributes(attacker))])
    assert (answer.code, answer.done) == (19, False)


@pytest.mark.parametrize(
    ("attributes", "code"),
    [({"mpEstablishment": ["0210001M", "0210001M"]}, 20), ({"pwdChangedTime": ["20260101000000Z"]}, 19)],
)
def test_memory_refuses_what_slapd_refuses_of_values(attributes: dict[str, list[str]], code: int) -> None:
    directory = MemoryDirectory()
    dn, plain = f"uid=a,ou=people,{directory.suffix}", {"uid": ["a"], "mpEstablishment": ["0210001M"]}
    with pytest.raises(Refused) as refused:
        directory.add(dn, plain | attributes)
    assert refused.value.code == code and directory.entries == {}
    directory.add(dn, plain)
    with pytest.raises(Refused) as refused:
        directory.modify(dn, attributes)
    assert refused.value.code == code
    directory.modify(dn, {"mpEstablishment": ["0210001M", "0210002N"]})
    directory.force(dn, {"pwdChangedTime": ["20260101000000Z"]})
    assert directory.entries[dn.lower()].attributes["pwdChangedTime"] == ["20260101000000Z"]


def test_memory_adds_no_attribute_without_values_and_takes_one_away() -> None:
    directory = MemoryDirectory()
    dn = f"uid=a,ou=people,{directory.suffix}"
    with pytest.raises(Refused) as refused:
        directory.add(dn, {"uid": ["a"], "mpOpens": []})
    assert refused.value.code == 2
    directory.add(dn, {"uid": ["a"], "mpOpens": ["b"]})
    directory.modify(dn, {"mpOpens": []})
    assert directory.entries[dn.lower()].attributes == {"uid": ["a"]}
