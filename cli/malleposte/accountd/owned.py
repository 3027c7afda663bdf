"""Common parts of the calls of an agent who is logged in (`wire.Owned`)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from malleposte.accounts.credentials.passwords import Holder, NotProvedError
from malleposte.core.errors import MallepostError
from malleposte.directory.errors import DirectoryError

if TYPE_CHECKING:
    from malleposte.accountd.context import Context, Tools


@dataclass(frozen=True)
class Ways:
    """The part of the service that these calls use (see `accountd.service.Service`)."""

    alone: Callable[..., AbstractContextManager[None]]
    owner: Callable[[Context, str], Holder]
    """The account of an agent who is logged in. Raises NotFoundError, NotProvedError."""


@dataclass(frozen=True)
class Shared:
    """The service's own ways: a counted try, one act at a time on an account, a refusal that is written down."""

    tools: Tools
    tried: Callable[[Context, Any, str, str], AbstractContextManager[None]]
    alone: Callable[..., AbstractContextManager[None]]
    refuse: Callable[[Context, Any, str], NotProvedError]


@contextlib.contextmanager
def reached(
    errors: tuple[type[Exception], ...] = (MallepostError, OSError), what: str = "the host of the mailbox"
) -> Iterator[None]:
    """Around what another host is asked. Raises DirectoryError where it gives no answer: for `errors`."""
    try:
        yield
    except errors as error:
        raise DirectoryError(f"{what} gives no answer: {error}") from error
