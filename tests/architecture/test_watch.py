"""Each alarm of the vaults has its three cases, a place in the run-book, and a severity that somebody answers for."""

from __future__ import annotations

import re

import pytest

from tests.support import watch

from .conftest import ROOT

RULES, CASES = watch.rules(), watch.cases()
SEVERITIES = {"page", "ticket", "heartbeat"}


def test_alarms_and_cases_are_the_same() -> None:
    assert len(RULES) >= 20
    assert list(CASES) and set(CASES) == set(RULES)


@pytest.mark.parametrize("name", RULES)
def test_an_alarm_has_three_cases(name: str) -> None:
    kinds = CASES[name]
    assert set(kinds) == set(watch.KINDS)
    assert {"series", "labels", "summary"} <= set(kinds["rings"])
    for kind in ("silent", "missing"):
        assert "series" in kinds[kind] or kinds[kind].get("because"), f"{name}: {kind}: series, or because"
    missing = kinds["missing"]
    assert ("instead" in missing) != ("because" in missing), f"{name}: missing: instead, or because"
    assert missing.get("instead", name) in RULES


@pytest.mark.parametrize("name", RULES)
def test_an_alarm_is_in_the_run_book(name: str) -> None:
    rule = RULES[name]
    assert rule["labels"]["severity"] in SEVERITIES
    assert rule["annotations"]["summary"]
    file, _, anchor = rule["annotations"]["runbook"].partition("#")
    text = (ROOT / file).read_text("utf-8")
    headings = {heading.lower() for heading in re.findall(r"^### (\w+)$", text, re.MULTILINE)}
    assert anchor in headings, f"{name}: {file} has no ### {name}"


def test_the_run_book_names_no_alarm_that_is_gone() -> None:
    section = (ROOT / "docs/watch.md").read_text("utf-8").partition("## The alarms")[2].partition("\n## ")[0]
    assert set(re.findall(r"^### (\w+)$", section, re.MULTILINE)) == {*RULES, "Heartbeat"}
