"""Messages of an archive that a restore gives to nobody: they are sealed in the box, or were taken back from all boxes.

A sealed one is known by its content; one that lies in a folder of the box too was released or is another copy, and is
not withheld. One that was taken back is known as the retraction knows it, by its Message-ID and the queue id in a
`Received` of ours, also once its sealed copy is gone.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from malleposte.backup.restore.mail import maildir
from malleposte.backup.restore.mail.maildir import Message
from malleposte.deliveries import taken_back
from malleposte.platform.mailstore import MAILDIR, SEALED


def of(messages: Iterable[Message], home: Path) -> Iterator[Message]:
    """Yield those of an archive's messages that the box at `home` must not get. Raises MallepostError, OSError."""
    sealed = list(maildir.messages(home / SEALED)) if (home / SEALED).is_dir() else []
    sizes = {message.size for message in sealed}
    digests = {message.digest() for message in sealed}
    if digests:
        digests -= {one.digest() for one in maildir.messages(home / MAILDIR) if one.size in sizes}
    signs = taken_back.by_queue()
    for message in messages:
        if (message.size in sizes and message.digest() in digests) or (signs and _was_taken(message, signs)):
            yield message


def _was_taken(message: Message, signs: Mapping[str, frozenset[str]]) -> bool:
    """Whether a message bears one of the queue ids, and the piece of a Message-ID that goes with it."""
    head = message.content().replace(b"\r\n", b"\n").partition(b"\n\n")[0].decode("latin-1")
    fields = [line.partition(":") for line in head.replace("\n ", " ").replace("\n\t", " ").split("\n")]
    idents = [text.lower() for name, _, text in fields if name.strip().lower() == "message-id"]
    words = {
        word.strip(";,()") for name, _, text in fields if name.strip().lower() == "received" for word in text.split()
    }
    pieces = {piece for queue in words & signs.keys() for piece in signs[queue]}
    return any(not piece or any(piece in ident for ident in idents) for piece in pieces)
