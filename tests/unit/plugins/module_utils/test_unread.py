"""Units that have not read their files since these changed."""

from pathlib import Path

import pytest
from ansible_collections.academie.malleposte.plugins.module_utils import unread


@pytest.mark.parametrize(
    ("marker", "changed", "stale"),
    [
        ("boot-1 5000\n", 4999, True),
        ("boot-1 5000\n", 5001, False),
        ("boot-0 5000\n", 10, False),
        ("", 10, False),
        ("boot-1 torn", 10, False),
    ],
)
def test_a_unit_is_stale_when_it_runs_since_before_its_files(marker: str, changed: int, stale: bool) -> None:
    assert unread.is_stale(marker, "boot-1", changed) is stale


def test_a_unit_without_a_marker_or_that_does_not_run_is_not_stale(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(unread, "MARKERS", str(tmp_path))
    states = {"old.service": "active", "stopped.service": "inactive", "new.service": "active", "gone.service": ""}
    for unit in ("old.service", "stopped.service", "gone.service"):
        (tmp_path / unit).write_text(f"{unread.boot_id()} 5000\n")

    def run(argv: list[str]) -> str:
        state = states[argv[-1]]
        return f"ActiveState={state}\nStateChangeTimestampMonotonic=4999\n" if state else ""

    assert unread.stale(list(states), run) == ["old.service"]
