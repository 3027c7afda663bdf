"""The cards (RFC 2426, RFC 6350) of an address book that is shown to agents: one file of all, and cut into items."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping

from malleposte.accounts.agendas.model import Kind, components, uid_of
from malleposte.accounts.agendas.radicale import TAGS, as_kept
from malleposte.core.errors import InputError
from malleposte.groupware.published.content import Kept

MOST_CARDS, MOST_BYTES = 1000, 2 << 20
_CARD = re.compile(r"^BEGIN:VCARD\r?$.*?^END:VCARD\r?$", re.MULTILINE | re.DOTALL | re.IGNORECASE)


def whole(texts: Iterable[str]) -> str:
    """One file of all cards. What is none is left out, such as a list of SOGo's."""
    cards = (match[0] for text in texts if components(text) == {"VCARD"} and (match := _CARD.search(text)))
    return "".join("\r\n".join([*card.splitlines(), ""]) for card in cards)


def check(content: bytes, what: str, normalise: Kept = as_kept) -> Mapping[str, str]:
    """Return the cards of a file by their names in a store; one that is not valid is left out.

    Raises InputError, which begins with `what`, on a file that is none of ours.
    """
    if len(content) > MOST_BYTES:
        raise InputError(f"{what}: more than {MOST_BYTES >> 20} MB of cards")
    try:
        cards = _CARD.findall(content.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise InputError(f"{what}: not UTF-8 (octet {error.start})") from error
    items: dict[str, str] = {}
    for card in cards[:MOST_CARDS]:
        name = hashlib.sha256((uid_of(card) or card).encode()).hexdigest()[:32]
        if (text := normalise(f"{card}\r\n", TAGS[Kind.CONTACTS])) is not None:
            items[f"{name}.vcf"] = text
    return items
