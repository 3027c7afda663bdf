"""The night brings `mpTwoFactor` in step with the factors at the log-in page, both ways."""

import datetime
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts.acts import Tools
from malleposte.accounts.hosts.every import Hosts
from malleposte.accounts.journal import Journal
from malleposte.accounts.life import nightly, steps
from malleposte.accounts.life.rules import LifeRules
from malleposte.adapters.lemonldap import Factor
from malleposte.directory.model import Agent, State, agent_attributes

from tests.support.directory import MemoryDirectory
from tests.support.hosts import FakeChannel, FakeHost

NOW = datetime.datetime(2026, 11, 24, 12, 0, tzinfo=datetime.UTC)
TOTP, KEY = Factor("dG90cA==", "totp", "Téléphone", NOW), Factor("a2V5", "webauthn", "Clé", NOW)


@dataclass
class Stage:
    """Two agents, and the host of the log-in page, which holds the factors of `mdupond`."""

    tools: Tools
    directory: MemoryDirectory
    page: FakeHost
    journal: Path
    channel: FakeChannel

    def night(self, *, close: bool = True, dry: bool = False) -> steps.StepResult:
        """The step, as the job does it."""
        told = steps.StepResult("second-factors")
        rules: Any = (None, LifeRules(factors_close=close), self.tools, NOW, dry)
        nightly.STEPS["second-factors"](steps.NightlyRun(*rules), told)
        return told

    def held(self, uid: str = "mdupond") -> list[str]:
        """The attribute."""
        return self.directory.entries[f"uid={uid},ou=people,{self.directory.suffix}"].attributes.get("mpTwoFactor", [])

    def hold(self, uid: str, *kinds: str) -> None:
        """Write the attribute."""
        self.directory.modify(f"uid={uid},ou=people,{self.directory.suffix}", {"mpTwoFactor": list(kinds)})


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    directory = MemoryDirectory()
    for uid in ("mdupond", "sans"):
        one = Agent(uid, "Marie", "Dupond", f"{uid}@ac-exemple.test", "convergence", State.ACTIVE)
        directory.add(one.dn(directory.suffix), agent_attributes(one))
    page, channel = FakeHost("pia1", frozenset(("sso",)), held=[TOTP]), FakeChannel()
    with Journal(tmp_path / "journal.jsonl", "root@essai") as journal:
        tools: Any = Tools(directory, journal, [channel], None, Hosts(directory, [page]))  # type: ignore[arg-type]
        yield Stage(tools, directory, page, tmp_path / "journal.jsonl", channel)


def test_the_fact_holds_for_who_had_a_factor_before_it(stage: Stage) -> None:
    assert stage.night(dry=True).done == ["mdupond:totp"] and stage.held() == []
    assert stage.night().done == ["mdupond:totp"]
    assert (stage.held(), stage.held("sans")) == (["totp"], [])
    assert stage.channel.forgotten == ["mdupond"], "Dovecot remembers whose main password opens a device"
    (line,) = map(json.loads, stage.journal.read_text().splitlines())
    assert (line["account"], line["note"]) == ("mdupond", "in step with the log-in page")
    assert stage.night().done == [] and stage.channel.forgotten == ["mdupond"]


def test_kinds_follow_and_who_has_no_factor_any_more_uses_the_password_again(stage: Stage) -> None:
    stage.hold("mdupond", "totp")
    stage.hold("sans", "totp")
    stage.page.held = [KEY]
    stage.page.factors = lambda uid: [KEY] if uid == "mdupond" else []  # type: ignore[method-assign]
    assert stage.night().done == ["mdupond:webauthn", "sans:none"]
    assert (stage.held(), stage.held("sans")) == (["webauthn"], [])


def test_a_factor_that_was_enrolled_in_the_meantime_stays(stage: Stage) -> None:
    stage.hold("sans", "totp")
    assert stage.night().done == ["mdupond:totp"], "the log-in page is asked again for that one alone"
    assert stage.held("sans") == ["totp"]


def test_without_the_fact_nobody_has_the_attribute(stage: Stage) -> None:
    stage.hold("mdupond", "totp")
    assert stage.night(close=False).done == ["mdupond:none"]
    assert stage.held() == []


def test_a_store_that_was_lost_opens_no_device(stage: Stage) -> None:
    stage.hold("mdupond", "totp")
    stage.page.held = []
    told = stage.night()
    assert (told.done, stage.held()) == ([], ["totp"]) and "no factor of anybody" in told.failures[0]


def test_a_page_that_does_not_answer_is_an_error_and_another_provider_s_factors_are_its_own(stage: Stage) -> None:
    stage.page.down = True
    with pytest.raises(Exception, match="pia1: no route"):
        stage.night()
    stage.page.holds = frozenset(("portal",))
    stage.hold("mdupond", "totp")
    assert stage.night().done == [] and stage.held() == ["totp"]
