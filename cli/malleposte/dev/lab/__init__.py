"""Lab hosts: real Debian systems on this machine, made by systemd-nspawn over one base tree.

``Lab.load(inventory)`` gives the lab an inventory describes; ``up``, ``down``, ``snapshot``, ``restore``,
``kill``, ``start``, ``ssh`` do what they say. Errors are LabError and carry an exit code.
"""

from malleposte.dev.lab.errors import LabError, LabUnsupportedError, LabUsageError
from malleposte.dev.lab.inventory import Bind, HostSpec, Inventory
from malleposte.dev.lab.lab import Lab
from malleposte.dev.lab.machine.host import Host
from malleposte.dev.lab.settings import Settings
from malleposte.dev.lab.status import HostStatus
from malleposte.dev.lab.twin import Twin

__all__ = [
    "Bind",
    "Host",
    "HostSpec",
    "HostStatus",
    "Inventory",
    "Lab",
    "LabError",
    "LabUnsupportedError",
    "LabUsageError",
    "Settings",
    "Twin",
]
