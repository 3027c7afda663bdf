"""The ports of agents while the filter of mail is away."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.unit.roles.test_reports import Facts, Host, given

WAYS = re.compile(r"^(\d+|smtpd) +(?:inet|pass) .*\bsmtpd\n((?:  -o .*\n)+)", re.MULTILINE)


@pytest.mark.parametrize(
    ("action", "submission"), [("tempfail", "shutdown"), ("accept", "accept"), ("reject", "reject")]
)
def test_no_session_begins_where_agents_log_in_while_the_filter_is_away(
    tmp_path: Path, action: str, submission: str
) -> None:
    """With tempfail, AUTH is refused with 454, which programs show as a wrong password; port 25 has no AUTH."""

    def edit(facts: Facts) -> None:
        if action != "tempfail":
            facts["postfix_milter_default_action"] = action

    host = Host(given(tmp_path / "inventory", edit))
    ways = dict(WAYS.findall(host.file("postfix", "postfix/master.cf")))
    assert {"587", "465"} < set(ways)
    for name, options in ways.items():
        logs_in = "smtpd_sasl_auth_enable=yes" in options
        assert (f"  -o milter_default_action={submission}\n" in options) == logs_in, name
        assert ("  -o smtpd_milters=$agents_milters\n" in options) == logs_in, name
    main = host.file("postfix", "postfix/main.cf.mx")
    assert f"\nmilter_default_action = {action}\n" in main
    # The guard has an action of its own, whatever the others have.
    filters = dict(re.findall(r"^(\w+_milters) = (.*)$", main, re.MULTILINE))
    assert "guard.sock" in filters["agents_milters"]
    assert re.findall(r"default_action=(\w+)", filters["agents_milters"]) == ["shutdown"]
    assert re.findall(r"default_action=(\w+)", filters["smtpd_milters"]) == ["tempfail"]
