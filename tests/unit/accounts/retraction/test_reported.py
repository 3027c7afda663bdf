"""Reports in the DSI's box: how they are read, how many of an agent, and whose message they are of."""

from __future__ import annotations

import datetime
import json
from types import SimpleNamespace
from typing import Any

import pytest
from malleposte.accounts.retraction import owners, reported
from malleposte.accounts.retraction.reported import Report
from malleposte.core.errors import InputError

from .test_retraction import message, to

TODAY = datetime.date(2026, 12, 1)
HEAD = """\
Received: from mx.lointain.test (mx.lointain.test [203.0.113.9])
\tby mail.ac-exemple.test (Postfix) with ESMTPS id 4jdk6h3hl5z7L60
\tfor <a@ac-exemple.test>; Tue, 01 Dec 2026 02:38:04 +0100 (CET)
Received: from world.test by mx.lointain.test (Postfix) with ESMTP id 5EC62EE321
From: =?utf-8?q?Banque_=C3=A9t=C3=A9?= <voleur@lointain.test>
Subject: =?utf-8?q?Votre_bo=C3=AEte?=
Message-ID: <vague@x>
"""


class Doveadm:
    """A box of reports: (number, agent, head of the original)."""

    def __init__(self, *rows: tuple[int, str, str]) -> None:
        self.rows, self.marked, self.asked = rows, list[str](), list[tuple[str, ...]]()

    def __call__(self, *words: str, timeout: float) -> Any:
        assert timeout
        self.asked.append(words)
        given = words[-1].split(",") if words[-2] == "UID" else [str(row[0]) for row in self.rows]
        if "flags" in words:
            self.marked += given
        rows = [
            {"uid": str(number), "hdr.return-path": f"<{by}>", "date.received": "2026-12-01 02:38:05",
             "body.2.header": head}
            for number, by, head in self.rows if str(number) in given
        ]  # fmt: skip
        return SimpleNamespace(stdout=json.dumps(rows))


def test_a_report_says_which_message_it_is_of_and_what_that_showed() -> None:
    (one,) = reported.find("dsi", "ac-exemple.test", TODAY, Doveadm((7, "A@ac-exemple.test", HEAD)))
    assert one.sign == ("4jdk6h3hl5z7L60", "vague@x")
    assert (one.by, one.author, one.subject) == (
        "a@ac-exemple.test",
        "Banque été <voleur@lointain.test>",
        "Votre boîte",
    )


@pytest.mark.parametrize(
    "head", ["", "Received: id\nFrom: =?utf-8?b?%%%?=", "Subject: =?nowhere?q?x?=\n", "From: a\x00b\x1b[31m\n", ":\n\n"]
)
def test_whatever_a_stranger_wrote_is_a_line(head: str) -> None:
    (one,) = reported.find("dsi", "ac-exemple.test", TODAY, Doveadm((7, "a@ac-exemple.test", head)))
    assert one.queue == "" and not set("\x00\x1b\n") & set(one.author + one.subject)


def test_one_agent_hides_nobody_else_s_report() -> None:
    flood = [(number, "a@ac-exemple.test", HEAD) for number in range(2, 400)]
    box = Doveadm((1, "b@ac-exemple.test", HEAD), (400, "", HEAD), *flood)
    rows = reported.find("dsi", "ac-exemple.test", TODAY, box)
    assert [one.by for one in rows].count("a@ac-exemple.test") == reported.EACH
    assert rows[-1].by == "b@ac-exemple.test" and "" not in {one.by for one in rows}


def test_strangers_hide_nobody_s_report() -> None:
    flood = [(number, f"x{number}@lointain.test", HEAD) for number in range(2, 2 * reported.MOST)]
    odd = [(999, '"a@ac-exemple.test>"@lointain.test', HEAD), (998, "b@ac-exemple.test.lointain.test", HEAD)]
    box = Doveadm((1, "b@ac-exemple.test", HEAD), *flood, *odd)
    assert [one.by for one in reported.find("dsi", "ac-exemple.test", TODAY, box)] == ["b@ac-exemple.test"]
    assert box.asked[0][-3:] == ("HEADER", "Return-Path", "@ac-exemple.test>"), "nor those among whom they are chosen"


def test_reports_are_marked_as_answered() -> None:
    box = Doveadm()
    reported.answered("dsi", ["3", "7"], box)
    reported.answered("dsi", [], box)
    assert box.marked == ["3", "7"]


def test_a_report_is_of_what_its_agent_got() -> None:
    report = Report("7", "a@ac-exemple.test", "", "Q1", "vague@x")
    assert owners.got("a", report, [message("Q1", to("a"), to("b"))])
    assert not owners.got("a", report, [message("Q1", to("b"))]), "somebody else's"
    assert not owners.got("a", report, [message("Q2", to("a"))]), "another one"
    assert not owners.got("a", report, [])


def test_a_box_elsewhere_takes_no_reports_here(monkeypatch: pytest.MonkeyPatch) -> None:
    def find(_directory: Any, name: str) -> Any:
        if name != "dsi@ac-exemple.test":
            raise InputError("no functional box")
        return SimpleNamespace(attributes={"uid": ["dsi"]})

    monkeypatch.setattr(owners.boxes, "find", find)
    facts: Any = SimpleNamespace(report_mail="dsi@ac-exemple.test")
    assert owners.report_box(None, facts) == "dsi"  # type: ignore[arg-type]
    for other in ("abuse@ailleurs.test", ""):
        facts.report_mail = other
        assert owners.report_box(None, facts) == ""  # type: ignore[arg-type]
