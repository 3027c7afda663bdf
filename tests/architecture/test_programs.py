"""One package on the hosts: a role ships configuration and units, and no code that the package could hold."""

import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from ansible_collections.academie.malleposte.plugins.plugin_utils import toolkit
from malleposte.programs import PROGRAMS

from tests.support.forks import Forks

from .conftest import ROLES, ROOT

OWN_SANDBOX = {
    "malleposte-sogo-sync.service.j2", "malleposte-world-trust.service.j2",
}  # fmt: skip
"""Units with another sandbox: SOGo's, since SOGo's tool runs in it; none, since the system's store is written."""
DAEMONS = (
    "accountd",
    "authpolicy",
    "circulars",
    "dav-router",
    "deliveries",
    "guard",
    "hostd",
    "lists",
    "pager",
    "portal",
    "record",
    "reports",
    "siem",
    "sogo-front",
    "sogo-imap",
    "sogo-submission",
    "sso-prove",
    "sso-tokens",
    "tls-policy",
    "world-relay",
    "world-sms",
    "world-sso",
    "world-tools",
    "world-trust",
)

LIBRARIES = {
    "authlib": "python3-authlib", "dns": "python3-dnspython", "ldap3": "python3-ldap3", "msgspec": "python3-msgspec",
    "phonenumbers": "python3-phonenumbers", "redis": "python3-redis", "requests": "python3-requests",
    "zstandard": "python3-zstandard",
}  # fmt: skip
"""Debian's packages of the libraries that programs import; others come with one of these."""
IMPORTING = sorted(set(PROGRAMS) - {"portal", "radicale-check"})
"""These two are imported by the program that they serve: gunicorn, Radicale."""


def python_of(role: Path) -> list[str]:
    """The role's files and templates that are Python, by their name or their first line."""
    found = []
    for path in sorted([*role.glob("files/**/*"), *role.glob("templates/**/*")]):
        if path.is_file():
            first = path.read_bytes()[:80].partition(b"\n")[0]
            if path.suffixes[:1] == [".py"] or re.match(rb"#!.*\bpython", first):
                found.append(str(path.relative_to(ROOT)))
    return found


def test_a_role_holds_no_python(role: Path) -> None:
    assert python_of(role) == [], (
        "move it into cli/malleposte, with a line in programs.py; start it with the filter `program`"
    )


def test_python_in_a_role_would_be_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(f"{__name__}.ROOT", tmp_path)
    for name, text in {"files/a.py": "", "templates/b.j2": "#!/usr/bin/python3 -I\n", "files/c": "#!/bin/sh\n"}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    assert python_of(tmp_path) == ["files/a.py", "templates/b.j2"]


@functools.cache
def texts() -> dict[str, str]:
    """The files of roles, by path: tasks, variables, templates."""
    paths = (path for role in ROLES for path in sorted(role.rglob("*")) if path.suffix in {".yml", ".j2"})
    return {str(path.relative_to(ROOT)): path.read_text("utf-8") for path in paths}


def test_one_role_ships_the_package() -> None:
    for word, file, name in (
        ("malleposte.toolkit')", "malleposte.pyz", "toolkit"),
        ("malleposte.toolkit', 'world')", "malleposte-world.pyz", "world_toolkit"),
    ):
        assert {path.split("/")[1] for path, text in texts().items() if word in text} == {name}
        naming = {path.split("/")[1] for path, text in texts().items() if file in text}
        assert naming == {name}, "use the filter `program`"


def test_every_program_is_started_by_a_role() -> None:
    started = set(re.findall(r"'([a-z-]+)' \| academie\.malleposte\.program\b", "".join(texts().values())))
    assert started == set(toolkit.programs()) | set(toolkit.programs(archive=toolkit.WORLD))


@pytest.mark.parametrize("name", DAEMONS)
def test_the_unit_of_a_daemon_changes_with_its_program(name: str) -> None:
    digest = f"'{name}' | academie.malleposte.program_digest"
    units = [text for path, text in texts().items() if path.endswith(".service.j2") and digest in text]
    assert [f"'{name}' | academie.malleposte.program }}}}" in text for text in units] == [True]


def test_units_of_programs_share_one_sandbox() -> None:
    started = {
        path: text for path, text in texts().items() if ".service" in path and "academie.malleposte.program }" in text
    }
    without = {Path(path).name for path, text in started.items() if "academie.malleposte.hardening" not in text}
    assert without == OWN_SANDBOX
    spelt = {path for path, text in started.items() if Path(path).name not in without and "ProtectSystem=" in text}
    assert spelt == set(), "say what differs in the mapping before the filter `hardening`"


@pytest.fixture(scope="module")
def forks() -> Iterator[Forks]:
    made = Forks()
    yield made
    made.end()


def imported(module: str, forks: Forks) -> set[str]:
    """The libraries that a program has imported when it starts."""
    script = f"import sys, malleposte.{module}; print(*{{name.partition('.')[0] for name in sys.modules}})"
    done = forks.run(script, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return LIBRARIES.keys() & set(done.stdout.split())


@pytest.mark.parametrize("name", IMPORTING)
def test_the_role_of_a_program_installs_its_libraries(name: str, forks: Forks) -> None:
    """A fresh host has the packages of all roles before the first; an upgrade, those of the roles before this one."""
    started = re.compile(rf"'{name}' \| academie\.malleposte\.program\b")
    roles = {path.split("/")[1] for path, text in texts().items() if started.search(text)}
    assert roles
    needed = {LIBRARIES[one] for one in imported(PROGRAMS[name], forks)}
    for role in roles:
        own = " ".join(text for path, text in texts().items() if path.split("/")[1] in (role, "toolkit"))
        assert needed - set(re.findall(r"python3-[a-z0-9]+", own)) == set()


def listed(text: str) -> set[str]:
    """The programs of the table in docs/architecture.md."""
    _before, _title, rest = text.partition("| program | what | role |\n")
    rows = rest.partition("\n\n")[0].splitlines()[1:]
    return {name for row in rows for name in re.findall(r"`([a-z-]+)`", row.split("|")[1])}


def test_the_table_of_programs_is_complete() -> None:
    known = set(toolkit.programs()) | set(toolkit.programs(archive=toolkit.WORLD))
    assert listed((ROOT / "docs/architecture.md").read_text("utf-8")) == known
