"""ansible-lint, with one call of `ansible-playbook --syntax-check` for all roles and playbooks instead of one for each.

Each call reads Ansible and the collection anew, which took more than half of the linter's time. Where the one call
finds a fault, ansible-lint makes its own, which name the file.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from malleposte.core.paths import VENV_BIN


def readable(roles: Sequence[str], playbooks: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Whether Ansible can read all of these roles and playbooks."""
    plays = [{"hosts": "localhost", "tasks": [{"ansible.builtin.import_role": {"name": role}}]} for role in roles]
    with tempfile.NamedTemporaryFile("w", suffix=".yml", encoding="utf-8") as file:
        yaml.safe_dump(plays, file)
        file.flush()
        words = [str(VENV_BIN / "ansible-playbook"), "--syntax-check", file.name, *playbooks]
        return subprocess.run(words, env=dict(environment), capture_output=True, check=False).returncode == 0


def main(words: Sequence[str]) -> int:
    """Run ansible-lint; return its exit code."""
    from ansiblelint.__main__ import main as lint
    from ansiblelint.runner import Runner

    # These are private: ansible-lint has no other way to do it. If a release renames them, the linter fails.
    collect, each = Runner._collect_syntax_check_files, Runner._run_syntax_check_phase

    def phase(runner: Any, matches: list[Any]) -> list[Any]:
        files: list[Any] = collect(runner)
        roles, playbooks = ([str(one.path) for one in files if one.kind == kind] for kind in ("role", "playbook"))
        quiet = {"PYTHONWARNINGS": "ignore", "ANSIBLE_INVENTORY_ANY_UNPARSED_IS_FAILED": "False"}
        return files if readable(roles, playbooks, {**runner.app.runtime.environ, **quiet}) else each(runner, matches)

    Runner._run_syntax_check_phase = phase  # type: ignore[assignment, method-assign]
    return lint([os.fspath(VENV_BIN / "ansible-lint"), *words])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
