"""The life of an account, as changes: pure functions from an entry to what is to be changed in it.

`accounts.apply` makes the changes and writes the journal; `accounts.acts` joins them with channels, queue and filters.
"""

from malleposte.accounts.life.arrival import Arrival, create
from malleposte.accounts.life.edits import attributes, move, profile, quota, rename, set_recovery
from malleposte.accounts.life.recovery import (
    DELAY_HOURS,
    ask_recovery,
    cancel_recovery,
    confirm_recovery,
    next_recovery,
    settled,
    usable_recovery,
)
from malleposte.accounts.life.states import bar, block, expire, lift, resume, suspend, unblock
from malleposte.platform.times import stamp

__all__ = [
    "DELAY_HOURS",
    "Arrival",
    "ask_recovery",
    "attributes",
    "bar",
    "block",
    "cancel_recovery",
    "confirm_recovery",
    "create",
    "expire",
    "lift",
    "move",
    "next_recovery",
    "profile",
    "quota",
    "rename",
    "resume",
    "set_recovery",
    "settled",
    "stamp",
    "suspend",
    "unblock",
    "usable_recovery",
]
