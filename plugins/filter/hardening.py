# SPDX-License-Identifier: GPL-3.0-or-later
"""The sandbox of a unit of ours (systemd.exec(5)): the strictest, but for what a unit says it needs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters

_YES = (
    "LockPersonality", "MemoryDenyWriteExecute", "NoNewPrivileges", "PrivateDevices", "PrivateTmp", "ProtectClock",
    "ProtectControlGroups", "ProtectHome", "ProtectHostname", "ProtectKernelLogs", "ProtectKernelModules",
    "ProtectKernelTunables", "RemoveIPC", "RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID",
)  # fmt: skip
STRICTEST: Mapping[str, str] = {
    **dict.fromkeys(_YES, "yes"),
    "CapabilityBoundingSet": "",
    "DevicePolicy": "closed",
    "ProcSubset": "pid",
    "ProtectProc": "invisible",
    "ProtectSystem": "strict",
    "SystemCallArchitectures": "native",
    "SystemCallFilter": "@system-service ~@privileged @resources",
    "UMask": "0077",
}
"""Settings and their values. What a unit may reach by network or write to disk is the unit's to say."""


def hardening(exceptions: Any) -> str:
    """The lines of a unit's section [Service]; `exceptions` are the settings that differ, with their values."""
    if not isinstance(exceptions, Mapping):
        raise AnsibleFilterError("hardening: give the settings that differ, {} where none does")
    unknown = sorted(set(map(str, exceptions)) - STRICTEST.keys())
    if unknown:
        raise AnsibleFilterError(f"hardening: {unknown[0]} is not among its settings: {', '.join(sorted(STRICTEST))}")
    lines = []
    for name, value in sorted({**STRICTEST, **exceptions}.items()):
        # A list of refusals begins a line of its own.
        allowed, refused, rest = str(value).partition(" ~")
        lines += [f"{name}={allowed}", *([f"{name}=~{rest}"] if refused else [])]
    return "\n".join(lines)


FilterModule = filters(hardening)
