"""Generates docs/reference/accountd.md: every call of accountd as it is declared, and the messages that it carries."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from malleposte.accountd.call import CALLS, Call, Counts, load
from malleposte.accountd.message import ErrorCode, is_secret

WORDS = {
    msgspec.inspect.StrType: "text",
    msgspec.inspect.IntType: "number",
    msgspec.inspect.BoolType: "yes or no",
    msgspec.inspect.NoneType: "none",
}
NONE = "–"


def lines() -> Iterator[str]:
    """Yield the lines of the page below its head."""
    load()
    calls = sorted(CALLS.values(), key=lambda one: one.name)
    yield "Fields that are marked `*` may be left out; a secret one is never logged."
    yield from ("", "## Calls", "", "| call | for | costs | traits | request | answer |")
    yield "| --- | --- | --- | --- | --- | --- |"
    parts = dict[str, type[Any]]()
    for one in calls:
        _collect(one.answer, parts)
        yield (
            f"| `{one.name}` | {one.who.value} | {one.cost.name} | {_traits(one)} | {_fields(one.request)} "
            f"| `{one.answer.__name__}` |"
        )
    yield from ("", "## Answers and their parts", "", "| name | fields |", "| --- | --- |")
    for name, kind in sorted(parts.items()):
        yield f"| `{name}` | {_fields(kind)} |"
    yield from ("", "## Refusals", "", ", ".join(f"`{one.value}`" for one in ErrorCode))


def _traits(one: Call) -> str:
    words = [name for name in ("paced", "slow", "later") if getattr(one, name)]
    if one.counts is not Counts.NAME:
        words.append(f"counts as `{one.counts.value}`")
    if not one.asks_slapd:
        words.append("slapd is not asked")
    return ", ".join(words) or NONE


def _fields(kind: type[Any]) -> str:
    fields = msgspec.structs.fields(kind)
    return ", ".join(
        f"`{one.name}`{'' if one.required else '*'} ({_type(msgspec.inspect.type_info(one.type))})" for one in fields
    ) or NONE  # fmt: skip


def _type(info: Any) -> str:
    if isinstance(info, msgspec.inspect.Metadata):
        return ("secret " if is_secret(info) else "") + _type(info.type)
    if isinstance(info, msgspec.inspect.VarTupleType):
        return f"list of {_type(info.item_type)}"
    if isinstance(info, msgspec.inspect.UnionType):
        return " or ".join(map(_type, info.types))
    if isinstance(info, msgspec.inspect.StructType):
        return f"`{info.cls.__name__}`"
    return WORDS.get(type(info)) or type(info).__name__.removesuffix("Type").lower()


def _collect(kind: type[Any], parts: dict[str, type[Any]]) -> None:
    """Add a message and the messages in it, each under its name."""
    if parts.setdefault(kind.__name__, kind) is not kind:
        name = f"{kind.__module__.rpartition('.')[2]}.{kind.__name__}"
        if name in parts:
            return
        parts[name] = kind
    for one in msgspec.structs.fields(kind):
        _inner(msgspec.inspect.type_info(one.type), parts)


def _inner(info: Any, parts: dict[str, type[Any]]) -> None:
    if isinstance(info, msgspec.inspect.StructType):
        _collect(info.cls, parts)
    inner = [getattr(info, name, None) for name in ("type", "item_type")] + list(getattr(info, "types", ()))
    for one in filter(None, inner):
        _inner(one, parts)
