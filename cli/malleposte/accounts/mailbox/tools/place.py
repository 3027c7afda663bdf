"""The place of a message in a box, by its Message-ID: folder and number, as the webmails name them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import msgspec

from malleposte.accounts.channels import checked
from malleposte.adapters.dovecot import doveadm
from malleposte.platform.mailstore import utf7

_IDENT = re.compile(r"<[!-;=?-~]{1,240}>")
OTHERS = ("Partages/", ".EXPUNGED/", ".SEALED/")
LAST = ("Corbeille", "Indésirables", "Quarantaine")
"""Folders whose message is shown where no other folder has it."""
FIELDS = "mailbox uid hdr.message-id"
SECONDS = 60.0


class Place(msgspec.Struct, frozen=True):
    """A folder (in modified UTF-7) and the number (UID) in it; empty where there is no such message."""

    folder: str = ""
    number: str = ""


def of(uid: str, message_id: str, run: Callable[..., Any] = doveadm) -> Place:
    """The place of a message in the agent's own folders. Raises MallepostError."""
    if not _IDENT.fullmatch(message_id):
        return Place()
    query = ("HEADER", "Message-ID", message_id)
    output = run("-f", "json", "fetch", "-u", checked(uid), "--", FIELDS, *query, timeout=SECONDS).stdout
    rows = [row for row in json.loads(output or "[]") if row.get("hdr.message-id", "").strip() == message_id]
    places = [(row["mailbox"], row["uid"]) for row in rows if not row["mailbox"].startswith(OTHERS)]
    best = min(places, key=lambda one: (one[0] in LAST, one[0] != "INBOX"), default=None)
    return Place(utf7(best[0]), best[1]) if best else Place()
