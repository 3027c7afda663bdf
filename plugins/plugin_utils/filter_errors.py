# SPDX-License-Identifier: GPL-3.0-or-later
"""Turn the errors of the code behind a filter into the error that Ansible reports."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from ansible.errors import AnsibleFilterError


def with_filter_errors(function: Callable[..., Any], *errors: type[Exception]) -> Callable[..., Any]:
    """Return `function` as a filter: its errors of these kinds become AnsibleFilterError with the same text."""

    @functools.wraps(function)
    def call(*args: Any) -> Any:
        try:
            return function(*args)
        except errors as error:
            raise AnsibleFilterError(str(error)) from error

    return call
