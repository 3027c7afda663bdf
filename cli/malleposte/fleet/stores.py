"""The host that holds a mailbox."""

from __future__ import annotations

from collections.abc import Sequence

from malleposte.core.errors import MallepostError


def store_of(mail_host: str, stores: Sequence[str]) -> str:
    """The one of `stores` (hosts' names) that holds a box; `mail_host` is its `mailHost` in the directory.

    Without a `mailHost` it is the only store. A name counts with or without its domain. Raises MallepostError.
    """
    if not mail_host and len(stores) == 1:
        return stores[0]
    if not stores:
        raise MallepostError("no host holds mailboxes", "deploy the hosts of the group mail, then the directory's")
    names = ", ".join(name or "this one" for name in stores)
    if not mail_host:
        raise MallepostError(f"it has no mailHost, and there are several stores ({names})", "set its mailHost")
    host = mail_host.lower()
    exact = [name for name in stores if name.lower() == host]
    short = [name for name in stores if name and name.lower().split(".")[0] == host.split(".")[0]]
    matching = exact or short or ([stores[0]] if len(stores) == 1 and not stores[0] else [])
    if len(matching) != 1:
        raise MallepostError(f"its mailHost {mail_host} is none of the stores ({names})", "deploy, or set its mailHost")
    return matching[0]
