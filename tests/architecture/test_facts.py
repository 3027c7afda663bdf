"""The facts of the platform: one schema, which both inventories, the wiring and the reference follow."""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from malleposte.check import specs, values
from malleposte.platform import defaults

from .conftest import ROOT, load

PLATFORMS = [
    ROOT / "inventories" / name / "group_vars/malleposte/platform.yml" for name in ("fleet", "lab", "standalone")
]
KEYS = {"type", "elements", "required", "default", "unknown", "choices", "options", "values", "format", "minimum",
        "description"}  # fmt: skip


def every(options: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Each spec with its path, those inside others too."""
    for name, spec in options.items():
        yield f"{path}{name}", spec
        yield from every(spec.get("options", {}), f"{path}{name}.")
        if "values" in spec:
            yield from every({"*": spec["values"]}, f"{path}{name}.")


def test_the_schema_is_well_formed() -> None:
    wrong = [
        path
        for path, spec in every(specs.facts())
        if set(spec) - KEYS or spec.get("type") not in values.TYPES or not spec.get("description")
        or spec.get("format", "mail") not in values.FORMATS
    ]  # fmt: skip
    assert wrong == []


def test_what_has_a_default_is_not_required() -> None:
    assert [path for path, spec in every(specs.facts()) if spec.get("required") and defaults.of_spec(spec)] == []


def test_only_what_is_the_site_s_is_required() -> None:
    needed = {name.removeprefix("malleposte_") for name, spec in specs.facts().items() if spec.get("required")}
    assert needed == {"domain", "academy_name", "networks", "operators", "support"}


@pytest.mark.parametrize("path", PLATFORMS, ids=lambda path: path.parts[-4])
def test_an_inventory_says_what_is_needed_and_nothing_unknown(path: Path) -> None:
    said = set(load(path))
    needed = {name for name, spec in specs.facts().items() if spec.get("required")}
    assert needed - said == set(), "facts of meta/facts.yml that the inventory does not show"
    assert said - set(specs.facts()) == set(), "facts that meta/facts.yml does not know"


def test_the_wiring_uses_known_facts_and_all_of_them() -> None:
    used: set[str] = set()
    for path in [*(ROOT / "playbooks").rglob("*.yml"), *(ROOT / "cli").rglob("*.py")]:
        used |= set(re.findall(r"\bmalleposte_[a-z_]+\b", path.read_text("utf-8")))
    facts = {name for name in specs.facts() if name.startswith("malleposte_")}
    assert facts - used == set(), "facts that nobody uses"
    wiring = set(re.findall(r"\bmalleposte_[a-z_]+\b", specs.WIRING.read_text("utf-8")))
    assert wiring - facts == set(), "facts that the wiring uses and meta/facts.yml does not know"


def test_a_fact_with_a_default_is_read_with_it() -> None:
    """Elsewhere than in facts.yml, what an inventory says of it would count without the default."""
    having = {name for name, spec in specs.facts().items() if defaults.of_spec(spec)}
    told = load(ROOT / "playbooks/group_vars/all/facts.yml")
    assert {f"malleposte_{name.removeprefix('__fact_')}" for name in told} - {"malleposte_names"} == having
    playbooks = [path for path in (ROOT / "playbooks").rglob("*.yml") if path.name != "facts.yml"]
    templates = [*playbooks, *(path for path in (ROOT / "cli").rglob("*.py") if "{{" in path.read_text("utf-8"))]
    raw = re.compile(r"{{[^}]*\b(" + "|".join(sorted(having)) + r")\b")
    assert [path.relative_to(ROOT) for path in templates if raw.search(path.read_text("utf-8"))] == []
