"""The table of acts on hosts. An act is declared once, as a function of the host that does it; the rest follows.

    @act(on=STORE_OF_THE_ACCOUNT, merge=only, accountd=True)
    def deleted(host: LocalHost, uid: Uid, wanted: Wanted) -> list[Deleted]:

Its arguments and its answer are what goes over the wire, with these names and types. `Hosts` asks those that `on`
names and gives their answers to `merge`; `RemoteHost` and `Hostd` send it to a hostd, which decodes it by the same
annotations. An argument `names` has all the account's names, and `Hosts` fills it.
"""

from __future__ import annotations

import functools
import hashlib
import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import (
    Annotated,
    Any,
    Concatenate,
    Protocol,
    Self,
    TypeVar,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    overload,
)

import msgspec

from malleposte.accounts.channels import Failure, checked, noted
from malleposte.accounts.hosts import wire
from malleposte.core.errors import InputError, MallepostError
from malleposte.platform.identity import FORM
from malleposte.runtime.settings import surplus

Uid = Annotated[str, msgspec.Meta(pattern=f"^{FORM}$")]
Names = tuple[str, ...]
"""All names that an account may be opened under."""


class Host(Protocol):
    """One host, here or elsewhere; `name` is empty on the caller's host."""

    name: str

    @property
    def holds(self) -> frozenset[str]:
        """Those of model.KINDS that it holds."""

    def ask[**P, R, M](self, act: Act[P, R, M], /, *args: P.args, **kwargs: P.kwargs) -> R:
        """Have the act done there. Raises MallepostError or OSError when it cannot be done."""


class Fleet(Protocol):
    """All hosts, as the choice of some of them needs them."""

    hosts: tuple[Host, ...]

    def store(self, uid: str) -> Host:
        """Return the host of the account's mailbox. Raises MallepostError."""

    def demand(self) -> None:
        """Raise MallepostError unless every host answers."""


class Platform(Protocol):
    """All hosts as one."""

    def ask[**P, R, M](self, act: Act[P, R, M], /, *args: P.args, **kwargs: P.kwargs) -> M:
        """Have the act done on the hosts that it concerns, and return their merged answers."""


@dataclass(frozen=True)
class On:
    """The hosts that an act concerns."""

    name: str
    choose: Callable[[Fleet, str], Sequence[Host]]


@dataclass(frozen=True)
class Replies[R]:
    """The answers of the hosts that an act concerns. Each host is asked when its answer is taken."""

    label: str
    arguments: Mapping[str, Any]
    calls: Sequence[tuple[str, Callable[[], R]]]
    """Names of hosts, and what asks each."""

    def __iter__(self) -> Iterator[R]:
        """Return the answers; the first failure ends it. Raises MallepostError, which names the host, or OSError."""
        for host, call in self.calls:
            try:
                yield call()
            except (MallepostError, OSError) as error:
                if not host:
                    raise
                raise MallepostError(
                    f"on {host}: {getattr(error, 'message', error)}", getattr(error, "hint", None)
                ) from error

    def noting(self, failures: list[Failure]) -> Iterator[R]:
        """Return the answers; a host that fails is noted, and the next one is asked."""
        for host, call in self.calls:
            with noted(failures, self.label, host):
                yield call()


@dataclass(eq=False)
class Act[**P, R, M]:
    """One act; see `act`. As an attribute of a `Platform` it is the method that asks for it."""

    function: Callable[..., R]
    on: On
    merge: Callable[[Replies[R]], M]
    label: str
    in_turn: bool
    accountd: bool

    def __post_init__(self) -> None:
        """Enter it in the table."""
        self.name = self.function.__name__
        self.label = self.label or self.name
        whole = inspect.signature(self.function)
        self.signature = whole.replace(parameters=[*whole.parameters.values()][1:])
        if ACTS.setdefault(self.name, cast("Act[..., Any, Any]", self)) is not self:
            raise ValueError(f"two acts {self.name}")

    def __call__(self, host: Host, *args: P.args, **kwargs: P.kwargs) -> R:
        """Have it done on one host."""
        return host.ask(self, *args, **kwargs)

    @overload
    def __get__(self, asker: None, owner: type) -> Self: ...

    @overload
    def __get__(self, asker: Platform, owner: type) -> Callable[P, M]: ...

    def __get__(self, asker: Platform | None, owner: type) -> Self | Callable[P, M]:
        """Return what asks all hosts for it."""
        return self if asker is None else functools.partial(asker.ask, self)

    @functools.cached_property
    def hints(self) -> dict[str, Any]:
        """The types of the arguments by name, and of the answer as `return`."""
        return get_type_hints(self.function, include_extras=True)

    @property
    def streams(self) -> bool:
        """Whether the answer is a stream of files."""
        return get_origin(self.hints["return"]) is Iterator

    @functools.cached_property
    def request(self) -> type[msgspec.Struct]:
        """The form of its arguments on the wire."""
        fields = [
            (one.name, self.hints[one.name], *([] if one.default is one.empty else [one.default]))
            for one in self.signature.parameters.values()
        ]
        return msgspec.defstruct(self.name, fields, forbid_unknown_fields=True, kw_only=True)

    @functools.cached_property
    def merged(self) -> Any:
        """The type of the answer of all hosts: that of `merge`, whose type variables stand for this act's types."""
        hints, answer = get_type_hints(self.merge), self.hints["return"]
        (pattern,) = get_args(hints["replies"])
        parts = [(pattern, answer), *zip(get_args(pattern), get_args(answer), strict=False)]
        types = {part: kind for part, kind in parts if isinstance(part, TypeVar)}
        result = hints["return"]
        free = getattr(result, "__parameters__", ())
        return types.get(result) or (result[tuple(types[one] for one in free)] if free else result)

    def bind(self, *args: P.args, **kwargs: P.kwargs) -> dict[str, Any]:
        """Return the arguments by name. Raises InputError where the account is none."""
        bound = self.signature.bind(*args, **kwargs)
        bound.apply_defaults()
        return _checked(bound.arguments)

    def read(self, raw: bytes) -> dict[str, Any]:
        """Return the arguments of a request. Raises InputError for what is not of their form."""
        form = wire.read(raw, self.request)
        if unknown := next(surplus(msgspec.json.decode(raw), msgspec.to_builtins(form)), None):
            raise InputError(f"no field {unknown!r}", "deploy all hosts from one version of Malleposte")
        return _checked(msgspec.structs.asdict(form))

    def __str__(self) -> str:
        """The act as a line of the table: name, arguments, answer | hosts | merge | marks."""
        marks = ["accountd" if self.accountd else "root", *(["in turn"] if self.in_turn else [])]
        merge = self.merge.__name__ + (f" ({self.label})" if self.label != self.name else "")
        words = f"{self.name}{self.signature}".replace("'", "")
        return " | ".join((words, self.on.name, merge, ", ".join(marks)))


def _checked(arguments: dict[str, Any]) -> dict[str, Any]:
    if "uid" in arguments:
        checked(arguments["uid"])
    for many in ("uids", "accounts"):
        for uid in arguments.get(many, ()):
            checked(uid)
    return arguments


ACTS: dict[str, Act[..., Any, Any]] = {}
"""Every act by its name, once `accounts.hosts.acts` is imported."""


def act[H: Host, **P, R, M](
    *,
    on: On,
    merge: Callable[[Replies[R]], M],
    label: str = "",
    in_turn: bool = False,
    accountd: bool = False,
) -> Callable[[Callable[Concatenate[H, P], R]], Act[P, R, M]]:
    """Declare an act on a host.

    `label` is the channel of its failures, the name of the act unless given. One that goes `in_turn` takes long and
    writes what another such act may read. `accountd` may ask for it on all hosts; the others are root's.
    """

    return lambda function: Act(function, on, merge, label, in_turn, accountd)


@functools.cache
def version() -> str:
    """Return the version of the table: a digest of the forms of all requests and answers."""
    types = [form for one in ACTS.values() for form in (one.request, *_answers(one))]
    _schemas, parts = msgspec.json.schema_components(types)
    text = msgspec.json.encode([sorted(map(str, ACTS.values())), parts], order="sorted")
    return hashlib.sha256(text).hexdigest()[:16]


def _answers(one: Act[..., Any, Any]) -> list[Any]:
    return [] if one.streams else [one.hints["return"], one.merged]


# --- the hosts that an act concerns ---


def holding(*kinds: str) -> On:
    """Every host that holds one of these."""
    return On(f"those with {', '.join(sorted(kinds))}", lambda fleet, _uid: _with(fleet, kinds))


def first_with(what: str, *kinds: str, hint: str) -> On:
    """The one host that holds one of these."""

    def choose(fleet: Fleet, _uid: str) -> Sequence[Host]:
        hosts = _with(fleet, kinds)
        if not hosts:
            raise MallepostError(f"no host holds {what}", hint)
        return hosts[:1]

    return On(f"the one with {what}", choose)


def _with(fleet: Fleet, kinds: Sequence[str]) -> list[Host]:
    return [host for host in fleet.hosts if host.holds & set(kinds)]


STORE_OF_THE_ACCOUNT = On("the store of the account", lambda fleet, uid: [fleet.store(uid)])
EVERY_HOST = On("every host", lambda fleet, _uid: fleet.hosts)
THIS_HOST = On("the caller's host", lambda fleet, _uid: [host for host in fleet.hosts if not host.name])


# --- how answers of several hosts are merged ---


def only[R](replies: Replies[R]) -> R:
    """Return the answer of the one host."""
    return next(iter(replies))


def first_answer[R](replies: Replies[R | None]) -> R | None:
    """Return the first answer that is one; the hosts behind it are not asked."""
    return next((one for one in replies if one is not None), None)


def union[T](replies: Replies[list[T]]) -> tuple[list[T], list[Failure]]:
    """Return what the hosts have, what is the same once, and the hosts that failed."""
    failures = list[Failure]()
    return list(dict.fromkeys(one for answer in replies.noting(failures) for one in answer)), failures


def every_one[T](replies: Replies[list[T]]) -> tuple[list[T], list[Failure]]:
    """Return all that the hosts have, and the hosts that failed."""
    failures = list[Failure]()
    return [one for answer in replies.noting(failures) for one in answer], failures


def failed(replies: Replies[None]) -> list[Failure]:
    """Return the hosts that failed."""
    failures = list[Failure]()
    for _nothing in replies.noting(failures):
        pass
    return failures


def all_answer(replies: Replies[None]) -> None:
    """Go through all hosts; the first that fails is named."""
    for _nothing in replies:
        pass
