"""The pages that the law asks for: accessibility, legal notice, personal data."""

from __future__ import annotations

from datetime import date

from flask import g, render_template

from malleposte_portal.core.subject import Subject

SUBJECT = Subject("info")
STATED = date(2026, 11, 30)
"""The day of the accessibility statement; tests/unit/portal/test_info.py ties it to the statement's text."""


@SUBJECT.page("/accessibilite", "/en/accessibility")
def accessibility() -> str:
    """The accessibility statement (arrêté of 20 September 2019, annex)."""
    return render_template(
        "info/accessibility.html", stated=f"{STATED:%d/%m/%Y}" if g.language == "fr" else f"{STATED}"
    )


@SUBJECT.page("/mentions-legales", "/en/legal")
def legal() -> str:
    """The legal notice (law 2004-575 of 21 June 2004, article 6)."""
    return render_template("info/legal.html")


@SUBJECT.page("/donnees-personnelles", "/en/privacy")
def privacy() -> str:
    """Personal data (GDPR, article 13)."""
    return render_template("info/privacy.html")
