"""`sogo-tool`: what it says of a failure, in words."""

from __future__ import annotations

import pytest
from malleposte.adapters.sogo import tool

STAMP = "2026-11-29 14:42:10.123 sogo-tool[1234:1234] "


@pytest.mark.parametrize(
    ("said", "meaning"),
    [
        (f"{STAMP}user 'anne' unknown", "it does not know the account"),
        (f"{STAMP}ERROR: could not connect to database", "its database does not answer"),
        (
            f"{STAMP}<0x0x55d[SOGoCache]> Cache cleanup interval set every 300.000000 seconds\n",
            "sogo-tool ended with 1",
        ),
        (f"{STAMP}<0x0x55d[SOGoToolRestore]> disk quota exceeded", "disk quota exceeded"),
        ("", "sogo-tool ended with 1"),
    ],
)
def test_a_failure_is_told_without_the_tool_s_stamps(said: str, meaning: str) -> None:
    assert tool.reason(1, said) == meaning
