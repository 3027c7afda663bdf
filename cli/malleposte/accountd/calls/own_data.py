"""« Mes données »: an agent asks for a copy of all that is held about the account, fetches it, ends it.

It is made in the background by root (`accounts.disclosure.make`). What is asked for with the password, is fetched with
the log-in alone; the server sends the bytes after the answer.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from typing import BinaryIO

import msgspec

from malleposte.accountd.call import call
from malleposte.accountd.context import Context, ForbiddenError, Tools, reached
from malleposte.accountd.message import Browser, Done, Forbidden, Message, Owned, Secret, WithBytes
from malleposte.accounts.credentials.passwords import Holder, Proof
from malleposte.accounts.disclosure import letters
from malleposte.accounts.disclosure.spool import READY
from malleposte.core.errors import MallepostError
from malleposte.directory.errors import DirectoryError
from malleposte.platform.times import when
from malleposte.throttle import costs

LOG = logging.getLogger("accountd")
ALONE = "own data"
"""The word under which requests of one account wait for each other."""


class OwnData(Message, frozen=True):
    """A copy of an agent's own data. Times as the directory writes them, empty for none.

    `state` is `asked`, `making`, `ready`, `failed` (`reason`: `room`, `away`), `ended`, or empty. `again`: when the
    next one may be asked for. `missing`: parts that could not be read, which the copy itself names.
    """

    state: str = ""
    asked: str = ""
    until: str = ""
    again: str = ""
    size: int = 0
    missing: int = 0
    reason: str = ""


class OwnDataState(Done, frozen=True):
    """The state of the copy."""

    own_data: OwnData = msgspec.field(default_factory=OwnData)


class OwnDataCopy(WithBytes, frozen=True):
    """The copy, whose bytes follow."""


class ShowOwnData(Owned[OwnDataState], frozen=True):
    """Show the state of the copy of their own data that an agent asked for."""


class AskOwnData(Owned[OwnDataState], frozen=True):
    """Ask for a copy of all that is held about an account. The password is asked again for it."""

    password: Secret
    browser: Browser = ""


class FetchOwnData(Owned[OwnDataCopy], frozen=True):
    """The copy itself."""


class EndOwnData(Owned[OwnDataState], frozen=True):
    """Remove the copy, or call off what is not made yet."""


@call(cost=costs.LOOK)
def show_own_data(context: Context, request: ShowOwnData) -> OwnDataState:
    """Read its state."""
    return _state(context, context.owner(request.uid))


@call(paced=True)
def ask_own_data(context: Context, request: AskOwnData) -> OwnDataState:
    """Have one made, once a day, while there is room; its owner is told."""
    holder = context.owner(request.uid)
    uid, copies = holder.uid, context.tools.copies
    with context.tried(request, uid, request.password):
        if context.passwords.prove(uid, request.password) is not Proof.RIGHT:
            raise context.refuse(request, uid)
    with context.alone(uid, ALONE), _folder_reached():
        last = when(copies.of(uid, context.now).again)
        if last is not None and last > context.now:
            raise ForbiddenError(Forbidden.COPY_TODAY)
        if not copies.room(_size(context, uid)):
            LOG.error("no room for a copy of an agent's data in %s", copies.folder)
            raise ForbiddenError(Forbidden.COPY_ROOM)
        copy = copies.ask(uid, context.now)
        if copy is None:
            raise ForbiddenError(Forbidden.COPY_TODAY)
        facts = context.tools.facts()
        if not context.tell(holder, lambda to: letters.asked(copy, uid, to, facts, context.now)):
            # As with devices: what its owner cannot be told is not done.
            copies.remove(uid)
            raise DirectoryError("mail cannot be sent: no copy is made")
        context.journal.write("own-data-ask", uid)
    return _state(context, holder)


def _open(tools: Tools, answer: OwnDataCopy) -> BinaryIO:
    return tools.copies.open(answer.uid)


@call(cost=costs.LOOK, opens=_open)
def fetch_own_data(context: Context, request: FetchOwnData) -> OwnDataCopy:
    """Say how long it is; the journal has that it went."""
    holder = context.owner(request.uid)
    copy = _state(context, holder).own_data
    if copy.state != READY:
        raise MallepostError("no copy is ready")
    context.journal.write("own-data-fetch", holder.uid)
    return OwnDataCopy(holder.uid, holder.state.value, size=copy.size)


@call()
def end_own_data(context: Context, request: EndOwnData) -> OwnDataState:
    """Remove it."""
    holder = context.owner(request.uid)
    with context.alone(holder.uid, ALONE), _folder_reached():
        if context.tools.copies.end(holder.uid):
            context.journal.write("own-data-end", holder.uid)
    return _state(context, holder)


def _state(context: Context, holder: Holder) -> OwnDataState:
    with _folder_reached():
        copy = context.tools.copies.of(holder.uid, context.now)
    shown = OwnData(copy.state, copy.asked, copy.until, copy.again, copy.size, copy.missing, copy.reason)
    return OwnDataState(holder.uid, holder.state.value, own_data=shown)


def _size(context: Context, uid: str) -> int:
    """Return the bytes that the account's box takes. Raises DirectoryError where its host gives no answer."""
    with reached():
        record, failures = context.tools.hosts.record(uid)
        if failures:
            raise MallepostError(str(failures[0]))
    return record.used_mb << 20


@contextlib.contextmanager
def _folder_reached() -> Iterator[None]:
    """Around what the folder of the copies is needed for. Raises DirectoryError where it gives no answer."""
    try:
        yield
    except OSError as error:
        LOG.error("the copies of agents' data cannot be reached: %s", error)
        raise DirectoryError("the copies cannot be reached") from error
