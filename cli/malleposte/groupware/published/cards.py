"""The cards (RFC 2426, RFC 6350) of an address book that is shown to agents: one file of all, and cut into items."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping

from malleposte.accounts.agendas.model import Kind, components, uid_of
from malleposte.accounts.agendas.radicale import TAGS, as_kept
from malleposte.core.errors import InputError
from malleposte.groupware.published.content import Kept

MOST_CARDS, MOST_BYTES = 1000, 2 << 20
_LINE = re.compile(r"\r?\n")
"""The end of a line. Other letters that end lines elsewhere, such as U+2028, are part of a value."""


def split(text: str) -> Iterator[str]:
    """Each card of a text, by its lines: a look for ends would cost by the square of beginnings without one."""
    card: list[str] | None = None
    for line in _LINE.split(text):
        word = line.rstrip().upper()
        if word == "BEGIN:VCARD":
            card = []
        if card is not None:
            card.append(line)
            if word == "END:VCARD":
                yield "\r\n".join([*card, ""])
                card = None


def whole(texts: Iterable[str]) -> str:
    """One file of the first card of each text. What is none is left out, such as a list of SOGo's."""
    return "".join(next(split(text), "") for text in texts if components(text) == {"VCARD"})


def check(content: bytes, what: str, normalise: Kept = as_kept) -> Mapping[str, str]:
    """Return the cards of a file by their names in a store; one that is not valid is left out.

    Raises InputError, which begins with `what`, on a file that is none of ours.
    """
    if len(content) > MOST_BYTES:
        raise InputError(f"{what}: more than {MOST_BYTES >> 20} MB of cards")
    try:
        cards = [*split(content.decode("utf-8"))]
    except UnicodeDecodeError as error:
        raise InputError(f"{what}: not UTF-8 (octet {error.start})") from error
    items: dict[str, str] = {}
    for card in cards[:MOST_CARDS]:
        name = hashlib.sha256((uid_of(card) or card).encode()).hexdigest()[:32]
        if (text := normalise(card, TAGS[Kind.CONTACTS])) is not None:
            items[f"{name}.vcf"] = text
    return items
