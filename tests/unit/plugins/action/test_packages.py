"""The packages action: apt is asked unless the facts show every package."""

from typing import Any

import pytest
from ansible.errors import AnsibleActionFail
from ansible.playbook.task import Task

from plugins.action.packages import ActionModule


def run(
    monkeypatch: pytest.MonkeyPatch, args: dict[str, Any], facts: dict[str, Any]
) -> tuple[dict[str, Any], list[Any]]:
    asked: list[Any] = []

    def execute(_self: ActionModule, name: str, arguments: dict[str, Any], **_named: Any) -> dict[str, Any]:
        asked.append((name, arguments))
        return {"changed": True}

    monkeypatch.setattr(ActionModule, "_execute_module", execute)
    monkeypatch.setattr("ansible.plugins.action.ActionBase.run", lambda *_args, **_named: {})
    task = Task()
    task.args = args
    action = ActionModule(task, None, None, None, None, None)  # type: ignore[arg-type]
    return action.run(task_vars={"ansible_facts": facts}), asked


def test_nothing_is_asked_of_a_host_that_has_them_all(monkeypatch):
    result, asked = run(monkeypatch, {"name": ["slapd", "ldap-utils"]}, {"packages": {"slapd": [], "ldap-utils": []}})
    assert (result["changed"], asked) == (False, [])


def test_a_host_that_needs_none_is_asked_nothing(monkeypatch):
    result, asked = run(monkeypatch, {"name": []}, {})
    assert (result["changed"], asked) == (False, [])


@pytest.mark.parametrize("facts", [{}, {"packages": {}}, {"packages": {"slapd": []}}])
def test_apt_is_asked_where_one_is_missing_or_nothing_is_known(monkeypatch, facts):
    result, asked = run(monkeypatch, {"name": ["slapd", "ldap-utils"]}, facts)
    [(name, arguments)] = asked
    assert (result["changed"], name) == (True, "ansible.builtin.apt")
    assert (arguments["name"], arguments["install_recommends"]) == (["slapd", "ldap-utils"], False)


@pytest.mark.parametrize("args", [{}, {"name": None}, {"name": "slapd", "state": "absent"}, {"name": [1]}])
def test_anything_else_is_refused(monkeypatch, args):
    with pytest.raises(AnsibleActionFail, match="give name"):
        run(monkeypatch, args, {})
