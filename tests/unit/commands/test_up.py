"""`malleposte up`: its closing lines name the lab that was made, whatever the shell has in its environment."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from malleposte.commands.up import where_to_look
from malleposte.core.paths import FLEET_INVENTORY, LAB_INVENTORY

OWN = Path("/var/lib/malleposte/lab/trial/inventory")


def closing(inventory: Path) -> list[str]:
    """The commands of the closing lines."""
    lab = SimpleNamespace(deploy_inventory=inventory, inventory=SimpleNamespace(hosts=[]))
    up: Any = SimpleNamespace(lab=lab)
    return [line.split("  ")[0] for line in where_to_look(up) if line.startswith("sudo")]


@pytest.mark.parametrize(
    ("inventory", "environment", "option"),
    [
        (LAB_INVENTORY, "", ""),
        (LAB_INVENTORY, "fleet", " -i lab"),
        (FLEET_INVENTORY, "", " -i fleet"),
        (OWN, "", f" -i {OWN}"),
    ],
)
def test_the_closing_lines_act_on_the_lab_that_was_made(
    monkeypatch: pytest.MonkeyPatch, inventory: Path, environment: str, option: str
) -> None:
    monkeypatch.setenv("MALLEPOSTE_INVENTORY", environment)
    lab = f"sudo ./malleposte lab{option}"
    assert closing(inventory) == [
        f"{lab} accounts",
        f"{lab} ssh mail1",
        f"sudo ./malleposte probe{option}",
        f"{lab} down",
    ]
