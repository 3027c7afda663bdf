"""One act on many accounts: who is meant, what is refused, and the way back."""

import datetime
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.journal import Journal
from malleposte.accounts.life.base import ASKED
from malleposte.accounts.plan import brakes, bulk, lines, show
from malleposte.accounts.plan.admit import admit
from malleposte.accounts.plan.apply import Outcome, apply
from malleposte.accounts.plan.changes import Change, Departures, Kind, Plan
from malleposte.accounts.plan.revert import revert
from malleposte.accounts.search import narrowed
from malleposte.core.errors import InputError, MallepostError
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


def gone(directory: MemoryDirectory, *uids: str, archive: bool = True) -> None:
    """Suspend accounts, long ago."""
    for uid in uids:
        after = {"mpState": ["suspended"], "mpStateChanged": ["20250801060000Z"]}
        after |= {"mpArchived": ["20251001060000Z"]} if archive else {}
        directory.modify(f"uid={uid},ou=people,{directory.suffix}", after)


class Removing:
    """Removes accounts from a directory as a removal does; those of `stuck` cannot be, and it dies after some."""

    def __init__(self, directory: MemoryDirectory, dies_after: int = 100) -> None:
        self.directory, self.dies_after = directory, dies_after
        self.stuck: set[str] = set()
        self.asked: list[str] = []

    def __call__(self, change: Change) -> None:
        self.asked.append(change.uid)
        if change.uid in self.stuck:
            raise MallepostError(f"{change.uid}: mail1: away")
        if len(self.asked) > self.dies_after:
            raise KeyboardInterrupt
        self.directory.delete(change.dn)


def removed(directory: MemoryDirectory, made: Plan, folder: Path, removing: Removing) -> Outcome:
    with Journal(folder / "journal.jsonl", "essai@poste") as journal:
        return apply(made, directory, journal, remove=removing)


def test_those_who_left_long_ago_and_are_archived_are_removed_others_are_listed(
    directory: MemoryDirectory, tmp_path: Path
) -> None:
    gone(directory, "a0", "a1")
    gone(directory, "a3", archive=False)
    made = planned(directory, "purge", bulk.selected(directory, narrowed(school="9990001X")))
    assert [(one.kind, one.uid, one.after) for one in made.changes] == [("purge", "a0", {}), ("purge", "a1", {})]
    assert made.left_alone == {
        "a2": "a2 has been suspended for 31 days, of 365",
        "a3": "a3 has no archive of since its suspension",
    }
    assert "  a0                       Anne Nom0, archived" in list(show.lines(made, {}))
    assert "removed for good;a0;Anne Nom0;state;suspended;removed;" in "".join(show.table(made, {}))
    outcome = removed(directory, made, tmp_path, Removing(directory))
    assert (outcome.done, outcome.whole) == (2, True)
    assert [entry.attributes["uid"] for entry in directory.search("people", ["uid"])] == [["a2"], ["a3"]]


def test_a_removal_that_was_killed_and_typed_again_ends_the_same(directory: MemoryDirectory, tmp_path: Path) -> None:
    gone(directory, "a0", "a1", "a2", "a3")
    made = planned(directory, "purge", bulk.selected(directory, narrowed(school="9990001X")))
    with pytest.raises(KeyboardInterrupt):
        removed(directory, made, tmp_path, Removing(directory, dies_after=2))
    outcome = removed(directory, made, tmp_path, Removing(directory))
    assert (outcome.done, outcome.already, outcome.whole) == (2, 2, True)
    assert not any(directory.search("people", ["uid"]))


def test_who_was_taken_up_again_since_the_plan_is_not_removed(directory: MemoryDirectory, tmp_path: Path) -> None:
    gone(directory, "a0", "a1")
    made = planned(directory, "purge", bulk.listed(directory, b"a0\na1\n"))
    directory.modify(f"uid=a0,ou=people,{directory.suffix}", {"mpState": ["active"]})
    removing = Removing(directory)
    outcome = removed(directory, made, tmp_path, removing)
    assert removing.asked == ["a1"]
    assert [(one.change.uid, "changed since the plan" in one.reason) for one in outcome.skipped] == [("a0", True)]


def test_a_host_that_went_away_is_waited_for_three_times_alone(directory: MemoryDirectory, tmp_path: Path) -> None:
    gone(directory, "a0", "a1", "a2", "a3")
    made = planned(directory, "purge", bulk.selected(directory, narrowed(school="9990001X")))
    removing = Removing(directory)
    removing.stuck = {"a0", "a1", "a2", "a3"}
    outcome = removed(directory, made, tmp_path, removing)
    assert removing.asked == ["a0", "a1", "a2"]
    reasons = ["a0: mail1: away", "a1: mail1: away", "a2: mail1: away", "was not tried"]
    assert [(one.reason + ":").partition(": those")[0].rstrip(":") for one in outcome.skipped] == reasons
    removing.stuck, removing.asked = {"a0"}, []
    outcome = removed(directory, made, tmp_path, removing)
    assert removing.asked == ["a0", "a1", "a2", "a3"] and outcome.done == 3


def test_before_the_time_it_needs_a_reason_and_many_need_force(directory: MemoryDirectory) -> None:
    chosen = bulk.selected(directory, narrowed(state="suspended"))
    does = bulk.acts(NOW, override="essais")["purge"]
    made = bulk.plan("purge", does, chosen, directory, DOMAIN, NOW)
    assert [(one.uid, one.note) for one in made.changes] == [("a2", "before its time: essais")]
    many = [Change(Kind.PURGE, f"b{n}", f"uid=b{n},ou=people,{directory.suffix}") for n in range(6)]
    few = Plan(DOMAIN, "purge", "", "", many[:5], departures=Departures(0, 20))
    brakes.demand(few, brakes.USUAL)
    with pytest.raises(brakes.TooManyChangesError, match="6 of 20 agents would be removed for good"):
        brakes.demand(replace(few, changes=many), brakes.USUAL)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        ({"before": {"mpState": ["active"]}}, "who is not suspended"),
        ({"after": {"mpState": ["active"]}}, "changes facts"),
        ({"before": {"mpState": ["suspended"], "userPassword": ["x"]}}, "changes facts"),
        ({"dn": "uid=a2,ou=functional,dc=ac-exemple,dc=test"}, "is not where"),
    ],
)
def test_a_file_that_removes_somebody_else_is_refused(
    directory: MemoryDirectory, changed: dict[str, Any], why: str
) -> None:
    (good,) = bulk.acts(NOW, override="essais")["purge"](next(iter(directory.search("people", ASKED, {"uid": "a2"}))))
    whole = Plan(DOMAIN, "purge", "", "", [good], departures=Departures(0, 4))
    admit(whole, directory.suffix, DOMAIN, "plan.json")
    with pytest.raises(InputError, match=why):
        admit(replace(whole, changes=[replace(good, **changed)]), directory.suffix, DOMAIN, "plan.json")
