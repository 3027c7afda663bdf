"""The probe, walked by a host (role prober): as agents do, with two accounts of its own that write to each other alone.

Usage: vault-probe [--check]. systemd hands over the plan: names, accounts, the name of the calendar of school holidays.
The results are a file of measures (malleposte.watch.textfile), and whether this is a day of school holidays another.
"""

from __future__ import annotations

import datetime
import json
import os
import secrets
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from malleposte.core.errors import ExitCode
from malleposte.core.loops import named
from malleposte.groupware.published import days, model
from malleposte.probe.walker import walk
from malleposte.probe.walker.https import Browser
from malleposte.probe.walker.plan import Plan
from malleposte.runtime import kit
from malleposte.watch import textfile
from malleposte.watch.textfile import Metric, metric

PLAN = "probe.json"
"""The name under which systemd hands over the plan."""
PROGRAM, HOLIDAYS = "probe", "holidays"


@dataclass(frozen=True)
class Task:
    """One run: the plan of the paths; the name of the calendar of school holidays, empty where there is none."""

    plan: Plan
    holidays: str


def read() -> Task:
    """The task of this host. Raises OSError, ValueError, KeyError, TypeError."""
    raw = json.loads((Path(os.environ["CREDENTIALS_DIRECTORY"]) / PLAN).read_text("utf-8"))
    return Task(Plan.parse({**raw["plan"], "token": secrets.token_hex(6)}), str(raw["holidays"]))


def measured(results: Iterable[Mapping[str, Any]], now: float) -> list[Metric]:
    """The metrics of a run. A path that could not be tested has none."""
    walked = [one for one in results if one["status"] != "not tested"]
    return [
        metric(
            "malleposte_probe_ok", "Whether a path of the probe works (1) or fails (0)",
            *((float(one["status"] == "ok"), {"path": str(one["name"])}) for one in walked),
        ),
        metric(
            "malleposte_probe_seconds", "Duration of a path of the probe in seconds",
            *((one["ms"] / 1000, {"path": str(one["name"])}) for one in walked),
        ),
        metric("malleposte_probe_last_run_seconds", "When the probe last ended, in seconds since 1970", now),
    ]  # fmt: skip


def holiday(plan: Plan, name: str, day: datetime.date) -> Metric:
    """Whether a day is one of school holidays, by the calendar of agents. Raises what the walker raises."""
    page = Browser(plan, f"calendriers.{plan.domain}").get(f"/{model.ident(name)}.ics").expect(200, what="the calendar")
    text = "Whether this day is one of school holidays (1) or not (0)"
    return metric("malleposte_school_holiday", text, float(days.holds(page.text, day)))


def run(task: Task, folder: Path = textfile.FOLDER) -> int:
    """Walk, say what fails, write the measures; the exit code is 0 whatever the paths do."""
    results = list(walk.side_by_side(task.plan, walk.WATCHED))
    for one in results:
        if one["status"] == "failed":
            kit.say(f"<4>{one['name']}: {one['detail']}")
    now = time.time()
    textfile.write(folder, PROGRAM, measured(results, now), now)
    if task.holidays:
        with named(lambda line: kit.say(f"<4>{line}"), "school holidays"):
            today = datetime.datetime.now().astimezone().date()
            textfile.write(folder, HOLIDAYS, [holiday(task.plan, task.holidays, today)], now)
    else:
        textfile.path(folder, HOLIDAYS).unlink(missing_ok=True)
    return ExitCode.DONE


def main(words: Sequence[str]) -> int:
    """See the usage above; the exit code."""
    return kit.start(words, "vault-probe", __doc__ or "", read, run, files=())
