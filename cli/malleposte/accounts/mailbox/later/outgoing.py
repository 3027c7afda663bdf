"""Messages that the mail server of this host took from an account, by their Message-ID: the index of deliveries."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from malleposte.deliveries import ask
from malleposte.deliveries.model import Answer, Message, Query, State

QUEUE = Path("/var/spool/postfix")
FOLDERS = ("incoming", "active", "deferred", "hold")
NOT_YET = (State.WAITING, State.REFUSED, State.LATER)

Find = Callable[[Query], Answer]


def _of(uid: str, message_id: str, find: Find) -> list[Message]:
    answer = find(Query(message_id=message_id, about=uid, most=20))
    return [one for one in answer.messages if one.account == uid and not one.refused]


def was_sent(uid: str, message_id: str, find: Find = ask.find) -> bool:
    """Whether the account sent a message of that Message-ID of late. Raises MallepostError, OSError."""
    return bool(_of(uid, message_id, find))


def taken(uid: str, message_id: str, find: Find = ask.find, spool: Path = QUEUE) -> str:
    """The number in the queue of a message that was taken; empty for none. Raises MallepostError, OSError.

    The filter saw also what the mail server did not come to keep: its number counts while it is in the queue, or once
    something became of it.
    """
    for one in _of(uid, message_id, find):
        if any(each.state not in NOT_YET for each in one.recipients) or _queued(one.queue, spool):
            return one.queue
    return ""


def _queued(queue: str, spool: Path) -> bool:
    # Postfix splits `deferred` into folders by a letter.
    return any(any((spool / folder).glob(where)) for folder in FOLDERS for where in (queue, f"?/{queue}"))
