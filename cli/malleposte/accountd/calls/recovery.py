"""Means of recovery: an agent's own address and telephone, to which codes go. Each change is told to old and new."""

from __future__ import annotations

from malleposte.accountd.context import RefusedValueError
from malleposte.accounts.feed import values

_MARKS = dict.fromkeys([0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, *range(0x2066, 0x206A), 0xFEFF])
"""Marks that nobody sees, which come along with a number or an address copied on a telephone."""


def means(domain: str, mail: str, phone: str) -> tuple[str, str]:
    """Return means of recovery as they are kept, none of the academy's `domain`; empty ones stay empty.

    Raises RefusedValueError.
    """
    try:
        address = values.address(mail.translate(_MARKS)) if mail else ""
        number = values.phone(phone.translate(_MARKS)) if phone else ""
    except values.BadValueError as error:
        raise RefusedValueError(str(error)) from error
    of = address.rpartition("@")[2].lower()
    if of == domain.lower() or of.endswith(f".{domain.lower()}"):
        raise RefusedValueError("an address of the academy cannot be read by an agent who cannot log in")
    return address, number
