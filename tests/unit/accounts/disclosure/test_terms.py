"""The facts that an act changed, in French words."""

from typing import Any

import pytest
from malleposte.accounts.disclosure import lines, terms


@pytest.mark.parametrize(
    ("held", "told"),
    [
        ({"action": "modify", "before": {"mpFunction": ["A"]}, "after": {"mpFunction": ["B"], "mpCorps": ["C"]}},
         ["corps", "fonction"]),
        ({"action": "modify", "before": {"mpquota": ["1"]}, "after": {"mpQuota": ["1"]}}, []),
        ({"action": "profile", "after": {"mpProfile": ["convergence"]}}, ["classe de service"]),
        ({"action": "suspend", "after": {"mpState": ["suspended"], "mpStateChanged": ["x"]}}, []),
        ({"action": "create", "after": {"mail": ["a@b.test"]}}, []),
        ({"action": "reset", "after": {"userPassword": "***", "mpNumen": ["k:x"]}}, []),
        ({"action": "senders"}, []),
    ],
)  # fmt: skip
def test_the_facts_that_changed_are_named_and_no_secret_is(held: dict[str, Any], told: list[str]) -> None:
    assert terms.changed(held) == told


def test_a_line_of_the_journal_has_them() -> None:
    raw = '{"time": "t", "who": "root", "action": "modify", "uid": "x", "after": {"mpFunction": ["B"]}}'
    shown = lines.line(raw)
    assert shown is not None and shown.changed == "fonction"
    assert not [words for words in terms.FACTS.values() if lines.BETWEEN in words]
