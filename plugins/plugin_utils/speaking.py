# SPDX-License-Identifier: GPL-3.0-or-later
"""What the filters share: the errors of the code that they call, told as Ansible tells them."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError


def speaking(function: Callable[..., Any], *errors: type[Exception]) -> Callable[..., Any]:
    """The function as a filter: its errors of these kinds become AnsibleFilterError, with their own words."""

    @functools.wraps(function)
    def call(*args: Any) -> Any:
        try:
            return function(*args)
        except errors as error:
            raise AnsibleFilterError(str(error)) from error

    return call
