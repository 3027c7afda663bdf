"""Standard output of a deployment: a line a role, a line a failure, a table at the end; all the rest in a log."""

from __future__ import annotations

DOCUMENTATION = """
name: progress
type: stdout
short_description: progress by role and host, with the full account in a log
description:
  - Prints one line for each role that ended, with hosts, time and counts, and one line for each failure.
  - A task that waits for something prints a line every half minute.
  - On a terminal a last line tells the running host and task.
  - At the end a table by host.
  - Results of tasks with C(no_log) are shown nowhere.
author:
  - Malleposte
options:
  log_file:
    description: Path of the full log; none when empty.
    type: str
    default: ""
    env:
      - name: MALLEPOSTE_LOG_FILE
  summary_file:
    description: Path of the summary as JSON (times in seconds, counts by host and role, changes, failures).
    type: str
    default: ""
    env:
      - name: MALLEPOSTE_SUMMARY_FILE
  live:
    description: Whether to keep a last line with the running task; needs a terminal.
    type: bool
    default: false
    env:
      - name: MALLEPOSTE_LIVE
"""

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from ansible import constants
from ansible.plugins.callback import CallbackBase
from ansible_collections.academie.malleposte.plugins.plugin_utils.preload import preload
from ansible_collections.academie.malleposte.plugins.plugin_utils.run_record import (
    RunRecord,
    Segment,
    failure_message,
    one_line,
    table,
)

if TYPE_CHECKING:
    from ansible.executor.stats import AggregateStats
    from ansible.executor.task_result import CallbackTaskResult
    from ansible.inventory.host import Host
    from ansible.playbook import Playbook
    from ansible.playbook.play import Play
    from ansible.playbook.task import Task


WAITING = 30.0  # seconds between two lines about one task that is tried again and again


def _role_of(task: Task) -> str:
    """The role's short name; `facts` for the gathering; `play` for a play's own task."""
    role = getattr(task, "_role", None)
    if role is not None:
        return str(role.get_name()).rpartition(".")[2]
    return "facts" if str(task.action).rpartition(".")[2] in ("setup", "gather_facts") else "play"


def _open_private(path: str) -> TextIO:
    """Opens a file for appending that only its owner reads."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "a", encoding="utf-8")


class CallbackModule(CallbackBase):
    """See DOCUMENTATION."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "academie.malleposte.progress"

    def __init__(self) -> None:
        super().__init__()
        self._record = RunRecord()
        self._log: TextIO | None = None
        self._started: dict[tuple[str, str], float] = {}
        self._waiting: dict[tuple[str, str], float] = {}
        self._item_message: dict[tuple[str, str], str] = {}
        self._check = False
        self._status = False
        self._task = ""

    # ---- writing ----------------------------------------------------------------------------------------------

    def _clear(self) -> None:
        if self._status:
            sys.stdout.write("\r\x1b[K")
            sys.stdout.flush()
            self._status = False

    def _say(self, text: str, color: str | None = None) -> None:
        self._clear()
        self._display.display(text, color=color)
        self._write(text)

    def _live(self, host: str) -> None:
        if self.get_option("live"):
            current = self._record.current
            role = current.role if current else ""
            text = f"[{self._record.elapsed():4.0f} s] {role} · {host} · {self._task}"
            sys.stdout.write("\r\x1b[K" + text[: max(20, self._display.columns - 1)])
            sys.stdout.flush()
            self._status = True

    def _write(self, text: str) -> None:
        if self._log is not None:
            self._log.write(f"{time.strftime('%H:%M:%S')} {text}\n")
            self._log.flush()

    def _end(self, segment: Segment | None) -> None:
        if segment is not None:
            failed = segment.count("failed") + segment.count("unreachable")
            changed = segment.count("changed")
            color = constants.COLOR_ERROR if failed else constants.COLOR_CHANGED if changed else constants.COLOR_OK
            self._say(segment.line(), color)

    # ---- events -----------------------------------------------------------------------------------------------

    def v2_playbook_on_start(self, playbook: Playbook) -> None:
        """Opens the log, and loads what all tasks share."""
        if self.get_option("log_file"):
            self._log = _open_private(self.get_option("log_file"))
        self._write(f"playbook {getattr(playbook, '_file_name', '')}")
        preload(Path(str(constants.DEFAULT_LOCAL_TMP)))

    def v2_playbook_on_play_start(self, play: Play) -> None:
        """A play begins."""
        self._end(self._record.start_play(play.get_name().strip()))
        self._check = bool(play.check_mode)
        self._write(f"PLAY [{play.get_name().strip()}]")

    def v2_playbook_on_no_hosts_matched(self) -> None:
        """A play has no host here; no matter."""
        self._write("no host of this play")

    def v2_playbook_on_task_start(self, task: Task, is_conditional: bool) -> None:
        """A task begins on all hosts."""
        role = _role_of(task)
        self._end(self._record.start_task(role))
        self._task = one_line(str(task.name or task.action), 100)
        self._write(f"TASK [{role} : {self._task}] {task.get_path() or ''}")

    def v2_playbook_on_handler_task_start(self, task: Task) -> None:
        """A handler begins."""
        self.v2_playbook_on_task_start(task, is_conditional=False)

    def v2_runner_on_start(self, host: Host, task: Task) -> None:
        """A task begins on one host."""
        self._started[host.get_name(), str(task._uuid)] = self._record.elapsed()
        self._live(host.get_name())

    def v2_runner_on_ok(self, result: CallbackTaskResult) -> None:
        """A task ended well."""
        self._result(result, "changed" if result.is_changed() else "ok")

    def v2_runner_on_skipped(self, result: CallbackTaskResult) -> None:
        """A task did not apply."""
        self._result(result, "skipped")

    def v2_runner_on_failed(self, result: CallbackTaskResult, ignore_errors: bool = False) -> None:
        """A task failed."""
        self._result(result, "ok" if ignore_errors else "failed")

    def v2_runner_on_unreachable(self, result: CallbackTaskResult) -> None:
        """A host does not answer."""
        self._result(result, "unreachable")

    def v2_runner_item_on_failed(self, result: CallbackTaskResult) -> None:
        """One item of a loop failed: its message says more than the task's."""
        role = _role_of(result.task)
        self._item_message[result.host.get_name(), str(result.task._uuid)] = failure_message(result.result, role)

    def v2_runner_retry(self, result: CallbackTaskResult) -> None:
        """A task is tried again."""
        host, key = result.host.get_name(), (result.host.get_name(), str(result.task._uuid))
        now = self._record.elapsed()
        since = self._started.get(key, now)
        self._write(f"  {host}: again, attempt {result.result.get('attempts', '?')}")
        if now - self._waiting.get(key, since) >= WAITING:
            self._waiting[key] = now
            task = one_line(str(result.task.name or result.task.action), 100)
            self._say(f"         waiting {host} · {_role_of(result.task)} · {task}: for {now - since:.0f} s")

    def v2_on_file_diff(self, result: CallbackTaskResult) -> None:
        """Return the changes inside files (Ansible asks with --diff only). Hidden ones are left out."""
        for diff in self._diffs(result):
            text = self._get_diff(diff)
            if text:
                self._say(text.rstrip("\n"))

    @staticmethod
    def _diffs(result: CallbackTaskResult) -> list[Any]:
        if "censored" in result.result or result.task.no_log:
            return []
        items = result.result.get("results") if result.task.loop else [result.result]
        return [item["diff"] for item in items or [] if item.get("diff") and item.get("changed")]

    def v2_playbook_on_stats(self, stats: AggregateStats) -> None:
        """The run ended."""
        self._end(self._record.end_segment())
        hosts: dict[str, dict[str, int]] = {}
        for name in sorted(stats.processed):
            counts = stats.summarize(name)
            hosts[name] = {
                "ok": counts["ok"],
                "changed": counts["changed"],
                "failed": counts["failures"],
                "skipped": counts["skipped"],
                "unreachable": counts["unreachable"],
                "rescued": counts["rescued"],
            }
        self._say("")
        for line in table(hosts, self._record.elapsed()):
            self._say(line)
        if self.get_option("summary_file"):
            path = Path(self.get_option("summary_file"))
            path.write_text(json.dumps(self._record.summary(hosts), indent=2, ensure_ascii=False) + "\n", "utf-8")
        if self._log is not None:
            self._log.close()
            self._log = None

    # ---- one result -------------------------------------------------------------------------------------------

    def _result(self, result: CallbackTaskResult, status: str) -> None:
        host = result.host.get_name()
        role = _role_of(result.task)
        task = one_line(str(result.task.name or result.task.action), 100)
        key = (host, str(result.task._uuid))
        took = self._record.elapsed() - self._started.pop(key, self._record.elapsed())
        message = ""
        if status in ("failed", "unreachable"):
            message = self._item_message.pop(key, "") or failure_message(result.result, role)
        self._record.add(host, status, task, message)
        exception = result.result.pop("exception", None)
        self._clear()
        self._handle_warnings_and_exception(result)
        self._write(f"  {host}: {status} in {took:.2f} s")
        if status != "skipped" and role != "facts":  # facts hold the controller's or host's whole environment
            self._write(f"    {self._dump_results(result.result)}")
        if exception and "censored" not in result.result:
            self._write(str(exception))
        if message:
            self._say(f"{status.upper()} {host} · {role} · {task}: {message}", constants.COLOR_ERROR)
        elif status == "changed" and (self._check or self._display.verbosity):
            verb = "would change" if self._check else "changed"
            self._say(f"         {verb} {host} · {role} · {task}", constants.COLOR_CHANGED)
