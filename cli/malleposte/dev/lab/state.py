"""The layers below a host, kept in one file replaced at once: an interrupted act leaves the old or the new.

A host's root is a stack of directories: the base tree, frozen layers, and one upper layer that takes what is
written. A snapshot freezes the upper layer and opens a new one; a restore opens a new upper layer over the
frozen ones. Each is one replacement of the file; layers that it no longer names are garbage.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import msgspec

from malleposte.dev.lab.errors import LabError
from malleposte.runtime import durable


@dataclass(frozen=True)
class HostState:
    """The stack of a host. ``lowers`` and the values of ``snapshots`` go from the top down."""

    address: str
    base: str
    upper: str
    next_layer: int = 2
    lowers: tuple[str, ...] = ()
    snapshots: dict[str, tuple[str, ...]] = field(default_factory=dict)
    taken: dict[str, float] = field(default_factory=dict)  # label -> seconds since 1970
    binds: tuple[str, ...] = ()
    provisioned: bool = False
    version: Literal[1] = 1

    @classmethod
    def new(cls, address: str, base: str, binds: tuple[str, ...] = ()) -> HostState:
        """Return the state of a host to be made."""
        return cls(address=address, base=base, upper="1", binds=binds)

    def frozen(self, label: str, now: float) -> HostState:
        """Return the state after a snapshot: the upper layer becomes the first of the lower ones."""
        layers = (self.upper, *self.lowers)
        return replace(
            self, upper=str(self.next_layer), next_layer=self.next_layer + 1, lowers=layers,
            snapshots={**self.snapshots, label: layers}, taken={**self.taken, label: now},
        )  # fmt: skip

    def restored(self, label: str, binds: tuple[str, ...] = ()) -> HostState:
        """Return the state after a restore: a new upper layer over those of the snapshot, and these binds alone."""
        layers = self.snapshots[label]
        return replace(self, upper=str(self.next_layer), next_layer=self.next_layer + 1, lowers=layers, binds=binds)

    def without(self, label: str) -> HostState:
        """Return the state without this snapshot."""
        return replace(
            self,
            snapshots={name: layers for name, layers in self.snapshots.items() if name != label},
            taken={name: when for name, when in self.taken.items() if name != label},
        )

    def layers(self) -> set[str]:
        """Return every layer that is still of use."""
        return {self.upper, *self.lowers, *(layer for layers in self.snapshots.values() for layer in layers)}


def load(path: Path) -> HostState | None:
    """Return the state kept at ``path``; None if there is none. Raises LabError if it cannot be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=HostState)
    except FileNotFoundError:
        return None
    except msgspec.MsgspecError as error:
        # Also that of another release.
        raise LabError(f"{path}: unreadable state ({error}); take the lab down and up again") from error


def save(path: Path, state: HostState) -> None:
    """Replace the state kept at ``path``, at once and durably."""
    durable.write(path, msgspec.json.format(msgspec.json.encode(state), indent=1) + b"\n", 0o644)
