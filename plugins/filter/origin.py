# SPDX-License-Identifier: GPL-3.0-or-later
"""The banner above a message, which both webmails have: its script and its style."""

from __future__ import annotations

import json
from pathlib import Path

from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

_HOME = Path(__file__).resolve().parents[1] / "plugin_utils"


def origin_script(server: str, domain: str) -> str:
    """The rules and words for an academy: the name under which its server writes its checks, and the mail domain."""
    academy = json.dumps({"server": server, "domain": domain.lower()})
    return f"(function (academy) {{\n{_HOME.joinpath('origin.js').read_text('utf-8')}}})({academy});\n"


def origin_style(parent: str) -> str:
    """The look of the banner in the element that holds it, and of the question before a link, not of messages."""
    lines = _HOME.joinpath("origin.css").read_text("utf-8").splitlines()
    return "".join(f"{parent} > {line}\n" for line in lines) + _HOME.joinpath("links.css").read_text("utf-8")


FilterModule = filters(origin_script, origin_style)
