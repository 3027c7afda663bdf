"""One name for each interface: « messagerie légère » and « messagerie complète », « la messagerie » for both.

Agents read no name of a program for them, and no other word, in what the portal, the letters, the guide, the log-in
page and the webmails' own texts say. Operators' pages name the programs.
"""

import json
import re
from pathlib import Path

import pytest
import yaml

from .conftest import ROOT
from .test_french import literals, segments

OTHER = re.compile(
    r"\b[wW]ebmails?\b(?![(/])|\bSOGo\b|\bRoundcube\b|\b[iI]nterfaces? (?:simple|légère|complète|riche)s?\b"
    r"|\b[mM]essagerie (?:et agenda|avec agenda|simple|riche|web)\b"
)
NAMES = {
    "roundcube": {"fr": "Messagerie légère", "en": "Light mail"},
    "sogo": {"fr": "Messagerie complète", "en": "Full mail"},
}
TEXTS = sorted(
    [
        *ROOT.glob("docs/fr/guide/*.md"),
        *ROOT.glob("portal/malleposte_portal/**/*.html"),
        *ROOT.glob("roles/lemonldap/files/skin/fr.json"),
        *ROOT.glob("roles/roundcube/files/**/fr_FR.inc"),
        *ROOT.glob("roles/dav/templates/srv/**/*.j2"),
    ]
)
PROGRAMS = sorted(
    [
        *ROOT.glob("portal/malleposte_portal/**/*.py"),
        *ROOT.glob("cli/malleposte/accounts/**/*.py"),
        *ROOT.glob("cli/malleposte/accountd/**/*.py"),
    ]
)
ADDRESS = re.compile(
    r"`[^`]*`|\]\([^)]*\)|\{#.*?#\}|\{[{%](?:(?!_\().)*?[}%]\}|^\s*(?://|/?\*).*$", re.MULTILINE | re.DOTALL
)
"""Addresses, comments, and what a template computes."""


def read(path: Path) -> list[str]:
    """The texts of a file for agents, without addresses."""
    text = path.read_text("utf-8")
    if path.suffix == ".py":
        return [part for one in literals(text) for part in segments(one)]
    if path.suffix == ".json":
        return [str(one) for one in json.loads(text).values()]
    return [ADDRESS.sub(" ", text)]


@pytest.mark.parametrize("path", [*TEXTS, *PROGRAMS], ids=lambda path: str(path.relative_to(ROOT)))
def test_agents_read_one_name_for_each_interface(path: Path) -> None:
    assert [found[0] for text in read(path) for found in OTHER.finditer(text)] == []


def test_the_tiles_the_classes_and_the_pages_bear_the_names() -> None:
    services = yaml.safe_load((ROOT / "playbooks/group_vars/all/services.yml").read_text("utf-8"))[
        "malleposte_services"
    ]
    assert {name: services[name]["tile"]["title"] for name in NAMES} == NAMES
    facts = yaml.safe_load((ROOT / "meta/facts.yml").read_text("utf-8"))
    profiles = next(group["malleposte_profiles"] for group in facts.values() if "malleposte_profiles" in group)[
        "default"
    ]
    assert {one["mail"]: one["label"] for one in profiles.values()} == NAMES
    assert "messagerie et agenda partagé" in profiles["convergence"]["synonyms"], "a feed may say the name of before"
    wiring = (ROOT / "playbooks/group_vars/all/wiring.yml").read_text("utf-8")
    for service, title in (("sogo", "sogo_page_title"), ("roundcube", "roundcube_product_name")):
        assert f'{title}: "{NAMES[service]["fr"]} — ' in wiring
        assert f"    name: {NAMES[service]['fr']}\n" in wiring, "as the log-in page names it"


OF_LETTER = {
    "cli/malleposte/accounts/print/page.py",
    "docs/fr/guide/piratage.md",
    "docs/fr/guide/premiere-connexion.md",
    "portal/malleposte_portal/core/forms.py",
    "portal/malleposte_portal/forgotten.py",
    "portal/malleposte_portal/templates/desk/agent.html",
    "portal/malleposte_portal/templates/first_login/activate.html",
    "portal/malleposte_portal/templates/first_login/step.html",
    "portal/malleposte_portal/templates/front/diagnosis.html",
    "portal/malleposte_portal/templates/front/home.html",
}
"""Texts about the letter of a first log-in, and those that tell its code from one that was received."""


def test_the_code_ina_is_that_of_the_letter_alone() -> None:
    named = {
        str(path.relative_to(ROOT))
        for path in [*TEXTS, *PROGRAMS]
        if any(re.search(r"\b[cC]odes? INA\b", text) for text in read(path))
    }
    assert named == OF_LETTER


@pytest.mark.parametrize(
    ("text", "seen"),
    [("dans le webmail", True), ("l’interface légère", True), ("Messagerie et agenda", True), ("Mon interface", False),
     ("la messagerie légère", False), ("https://webmail.ac-exemple.test", True)],
)  # fmt: skip
def test_another_name_is_seen(text: str, seen: bool) -> None:
    assert bool(OTHER.search(text)) == seen
