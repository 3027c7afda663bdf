"""The cost of a call, declared beside it (`accountd.calls`). `limits.Limits` keeps the budgets."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """A cost by its name; `budgets` are those of `limits.Rates` that an act of this cost takes from.

    Each is the agent's own first, then (`all_` before its name) that of the client for everybody. An act that changed
    nothing gives back what it took.
    """

    name: str
    budgets: tuple[str, ...] = ()


PROOF = Cost("proof")
"""A secret is tried: counted by name and network."""
LOG_IN = Cost("log-in")
"""As `PROOF`, in windows of its own: a school opens its mailboxes at the same hour."""
LOOK = Cost("look")
"""An agent who is logged in is shown something: so many a minute for each agent. Acts cost as much beside the rest."""
ACT = Cost("act", ("acts",))
"""An agent changes something."""
CLASS = Cost("class", ("acts", "classes"))
"""Another class of service: agendas move, which takes minutes."""
BLOCK = Cost("block", ("acts", "blocks"))
"""Somebody of a help desk blocks another's account."""
PROTECT = Cost("protect")
"""Agents protect themselves: never refused for having been asked too often, by them or by anybody else."""
