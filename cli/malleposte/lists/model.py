"""A distribution list as the directory has it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from malleposte.deliveries.model import BOUNCES
from malleposte.directory.model import LIST_CLASSES, Attributes, escape
from malleposte.directory.protocol import Directory, Entry
from malleposte.directory.query import AnyOf, Equal

ASKED = (
    *("cn", "displayName", "description", "mail", "mailLocalAddress", "member", "mpMember", "mpMemberURL", "mpPoster"),
    *("mpModerator", "mpManager", "mpMaxSize", "mpRate", "mpState", "mpHidden", "mpArchive", "mpEstablishment"),
)
ROLES = (BOUNCES, "owner", "moderate")
"""Further addresses of a list: NAME-bounces@ and so on."""
MEMBERS, STAFF, ANYONE, LIST = "@members", "@staff", "@anyone", "@list:"
"""Values for a poster besides a uid and an address outside."""


@dataclass(frozen=True)
class MailingList:
    """One list. Members are DNs (`members`), addresses outside (`outside`), what a rule finds (`urls`)."""

    name: str
    title: str
    mail: str
    members: tuple[str, ...] = ()
    outside: tuple[str, ...] = ()
    urls: tuple[str, ...] = ()
    posters: tuple[str, ...] = ()
    moderators: tuple[str, ...] = ()
    managers: tuple[str, ...] = ()
    max_kb: int | None = None
    rate: int | None = None
    state: str = "active"
    hidden: bool = False
    archive: bool = False
    establishments: tuple[str, ...] = ()

    @property
    def domain(self) -> str:
        """The domain of its address."""
        return self.mail.partition("@")[2]

    def address(self, role: str) -> str:
        """A further address, of one of ROLES."""
        local, _at, domain = self.mail.partition("@")
        return f"{local}-{role}@{domain}"

    def dn(self, suffix: str) -> str:
        """The entry's distinguished name."""
        return f"cn={escape(self.name)},ou=lists,{suffix}"


def to_list(attributes: Mapping[str, list[str]]) -> MailingList:
    """The list of an entry."""
    values_of = {name.lower(): values for name, values in attributes.items()}

    def every(name: str) -> tuple[str, ...]:
        return tuple(values_of.get(name.lower(), ()))

    def one(name: str) -> str:
        return next(iter(every(name)), "")

    def number(name: str) -> int | None:
        return int(one(name)) if one(name) else None

    return MailingList(
        name=one("cn"),
        title=one("displayName") or one("cn"),
        mail=one("mail").lower(),
        members=every("member"),
        outside=tuple(address.lower() for address in every("mpMember")),
        urls=every("mpMemberURL"),
        posters=tuple(word.lower() for word in every("mpPoster")),
        moderators=tuple(uid.lower() for uid in every("mpModerator")),
        managers=tuple(uid.lower() for uid in every("mpManager")),
        max_kb=number("mpMaxSize"),
        rate=number("mpRate"),
        state=one("mpState") or "active",
        hidden=one("mpHidden") == "TRUE",
        archive=one("mpArchive") == "TRUE",
        establishments=every("mpEstablishment"),
    )


def attributes_of(one: MailingList) -> Attributes:
    """Attributes of a new list's entry."""
    attributes = {
        "objectClass": LIST_CLASSES,
        "cn": [one.name],
        "displayName": [one.title],
        "mail": [one.mail],
        "mailLocalAddress": [one.mail, *(one.address(role) for role in ROLES)],
        "member": one.members,
        "mpMember": one.outside,
        "mpMemberURL": one.urls,
        "mpPoster": one.posters,
        "mpModerator": one.moderators,
        "mpManager": one.managers,
        "mpMaxSize": [str(one.max_kb)] if one.max_kb else [],
        "mpRate": [str(one.rate)] if one.rate else [],
        "mpState": [one.state],
        "mpHidden": ["TRUE"] if one.hidden else [],
        "mpArchive": ["TRUE"] if one.archive else [],
        "mpEstablishment": one.establishments,
    }
    return {name: list(values) for name, values in attributes.items() if values}


def by_address(directory: Directory, address: str) -> MailingList | None:
    """The list that has an address, one of its further ones among them."""
    entries = directory.search("lists", ASKED, {"mailLocalAddress": address.lower()})
    return next((to_list(entry.attributes) for entry in entries), None)


def entry_of(directory: Directory, name: str) -> Entry | None:
    """The entry of a list's name or address."""
    word = name.strip().lower()
    match = AnyOf((Equal("cn", word), Equal("mail", word)))
    return next(iter(directory.search("lists", ASKED, match)), None)


def role_of(one: MailingList, local: str) -> str:
    """Return the purpose of an address of the list, by its local part: one of ROLES, or `post`."""
    mine = one.mail.partition("@")[0]
    return next((role for role in ROLES if local == f"{mine}-{role}"), "post")
