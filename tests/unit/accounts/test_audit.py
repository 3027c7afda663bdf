"""The audit of the help desk: its lines of the journal, and none of a spreadsheet's formulas."""

import csv
import gzip
import io
import json
import os
from pathlib import Path
from typing import Any

import pytest
from malleposte.accounts import audit


def line(action: str, account: str = "mdupond", by: str = "adesk", day: str = "2026-11-02", **more: Any) -> str:
    held = {"time": f"{day}T08:00:00.000+00:00", "who": "accountd:pia1", "action": action, "account": account, "by": by}
    return json.dumps(held | more) + "\n"


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    path = tmp_path / "accounts.jsonl"
    old = tmp_path / "accounts.jsonl.1.gz"
    old.write_bytes(gzip.compress(line("desk-block", day="2026-10-30", note="piraté").encode()))
    os.utime(old, (1, 1))
    path.write_text(
        line("change") + "no JSON\n[]\n" + line("desk-aloud", note='=HYPERLINK("x")', source="192.0.2.7")
        + line("desk-refused", "chef", "bdesk", call="desk_block", why="protected"), "utf-8",
    )  # fmt: skip
    return path


def test_the_acts_of_the_help_desk_alone_oldest_first(journal: Path) -> None:
    rows = list(audit.acts(journal))
    assert [(row["action"], row["account"], row["by"], row["reason"]) for row in rows] == [
        ("block", "mdupond", "adesk", "piraté"),
        ("aloud", "mdupond", "adesk", '=HYPERLINK("x")'),
        ("refused", "chef", "bdesk", ""),
    ]
    assert (rows[2]["call"], rows[2]["why"], rows[1]["source"]) == ("desk_block", "protected", "192.0.2.7")


@pytest.mark.parametrize(
    ("asked", "actions"),
    [
        ({"since": "2026-11-01"}, ["aloud", "refused"]),
        ({"by": "bdesk"}, ["refused"]),
        ({"account": "mdupond"}, ["block", "aloud"]),
        ({"account": "nobody"}, []),
    ],
)
def test_a_day_a_person_an_account(journal: Path, asked: dict[str, str], actions: list[str]) -> None:
    assert [row["action"] for row in audit.acts(journal, **asked)] == actions


def test_no_reason_is_a_formula_in_a_spreadsheet(journal: Path) -> None:
    text = "".join(audit.table(audit.acts(journal)))
    head, *rows = csv.reader(io.StringIO(text), delimiter=";")
    assert tuple(head) == audit.COLUMNS
    reasons = [row[audit.COLUMNS.index("reason")] for row in rows]
    assert reasons == ["piraté", '\'=HYPERLINK("x")', ""]
