"""Queries of a directory, rendered to an LDAP filter with every value escaped."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

Values = Mapping[str, Sequence[str]]
_SPECIAL = {"\\": r"\5c", "*": r"\2a", "(": r"\28", ")": r"\29", "\0": r"\00"}


def escape(value: str) -> str:
    """A value inside a filter (RFC 4515)."""
    return "".join(_SPECIAL.get(char, char) for char in value)


@dataclass(frozen=True)
class Equal:
    """The attribute has this value."""

    name: str
    value: str

    def render(self) -> str:
        """The LDAP filter."""
        return f"({self.name}={escape(self.value)})"


@dataclass(frozen=True)
class Contains:
    """One of the attribute's values holds this text. slapd's index serves from two characters on."""

    name: str
    value: str

    def render(self) -> str:
        """The LDAP filter."""
        return f"({self.name}=*{escape(self.value)}*)"


@dataclass(frozen=True)
class Present:
    """The attribute has a value."""

    name: str

    def render(self) -> str:
        """The LDAP filter."""
        return f"({self.name}=*)"


@dataclass(frozen=True)
class UpTo:
    """The attribute has a value not above this one, as times compare."""

    name: str
    value: str

    def render(self) -> str:
        """The LDAP filter."""
        return f"({self.name}<={escape(self.value)})"


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: Query

    def render(self) -> str:
        """The LDAP filter."""
        return f"(!{self.part.render()})"


@dataclass(frozen=True)
class All:
    """Every part holds; none is everything."""

    parts: tuple[Query, ...]

    def render(self) -> str:
        """The LDAP filter."""
        return f"(&{''.join(part.render() for part in self.parts)})" if self.parts else "(objectClass=*)"


@dataclass(frozen=True)
class AnyOf:
    """One of the parts holds."""

    parts: tuple[Query, ...]

    def render(self) -> str:
        """The LDAP filter."""
        return f"(|{''.join(part.render() for part in self.parts)})"


Query = Equal | Contains | Present | UpTo | Not | All | AnyOf
Search = Callable[[Query, Sequence[str]], Iterable[Values]]
"""(query, attributes) -> the attributes of the entries of the whole directory. Raises MallepostError."""


def query_of(where: Mapping[str, str] | Query | None) -> Query:
    """A query out of what a search accepts: a table of equal values, a query, or nothing (everything)."""
    if where is None:
        return All(())
    if isinstance(where, Mapping):
        return All(tuple(Equal(name, value) for name, value in where.items()))
    return where
