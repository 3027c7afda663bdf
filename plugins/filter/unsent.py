# SPDX-License-Identifier: GPL-3.0-or-later
"""The notice of a session that ended while somebody writes, which both webmails have: its script and its style."""

from __future__ import annotations

from pathlib import Path

from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

_HOME = Path(__file__).resolve().parents[1] / "plugin_utils"


def unsent_script(page: str) -> str:
    """The script of the notice, then the one of a webmail's page that uses it."""
    return _HOME.joinpath("unsent.js").read_text("utf-8") + page


def unsent_style(place: str) -> str:
    """The look of the notice, and the rules by which a webmail's page places it."""
    return _HOME.joinpath("unsent.css").read_text("utf-8") + place


FilterModule = filters(unsent_script, unsent_style)
