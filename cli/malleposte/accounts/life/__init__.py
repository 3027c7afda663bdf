"""The life of an account, as changes: pure functions from an entry to what is to be changed in it.

`accounts.apply` makes the changes and writes the journal; `accounts.acts` joins them with doors, queue and filters.
"""

from malleposte.accounts.life.arrival import Arrival, create
from malleposte.accounts.life.base import ASKED, stamp
from malleposte.accounts.life.edits import attributes, move, profile, quota, rename, set_recovery
from malleposte.accounts.life.recovery import Recovery, usable_recovery
from malleposte.accounts.life.states import block, expire, lift, password_set, resume, suspend, unblock

__all__ = [
    "ASKED",
    "Arrival",
    "Recovery",
    "attributes",
    "block",
    "create",
    "expire",
    "lift",
    "move",
    "password_set",
    "profile",
    "quota",
    "rename",
    "resume",
    "set_recovery",
    "stamp",
    "suspend",
    "unblock",
    "usable_recovery",
]
