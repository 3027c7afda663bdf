"""A directory in memory: same Protocol, same refusals, unique values and classes of the schema included."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from malleposte.directory.control import PolicyErrorCode, PolicyState
from malleposte.directory.errors import AlreadyThere, NotThere, PasswordRefused, Refused
from malleposte.directory.model import Attributes
from malleposte.directory.protocol import Answer, BindResult, Branch, Entry
from malleposte.directory.query import All, AnyOf, Contains, Equal, Not, Present, Query, UpTo, query_of

OPERATIONAL = ("pwdchangedtime", "pwdlastsuccess", "pwdhistory", "pwdfailuretime")
"""Attributes that slapd alone writes (ppolicy, lastbind), in small letters."""
UNIQUE = ("uid", "mail", "mailLocalAddress", "mpLoginAlias")


def _values(attributes: Mapping[str, Sequence[str]], name: str) -> list[str]:
    wanted = name.lower()
    return [value for key, values in attributes.items() if key.lower() == wanted for value in values]


def matches(query: Query, attributes: Mapping[str, Sequence[str]]) -> bool:
    """Whether a query means an entry. Comparison ignores case, as the schema's attributes do.

    Times compare as texts, which generalizedTime in UTC allows.
    """
    match query:
        case All(parts):
            return all(matches(part, attributes) for part in parts)
        case AnyOf(parts):
            return any(matches(part, attributes) for part in parts)
        case Not(part):
            return not matches(part, attributes)
    values = [value.lower() for value in _values(attributes, query.name)]
    match query:
        case Equal(_, value):
            return value.lower() in values
        case Contains(_, value):
            return any(value.lower() in one for one in values)
        case Present():
            return bool(values)
        case UpTo(_, value):
            return any(one <= value.lower() for one in values)


class MemoryDirectory:
    """Entries by dn in lower case. `fail_after` changes raise an error as a lost connection would (tests of kills)."""

    def __init__(self, suffix: str = "dc=ac-exemple,dc=test") -> None:
        self.suffix = suffix
        self.entries: dict[str, Entry] = {}
        self.fail_after: int | None = None
        self.changes = 0
        self.history: dict[str, list[str]] = {}
        self.expired: set[str] = set()
        """Entries, by dn in small letters, whose password is past its end."""

    def _count(self) -> None:
        if self.fail_after is not None and self.changes >= self.fail_after:
            raise ConnectionError("the connection is lost")
        self.changes += 1

    def search(
        self, branch: Branch, attributes: Sequence[str], where: Mapping[str, str] | Query | None = None
    ) -> Iterator[Entry]:
        """See Directory.search."""
        end = f",ou={branch},{self.suffix}".lower()
        asked = {name.lower() for name in attributes}
        for key, entry in list(self.entries.items()):
            if key.endswith(end) and matches(query_of(where), entry.attributes):
                kept = {name: list(v) for name, v in entry.attributes.items() if name.lower() in asked}
                yield Entry(entry.dn, kept)

    def _check_unique(self, dn: str, attributes: Mapping[str, Sequence[str]]) -> None:
        wanted = {name.lower(): {value.lower() for value in _values(attributes, name)} for name in UNIQUE}
        wanted = {name: values for name, values in wanted.items() if values}
        for key, entry in self.entries.items() if wanted else ():
            for name, taken in entry.attributes.items():
                mine = wanted.get(name.lower())
                if mine and key != dn.lower() and any(value.lower() in mine for value in taken):
                    raise AlreadyThere(dn, 19, "some attributes not unique")

    @staticmethod
    def _check_values(dn: str, attributes: Mapping[str, Sequence[str]]) -> None:
        for name, values in attributes.items():
            if name.lower() in OPERATIONAL:
                raise Refused(dn, 19, f"{name}: no user modification allowed")
            if len(set(values)) < len(values):
                raise Refused(dn, 20, f"{name}: a value provided more than once")

    def force(self, dn: str, changes: Mapping[str, Sequence[str]]) -> None:
        """As `modify`, of what slapd alone writes: as slapd does, or root with the control that relaxes rules."""
        held = self.entries[dn.lower()].attributes
        for name, values in changes.items():
            held.pop(name, None)
            held.update({name: list(values)} if values else {})

    def add(self, dn: str, attributes: Attributes) -> None:
        """See Directory.add."""
        empty = [name for name, values in attributes.items() if not values]
        if empty:
            raise Refused(dn, 2, f"{empty[0]}: no values for attribute type")
        self._check_values(dn, attributes)
        if dn.lower() in self.entries:
            raise AlreadyThere(dn, 68, "entry already exists")
        self._check_unique(dn, attributes)
        self._count()
        self.entries[dn.lower()] = Entry(dn, {name: list(values) for name, values in attributes.items()})

    def add_many(self, entries: Iterable[tuple[str, Attributes]]) -> Iterator[Answer]:
        """See Directory.add_many."""
        for dn, attributes in entries:
            try:
                self.add(dn, attributes)
            except Refused as error:
                yield Answer(dn, error.code, error.reason)
            else:
                yield Answer(dn)

    def modify(self, dn: str, changes: Mapping[str, Sequence[str]]) -> None:
        """See Directory.modify."""
        entry = self.entries.get(dn.lower())
        if entry is None:
            raise NotThere(dn, 32, "no such object")
        self._check_values(dn, changes)
        self._check_unique(dn, changes)
        self._count()
        for name, values in changes.items():
            key = next((known for known in entry.attributes if known.lower() == name.lower()), name)
            entry.attributes.pop(key, None)
            if values:
                entry.attributes[key] = list(values)

    def delete(self, dn: str) -> None:
        """See Directory.delete."""
        self._count()
        if self.entries.pop(dn.lower(), None) is None:
            raise NotThere(dn, 32, "no such object")

    def set_password(self, dn: str, password: str, changes: Mapping[str, Sequence[str]]) -> None:
        """See Directory.set_password. The history has no end; nothing else is judged."""
        held = self.entries.get(dn.lower())
        old = _values(held.attributes, "userPassword") if held else []
        history = self.history.setdefault(dn.lower(), [])
        if password in (*old, *history):
            raise PasswordRefused(dn, 19, "the password policy refuses it", PolicyErrorCode.IN_HISTORY)
        self.modify(dn, {"userPassword": [password], **changes})
        history.extend(old)
        self.expired.discard(dn.lower())

    def log_in(self, dn: str, password: str) -> BindResult:
        """See Directory.log_in. Passwords are kept as given."""
        entry = self.entries.get(dn.lower())
        known = entry is not None and bool(password) and password in _values(entry.attributes, "userPassword")
        if known and dn.lower() in self.expired:
            return BindResult(False, PolicyState(error=PolicyErrorCode.PASSWORD_EXPIRED))
        return BindResult(known, PolicyState())
