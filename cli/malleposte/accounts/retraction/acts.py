"""A retraction is begun, goes on after an interruption, and is taken back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from malleposte.accounts.channels import Failure
from malleposte.accounts.hosts import wire
from malleposte.accounts.hosts.acts.retraction import MOST
from malleposte.accounts.retraction.model import Retraction, Stage
from malleposte.core.errors import InputError
from malleposte.deliveries.retracted import Box, Copy, Stop

AT_ONCE = 2
"""Questions to a host at a time."""
Keep = Callable[[Retraction], None]
Said = tuple[list[Copy], list[Failure]]


class Boxes(Protocol):
    """The part of accounts.hosts that reaches the boxes."""

    def copies(self, boxes: tuple[Box, ...]) -> Said:
        """Return the copies in boxes."""

    def seal(self, boxes: tuple[Box, ...]) -> Said:
        """Take messages out of boxes; return the copies that are still there."""

    def unseal(self, back: tuple[Copy, ...]) -> Said:
        """Give copies back; return those that are not there."""

    def stop(self, wave: Stop) -> list[Failure]:
        """Have the filter refuse further messages."""

    def note_retracted(self, boxes: tuple[Box, ...], back: bool = False) -> list[Failure]:
        """Have the indexes say it."""


def count(hosts: Boxes, one: Retraction) -> None:
    """Note the copies that are in the boxes now, beside those that were noted before."""
    copies, failures = _each(one.boxes, hosts.copies)
    one.copies = list(dict.fromkeys((*one.copies, *copies)))
    one.failures = list(dict.fromkeys((*one.failures, *map(str, failures))))


def retract(hosts: Boxes, one: Retraction, keep: Keep) -> None:
    """Stop the wave at the filter, then take every copy out of its box. Typed again it goes on. Raises OSError.

    The copies are noted on the disk before the first of them moves, so that all can be given back.
    """
    if one.stage is Stage.TAKEN_BACK:
        raise InputError(f"{one.ident} was taken back", "make another retraction")
    if one.agreement is not None and not one.agreement.complete:
        raise InputError(f"{one.ident}: a second person must agree first", "they do it on the portal")
    one.failures = []
    stopped = hosts.stop(_stop(one))
    count(hosts, one)
    # Copies that were not counted, and are moved nevertheless, would not come back: that is said.
    uncounted = one.failures
    one.stage = Stage.BEGUN
    keep(one)
    left, failures = _each(one.boxes, hosts.seal)
    if failures:  # a host that gave no answer may have done all, or nothing
        left += _each(one.boxes, hosts.copies)[0]
    one.left = list(dict.fromkeys(left))
    noted = _note(hosts, [box for box in one.boxes if box.uid not in {copy.uid for copy in one.left}], back=False)
    one.failures = list(dict.fromkeys(map(str, (*stopped, *uncounted, *failures, *noted))))
    if not one.left and not one.failures:
        one.stage = Stage.DONE
    keep(one)


def undo(hosts: Boxes, one: Retraction, keep: Keep) -> None:
    """Give every copy back to its folder, and let the filter pass the messages. Typed again it goes on.

    What is not in its box any more stays in `copies`, and `left` names it; what a try before gave back is there.
    Raises OSError.
    """
    if one.stage is Stage.PLANNED:
        raise InputError(f"{one.ident} was never begun", "there is nothing to take back")
    stopped = hosts.stop(Stop(one.ident))
    missing, failures = _each(one.copies, hosts.unseal)
    back = {(copy.uid, copy.guid) for copy in (_each(one.boxes, hosts.copies)[0] if missing else ())}
    one.left = [copy for copy in missing if (copy.uid, copy.guid) not in back]
    noted = _note(hosts, one.boxes, back=True)
    one.failures = list(dict.fromkeys(map(str, (*stopped, *failures, *noted))))
    if not one.failures:
        one.stage = Stage.TAKEN_BACK
    keep(one)


def _stop(one: Retraction) -> Stop:
    idents = dict.fromkeys(message.message_id for message in one.messages if message.message_id)
    return Stop(one.ident, tuple(idents)[:200], tuple(one.contents)[:200], tuple(one.hosts)[:50])


def _note(hosts: Boxes, boxes: Sequence[Box], *, back: bool) -> list[Failure]:
    return [failure for batch in wire.fitting(boxes, MOST) for failure in hosts.note_retracted(batch, back)]


def _each[T](parts: Iterable[T], ask: Callable[[tuple[T, ...]], Said]) -> Said:
    """Ask about so many at a time as fit a question, and a few questions at once."""
    batches = list(wire.fitting(parts, MOST))
    copies, failures = list[Copy](), list[Failure]()
    with ThreadPoolExecutor(AT_ONCE) as pool:
        for more, failed in pool.map(ask, batches):
            copies += more
            failures += failed
    return copies, failures
