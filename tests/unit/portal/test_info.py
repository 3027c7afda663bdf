"""The accessibility statement bears the day on which its text was last changed."""

import hashlib
from datetime import date

from malleposte.core.paths import ROOT
from malleposte_portal import info
from malleposte_portal.core.languages import capital

TEMPLATE = ROOT / "portal/malleposte_portal/templates/info/accessibility.html"
STATEMENT = ("ebb8aac965209d40", date(2026, 11, 27))
"""A digest of the text, and its day: whoever changes the one changes both, here and in `info`."""


def test_the_statement_is_of_the_day_of_its_text() -> None:
    assert (hashlib.sha256(TEMPLATE.read_bytes()).hexdigest()[:16], info.STATED) == STATEMENT


def test_a_sentence_begins_with_a_capital_whatever_the_fact() -> None:
    assert [capital(name) for name in ("académie d'Exemple", "Académie de l'Île", "")] == [
        "Académie d'Exemple", "Académie de l'Île", "",
    ]  # fmt: skip
