"""Entries with types: an agent, a functional box, a room. To the attributes of the schema (docs/schema.md)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

Attributes = dict[str, list[str]]
AGENT_CLASSES = ("inetOrgPerson", "inetLocalMailRecipient", "mpAgent")
BOX_CLASSES = ("mpFunctionalBox", "inetLocalMailRecipient")
LIST_CLASSES = ("mpList", "inetLocalMailRecipient")
RESOURCE_CLASSES = ("mpResource",)
EVERYONE, SCHOOL = "@everyone", "@school"
"""Bookers of a resource: every agent; the agents of its own schools."""


class State(StrEnum):
    """The state of an account in its lifecycle: pending has no password yet, blocked cannot log in until a new one."""

    PENDING = "pending"
    ACTIVE = "active"
    SUSPENDED = "suspended"
    BLOCKED = "blocked"
    EXPIRED = "expired"


RECEIVES = frozenset((State.ACTIVE, State.PENDING, State.BLOCKED, State.EXPIRED))
"""States in which mail is taken in."""


@dataclass(frozen=True)
class Agent:
    """A person. `addresses` holds every address in small letters, `mail` among them; `quota_mb` beats the profile's."""

    uid: str
    given_name: str
    surname: str
    mail: str
    profile: str
    state: State = State.PENDING
    addresses: tuple[str, ...] = ()
    login_aliases: tuple[str, ...] = ()
    delegates: tuple[str, ...] = ()
    opens: tuple[str, ...] = ()
    establishments: tuple[str, ...] = ()
    corps: str = ""
    discipline: str = ""
    function: str = ""
    quota_mb: int | None = None
    mail_host: str = ""
    hidden: bool = False

    @property
    def name(self) -> str:
        """First name and surname."""
        return f"{self.given_name} {self.surname}".strip()

    def dn(self, suffix: str) -> str:
        """The entry's distinguished name."""
        return f"uid={escape(self.uid)},ou=people,{suffix}"


@dataclass(frozen=True)
class FunctionalBox:
    """The mailbox of a function, opened by its delegates (uids); it has no password. Its class gives its size.

    `agenda`: its delegates share one in SOGo. `team`: the maker of a team, whose box it is.
    """

    uid: str
    name: str
    mail: str
    state: State = State.ACTIVE
    addresses: tuple[str, ...] = ()
    delegates: tuple[str, ...] = ()
    establishments: tuple[str, ...] = ()
    profile: str = ""
    quota_mb: int | None = None
    mail_host: str = ""
    hidden: bool = False
    agenda: bool = False
    team: str = ""

    def dn(self, suffix: str) -> str:
        """The entry's distinguished name."""
        return f"uid={escape(self.uid)},ou=functional,{suffix}"


class ResourceKind(StrEnum):
    """The kinds of resources, in the words of SOGo: a room, equipment."""

    ROOM = "location"
    EQUIPMENT = "thing"


@dataclass(frozen=True)
class Resource:
    """A room or equipment, booked in agendas: no log-in, no mailbox. `bookers` may be uids, EVERYONE, SCHOOL, URLs."""

    uid: str
    name: str
    mail: str
    kind: ResourceKind = ResourceKind.ROOM
    bookings: int = 1
    bookers: tuple[str, ...] = (EVERYONE,)
    establishments: tuple[str, ...] = ()
    state: State = State.ACTIVE

    def dn(self, suffix: str) -> str:
        """The entry's distinguished name."""
        return f"uid={escape(self.uid)},ou=resources,{suffix}"


def escape(value: str) -> str:
    """A value inside a DN (RFC 4514)."""
    escaped = "".join(f"\\{c}" if c in '\\,+"<>;=' else ("\\00" if c == "\0" else c) for c in value)
    if escaped.startswith(("#", " ")):
        escaped = "\\" + escaped
    if escaped.endswith(" ") and len(value) > 1:
        escaped = escaped[:-1] + "\\ "
    return escaped


def _filled(attributes: Mapping[str, Iterable[str]]) -> Attributes:
    """Attributes that have a value."""
    result = {name: [value for value in values if value] for name, values in attributes.items()}
    return {name: values for name, values in result.items() if values}


def _every_address(mail: str, addresses: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(address.lower() for address in (mail, *addresses)))


def agent_attributes(agent: Agent) -> Attributes:
    """Attributes of a new agent's entry. No password among them."""
    return _filled(
        {
            "objectClass": AGENT_CLASSES,
            "uid": [agent.uid],
            "cn": [agent.name],
            "sn": [agent.surname],
            "givenName": [agent.given_name],
            "displayName": [agent.name],
            "mail": [agent.mail],
            "mailLocalAddress": _every_address(agent.mail, agent.addresses),
            "mailHost": [agent.mail_host],
            "mpProfile": [agent.profile],
            "mpState": [agent.state.value],
            "mpLoginAlias": agent.login_aliases,
            "mpDelegate": agent.delegates,
            "mpOpens": agent.opens,
            "mpEstablishment": agent.establishments,
            "mpCorps": [agent.corps],
            "mpDiscipline": [agent.discipline],
            "mpFunction": [agent.function],
            "mpQuota": [str(agent.quota_mb)] if agent.quota_mb is not None else [],
            "mpHidden": ["TRUE"] if agent.hidden else [],
        }
    )


def box_attributes(box: FunctionalBox) -> Attributes:
    """Attributes of a new functional box's entry."""
    return _filled(
        {
            "objectClass": BOX_CLASSES,
            "uid": [box.uid],
            "cn": [box.name],
            "displayName": [box.name],
            "mail": [box.mail],
            "mailLocalAddress": _every_address(box.mail, box.addresses),
            "mailHost": [box.mail_host],
            "mpState": [box.state.value],
            "mpProfile": [box.profile],
            "mpDelegate": box.delegates,
            "mpEstablishment": box.establishments,
            "mpQuota": [str(box.quota_mb)] if box.quota_mb is not None else [],
            "mpHidden": ["TRUE"] if box.hidden else [],
            "mpAgenda": ["TRUE"] if box.agenda else [],
            "mpTeam": [box.team],
        }
    )


def resource_attributes(one: Resource) -> Attributes:
    """Attributes of a new resource's entry."""
    return _filled(
        {
            "objectClass": RESOURCE_CLASSES,
            "uid": [one.uid],
            "cn": [one.name],
            "displayName": [one.name],
            "mail": [one.mail],
            "mpResourceKind": [one.kind.value],
            "mpBookings": [str(one.bookings)],
            "mpBooker": one.bookers,
            "mpEstablishment": one.establishments,
            "mpState": [one.state.value],
        }
    )


def first(attributes: Mapping[str, Sequence[str]], name: str) -> str:
    """The first value of an attribute; empty when there is none."""
    return next(iter(attributes.get(name, ())), "")
