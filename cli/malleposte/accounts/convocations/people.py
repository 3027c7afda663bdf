"""The person of a row: an agent by log-in, address or NUMEN, or somebody outside by an address."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from malleposte.accounts.convocations.model import Person
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.feed import values
from malleposte.core.errors import InputError
from malleposte.directory.model import State, first
from malleposte.directory.protocol import Directory, Entry
from malleposte.directory.query import AnyOf, Equal

READ = ("uid", "cn", "mail", "mailLocalAddress", "mpState", "mpProfile", "mpBlockedUntil", "mpHidden")
_NAMES = ("uid", "mpLoginAlias", "mailLocalAddress")


@dataclass(frozen=True)
class Contact:
    """A person, and the entry of the directory where it is an agent."""

    person: Person
    entry: Entry | None = None

    @property
    def state(self) -> str:
        """The state of the account; empty outside."""
        return first(self.entry.attributes, "mpState") if self.entry else ""

    @property
    def addresses(self) -> frozenset[str]:
        """All addresses from which the person writes."""
        own = self.entry.attributes.get("mailLocalAddress", []) if self.entry else []
        return frozenset(one.lower() for one in (self.person.address, *own))


class People:
    """Looks persons up; each word once."""

    def __init__(self, directory: Directory, keys: Keyring | None, domain: str) -> None:
        """`keys` know a NUMEN again; without them none is looked for."""
        self.directory, self.keys, self.domain = directory, keys, domain.lower()
        self._cached: dict[str, Contact] = {}

    def find(self, typed: str) -> Contact:
        """Return the person of a word. Raises InputError, which repeats no NUMEN."""
        word = typed.strip().lower()
        if word not in self._cached:
            self._cached[word] = self._find(typed.strip(), word)
        return self._cached[word]

    def of(self, uid: str) -> Contact | None:
        """Return an agent by the uid; None where there is none any more."""
        entry = next(iter(self.directory.search("people", READ, {"uid": uid})), None)
        return agent_of(entry) if entry else None

    def _find(self, typed: str, word: str) -> Contact:
        code = _numen(typed)
        entries = list(self._by_numen(code) if code else self._by_name(word))
        if len(entries) == 1:
            return agent_of(entries[0])
        if code:
            raise InputError("the NUMEN is nobody's", french="ce NUMEN n’est celui d’aucun agent")
        if "@" not in word or word.endswith(f"@{self.domain}"):
            raise InputError(f"{word[:60]!r} is no agent", french=f"« {word[:60]} » n’est aucun agent")
        try:
            address = values.address(word)
        except values.BadValueError as error:
            raise InputError(str(error), french=error.french) from error
        return Contact(Person(address, "", address))

    def _by_name(self, word: str) -> Iterator[Entry]:
        query = AnyOf(tuple(Equal(name, word or "-") for name in _NAMES))
        yield from self.directory.search("people", READ, query)

    def _by_numen(self, code: str) -> Iterator[Entry]:
        if self.keys:
            digests = self.keys.digests("numen", code)
            yield from self.directory.search(
                "people", READ, AnyOf(tuple(Equal("mpNumenDigest", one) for one in digests))
            )


def agent_of(entry: Entry) -> Contact:
    """Return the agent of an entry."""
    attributes = entry.attributes
    uid, mail = first(attributes, "uid").lower(), first(attributes, "mail").lower()
    return Contact(Person(mail, uid, first(attributes, "cn") or uid), entry)


def suspended(one: Contact) -> bool:
    """Whether a person is an agent who left."""
    return one.state == State.SUSPENDED


def _numen(typed: str) -> str:
    """Return a word as a NUMEN; empty where it is none."""
    try:
        return values.numen(typed)
    except values.BadValueError:
        return ""
