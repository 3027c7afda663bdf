"""Hours that an agent chose, as accountd has them kept."""

from malleposte.accounts.mailbox.hours.model import Change, Hours, State
from malleposte.accounts.mailbox.hours.store import Store


def choose(store: Store, uid: str, hours: Hours) -> State:
    held = store.read(uid)
    slots = tuple(map(str, hours.slots))
    return store.change(uid, Change(hours.on, slots, hours.rounds, hours.holidays, hours.senders, held.senders))
