"""The owners of boxes are told of a retraction: in their journal, and by a letter where they had read a copy."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from email.message import EmailMessage
from typing import Any

from malleposte.accounts import search
from malleposte.accounts.acts import Tools
from malleposte.accounts.life import renewal
from malleposte.accounts.retraction import note
from malleposte.accounts.retraction.acts import Keep
from malleposte.accounts.retraction.model import Retraction
from malleposte.core.loops import named
from malleposte.directory.model import first
from malleposte.platform import letters

Send = Callable[[EmailMessage], object]


def journal(tools: Tools[Any], one: Retraction, action: str) -> None:
    """Write an act into the journal of each owner, with the reason and the persons of the DSI who decided."""
    by = {"by": list(one.agreement.persons)} if one.agreement else {}
    for uid in one.holders:
        tools.journal.write(action, uid, note=one.reason, retraction=one.ident, **by)


def write(tools: Tools[Any], one: Retraction, keep: Keep, now: datetime.datetime, send: Send = letters.queue) -> None:
    """Write to those who had read a copy, once each. Whom no letter reaches stands in the failures. Raises OSError."""
    facts = renewal.Facts.read()
    for uid in sorted(set(one.readers) - set(one.told)):
        with named(one.failures.append, f"{uid}: no letter"):
            message = next(m for m in one.messages if any(to.account == uid for to in m.recipients))
            address = first(search.by_any_name(tools.directory, uid).attributes, "mail")
            send(note.letter(uid, message, address, facts, now))
            one.told.append(uid)
            keep(one)
