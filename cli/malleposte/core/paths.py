"""Paths of the checkout. Nothing here touches the disk at import."""

import os
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path
from pwd import getpwuid

from malleposte.core.errors import InputError, MallepostError

ROOT = Path(__file__).resolve().parents[3]
"""The checkout: the collection, the launcher and the inventories."""

HOSTED = not Path(__file__).is_file()
"""Whether this is the command line as a host has it (one file, of the role toolkit), not that of a checkout."""

VENV_BIN = ROOT / ".venv" / "bin"
VAR = ROOT / "var"
LOG_DIR = VAR / "log"
ANSIBLE_CFG = ROOT / "ansible.cfg"
SITE = ROOT / "playbooks" / "site.yml"
"""The order of everything that a deploy does."""
LAB_INVENTORY = ROOT / "inventories" / "lab"
FLEET_INVENTORY = ROOT / "inventories" / "fleet"
"""The lab of the platform split over hosts."""
HOSTS = "hosts.yml"
"""The file of hosts in the folder of an inventory."""
DEFAULT_LABS = Path("/var/lib/malleposte/lab")
ENV_LABS = "MALLEPOSTE_LAB_DIR"
ENV_PREFIX = "MALLEPOSTE_LAB_PREFIX"
"""Names a lab beside the inventory's."""


def labs(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the folder of all labs on this machine: $MALLEPOSTE_LAB_DIR or the default."""
    return Path(environ.get(ENV_LABS) or DEFAULT_LABS).absolute()


def new_log(name: str) -> Path:
    """The path of a new, empty log `<name>-<date>-<time>.log`; a second one of a second has a number after it.

    Raises MallepostError when the folder cannot be written.
    """
    try:
        LOG_DIR.mkdir(mode=0o750, parents=True, exist_ok=True)
    except OSError as error:
        raise MallepostError(f"cannot make {LOG_DIR}: {error.strerror}", "run this with sudo") from error
    if not os.access(LOG_DIR, os.W_OK):
        raise MallepostError(f"cannot write logs into {LOG_DIR}", "run this with sudo")
    stem, number = f"{name}-{datetime.now():%Y%m%d-%H%M%S}", 1
    while True:
        path = LOG_DIR / f"{stem}{f'-{number}' if number > 1 else ''}.log"
        try:
            path.touch(0o600, exist_ok=False)
        except FileExistsError:
            number += 1
        else:
            return path


def shown(path: Path) -> str:
    """The path as a person would type it: relative to the current folder where it lies below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def inventory(name: str | None, *, secrets: bool = True) -> Path:
    """The inventory named by a path or by a folder's name under `inventories/`; the lab's when None.

    `secrets`: the command reads or makes the inventory's secrets. Raises InputError, with the known names, when there
    is no such inventory; MallepostError when its secrets are another user's.
    """
    path = _named(name)
    if secrets:
        _own(folder_of(path))
    return path


def folder_of(inventory: Path) -> Path:
    """The folder of an inventory that may be given by its file of hosts."""
    return inventory if inventory.is_dir() else inventory.parent


def hosts_of(inventory: Path) -> Path:
    """The source of an inventory for Ansible: its `hosts.yml` alone, whatever lies beside it; else the folder."""
    hosts = inventory / HOSTS
    return hosts if hosts.is_file() else inventory


def _named(name: str | None) -> Path:
    if name is None:
        return LAB_INVENTORY
    for candidate in (Path(name), ROOT / "inventories" / name):
        if candidate.exists():
            return candidate.resolve()
    names = sorted(p.name for p in (ROOT / "inventories").glob("*") if p.is_dir())
    raise InputError(f"no inventory {name!r}", f"give a path or one of: {', '.join(names)}")


def _own(folder: Path) -> None:
    """Refuse, in one line, secrets that this user cannot read or make."""
    secrets = folder / "secrets"
    place = secrets if secrets.exists() else folder
    if not os.access(place, os.R_OK | os.W_OK | os.X_OK):
        owner = getpwuid(place.stat().st_uid).pw_name
        raise MallepostError(
            f"the inventory's secrets in {shown(secrets)} belong to {owner}", f"run this with sudo, or as {owner}"
        )
