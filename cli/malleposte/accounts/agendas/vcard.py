"""The little that a store's own columns need of a vCard (RFC 2426, RFC 6350): names and addresses, read and written."""

from __future__ import annotations

import re
from dataclasses import dataclass

from malleposte.accounts.agendas.model import unfolded

_LINE = re.compile(r"(?:[A-Za-z0-9-]+\.)?([A-Za-z0-9-]+)((?:;[^:\"]*(?:\"[^\"]*\"[^:\"]*)*)?):(.*)")
_ESCAPE = re.compile(r"\\(.)")
_PARTS = re.compile(r"(?<!\\);")


@dataclass(frozen=True)
class Card:
    """The person: the name as it is shown, first name, surname, addresses."""

    name: str = ""
    first: str = ""
    last: str = ""
    emails: tuple[str, ...] = ()


def read(text: str) -> Card:
    """Read these fields from a vCard."""
    name, parts, emails = "", [""], list[str]()
    for line in unfolded(text).split("\n"):
        match = _LINE.fullmatch(line)
        if not match:
            continue
        key, value = match[1].upper(), match[3].strip()
        if key == "FN":
            name = name or _plain(value)
        elif key == "N" and not any(parts):
            parts = [_plain(part) for part in _PARTS.split(value)]
        elif key == "EMAIL" and value:
            emails.append(_plain(value))
    first = parts[1] if len(parts) > 1 else ""
    whole = name or f"{first} {parts[0]}".strip() or next(iter(emails), "")
    return Card(whole, first, parts[0], tuple(dict.fromkeys(emails)))


def write(uid: str, card: Card) -> str:
    """A vCard 3.0."""
    lines = ["BEGIN:VCARD", "VERSION:3.0", f"UID:{uid}"]
    lines += [f"N:{_safe(card.last)};{_safe(card.first)};;;", f"FN:{_safe(card.name)}"]
    lines += [f"EMAIL;TYPE=INTERNET:{_safe(one)}" for one in card.emails]
    return "\r\n".join([*lines, "END:VCARD", ""])


def _plain(value: str) -> str:
    return _ESCAPE.sub(lambda match: " " if match[1] in "nN" else match[1], value).strip()


def _safe(value: str) -> str:
    return re.sub(r"([\\,;])", r"\\\1", " ".join(value.split()))
