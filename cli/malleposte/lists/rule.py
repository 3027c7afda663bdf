"""A list's rule: `fonction=Principal,Proviseur departement=89`, kept as an LDAP URL, asked as a query.

The URL is that of RFC 4516: `ldap:///ou=people,SUFFIX??one?(FILTER)?x-departement=89`. The département is one of
schools, which no filter over people can ask; the extension says it, and the members' schools are looked at.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import quote, unquote

from malleposte.core.errors import InputError
from malleposte.directory.model import RECEIVES
from malleposte.directory.protocol import Directory
from malleposte.directory.query import All, AnyOf, Contains, Equal, Not, Present, Query, Search, Values

FIELDS = {
    "fonction": "mpFunction",
    "corps": "mpCorps",
    "discipline": "mpDiscipline",
    "uai": "mpEstablishment",
    "profil": "mpProfile",
}
DEPARTMENT = "departement"
EXTENSION = "x-departement"
AGENT = Equal("objectClass", "mpAgent")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9;-]*")
_ESCAPED = re.compile(r"\\([0-9a-fA-F]{2})")
_WORD = re.compile(r"(?:^|(?<=\s))([a-zé]+)\s*=\s*")
DEEPEST = 20
_SUCH = "'fonction=Principal,Proviseur departement=89'"
EXAMPLE = f"such as {_SUCH}"


@dataclass(frozen=True)
class Rule:
    """The conditions on people, and the départements of their schools; without any, all of them."""

    query: Query
    departments: tuple[str, ...] = ()


def parse(words: str) -> Rule:
    """A rule out of an operator's words. Values are separated by commas; `*` around one finds it inside a longer one.

    Raises InputError.
    """
    parts: list[Query] = [AGENT]
    departments: tuple[str, ...] = ()
    places = list(_WORD.finditer(words))
    if not places or words[: places[0].start()].strip():
        raise InputError(f"no rule: {words!r}", EXAMPLE, french=f"{words!r} n’est pas une règle (par exemple {_SUCH})")
    ends = [place.start() for place in places[1:]] + [len(words)]
    for place, end in zip(places, ends, strict=True):
        key = place[1].replace("é", "e")
        values = tuple(value.strip() for value in words[place.end() : end].split(",") if value.strip())
        if not values:
            raise InputError(f"{key}: no value", EXAMPLE, french=f"{key} : aucune valeur")
        if key == DEPARTMENT:
            departments = tuple(_judged("department", word) for word in values)
        elif key in FIELDS:
            parts.append(AnyOf(tuple(_part(FIELDS[key], word) for word in values)))
        else:
            criteria = ", ".join([*FIELDS, DEPARTMENT])
            raise InputError(
                f"{key} is nothing that a rule knows",
                f"known are {criteria}",
                french=f"{key} n’est pas un critère de règle (critères : {criteria})",
            )
    return Rule(All(tuple(parts)), departments)


def _part(name: str, value: str) -> Query:
    if name == "mpEstablishment":
        return Equal(name, _judged("uai", value))
    if len(value) > 2 and value.startswith("*") and value.endswith("*"):
        return Contains(name, value[1:-1])
    return Equal(name, value)


def _judged(judge: str, value: str) -> str:
    """A code as a feed's cell has it: a rule with a wrong one would find nobody, and nobody would be told."""
    # Imported here: the daemon of the lists reads rules and takes no operator's words; its host lacks what feeds need.
    from malleposte.accounts.feed import values

    try:
        return str(getattr(values, judge)(value))
    except values.BadValueError as error:
        raise InputError(f"no rule: {error}", french=error.french) from error


def to_url(rule: Rule, suffix: str) -> str:
    """The URL that is kept: ASCII, as its syntax asks."""
    filter_ = quote(rule.query.render(), safe="()&|!=*,;:+'/ -._~\\".replace(" ", ""))
    tail = "".join(f",{EXTENSION}={quote(code)}" for code in rule.departments).removeprefix(",")
    return f"ldap:///ou=people,{suffix}??one?{filter_}" + (f"?{tail}" if tail else "")


def from_url(url: str, suffix: str) -> Rule:
    """The rule of a URL. Raises InputError on what is no URL over the people of this directory."""
    base, *rest = url.removeprefix("ldap:///").split("?")
    if not url.startswith("ldap:///") or unquote(base).lower() != f"ou=people,{suffix}".lower():
        raise InputError(f"{url}: not a rule over ou=people,{suffix}")
    _attributes, _scope, filter_, extensions = [*rest, "", "", "", ""][:4]
    departments = []
    for extension in filter(None, extensions.split(",")):
        name, _equals, value = extension.partition("=")
        if name != EXTENSION:
            raise InputError(f"{url}: {name} is not known")
        departments.append(unquote(value))
    query, end = _filter(unquote(filter_), 0, 0)
    if end != len(unquote(filter_)):
        raise InputError(f"{url}: more than a filter")
    return Rule(query, tuple(departments))


def _filter(text: str, start: int, depth: int) -> tuple[Query, int]:
    """A filter of RFC 4515 as far as rules need it: & | ! and equal, contains, present."""
    if depth > DEEPEST or text[start : start + 1] != "(":
        raise InputError(f"no filter of a rule: {text[:200]}")
    place = start + 1
    sign = text[place : place + 1]
    if sign in ("&", "|", "!"):
        parts: list[Query] = []
        place += 1
        while text[place : place + 1] == "(":
            part, place = _filter(text, place, depth + 1)
            parts.append(part)
        if text[place : place + 1] != ")" or (sign == "!" and len(parts) != 1):
            raise InputError(f"no filter of a rule: {text[:200]}")
        whole: Query = Not(parts[0]) if sign == "!" else All(tuple(parts)) if sign == "&" else AnyOf(tuple(parts))
        return whole, place + 1
    end = text.find(")", place)
    name, equals, value = text[place:end].partition("=")
    if end < 0 or not equals or not _NAME.fullmatch(name):
        raise InputError(f"no filter of a rule: {text[:200]}")
    return _item(name, value), end + 1


def _item(name: str, value: str) -> Query:
    if value == "*":
        return Present(name)
    if len(value) > 2 and value[0] == value[-1] == "*" and "*" not in value[1:-1]:
        return Contains(name, _plain(value[1:-1]))
    if "*" in value:
        raise InputError(f"({name}={value}): a rule knows a whole value, or *a part*")
    return Equal(name, _plain(value))


def _plain(value: str) -> str:
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), value)


def schools_of(directory: Directory, rule: Rule) -> frozenset[str] | None:
    """The UAI codes of the rule's départements; None when it names none."""
    if not rule.departments:
        return None
    query = AnyOf(tuple(Equal("mpDepartment", code) for code in rule.departments))
    entries = directory.search("establishments", ("mpEstablishment",), query)
    return frozenset(code.upper() for entry in entries for code in entry.attributes.get("mpEstablishment", ()))


def agents_of(rule: Rule, search: Search) -> tuple[str, ...]:
    """The agents of a rule, but for those who have left, for jobs that search by a program. Raises MallepostError."""
    schools: frozenset[str] | None = None
    if rule.departments:
        query = AnyOf(tuple(Equal("mpDepartment", code) for code in rule.departments))
        entries = search(query, ("mpEstablishment", "mpDepartment"))
        schools = frozenset(code.upper() for entry in entries for code in entry.get("mpEstablishment", ()))
    takes = AnyOf(tuple(Equal("mpState", state.value) for state in sorted(RECEIVES)))
    people = search(All((rule.query, takes)), ("uid", "mpEstablishment"))
    return tuple(sorted(_within(people, schools)))


def _within(people: Iterable[Values], schools: frozenset[str] | None) -> Iterator[str]:
    for entry in people:
        if schools is None or {code.upper() for code in entry.get("mpEstablishment", ())} & schools:
            yield from list(entry.get("uid", ()))[:1]
