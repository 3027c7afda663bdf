"""Postfix's queue (postqueue(1), `-j`): how many messages wait, and since when the oldest does."""

from __future__ import annotations

from collections.abc import Iterable

from malleposte.accounts.mailbox.queue import HOLD, Queue, Waiting
from malleposte.watch.settings import Settings
from malleposte.watch.textfile import Metric, metric

QUEUES = ("active", "incoming", "deferred", HOLD, "maildrop")


def ages(waiting: Iterable[Waiting], now: float) -> list[Metric]:
    """The metrics of a queue; 0 seconds where nothing waits."""
    arrived: dict[str, list[int]] = {name: [] for name in QUEUES}
    for one in waiting:
        arrived.setdefault(one.queue, []).append(one.arrived)
    oldest = {name: max(0.0, now - min(times)) if times else 0.0 for name, times in arrived.items()}
    counts = [(float(len(times)), {"queue": name}) for name, times in arrived.items()]
    return [
        metric("malleposte_queue_messages", "Messages in a queue of Postfix", *counts),
        metric(
            "malleposte_queue_oldest_seconds", "Age of the oldest message in a queue of Postfix, in seconds",
            *((age, {"queue": name}) for name, age in oldest.items()),
        ),
        metric("malleposte_held_messages", "Messages that are held", float(len(arrived[HOLD]))),
        metric("malleposte_held_oldest_seconds", "Age of the oldest held message, in seconds", oldest[HOLD]),
    ]  # fmt: skip


def measure(_settings: Settings, now: float) -> list[Metric]:
    """The queue of this host. Raises MallepostError."""
    return ages(Queue().waiting(), now)
