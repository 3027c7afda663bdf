"""The accessibility statement bears the day on which its text was last changed."""

import hashlib
from datetime import date
from typing import Any

from malleposte.core.paths import ROOT
from malleposte_portal import info
from malleposte_portal.core.languages import capital

from tests.support.portal import ADDRESSES, BOTH

TEMPLATE = ROOT / "portal/malleposte_portal/templates/info/accessibility.html"
STATEMENT = ("85d9cf33bd3e29d8", date(2026, 11, 30))
"""A digest of the text, and its day: whoever changes the one changes both, here and in `info`."""


def test_the_statement_is_of_the_day_of_its_text() -> None:
    assert (hashlib.sha256(TEMPLATE.read_bytes()).hexdigest()[:16], info.STATED) == STATEMENT


def test_a_sentence_begins_with_a_capital_whatever_the_fact() -> None:
    assert [capital(name) for name in ("académie d'Exemple", "Académie de l'Île", "")] == [
        "Académie d'Exemple", "Académie de l'Île", "",
    ]  # fmt: skip


@BOTH
def test_the_statement_covers_each_site_with_what_fails_the_plan_and_the_way_to_complain(
    visit: Any, language: int
) -> None:
    page = visit.get(ADDRESSES["accessibility"][language])
    sites = [text for _held, text in page.all("h3")]
    assert (
        sites
        == [
            ["Ce portail", "La page de connexion", "La messagerie légère", "La messagerie complète"],
            ["This portal", "The log-in page", "Light mail", "Full mail"],
        ][language]
    )
    parts = [text for _held, text in page.all("h2")]
    assert {("Ce qui est prévu", "What is planned")[language], ("Voie de recours", "Remedies")[language]} <= set(parts)
    assert "https://formulaire.defenseurdesdroits.fr/" in page.links
