"""One act on many accounts: who is meant, what is refused, and the way back."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.journal import Journal
from malleposte.accounts.plan import brakes, bulk, lines
from malleposte.accounts.plan.admit import admit
from malleposte.accounts.plan.apply import apply
from malleposte.accounts.plan.changes import Plan
from malleposte.accounts.plan.revert import revert
from malleposte.accounts.search import narrowed
from malleposte.core.errors import InputError
from malleposte.directory.model import Agent, State, agent_attributes

from tests.support.directory import MemoryDirectory

DOMAIN = "ac-exemple.test"
NOW = datetime.datetime(2026, 9, 1, 6, tzinfo=datetime.UTC)


@pytest.fixture
def directory() -> MemoryDirectory:
    made = MemoryDirectory()
    for number, state in enumerate((State.ACTIVE, State.PENDING, State.SUSPENDED, State.BLOCKED)):
        agent = Agent(
            uid=f"a{number}", given_name="Anne", surname=f"Nom{number}", mail=f"anne.{number}@{DOMAIN}",
            profile="roundcube", state=state, establishments=("9990001X",),
        )  # fmt: skip
        dn = agent.dn(made.suffix)
        made.add(dn, agent_attributes(agent) | {"mpStateChanged": ["20260801060000Z"]})
    made.force(f"uid=a0,ou=people,{made.suffix}", {"pwdChangedTime": ["20260101000000Z"]})
    made.force(f"uid=a1,ou=people,{made.suffix}", {"mpInaDigest": ["k1:x"], "mpLoginAlias": ["anne.alias"]})
    return made


def planned(directory: MemoryDirectory, act: str, chosen: bulk.Selection, profile: str = "") -> Plan:
    made = bulk.plan(act, bulk.acts(NOW, profile)[act], chosen, directory, DOMAIN, NOW)
    read = lines.parse(made.render().encode(), "plan.json")
    admit(read, directory.suffix, DOMAIN, "plan.json")
    return read


def applied(directory: MemoryDirectory, made: Plan, folder: Path) -> Any:
    with Journal(folder / "journal.jsonl", "essai@poste") as journal:
        return apply(made, directory, journal)


def state(directory: MemoryDirectory) -> dict[str, Any]:
    return {dn: dict(entry.attributes) for dn, entry in directory.entries.items()}


def test_a_list_names_accounts_by_log_in_alias_or_address_and_says_who_is_nobody(directory: MemoryDirectory) -> None:
    content = f"\ufeffA0;Anne Nom0\r\n# a remark\r\n\r\nanne.alias\r\nANNE.2@{DOMAIN}\r\na0\r\nnobody\r\n".encode()
    chosen = bulk.listed(directory, content)
    assert [one.attributes["uid"] for one in chosen.entries] == [["a0"], ["a1"], ["a2"]]
    assert chosen.unknown == ["nobody"]
    with pytest.raises(InputError, match="not in UTF-8"):
        bulk.listed(directory, b"\xe9\xff")


def test_a_selection_is_suspended_and_comes_back_whole_with_its_codes(
    directory: MemoryDirectory, tmp_path: Path
) -> None:
    before = state(directory)
    made = planned(directory, "suspend", bulk.selected(directory, narrowed(school="9990001X")))
    assert (made.counts(), made.unchanged) == ({"suspend": 3}, 1)
    assert [one.name for one in made.changes] == ["Anne Nom0", "Anne Nom1", "Anne Nom3"]
    with pytest.raises(brakes.TooManyChangesError, match="3 of 4 agents would be suspended"):
        brakes.demand(made, brakes.USUAL)
    assert applied(directory, made, tmp_path).whole
    assert {entry.attributes["mpState"][0] for entry in directory.entries.values()} == {"suspended"}
    assert "mpInaDigest" not in directory.entries[f"uid=a1,ou=people,{directory.suffix}"].attributes
    back = revert("20260901-060000-3f2a", made, directory, lambda _uids: (), NOW)
    admit(back, directory.suffix, DOMAIN, "revert.json")
    assert applied(directory, back, tmp_path).whole and back.left_alone == {}
    assert state(directory) == before


def test_one_that_cannot_be_resumed_is_listed_beside_one_that_can(directory: MemoryDirectory, tmp_path: Path) -> None:
    made = planned(directory, "resume", bulk.selected(directory, narrowed(school="9990001X")))
    assert [one.uid for one in made.changes] == ["a2"]
    assert made.left_alone == {"a3": "a3 is blocked: it returns with a new password"}
    assert applied(directory, made, tmp_path).whole


def test_many_change_class_and_back(directory: MemoryDirectory, tmp_path: Path) -> None:
    chosen = bulk.listed(directory, b"a0\na1\nnobody\n")
    made = planned(directory, "profile", chosen, "convergence")
    assert made.counts() == {"profile": 2} and made.left_alone == {"nobody": "no account has this log-in or address"}
    assert applied(directory, made, tmp_path).whole
    assert directory.entries[f"uid=a0,ou=people,{directory.suffix}"].attributes["mpProfile"] == ["convergence"]
    back = revert("20260901-060000-3f2a", made, directory, lambda _uids: (), NOW)
    assert back.counts() == {"profile": 2}
    assert applied(directory, back, tmp_path).whole
    assert directory.entries[f"uid=a0,ou=people,{directory.suffix}"].attributes["mpProfile"] == ["roundcube"]


def test_the_acts_have_the_names_that_the_command_offers() -> None:
    assert tuple(bulk.acts(NOW)) == bulk.NAMES
