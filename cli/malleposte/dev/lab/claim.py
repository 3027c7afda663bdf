"""The inventory that a lab was deployed from: the secrets of its hosts lie there, not in another one."""

from __future__ import annotations

from pathlib import Path

from malleposte.dev.lab.errors import LabUsageError
from malleposte.runtime import durable


def claim(record: Path, inventory: Path) -> None:
    """Keep in ``record`` that the lab is that of ``inventory``, a folder.

    Raises LabUsageError, and writes nothing, where the lab is that of another folder.
    """
    known = record.read_text(encoding="utf-8").strip() if record.exists() else ""
    wanted = str(inventory.resolve())
    if known and known != wanted:
        gone = "" if Path(known).is_dir() else ", which is no more"
        raise LabUsageError(
            f"the lab that stands here is that of {known}{gone}: its hosts have the secrets of that folder; "
            "`malleposte lab down` removes it, MALLEPOSTE_LAB_PREFIX gives this one another name"
        )
    if not known:
        durable.write(record, wanted + "\n", 0o644)
