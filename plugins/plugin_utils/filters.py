# SPDX-License-Identifier: GPL-3.0-or-later
"""The filters of a file as Ansible looks for them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from ansible.errors import AnsibleFilterError


class Filters(Protocol):
    """The object that Ansible makes for each file."""

    def filters(self) -> Mapping[str, Callable[..., Any]]:
        """Return the filters by their names."""


def filters(
    *functions: Callable[..., Any], errors: tuple[type[Exception], ...] = (), **named: Callable[..., Any]
) -> type[Filters]:
    """Return the `FilterModule` of a file: functions under their own names, and others under those given here.

    Errors of these kinds become AnsibleFilterError with the same text.
    """
    every = {one.__name__: one for one in functions} | named

    class FilterModule:
        def filters(self) -> Mapping[str, Callable[..., Any]]:
            return {name: _with_errors(one, errors) for name, one in every.items()} if errors else every

    return FilterModule


def _with_errors(function: Callable[..., Any], errors: tuple[type[Exception], ...]) -> Callable[..., Any]:
    @functools.wraps(function)
    def call(*args: Any, **named: Any) -> Any:
        try:
            return function(*args, **named)
        except errors as error:
            raise AnsibleFilterError(str(error)) from error

    return call
