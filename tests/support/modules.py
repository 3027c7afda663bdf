"""Runs a module of the collection as Ansible does: its arguments on standard input, its result on standard output."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
CODE = """
import json, runpy, sys
from ansible.module_utils.testing import patch_module_args
before, module = sys.argv[1:]
given = json.load(sys.stdin)
exec(before)
with patch_module_args(given):
    runpy.run_path(module, run_name="__main__")
"""


def run_module(name: str, /, check: bool = False, before: str = "", **arguments: Any) -> dict[str, Any]:
    """The module's result. `before` is Python run in its process first, to watch what it calls."""
    arguments |= {"_ansible_check_mode": check, "_ansible_remote_tmp": "/tmp", "_ansible_keep_remote_files": False}
    argv = [sys.executable, "-c", CODE, before, str(ROOT / f"plugins/modules/{name}.py")]
    env = {**os.environ, "PYTHONPATH": str(ROOT / ".ansible/collections")}
    done = subprocess.run(argv, input=json.dumps(arguments), capture_output=True, text=True, check=False, env=env)
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result
