"""« Mes données »: an agent asks for a copy of all that is held about the account, fetches it, ends it.

It is made in the background by root (`accounts.disclosure.make`). What is asked for with the password, is fetched with
the log-in alone; the server sends the bytes after the answer.
"""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from malleposte.accountd import wire
from malleposte.accountd.desk import ForbiddenError
from malleposte.accountd.owned import Shared, reached
from malleposte.accounts.credentials.passwords import Holder, Passwords, Proof
from malleposte.accounts.disclosure import letters
from malleposte.accounts.disclosure.spool import READY, Copy
from malleposte.core.errors import MallepostError
from malleposte.directory.errors import DirectoryError
from malleposte.platform.times import when

if TYPE_CHECKING:
    from malleposte.accountd.context import Context

LOG = logging.getLogger("accountd")
ALONE = "own data"
"""The word under which requests of one account wait for each other."""


class OwnData:
    """Does the calls."""

    def __init__(self, shared: Shared, owner: Callable[[Context, str], Holder]) -> None:
        self._it, self._tools, self._owner = shared, shared.tools, owner

    @property
    def does(self) -> Mapping[type[Any], Callable[[Context, Any], wire.Answer]]:
        """Each call, and what does it."""
        return {
            wire.ShowOwnData: self._show, wire.AskOwnData: self._ask, wire.FetchOwnData: self._fetch,
            wire.EndOwnData: self._end,
        }  # fmt: skip

    def _show(self, act: Context, request: wire.ShowOwnData) -> wire.Answer:
        holder = self._owner(act, request.uid)
        return self._answer(act, holder)

    def _ask(self, act: Context, request: wire.AskOwnData) -> wire.Answer:
        holder = self._owner(act, request.uid)
        uid, copies = holder.uid, self._tools.copies
        with self._it.tried(act, request, uid, request.password):
            proof = Passwords(act.directory, act.journal, self._tools.policy).prove(uid, request.password)
            if proof is not Proof.RIGHT:
                raise self._it.refuse(act, request, uid)
        with self._it.alone(uid, ALONE), _folder_reached():
            last = when(copies.of(uid, act.now).again)
            if last is not None and last > act.now:
                raise ForbiddenError(wire.Forbidden.COPY_TODAY)
            if not copies.room(self._size(uid)):
                LOG.error("no room for a copy of an agent's data in %s", copies.folder)
                raise ForbiddenError(wire.Forbidden.COPY_ROOM)
            copy = copies.ask(uid, act.now)
            if copy is None:
                raise ForbiddenError(wire.Forbidden.COPY_TODAY)
            if not self._told(act, holder, copy):
                # As with devices: what its owner cannot be told is not done.
                copies.remove(uid)
                raise DirectoryError("mail cannot be sent: no copy is made")
            act.journal.write("own-data-ask", uid)
        return self._answer(act, holder)

    def _fetch(self, act: Context, request: wire.FetchOwnData) -> wire.Answer:
        holder = self._owner(act, request.uid)
        answer = self._answer(act, holder)
        if answer.own_data.state != READY:
            raise MallepostError("no copy is ready")
        act.journal.write("own-data-fetch", holder.uid)
        return answer

    def _end(self, act: Context, request: wire.EndOwnData) -> wire.Answer:
        holder = self._owner(act, request.uid)
        with self._it.alone(holder.uid, ALONE), _folder_reached():
            if self._tools.copies.end(holder.uid):
                act.journal.write("own-data-end", holder.uid)
        return self._answer(act, holder)

    def _answer(self, act: Context, holder: Holder) -> wire.Done:
        with _folder_reached():
            found = self._tools.copies.of(holder.uid, act.now)
        told = wire.OwnData(found.state, found.asked, found.until, found.again, found.size, found.missing, found.reason)
        return wire.Done(holder.uid, holder.state.value, own_data=told)

    def _size(self, uid: str) -> int:
        """Bytes that the account's box takes. Raises DirectoryError where its host gives no answer."""
        with reached():
            kept, failures = self._tools.record(uid)
            if failures:
                raise MallepostError(str(failures[0]))
        return kept.used_mb << 20

    def _told(self, act: Context, holder: Holder, copy: Copy) -> bool:
        to = next(iter(holder.attributes.get("mail", ())), "")
        try:
            self._tools.post(letters.asked(copy, holder.uid, to, self._tools.facts(), act.now))
        except (OSError, ValueError, MallepostError) as error:
            LOG.error("a letter about a copy of data could not be sent: %s", type(error).__name__)
            return False
        return True


@contextlib.contextmanager
def _folder_reached() -> Iterator[None]:
    """Around what the folder of the copies is needed for. Raises DirectoryError where it gives no answer."""
    try:
        yield
    except OSError as error:
        LOG.error("the copies of agents' data cannot be reached: %s", error)
        raise DirectoryError("the copies cannot be reached") from error
