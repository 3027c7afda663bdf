"""The addresses of the domain that the platform's facts name: operators, reports, certificates, help desk.

Each has somewhere to arrive from the first deploy on: what nobody has becomes a functional box, whose mail waits until
the box has delegates.
"""

from __future__ import annotations

from collections.abc import Container, Mapping

from malleposte.accounts.used_names import NAMES
from malleposte.core.errors import InputError
from malleposte.directory.model import FunctionalBox
from malleposte.directory.protocol import Branch, Directory
from malleposte.directory.query import AnyOf, Equal
from malleposte.platform.identity import is_uid

READ: tuple[Branch, ...] = ("people", "functional", "lists")


def missing(
    directory: Directory, addresses: Mapping[str, str], domain: str, taken: Container[str], *, profile: str
) -> list[FunctionalBox]:
    """The boxes to make, of a class. `addresses`: address -> name of its box; those of other domains are left out.

    `taken` holds every name in use or used before. Raises InputError for an address that was somebody's and is
    nobody's now, or that cannot be a box.
    """
    boxes = []
    for address, name in sorted(addresses.items()):
        local, _, of = address.lower().partition("@")
        if of != domain or _has_reader(directory, f"{local}@{of}"):
            continue
        if f"{local}@{of}" in taken or local in taken:
            raise InputError(f"{address} of the platform's facts is or was somebody's", "choose another address there")
        if not is_uid(local):
            raise InputError(f"{address} of the platform's facts cannot be a box", "letters, digits, dots, hyphens")
        boxes.append(FunctionalBox(uid=local, name=name, mail=f"{local}@{of}", profile=profile))
    return boxes


def _has_reader(directory: Directory, address: str) -> bool:
    query = AnyOf(tuple(Equal(key, address) for key in NAMES if key.startswith("mail")))
    return any(True for branch in READ for _entry in directory.search(branch, ["uid"], query))
