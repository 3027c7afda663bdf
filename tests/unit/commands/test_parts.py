"""Commands of a group are imported when they are used, and only then."""

import subprocess
import sys

import pytest
from malleposte.commands.accounts import PLACES, command
from malleposte.commands.parts import Parts

ARCHIVE = "malleposte.commands.accounts.archive"
CODE = """
import sys
from malleposte.commands.accounts import command
sorted(command.commands), command.commands["show"], "export" in command.commands
print({module!r} in sys.modules)
command.commands["export"]
print({module!r} in sys.modules)
"""


def test_each_name_leads_to_the_command_that_bears_it() -> None:
    assert {name: command.commands[name].name for name in PLACES} == {name: name for name in PLACES}


def test_what_is_not_used_is_not_imported() -> None:
    run = subprocess.run(
        [sys.executable, "-c", CODE.format(module=ARCHIVE)], capture_output=True, text=True, check=True
    )
    assert run.stdout.split() == ["False", "True"]


def test_an_unknown_name_is_none_of_them() -> None:
    parts = Parts("malleposte.commands.accounts", {"show": "search:show_command"})
    assert (list(parts), len(parts), "show" in parts, "own" in parts) == (["show"], 1, True, False)
    assert parts.get("own") is None
    with pytest.raises(KeyError):
        parts["own"]
