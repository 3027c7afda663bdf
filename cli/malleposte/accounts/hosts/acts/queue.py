"""An account's mail in Postfix's queue."""

from __future__ import annotations

from malleposte.accounts.channels import checked
from malleposte.accounts.hosts.local import LocalHost
from malleposte.accounts.hosts.model import QUEUE
from malleposte.accounts.hosts.table import Names, Uid, act, every_one, holding
from malleposte.accounts.mailbox.queue import Queue, Waiting
from malleposte.core.errors import InputError


@act(on=holding(QUEUE), merge=every_one)
def queue(host: LocalHost, action: str, uid: Uid, names: Names = ()) -> list[Waiting]:
    """`show` the account's mail in the queue; `hold`, `release` or `delete` it, and return what is concerned."""
    if not host.rules.queue:
        return []
    postfix = Queue()
    messages = postfix.of(checked(uid), [uid, *names])
    if action == "show":
        return messages
    change = {"hold": postfix.hold, "release": postfix.release, "delete": postfix.delete}.get(action)
    if change is None:
        raise InputError(f"no act {action!r} on a queue")
    changed = set(change(messages))
    return [message for message in messages if message.ident in changed]


@act(on=holding(QUEUE), merge=every_one, label="queue", accountd=True)
def hold(host: LocalHost, uid: Uid, names: Names = ()) -> list[str]:
    """Hold the account's mail that waits to leave; return the queue ids."""
    return [message.ident for message in queue(host, "hold", uid, names)]
