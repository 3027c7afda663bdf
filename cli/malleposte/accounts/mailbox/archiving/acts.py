"""Acts of agents and operators: see it and change the choice."""

from __future__ import annotations

import time
from dataclasses import replace

from malleposte.accounts import facts
from malleposte.accounts.mailbox.archiving.model import DONE, Choice, Record, State
from malleposte.accounts.mailbox.archiving.store import Store


def state(store: Store, uid: str) -> State:
    """Return what the agent sees. Raises MallepostError."""
    return _seen(store.read(uid))


def choose(store: Store, uid: str, choice: Choice) -> State:
    """Change the choice; what comes of it. Raises InputError, MallepostError."""
    choice = choice.checked()
    with store.alone(uid):
        record = store.read(uid)
        if record.choice != choice:
            record = replace(record, choice=choice)
            store.write(uid, record)
    return _seen(record)


def _seen(record: Record) -> State:
    moved = record.without_old(time.time()).moved
    return State(record.choice, label(), tuple((one.at, one.counts()) for one in reversed(moved)))


def label() -> str:
    """The name of the label of what is done; empty where the platform has fewer labels."""
    labels, number = facts.read().get("mail_labels", ()), int(DONE.removeprefix("$label"))
    return str(labels[number - 1]) if len(labels) >= number else ""
