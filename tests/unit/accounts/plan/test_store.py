"""Plans that the directory's host keeps."""

import datetime
import os
from dataclasses import replace
from pathlib import Path

import pytest
from malleposte.accounts.plan import store as plans
from malleposte.accounts.plan.changes import Change, Kind, Plan
from malleposte.core.errors import InputError

NOW = datetime.datetime(2026, 11, 26, 8, 15, tzinfo=datetime.UTC)
MADE = Plan("ac-exemple.test", "rh.csv", "0", "20261126081500Z", (Change(Kind.CREATE, "anne", "uid=anne", {}, {}),))


def test_a_plan_is_found_by_its_id_and_read_by_its_owner_alone(tmp_path: Path) -> None:
    folder = tmp_path / "plans"
    ident = plans.keep(MADE, NOW, folder)
    assert ident.startswith("20261126-081500-")
    assert list(plans.load(ident, folder).changes) == list(MADE.changes)
    (kept,) = folder.iterdir()
    assert (kept.stat().st_mode & 0o777, folder.stat().st_mode & 0o777) == (0o600, 0o700)
    assert list(plans.load(str(kept), folder).changes) == list(MADE.changes), "on this host, its file does as well"


@pytest.mark.parametrize("name", ["20261126-081500-ffff", "plan.json", "../plan", "x" * 300])
def test_a_plan_that_is_not_kept_is_said(tmp_path: Path, name: str) -> None:
    with pytest.raises(InputError, match="no plan"):
        plans.load(name, tmp_path)


def test_the_kept_plans_are_listed_the_newest_first(tmp_path: Path) -> None:
    assert list(plans.heads(tmp_path / "none")) == []
    old = plans.keep(MADE, NOW, tmp_path)
    new = plans.keep(replace(MADE, changes=(), reverts=old), NOW + datetime.timedelta(hours=1), tmp_path)
    assert [(one.ident, one.feed, one.counts, one.reverts) for one in plans.heads(tmp_path)] == [
        (new, "rh.csv", {}, old), (old, "rh.csv", {"create": 1}, ""),
    ]  # fmt: skip
    (tmp_path / f"{plans.keep(MADE, NOW, tmp_path)}.json").write_text("{")
    assert [one.reverts for one in plans.reverting(old, tmp_path)] == [old], "a broken one beside them is none"
    (tmp_path / f"{new}.json").write_text("{}")
    with pytest.raises(InputError, match=f"{new}.json: not a plan"):
        list(plans.heads(tmp_path))


def test_an_old_plan_goes_when_another_is_made(tmp_path: Path) -> None:
    old, young = (tmp_path / f"{plans.keep(MADE, NOW, tmp_path)}.json" for _ in range(2))
    for path, days in ((old, 31), (young, 29)):
        os.utime(path, times=((NOW - datetime.timedelta(days=days)).timestamp(),) * 2)
    plans.keep(MADE, NOW, tmp_path)
    assert (old.exists(), young.exists()) == (False, True)
