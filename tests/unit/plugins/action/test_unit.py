"""The unit action: a dry run over a host that does not have a unit yet goes on; all else is the module's answer."""

from typing import Any

import pytest
from ansible.playbook.task import Task

from plugins.action.unit import MODULE, ActionModule

UNKNOWN = "Could not find the requested service hostd.socket: host"
ARGS = {"name": "hostd.socket", "state": "started"}


def run(monkeypatch: pytest.MonkeyPatch, answer: dict[str, Any], *, check: bool) -> dict[str, Any]:
    def execute(_self: ActionModule, name: str, arguments: dict[str, Any], **_named: Any) -> dict[str, Any]:
        assert (name, arguments) == (MODULE, ARGS)
        return answer

    monkeypatch.setattr(ActionModule, "_execute_module", execute)
    monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_args, **_named: {})
    task = Task()
    task.args = dict(ARGS)
    task.check_mode = check
    return ActionModule(task, None, None, None, None, None).run(task_vars={})  # type: ignore[arg-type]


def test_a_dry_run_counts_a_unit_that_is_to_come_as_a_change(monkeypatch):
    found = run(monkeypatch, {"failed": True, "msg": UNKNOWN}, check=True)
    assert (found["changed"], "failed" in found) == (True, False)
    assert found["msg"].startswith("hostd.socket is not on the host yet")


@pytest.mark.parametrize(("answer", "check"), [
    ({"failed": True, "msg": UNKNOWN}, False),
    ({"failed": True, "msg": "Unable to start service hostd.socket"}, True),
    ({"changed": False, "state": "started"}, True),
])  # fmt: skip
def test_every_other_answer_is_passed_on(monkeypatch, answer, check):
    assert run(monkeypatch, dict(answer), check=check) == answer
