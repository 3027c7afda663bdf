"""Agendas and contacts of accounts in the stores of the web hosts."""

from __future__ import annotations

from malleposte.accounts.agendas import Moved
from malleposte.accounts.channels import checked
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import AGENDAS
from malleposte.accounts.hosts.table import Uid, act, first_with, only

ONE_HOST = first_with("agendas", *AGENDAS, hint="deploy the hosts of the group web, then the directory's")


@act(on=ONE_HOST, merge=only, in_turn=True, accountd=True)
def settle(host: LocalHost, uid: Uid, profile: str) -> Moved:
    """Bring the account's agendas and contacts to the stores of a class."""
    return host.agendas().settle(checked(uid), profile)


@act(on=ONE_HOST, merge=only)
def holders(host: LocalHost) -> dict[str, list[str]]:
    """Return the accounts that have something in each store of agendas."""
    return {name: list(uids) for name, uids in host.agendas().holders().items()}
