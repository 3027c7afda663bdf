# SPDX-License-Identifier: GPL-3.0-or-later
"""The bar of notices of maintenance and incident, for the log-in page and both webmails: its script and its style."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

_HOME = Path(__file__).resolve().parents[1] / "plugin_utils"


def notices_script(page: str, address: str) -> str:
    """The script of the bar, then the one of a page that places it.

    `address` is where the notices are published; an empty one shows none.
    """
    bar = _HOME.joinpath("notices.js").read_text("utf-8")
    return f"{bar}(function (address) {{\n{page}}})({json.dumps(address)});\n"


def notices_style(place: str) -> str:
    """The look of the bar, and the rules by which a page places it."""
    return _HOME.joinpath("notices.css").read_text("utf-8") + place


FilterModule = filters(notices_script, notices_style)
