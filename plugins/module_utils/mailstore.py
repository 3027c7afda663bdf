# SPDX-License-Identifier: GPL-3.0-or-later
"""The path of a mailbox (docs/adr/0006-mail-store.md): by its uid alone, whatever the state of its account.

Dovecot makes the same path by an expression of its own (role dovecot). Standard library only.
"""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

STORE = Path("/srv/mail")
MAILDIR = "Maildir"
"""The folder of messages in a box; what lies beside it are the box's filters."""
SHARED = ".shared/shared-mailboxes.db"
"""Dovecot's map of shares in the store: it says whose mailboxes have a folder that is open to whom."""
SHARES = "Partages/"
"""The prefix of the folders of other boxes that an agent opens, before the box's uid (role dovecot)."""
EXPUNGED = "expunged"
"""The folder of messages that were deleted for good, for as long as they can be brought back."""
EXPUNGED_ROOT = ".EXPUNGED/"
"""The prefix of the folders of such messages, as Dovecot names them. With the dot no folder of a maildir bears it: a
folder that a delegate makes in a shared box would else lie where its owner and doveadm do not see it."""
QUARANTINE = "Quarantaine"
"""The agent's folder of messages that the filter doubts too much for « Indésirables »; the agent may release them."""
WAITING = "Hors horaires"
"""The agent's folder of mail that came outside the agent's hours; it moves to the inbox when they begin."""
RECALL = "Rappeler"
"""The agent's folder above those of « Rappeler plus tard », from which messages come back to the inbox."""
ARCHIVES = "Archives"
"""The agent's folder of archived mail, above one for each year."""
ARCHIVING = ".archiving"
"""The folder of the store with what agents chose to archive, and what was archived of late, a file each."""
HOURS = ".hours"
"""The folder of the store with the hours of each agent who chose some, a Sieve script each."""
TO_SEND = "À envoyer"
"""The agent's folder of messages to send later; its own folders say when."""
LATER = ".later"
"""The folder of the store with the choice of each agent on sending later, a file each."""
TOOLS = ".tools"
"""The folder of the store with the rules of each agent that tell of messages elsewhere, and their Sieve scripts."""
OWNERS = ".owners"
"""The folder of the store with a folder for each functional box whose mail has owners: a file a message."""
SEALED = "sealed"
"""The folder of messages that are dangerous or were retracted. No client of the box can reach it, only deliveries and
doveadm."""
SEALED_ROOT = ".SEALED/"
"""The prefix of the sealed mailboxes, as deliveries and doveadm name them. No folder of a maildir has a dot in its
name, so nobody can make another of that name."""
DANGEROUS = f"{SEALED_ROOT}dangerous"
"""The sealed mailbox of messages that the filter judged dangerous."""
RETRACTED = f"{SEALED_ROOT}retracted"
"""The sealed mailbox of messages that were taken back from the box."""
BUCKETS = tuple(f"{number:02x}" for number in range(256))


def bucket(uid: str) -> str:
    """The bucket of a box: the first two hex digits of the SHA-1 of its uid in small letters."""
    return hashlib.sha1(uid.lower().encode(), usedforsecurity=False).hexdigest()[:2]


def home_of(uid: str, store: Path = STORE) -> Path:
    """The folder of a box."""
    return store / bucket(uid) / uid.lower()


def utf7(text: str) -> str:
    """Modified UTF-7 (RFC 3501, 5.1.3), as a maildir, and Roundcube, name folders."""
    parts, other = [], ""
    for char in [*text, ""]:
        if char and not " " <= char <= "~":
            other += char
            continue
        if other:
            coded = base64.b64encode(other.encode("utf-16-be")).decode().rstrip("=").replace("/", ",")
            parts.append(f"&{coded}-")
            other = ""
        parts.append("&-" if char == "&" else char)
    return "".join(parts)
