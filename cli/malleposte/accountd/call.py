"""The declaration of a call of accountd, beside its handler: who may make it, what it costs, how it is carried out.

`@call(...)` over a function `(context, request) -> answer` registers it; the function stays as it is. Dispatch, limits,
client and the documentation of the protocol follow from these declarations.
"""

from __future__ import annotations

import functools
import hashlib
import importlib
import json
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Any, BinaryIO, get_args, get_origin, get_type_hints

import msgspec

from malleposte.accountd.message import Done, Hello, Owned, Request
from malleposte.throttle import costs
from malleposte.throttle.costs import Cost


class Who(Enum):
    """The one that a call is for."""

    ANYBODY = "anybody"
    """A secret in the call proves who it is for, or it asks for one to be sent to them."""
    PROVIDER = "log-in page"
    """Refused to every client that is not named for it."""
    OWNER = "owner"
    """An agent who is logged in, on the own account."""
    DESK = "help desk"
    """A person of a help desk, on somebody else's account."""
    OFFICE = "office"
    """A delegate of a box that may convoke, with the role and a second factor."""
    DSI = "DSI"
    """A person of the DSI, who has shown a second factor lately."""


class Counts(Enum):
    """The name under which tries of a secret count."""

    NAME = ""
    """That which was typed, or the uid: passwords."""
    CODES = "ina:"
    """The NUMEN, apart from passwords."""
    TICKET = "ticket:"
    FACTOR = "2f:"
    """The uid: a right password forgets no wrong codes."""


@dataclass(frozen=True)
class Call:
    """A call. `do` is its handler; a client needs none.

    `paced`: its answers come at fixed moments, whatever there was to do. `slow`: it may take minutes. `later`: it is
    carried out after the answer, which tells nothing. `asks_slapd`: a try in it is a proof at the directory, of which
    strangers of an account have a count in all. `opens`: the file whose bytes follow an answer that has some.
    """

    name: str
    request: type[Any]
    answer: type[Any]
    who: Who
    cost: Cost
    paced: bool = False
    slow: bool = False
    later: bool = False
    counts: Counts = Counts.NAME
    asks_slapd: bool = True
    do: Callable[[Any, Any], Any] | None = None
    opens: Callable[[Any, Any], BinaryIO] | None = None

    @functools.cached_property
    def form(self) -> str:
        """A digest of the schemas of request and answer."""
        schemas = [_plain(msgspec.json.schema(kind)) for kind in (self.request, self.answer)]
        return hashlib.sha256(json.dumps(schemas, sort_keys=True).encode()).hexdigest()[:16]


CALLS: dict[str, Call] = {}
"""Every call that was loaded, by its name."""
OF: dict[type[Any], Call] = {}
"""The same by the type of the request."""


def add(one: Call) -> None:
    """Register a call. Raises ValueError for a name that is taken."""
    if one.name in CALLS:
        raise ValueError(f"two calls are named {one.name}")
    CALLS[one.name] = OF[one.request] = one


def call[**P, A](
    *, cost: Cost | None = None, who: Who | None = None, **traits: Any
) -> Callable[[Callable[P, A]], Callable[P, A]]:
    """Register a handler by its name; its annotations say what it takes and answers. Traits are those of `Call`.

    Without `who` a call of an agent who is logged in (`Owned`) is its owner's, any other is anybody's; without `cost`
    it is that of an act, or of a proof.
    """

    def register(do: Callable[P, A]) -> Callable[P, A]:
        hints = get_type_hints(do)
        request = hints["request"]
        owned = issubclass(request, Owned)
        add(
            Call(
                do.__name__, request, answer_of(request), who or (Who.OWNER if owned else Who.ANYBODY),
                cost or (costs.ACT if owned else costs.PROOF), do=do, **traits,
            )
        )  # fmt: skip
        return do

    return register


def answer_of(request: type[Any]) -> type[Any]:
    """Return the type of the answer that a request declares: `class Find(Owned[Messages])`."""
    for base in getattr(request, "__orig_bases__", ()):
        if issubclass(get_origin(base) or base, Request) and get_args(base):
            kind = get_args(base)[0]
            assert isinstance(kind, type)
            return kind
    raise TypeError(f"{request.__name__} declares no answer")


def load() -> None:
    """Import every module of `calls`, so that all are registered."""
    from malleposte.accountd import calls

    for module in pkgutil.walk_packages(calls.__path__, f"{calls.__name__}."):
        importlib.import_module(module.name)


add(Call("hello", Hello, Done, Who.ANYBODY, costs.PROOF))


def _plain(schema: Any) -> Any:
    """A schema without its descriptions, which are for people."""
    if isinstance(schema, dict):
        return {name: _plain(value) for name, value in schema.items() if name != "description"}
    return [_plain(one) for one in schema] if isinstance(schema, list) else schema
