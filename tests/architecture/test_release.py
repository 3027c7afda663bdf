"""A release: one version in every place that states it; workflow files call existing commands and name no host."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from typing import Any

import malleposte
import yaml
from ansible_collections.academie.malleposte.plugins.lookup import version

from tests.stack.support.release import RELEASES

from .conftest import ROOT

READ = ("README.md", "README.fr.md")
WORKFLOW = ROOT / ".github/workflows/ci.yml"
HOOKS = ROOT / ".pre-commit-config.yaml"


def test_everything_that_bears_the_version_agrees() -> None:
    galaxy = yaml.safe_load((ROOT / "galaxy.yml").read_text("utf-8"))
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    (looked_up,) = version.LookupModule().run([])
    places = {
        "malleposte --version": malleposte.__version__,
        "galaxy.yml": galaxy["version"],
        "pyproject.toml": project["project"]["version"],
        "what hosts are told": looked_up,
        "CHANGELOG.md": releases()[0],
        **{
            name: re.findall(r"^Version ([0-9.]+) ", (ROOT / name).read_text("utf-8"), re.MULTILINE)[0] for name in READ
        },
    }
    assert set(places.values()) == {malleposte.__version__}, places


def test_hosts_are_told_the_version() -> None:
    wiring = yaml.safe_load((ROOT / "playbooks/group_vars/all/wiring.yml").read_text("utf-8"))
    assert wiring["platform_facts"]["version"] == "{{ lookup('academie.malleposte.version') }}"


LAB = {
    "lab_acme_name", "lab_ca_certificate", "lab_ca_key", "lab_publish_ttl", "lab_resolvers", "lab_reverse_names",
    "lab_trust_anchor",
}  # fmt: skip
"""The lab's facts in the inventories of the first release."""


def test_an_inventory_of_the_first_release_has_what_the_lab_needs() -> None:
    """A fact that came later has a default."""
    texts = [path.read_text("utf-8") for path in ROOT.glob("playbooks/**/*.yml")]
    needed = {name for text in texts for name in re.findall(r"\blab_\w+\b(?! \| default\()(?!', default=)", text)}
    assert needed <= LAB


def releases() -> list[str]:
    """The releases of the changelog, the newest first."""
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    return re.findall(r"^## ([0-9.]+) - [0-9]{4}-[0-9]{2}-[0-9]{2}$", text, re.MULTILINE)


def test_the_changelog_lists_releases_from_the_newest_to_the_oldest() -> None:
    found = [tuple(map(int, one.split("."))) for one in releases()]
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.MULTILINE)
    assert len(found) >= 2
    assert found == sorted(set(found), reverse=True)
    assert headings[0] == "Unreleased"
    assert len(headings) == len(found) + 1, "a release has no date, or its heading has another form"


def test_every_release_before_this_one_is_upgraded_from_by_a_test() -> None:
    assert {one.version for one in RELEASES} == set(releases()) - {malleposte.__version__}


def strings(value: Any) -> Iterator[str]:
    """Every string in a document of YAML."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from strings(key)
            yield from strings(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from strings(inner)
    elif isinstance(value, str):
        yield value


def test_the_workflow_runs_the_gate_and_names_no_host() -> None:
    workflow = yaml.safe_load(WORKFLOW.read_text("utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    runs = [step["run"] for step in steps if "run" in step]
    assert any(".ci/run" in one for one in runs)
    assert (ROOT / ".ci/run").stat().st_mode & 0o111
    assert [one for one in strings(workflow) if re.search(r"://|\b[\w-]+\.(com|org|io|net|fr)\b", one)] == []


def test_the_hooks_are_local_and_their_programs_exist() -> None:
    hooks = yaml.safe_load(HOOKS.read_text("utf-8"))
    assert {one["repo"] for one in hooks["repos"]} == {"local"}
    for repo in hooks["repos"]:
        for hook in repo["hooks"]:
            assert hook["language"] == "system", hook["id"]
            program = ROOT / hook["entry"].split()[0]
            assert program.exists(), f"{hook['id']}: {hook['entry'].split()[0]} does not exist"


def test_no_version_of_ours_is_written_elsewhere() -> None:
    """The version stands in the places above alone, so that a release cannot forget one."""
    where = ("cli", "plugins", "roles", "playbooks", "malleposte")
    words = ["git", "grep", "-lF", f'"{malleposte.__version__}"', "--", *where]
    found = subprocess.run(words, capture_output=True, text=True, check=False, cwd=ROOT)
    assert found.stdout.split() == ["cli/malleposte/__init__.py"]
