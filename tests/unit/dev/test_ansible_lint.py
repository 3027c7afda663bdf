"""The one question to Ansible about the syntax of many roles and playbooks."""

import os
from pathlib import Path

from malleposte.core.paths import ANSIBLE_CFG
from malleposte.dev import ansible_lint

PLAY = "- hosts: localhost\n  tasks: [{ansible.builtin.debug: {msg: x}}]\n"


def test_a_role_and_a_playbook_that_cannot_be_read_are_found_among_others(tmp_path: Path) -> None:
    for name, module in (("right", "ansible.builtin.debug"), ("wrong", "nonsense")):
        (tmp_path / f"{name}/tasks").mkdir(parents=True)
        (tmp_path / f"{name}/tasks/main.yml").write_text(f"- {{name: Say, {module}: {{msg: x}}}}\n")
        (tmp_path / f"{name}.yml").write_text(PLAY.replace("ansible.builtin.debug", module))
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ANSIBLE_CFG)}
    role, play = (str(tmp_path / "right"), str(tmp_path / "right.yml"))
    assert ansible_lint.readable([role], [play], environment)
    assert not ansible_lint.readable([role, str(tmp_path / "wrong"), role], [play], environment)
    assert not ansible_lint.readable([role], [play, str(tmp_path / "wrong.yml"), play], environment)
