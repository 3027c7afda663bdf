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
    result, asked = run(monkeypatch, {"name": ["slapd", "ldap-utils"]}, {"installed": "ldap-utils slapd"})
    assert (result["changed"], asked) == (False, [])


def test_a_host_that_needs_none_is_asked_nothing(monkeypatch):
    result, asked = run(monkeypatch, {"name": []}, {})
    assert (result["changed"], asked) == (False, [])


@pytest.mark.parametrize(
    "facts", [{}, {"installed": ""}, {"installed": "slapd"}, {"installed": "slapd-contrib ldap-utils"}]
)
def test_apt_is_asked_where_one_is_missing_or_nothing_is_known(monkeypatch, facts):
    result, asked = run(monkeypatch, {"name": ["slapd", "ldap-utils"]}, facts)
    [(name, arguments)] = asked
    assert (result["changed"], name) == (True, "ansible.builtin.apt")
    assert (arguments["name"], arguments["install_recommends"]) == (["slapd", "ldap-utils"], False)
    assert (arguments["update_cache"], arguments["cache_valid_time"]) == (True, 43200)


def test_lists_are_as_fresh_as_the_role_wants_them(monkeypatch):
    _result, [(_name, arguments)] = run(monkeypatch, {"name": "slapd", "cache_valid_time": 60}, {})
    assert (arguments["update_cache"], arguments["cache_valid_time"]) == (True, 60)


def test_what_is_not_wanted_is_removed_where_it_is_and_where_nothing_is_known(monkeypatch):
    wanted = {"name": ["sogo-activesync"], "state": "absent"}
    result, asked = run(monkeypatch, wanted, {"installed": "sogo"})
    assert (result["changed"], asked) == (False, [])
    for facts in ({}, {"installed": "sogo sogo-activesync"}):
        result, [(_name, arguments)] = run(monkeypatch, wanted, facts)
        assert (result["changed"], arguments["state"], "update_cache" in arguments) == (True, "absent", False)


@pytest.mark.parametrize(
    "args", [{}, {"name": None}, {"name": "slapd", "state": "latest"}, {"name": "slapd", "purge": True}, {"name": [1]}]
)
def test_anything_else_is_refused(monkeypatch, args):
    with pytest.raises(AnsibleActionFail, match="give name"):
        run(monkeypatch, args, {})
