"""Runs a module of the collection as Ansible does: its arguments on standard input, its result on standard output."""

import atexit
import functools
import json
from pathlib import Path
from typing import Any

from tests.support.forks import Forks

ROOT = Path(__file__).resolve().parents[2]
SHARED = """
import sys
sys.path.insert(0, {collections!r})
import runpy
import ansible.module_utils.basic, ansible.module_utils.testing
"""
CODE = """
import json, runpy, sys
from ansible.module_utils.testing import patch_module_args
before, module, given = sys.argv
exec(before)
with patch_module_args(json.loads(given)):
    runpy.run_path(module, run_name="__main__")
"""


@functools.cache
def forks() -> Forks:
    """The interpreter of all modules; it ends with the tests."""
    made = Forks(SHARED.format(collections=str(ROOT / ".ansible/collections")))
    atexit.register(made.end)
    return made


def run_module(name: str, /, check: bool = False, before: str = "", **arguments: Any) -> dict[str, Any]:
    """The module's result. `before` is Python run in its process first, to watch what it calls."""
    arguments |= {"_ansible_check_mode": check, "_ansible_remote_tmp": "/tmp", "_ansible_keep_remote_files": False}
    done = forks().run(CODE, before, str(ROOT / f"plugins/modules/{name}.py"), json.dumps(arguments))
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    return result
