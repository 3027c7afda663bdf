"""The State's design system is in one folder of the portal, so that another one could take its place there."""

import re

from .conftest import ROOT

PORTAL = ROOT / "portal/malleposte_portal"
CLASS = re.compile(r"""["'\s]fr-[a-z]""")


def test_no_page_names_a_class_of_the_design_system() -> None:
    named = {str(path.relative_to(PORTAL)) for path in PORTAL.rglob("*.html") if CLASS.search(path.read_text("utf-8"))}
    assert "dsfr/parts.html" in named
    assert {one for one in named if not one.startswith("dsfr/")} == set()
