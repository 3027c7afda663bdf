"""The owner of a lab: the inventory that it was deployed from, which has the secrets of its hosts, and the checkout."""

from __future__ import annotations

from pathlib import Path

from malleposte.core.paths import ROOT
from malleposte.dev.lab.errors import LabUsageError
from malleposte.dev.lab.settings import Settings
from malleposte.runtime import durable


def claim(record: Path, inventory: Path) -> None:
    """Keep in ``record`` that the lab is that of ``inventory``, a folder.

    Raises LabUsageError, and writes nothing, where the lab is that of another folder.
    """
    owner = record.read_text(encoding="utf-8").strip() if record.exists() else ""
    folder = str(inventory.resolve())
    if owner and owner != folder:
        gone = "" if Path(owner).is_dir() else ", which is no more"
        raise LabUsageError(
            f"the lab that stands here is that of {owner}{gone}: its hosts have the secrets of that folder; "
            "`malleposte lab down` removes it, MALLEPOSTE_LAB_PREFIX gives this one another name"
        )
    if not owner:
        durable.write(record, folder + "\n", 0o644)


def sign(record: Path) -> None:
    """Keep in ``record`` that this checkout made the lab, unless another one did."""
    if not record.exists():
        durable.write(record, f"{ROOT}\n", 0o644)


def other_maker(settings: Settings) -> str:
    """Return the checkout that made the lab where it is not this one, else an empty text.

    An older lab names only the folder that it was deployed from; one below the lab's own folder names nobody.
    """
    record = settings.maker if settings.maker.exists() else settings.claim
    maker = Path(record.read_text(encoding="utf-8").strip()) if record.exists() else ROOT
    return "" if any(maker.is_relative_to(own) for own in (ROOT, settings.state.resolve())) else str(maker)
