"""The portal's pages by endpoint, with their addresses in French and English, as its subjects route them."""

import functools

import pytest
from flask import Flask
from malleposte_portal.app import SUBJECTS
from malleposte_portal.core.settings import LANGUAGES
from malleposte_portal.core.subject import Subject
from werkzeug.routing import Rule

BOTH = pytest.mark.parametrize("language", [0, 1], ids=LANGUAGES)
"""The mark of a test of a page in each language."""
FRENCH_FIRST = pytest.mark.parametrize("language", [0, pytest.param(1, marks=pytest.mark.full)], ids=LANGUAGES)
"""The same, in English in a full run alone: another test of the gate looks at the same pages in English."""


@functools.cache
def _rules(subjects: tuple[Subject, ...]) -> tuple[Rule, ...]:
    app = Flask("routes", static_folder=None)
    for subject in subjects:
        app.register_blueprint(subject)
    # Those of programs have one address, those of a kept thing vary.
    return tuple(rule for rule in app.url_map.iter_rules() if rule.arguments == {"language"})


def addresses(*subjects: Subject) -> dict[str, tuple[str, str]]:
    """Return the addresses of the pages of some subjects, in the order of LANGUAGES."""
    routes = {(rule.endpoint, (rule.defaults or {})["language"]): str(rule) for rule in _rules(subjects)}
    return {name: (routes[name, LANGUAGES[0]], routes[name, LANGUAGES[1]]) for name, _language in routes}


def forms(*subjects: Subject) -> list[str]:
    """Return the pages that take what an agent typed."""
    return list(dict.fromkeys(rule.endpoint for rule in _rules(subjects) if "POST" in (rule.methods or ())))


def acts(*subjects: Subject) -> list[str]:
    """Return those of the forms that show nothing of their own."""
    return list(dict.fromkeys(rule.endpoint for rule in _rules(subjects) if "GET" not in (rule.methods or ())))


ADDRESSES = addresses(*SUBJECTS)
BOTH = pytest.mark.parametrize("language", [0, 1], ids=["fr", "en"])
"""Runs a test in each language; `language` is the rank of its address."""
