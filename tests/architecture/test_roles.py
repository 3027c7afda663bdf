"""One role, one daemon, its own variables: rules 1 to 4, 9 and 10 of docs/architecture.md."""

import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from .conftest import ROLES, ROOT, load, specs_of, task_files, tasks_in

TEXTS = {".yml", ".j2", ".conf", ".sieve", ".lua", ".sh"}
ONLY_A_SITE = {"autodiscover"}
"""Roles whose whole work is a web site, which the play of the web fronts lays (`tasks/site.yml`)."""
RUN_BEFORE_ITS_SITES = {"nginx"}
"""Roles whose daemon waits for files that a play lays after the role."""
LOGIC_LINES = 5
"""Consecutive template statements allowed before the logic must move to a filter with a unit test."""


def texts(role: Path) -> list[Path]:
    return [path for path in sorted(role.rglob("*")) if path.is_file() and path.suffix in TEXTS]


def owner(variable: str) -> str | None:
    """The role that owns a name: the longest role name that it begins with."""
    bare = variable.removeprefix("__")
    owners = [role.name for role in ROLES if bare.startswith(f"{role.name}_")]
    return max(owners, key=len, default=None)


def test_a_role_uses_only_its_own_variables(role: Path) -> None:
    foreign = {option for other in ROLES if other != role for option in specs_of(other)}
    wrong = []
    for path in texts(role):
        # Prometheus's rules name measures, which begin as facts do.
        if path.parent.name == "meta" or path.name == "rules.yml.j2":
            continue
        for word in set(re.findall(r"\b[a-z_][a-z0-9_]*\b", path.read_text())):
            if word in foreign or word.startswith("malleposte_"):
                wrong.append(f"{path.relative_to(ROOT)}: {word}")
    assert wrong == []


def test_a_role_includes_no_other_role(role: Path) -> None:
    wrong = [
        f"{path.name}: {task.get('name')}"
        for path in task_files(role)
        for task in tasks_in(load(path))
        for key in task
        if key.rsplit(".", 1)[-1] in {"include_role", "import_role"}
    ]
    assert wrong == []
    assert not (role / "meta/main.yml").exists(), "a collection's role needs none, and could name other roles there"


def test_what_was_notified_is_applied_before_a_unit_is_started(role: Path) -> None:
    """A daemon that is started with its new files, then restarted for them, starts twice on every new host."""
    wrong = []
    for path in [] if role.name in RUN_BEFORE_ITS_SITES else task_files(role):
        waits = False
        for task in tasks_in(load(path)):
            waits = waits or bool(task.get("notify"))
            if task.get("ansible.builtin.meta") == "flush_handlers":
                waits = False
            unit = task.get("academie.malleposte.unit", {})
            if waits and unit.get("state") == "started":
                wrong.append(f"{path.relative_to(ROOT)}: {task.get('name')}")
    assert wrong == []


def test_a_socket_of_a_port_can_be_restarted_while_a_new_process_still_holds_the_old_one(role: Path) -> None:
    """Each process that systemd starts has all of its sockets for a moment; meanwhile the port is in use."""
    wrong = []
    for path in sorted(role.rglob("*.socket.j2")):
        text = path.read_text("utf-8")
        ports = re.findall(r"^ListenStream=(?!/)(.*:.*|.*listen \}\})$", text, re.MULTILINE)
        if ports and "\nReusePort=yes\n" not in text:
            wrong.append(f"{path.relative_to(ROOT)}: {ports[0]}")
    assert wrong == []


def test_specs_equal_defaults(role: Path) -> None:
    specs = specs_of(role)
    defaults = set(load(role / "defaults/main.yml") or {})
    assert specs or not defaults, f"{role.name} has no meta/argument_specs.yml"
    needed = {key for key, option in specs.items() if not option.get("required")}
    assert defaults == needed
    assert [key for key, option in specs.items() if not option.get("description")] == []
    assert [key for key, option in specs.items() if option.get("type") == "str"] == [], "a text needs no type"
    assert [key for key, option in specs.items() if "default" in option] == [], "it stands in defaults/main.yml"


def test_variables_bear_the_role_s_name(role: Path) -> None:
    assert [key for key in specs_of(role) if owner(key) != role.name] == []


def test_no_task_hides_a_failure_or_fakes_a_change(role: Path) -> None:
    assert dishonest(task_files(role)) == []


def test_no_play_hides_a_failure_or_fakes_a_change() -> None:
    assert dishonest(sorted((ROOT / "playbooks").glob("*.yml"))) == []


@pytest.mark.parametrize(
    "line",
    [
        "failed_when: false",
        "failed_when: 'no'",
        "failed_when: [false, rc > 1]",
        "ignore_errors: true",
        "changed_when: true",
    ],
)
def test_a_task_that_hides_a_failure_is_found_in_a_block_of_a_play_as_well(line: str, tmp_path: Path) -> None:
    path = tmp_path / "play.yml"
    text = "- hosts: all\n  tasks:\n    - block:\n        - {{name: Look, command: true, {}}}\n"
    path.write_text(text.format("failed_when: rc > 1"))
    assert dishonest([path]) == []
    path.write_text(text.format(line))
    assert dishonest([path]) == [f"{path}: Look"]


def test_units_are_managed_by_the_module_that_a_dry_run_survives(role: Path) -> None:
    """`academie.malleposte.unit` lets `deploy --check` go on where the host does not have the unit yet."""
    used = {key for path in task_files(role) for task in tasks_in(load(path)) for key in task}
    assert used.isdisjoint({"ansible.builtin.systemd_service", "ansible.builtin.systemd", "ansible.builtin.service"})


def dishonest(paths: Iterable[Path]) -> list[str]:
    """The tasks of files of tasks or plays that hide a failure, fake a change, or patch a file that they do not own."""
    wrong = []
    for path in paths:
        for task in tasks_in(load(path)):
            modules = {key.rsplit(".", 1)[-1] for key in task}
            hidden = task.get("ignore_errors") or task.get("changed_when") is True or never(task.get("failed_when"))
            if hidden or modules & {"shell", "lineinfile", "blockinfile"}:
                wrong.append(f"{path.relative_to(ROOT) if path.is_relative_to(ROOT) else path}: {task.get('name')}")
    return wrong


def never(conditions: Any) -> bool:
    """Whether a `failed_when` cannot hold: all of a list must."""
    listed = conditions if isinstance(conditions, list) else [conditions]
    return any(one is False or str(one).strip().lower() in {"false", "no", "off", "0"} for one in listed)


def test_templates_bear_the_managed_header(role: Path) -> None:
    templates = [path for path in role.glob("templates/**/*.j2") if path.suffix == ".j2"]
    formats_without_comments = {".json.j2", ".ldif.j2"}
    wrong = [
        str(path.relative_to(ROOT))
        for path in templates
        if "ansible_managed" not in path.read_text() and "".join(path.suffixes[-2:]) not in formats_without_comments
    ]
    assert wrong == []


def test_templates_hold_no_logic(role: Path) -> None:
    wrong = []
    for path in role.glob("templates/**/*.j2"):
        run = 0
        for number, line in enumerate(path.read_text().splitlines(), 1):
            run = run + 1 if re.match(r"\s*{%-?\s*(set|if|elif|for|macro)\b", line) else 0
            if run > LOGIC_LINES:
                wrong.append(f"{path.relative_to(ROOT)}:{number}")
    assert wrong == []


def test_a_role_is_whole(role: Path) -> None:
    tasks = "tasks/site.yml" if role.name in ONLY_A_SITE else "tasks/main.yml"
    for part in ("README.md", "meta/argument_specs.yml", tasks):
        assert (role / part).exists(), f"{role.name} lacks {part}"


def test_a_role_has_its_place_in_a_playbook(role: Path) -> None:
    """A play lost in a merge would take its service away from every new host, without a word."""
    plays = "".join(path.read_text() for path in sorted((ROOT / "playbooks").glob("*.yml")))
    if role.name in ONLY_A_SITE:
        services = load(ROOT / "playbooks/group_vars/all/services.yml")["malleposte_services"]
        assert "vhost" in services[role.name]
        return
    assert re.search(rf"academie\.malleposte\.{role.name}\b", plays), f"no playbook names {role.name}"


def test_handler_names_are_unique() -> None:
    files = [path for role in ROLES for path in (role / "handlers").glob("*.yml")]
    names = [task["name"] for path in files for task in tasks_in(load(path))]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    assert [name for name in names if " | " not in name] == []


@pytest.mark.parametrize("path", sorted((ROOT / "inventories").glob("*/group_vars/all/*.yml")), ids=str)
def test_no_platform_fact_in_inventory_all(path: Path) -> None:
    """Playbook group_vars beat the inventory's group ``all``: a fact there would be lost without a word."""
    assert [key for key in load(path) or {} if key.startswith("malleposte_")] == []


def test_only_wiring_joins_roles() -> None:
    names = {option: role.name for role in ROLES for option in specs_of(role)}
    wrong = []
    for path in [*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "inventories").rglob("*.yml")]:
        if path.name == "wiring.yml":
            continue
        used = {names[word] for word in re.findall(r"\b[a-z_][a-z0-9_]*\b", path.read_text()) if word in names}
        if len(used) > 1:
            wrong.append(f"{path.relative_to(ROOT)} names {sorted(used)}")
    assert wrong == []


def test_wiring_has_no_defaults_of_its_own() -> None:
    """They live in facts and roles (the lookup `role`). Dovecot has a filter of that name too."""
    lines = (ROOT / "playbooks/group_vars/all/wiring.yml").read_text("utf-8").splitlines()
    assert [line for line in lines if "default(" in line and "%{" not in line] == []


def test_wiring_sets_only_known_variables() -> None:
    known = {option for role in ROLES for option in specs_of(role)}
    wiring = load(ROOT / "playbooks/group_vars/all/wiring.yml") or {}
    assert [key for key in wiring if key not in {*known, "ansible_managed"} and not key.startswith("__wiring_")] == []


def test_config_set_removes_regular_files_alone() -> None:
    """It keeps their content until the new configuration is checked, which a socket does not have."""
    wrong = [
        f"{path.relative_to(ROOT)}: {name}"
        for role in ROLES
        for path in task_files(role)
        for task in tasks_in(load(path))
        for absent in [str(task.get("academie.malleposte.config_set", {}).get("absent", ""))]
        for name in re.findall(r"(?:/var)?/run/[\w./-]+", absent)
    ]
    assert wrong == []


def test_units_whose_files_changed_are_restarted(role: Path) -> None:
    """A unit that only goes on would be reported as changed by each deploy until the host boots (`stale_units`)."""
    forgotten = [
        task.get("name")
        for path in task_files(role)
        for task in tasks_in(load(path))
        if (task.get("academie.malleposte.config_set") or {}).get("units") and not {"register", "notify"} & task.keys()
    ]
    assert forgotten == []
