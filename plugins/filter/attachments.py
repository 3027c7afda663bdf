# SPDX-License-Identifier: GPL-3.0-or-later
"""The largest sum of the files of a message, and the script by which both webmails say it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

_ROOM = Path(__file__).resolve().parents[1] / "plugin_utils" / "room.js"
MEGABYTE = 2**20
CODED_LINE, PLAIN_LINE = 78, 57
"""Octets of a line of base64 with its end, and of the file that it carries (RFC 2045, section 6.8)."""
TEXT_PART = 20
"""The share of a message that is left for its header, its text and the heads of its parts is one of so many."""


def attachments_mb(message_size_mb: int) -> int:
    """Whole megabytes that all files of a message may have on the sender's disk.

    `message_size_mb` is the largest message on its way, where a file is a third larger: base64 makes 78 octets of 57.
    """
    room = message_size_mb * MEGABYTE * (TEXT_PART - 1) // TEXT_PART
    return max(1, room * PLAIN_LINE // CODED_LINE // MEGABYTE)


def room_script(page: str, megabytes: int, service: Mapping[str, str]) -> str:
    """The script of the figure, then that of a webmail's page. `service`: `name` and `url`, or nothing."""
    facts = (
        f"window.mpRoom.limit = {int(megabytes) * MEGABYTE};\nwindow.mpRoom.service = {json.dumps(dict(service))};\n"
    )
    return _ROOM.read_text("utf-8") + facts + page


FilterModule = filters(attachments_mb, room_script)
