"""Every act in the life of an account, and what becomes of its devices."""

import datetime
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts import acts, life
from malleposte.accounts.credentials.passwords import Passwords
from malleposte.accounts.devices import follow, uses
from malleposte.accounts.hosts.model import Removed
from malleposte.accounts.life import nightly, removal, steps
from malleposte.accounts.life.rules import LifeRules
from malleposte.accounts.plan.apply import apply
from malleposte.accounts.plan.changes import Change, Kind, Plan
from malleposte.accounts.used_names import UsedNames
from malleposte.directory.model import first

from .conftest import DOMAIN, NOW, UID, Stage, agent

DAY = datetime.timedelta(days=1)


def state(stage: Stage) -> list[str]:
    return [first(held, "mpState") for held in stage.held()]


def test_a_block_ends_every_device_at_once_and_none_comes_back(stage: Stage) -> None:
    stage.add(), stage.add()
    acts.block(stage.tools, UID, NOW)
    assert stage.held() == []
    stage.directory.expired.clear()
    Passwords(stage.directory, stage.tools.journal).set_after_codes(UID, "Nouveau-Sesame8?", NOW)
    assert stage.held() == [] and acts.entry(stage.directory, UID).attributes["mpState"] == ["active"]
    assert [line["note"] for line in stage.lines() if line["action"] == "device-revoke"] == [
        "the account is blocked"
    ] * 2


def test_a_block_that_was_killed_is_finished_by_the_next(stage: Stage) -> None:
    stage.add()
    stage.directory.modify(agent().dn(stage.directory.suffix), {"mpState": ["blocked"]})
    acts.block(stage.tools, UID, NOW)
    assert stage.held() == []


def test_a_suspended_account_s_devices_rest_until_it_returns(stage: Stage) -> None:
    stage.add()
    acts.suspend(stage.tools, UID, NOW)
    assert state(stage) == ["suspended"]
    acts.resume(stage.tools, UID, NOW)
    assert state(stage) == ["active"]


def test_an_expired_account_s_devices_rest_until_the_password_is_renewed(stage: Stage) -> None:
    stage.add()
    acts.expire(stage.tools, UID, NOW)
    assert state(stage) == ["expired"]
    Passwords(stage.directory, stage.tools.journal).change(UID, "Ancien-Passage7!", "Nouveau-Sesame8?", NOW)
    assert state(stage) == ["active"]


def test_a_new_password_leaves_devices_as_they_are(stage: Stage) -> None:
    stage.add()
    before = stage.held()
    Passwords(stage.directory, stage.tools.journal).change(UID, "Ancien-Passage7!", "Nouveau-Sesame8?", NOW)
    assert stage.held() == before


def test_a_new_name_lets_devices_in_by_the_new_and_the_old_one(stage: Stage) -> None:
    stage.add()
    entry, names = acts.entry(stage.directory, UID), UsedNames(stage.directory)
    changes = life.rename(entry, DOMAIN, names, surname="Martin", log_in="mmartin")
    acts.make(stage.directory, stage.tools.journal, changes)
    (held,) = stage.held()
    assert held["mpDeviceLogin"] == sorted([UID, "mmartin", f"marie.{UID}@{DOMAIN}", f"marie.martin@{DOMAIN}"])


def test_a_change_of_class_goes_to_the_devices(stage: Stage) -> None:
    stage.add()
    acts.set_class(stage.tools, UID, "roundcube")
    assert stage.held()[0]["mpProfile"] == ["roundcube"]


def test_a_feed_s_departure_goes_to_the_devices_also_when_it_was_interrupted(stage: Stage) -> None:
    stage.add()
    dn = agent().dn(stage.directory.suffix)
    gone = Change(Kind.SUSPEND, UID, dn, {"mpState": ["active"]}, {"mpState": ["suspended"]})
    stage.directory.changes, stage.directory.fail_after = 0, 1
    with pytest.raises(ConnectionError):
        apply(Plan("", "", "", "", (gone,)), stage.directory, stage.tools.journal)
    assert state(stage) == ["active"]
    stage.directory.fail_after = None
    assert apply(Plan("", "", "", "", (gone,)), stage.directory, stage.tools.journal).already == 1
    assert state(stage) == ["suspended"]


def test_a_purge_removes_them(stage: Stage, tmp_path: Path) -> None:
    stage.add()
    stage.hosts.empty = lambda uid: Removed()  # type: ignore[attr-defined]
    removal.purge(stage.tools, UID, NOW, pending=tmp_path / "pending")
    assert stage.held() == []


def night(stage: Stage, step: str, now: datetime.datetime = NOW, known: uses.Uses | None = None) -> steps.StepResult:
    told = steps.StepResult(step)
    nightly.STEPS[step](steps.NightlyRun(None, LifeRules(), stage.tools, now, uses=lambda: known), told)  # type: ignore[arg-type]
    return told


def test_the_end_of_a_device_comes_in_time_and_for_that_one_alone(stage: Stage) -> None:
    short, _long = stage.add("Court", expires=NOW + DAY), stage.add("Long")
    assert night(stage, "device-ends").done == []
    assert night(stage, "device-ends", NOW + DAY).done == [f"{UID}:{short.device.ident}"]
    assert [held["mpDeviceName"] for held in stage.held()] == [["Long"]]
    assert stage.hosts.cuts == [(UID, short.device.ident)]


def test_the_nights_mend_what_is_out_of_step(stage: Stage) -> None:
    stage.add()
    stage.directory.modify(agent().dn(stage.directory.suffix), {"mpState": ["suspended"]})
    assert night(stage, "devices").done == [UID] and state(stage) == ["suspended"]
    assert night(stage, "devices").done == []
    stage.directory.delete(agent().dn(stage.directory.suffix))
    assert night(stage, "devices").done == [UID] and stage.held() == []


def test_a_device_that_comes_while_the_night_reads_stays(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    dn, search = agent().dn(stage.directory.suffix).lower(), stage.directory.search
    newcomer = stage.directory.entries.pop(dn)

    def searched(branch: Any, *words: Any) -> Any:
        found = list(search(branch, *words))
        if dn not in stage.directory.entries:
            stage.directory.entries[dn] = newcomer
            stage.add()
        return iter(found)

    monkeypatch.setattr(stage.directory, "search", searched)
    assert night(stage, "devices").done == [] and len(stage.held()) == 1


def test_without_devices_the_night_reads_nobody(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, search = list[str](), stage.directory.search

    def searched(branch: Any, *words: Any) -> Any:
        asked.append(branch)
        return search(branch, *words)

    monkeypatch.setattr(stage.directory, "search", searched)
    night(stage, "devices")
    assert asked == ["devices"]


class Known(uses.Uses):
    """The answers that Valkey would give."""

    def __init__(self, found: dict[str, uses.Use]) -> None:
        self.found = found

    def of(self, devices: Any) -> dict[str, uses.Use]:
        return {name: self.found[name] for name in devices if name in self.found}


def test_the_nights_keep_the_last_use(stage: Stage) -> None:
    made = stage.add()
    night(stage, "devices", known=Known({made.device.ident: uses.Use(NOW, "192.0.2.7")}))
    (device,) = follow.of(stage.directory, UID)
    assert (device.used, device.place) == (NOW, "192.0.2.7")
    night(stage, "devices", known=Known({made.device.ident: uses.Use(NOW - DAY, "192.0.2.9")}))
    assert follow.of(stage.directory, UID)[0].place == "192.0.2.7"


def test_what_devices_copy_is_what_they_follow() -> None:
    assert follow.concerns(["mpState"]) and follow.concerns(["mail", "cn"])
    assert not follow.concerns(["mpQuota", "mpRecoveryMail", "mpBlockedUntil"])
