"""Users that roles make and units run as: none of their names is given to a person."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from malleposte.accounts import names

from .conftest import ROLES, load, task_files, tasks_in

OUTSIDE = "world_"
"""The beginning of the roles of the lab's outside world, which has no agents."""
_VARIABLE = re.compile(r"\{\{ (\w+) \}\}")
_RUNS_AS = re.compile(r"^User=(\S+)$", re.MULTILINE)


def made_by(role: Path) -> Iterator[str]:
    """The users that a role makes, or runs a unit as; what a loop or an academy's own value names is left out."""
    known = {**(load(role / "defaults/main.yml") or {}), **(load(role / "vars/main.yml") or {})}
    tasks = [task for path in task_files(role) for task in tasks_in(load(path))]
    made = [task[key]["name"] for task in tasks for key in task if key.rsplit(".", 1)[-1] == "user"]
    sets = [task.get("academie.malleposte.config_set") or {} for task in tasks]
    made += [one["user"]["name"] for one in sets if "user" in one]
    runs = [name for path in role.rglob("*.j2") for name in _RUNS_AS.findall(path.read_text("utf-8"))]
    for name in (*made, *runs):
        whole = _VARIABLE.sub(lambda found: str(known.get(found[1], found[0])), name)
        if "{{" not in whole and whole:
            yield whole


def test_users_of_units_and_of_tasks_are_found() -> None:
    found = {name for role in ROLES for name in made_by(role)}
    assert {"accountd", "lemonldap", "malleposte-record", "stunnel4"} <= found


@pytest.mark.parametrize(
    "role", [role for role in ROLES if not role.name.startswith(OUTSIDE)], ids=lambda one: one.name
)
def test_no_person_is_given_the_name_of_a_system_user(role: Path) -> None:
    assert [name for name in made_by(role) if not names.reserved(name)] == []
