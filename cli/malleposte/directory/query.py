"""Queries of a directory: rendered to an LDAP filter with every value escaped, or applied to an entry.

Comparison ignores case, as the schema's attributes do; times compare as texts, which generalizedTime in UTC allows.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

Values = Mapping[str, Sequence[str]]
_SPECIAL = {"\\": r"\5c", "*": r"\2a", "(": r"\28", ")": r"\29", "\0": r"\00"}


def escape(value: str) -> str:
    """A value inside a filter (RFC 4515)."""
    return "".join(_SPECIAL.get(char, char) for char in value)


def _held(attributes: Values, name: str) -> list[str]:
    wanted = name.lower()
    return [value.lower() for key, values in attributes.items() if key.lower() == wanted for value in values]


@dataclass(frozen=True)
class Equal:
    """The attribute has this value."""

    name: str
    value: str

    def render(self) -> str:
        """The LDAP filter."""
        return f"({self.name}={escape(self.value)})"

    def matches(self, attributes: Values) -> bool:
        """Whether an entry is meant."""
        return self.value.lower() in _held(attributes, self.name)


@dataclass(frozen=True)
class Contains:
    """One of the attribute's values holds this text. slapd's index serves from two characters on."""

    name: str
    value: str

    def render(self) -> str:
        """The LDAP filter."""
        return f"({self.name}=*{escape(self.value)}*)"

    def matches(self, attributes: Values) -> bool:
        """Whether an entry is meant."""
        return any(self.value.lower() in value for value in _held(attributes, self.name))


@dataclass(frozen=True)
class Present:
    """The attribute has a value."""

    name: str

    def render(self) -> str:
        """The LDAP filter."""
        return f"({self.name}=*)"

    def matches(self, attributes: Values) -> bool:
        """Whether an entry is meant."""
        return bool(_held(attributes, self.name))


@dataclass(frozen=True)
class UpTo:
    """The attribute has a value not above this one, as times compare."""

    name: str
    value: str

    def render(self) -> str:
        """The LDAP filter."""
        return f"({self.name}<={escape(self.value)})"

    def matches(self, attributes: Values) -> bool:
        """Whether an entry is meant."""
        return any(value <= self.value.lower() for value in _held(attributes, self.name))


@dataclass(frozen=True)
class Not:
    """The part does not hold."""

    part: Query

    def render(self) -> str:
        """The LDAP filter."""
        return f"(!{self.part.render()})"

    def matches(self, attributes: Values) -> bool:
        """Whether an entry is meant."""
        return not self.part.matches(attributes)


@dataclass(frozen=True)
class All:
    """Every part holds; none is everything."""

    parts: tuple[Query, ...]

    def render(self) -> str:
        """The LDAP filter."""
        return f"(&{''.join(part.render() for part in self.parts)})" if self.parts else "(objectClass=*)"

    def matches(self, attributes: Values) -> bool:
        """Whether an entry is meant."""
        return all(part.matches(attributes) for part in self.parts)


@dataclass(frozen=True)
class AnyOf:
    """One of the parts holds."""

    parts: tuple[Query, ...]

    def render(self) -> str:
        """The LDAP filter."""
        return f"(|{''.join(part.render() for part in self.parts)})"

    def matches(self, attributes: Values) -> bool:
        """Whether an entry is meant."""
        return any(part.matches(attributes) for part in self.parts)


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
