"""Messages that an agent deleted for good: found by sender, subject and time, and brought back."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from malleposte.accountd import own, wire
from malleposte.accountd.owned import reached
from malleposte.accounts.credentials.passwords import Holder
from malleposte.accounts.mailbox.deleted import Deleted, Wanted, target
from malleposte.core.errors import InputError

if TYPE_CHECKING:
    from malleposte.accountd.context import Context, Tools

LONGEST = 120
"""Characters of a sender or a subject in an answer, and of one that is looked for."""


class Undelete:
    """Does the calls."""

    def __init__(self, tools: Tools, owner: Callable[[Context, str], Holder]) -> None:
        self._tools, self._owner = tools, owner

    @property
    def does(self) -> Mapping[type[Any], Callable[[Context, Any], wire.Answer]]:
        """Each call, and what does it."""
        return {wire.FindDeleted: self._find, wire.Undelete: self._bring_back}

    def _find(self, act: Context, request: wire.FindDeleted) -> wire.Answer:
        holder = self._owner(act, request.uid)
        wanted = Wanted(request.sender[:LONGEST].strip(), request.subject[:LONGEST].strip(), max(request.days, 0))
        with reached():
            found = self._tools.deleted(holder.uid, wanted)
        told, more = fitting(found)
        return wire.Done(holder.uid, holder.state.value, deleted=told, more=more)

    def _bring_back(self, act: Context, request: wire.Undelete) -> wire.Answer:
        holder = self._owner(act, request.uid)
        if not request.messages:
            raise InputError("no message is named")
        with reached((OSError,)):  # the host's own words tell of messages that are there no more
            restored = self._tools.undelete(holder.uid, request.messages)
        if restored:
            act.journal.write("undelete", holder.uid, folders=dict(restored))
        return wire.Done(holder.uid, holder.state.value, many=sum(restored.values()))


def fitting(found: Sequence[Deleted]) -> tuple[tuple[wire.Deleted, ...], bool]:
    """The first messages, as many as an answer has room for, and whether there are others."""
    rows = (
        wire.Deleted(one.ident, target(one.folder), _line(one.sender), _line(one.subject), _moment(one.deleted))
        for one in found
    )
    told = own.fitting(rows)
    return told, len(told) < len(found)


def _line(text: str) -> str:
    return " ".join(text.split())[:LONGEST]


def _moment(text: str) -> str:
    """A time of Dovecot's, which is in the zone of the platform's hosts, as ISO 8601; as it is where it is none."""
    try:
        return datetime.datetime.fromisoformat(text).astimezone().isoformat(timespec="seconds")
    except ValueError:
        return text
