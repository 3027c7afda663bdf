"""Copies of messages in boxes, and what the filter refuses of a wave: the forms that hosts and commands share."""

from __future__ import annotations

import re

import msgspec

_PIECE = re.compile(r"[!#-'*-;=@-\[\]-~]+")
_SHORTEST = 4


class Sign(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The sign of a message in a box: its Message-ID, and the queue id in a Received of ours.

    Nobody outside can give both to an honest message.
    """

    queue: str
    message_id: str = ""

    @property
    def piece(self) -> str:
        """The longest part of the Message-ID that any program reads as it was written; empty where none is long enough.

        Its sender may have left out the brackets, made it longer than the index keeps, or encoded it; the filter has a
        question mark for a sign that is none of a Message-ID.
        """
        if "=?" in self.message_id:
            return ""
        longest = max(_PIECE.findall(self.message_id), key=len, default="")
        return longest if len(longest) >= _SHORTEST else ""


class Box(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The messages that are looked for in a box; `since` is a day (ISO 8601) before which none of them was saved.

    `listed`: the Message-IDs of those that a list of ours brought.
    """

    uid: str
    signs: tuple[Sign, ...]
    since: str = "1970-01-01"
    listed: tuple[str, ...] = ()


class Copy(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A copy in a folder of a box. `guid` is Dovecot's identifier, which moves keep.

    Both are empty for the copies that may be in a box that could not be opened.
    """

    uid: str
    folder: str
    guid: str
    seen: bool = False


class Stop(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The marks by which the filter knows further messages of a wave: Message-IDs, contents, hosts of links."""

    ident: str
    message_ids: tuple[str, ...] = ()
    contents: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
