# SPDX-License-Identifier: GPL-3.0-or-later
"""Commands of the package's programs, for a unit or a daemon's configuration (role toolkit installs the package)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError
from ansible_collections.academie.malleposte.plugins.plugin_utils import toolkit
from ansible_collections.academie.malleposte.plugins.plugin_utils.filters import filters


def _told(ask: Callable[[str], str], name: Any) -> str:
    try:
        return ask(str(name))
    except (OSError, SyntaxError, ValueError) as error:
        raise AnsibleFilterError(f"program: {error}") from error


def program(name: Any) -> str:
    """The words that start a program on a host."""
    return _told(toolkit.command, name)


def program_digest(name: Any) -> str:
    """A digest that changes exactly when the code of a program, or of a module of the package, does."""
    return _told(toolkit.digest, name)


def program_archive(name: Any) -> str:
    """The file to put on the path of a foreign program that imports a module of the package."""
    return _told(lambda module: toolkit.HOSTS.path if toolkit.module_of(module) else "", name)


FilterModule = filters(program, program_digest, program_archive)
