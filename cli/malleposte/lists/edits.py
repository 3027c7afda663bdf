"""An operator's commands on lists, as changes of the directory."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Sequence

from malleposte.accounts import names
from malleposte.accounts.life.base import change
from malleposte.accounts.plan.changes import Change, Kind
from malleposte.circulars.model import MOST_LISTS
from malleposte.core.errors import InputError
from malleposte.directory.model import Attributes
from malleposte.directory.protocol import Branch, Directory, Entry
from malleposte.directory.query import AnyOf, Equal
from malleposte.lists.model import ANYONE, LIST, MEMBERS, ROLES, STAFF, MailingList, attributes_of, entry_of, to_list
from malleposte.lists.rule import parse, to_url

NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,54}")
ADDRESS = re.compile(r"[^\s@<>\"(),:;\[\]\\]{1,64}@[a-z0-9-]+(\.[a-z0-9-]+)+")
_PEOPLE: tuple[Branch, ...] = ("people", "functional")


def find(directory: Directory, name: str) -> Entry:
    """The entry of a list. Raises InputError."""
    entry = entry_of(directory, name)
    if entry is None:
        raise InputError(
            f"no list {name}", "`malleposte accounts lists list` shows them", french=f"la liste {name} n’existe pas"
        )
    return entry


def member_of(directory: Directory, word: str) -> tuple[str, str]:
    """Parse a member into attribute and value: an account, another list (`@list:NAME`), an address outside."""
    text = word.strip().lower()
    if text.startswith(LIST):
        return "member", find(directory, text.removeprefix(LIST)).dn
    query = AnyOf((Equal("uid", text), Equal("mailLocalAddress", text)))
    for branch in _PEOPLE:
        for entry in directory.search(branch, ("uid",), query):
            return "member", entry.dn
    if ADDRESS.fullmatch(text):
        for entry in directory.search("lists", ("cn",), {"mailLocalAddress": text}):
            return "member", entry.dn
        return "mpMember", text
    raise InputError(
        f"{word} is no account, no list and no address",
        french=f"{word} n’est ni un compte, ni une liste, ni une adresse",
    )


def poster_word(directory: Directory, word: str) -> str:
    """A poster as it is kept. Raises InputError."""
    text = word.strip().lower()
    if text in (MEMBERS, STAFF, ANYONE):
        return text
    if text.startswith(LIST):
        return f"{LIST}{to_list(find(directory, text.removeprefix(LIST)).attributes).name}"
    if "@" in text and ADDRESS.fullmatch(text):
        attribute, value = member_of(directory, text)
        return text if attribute == "mpMember" else value.partition(",")[0].partition("=")[2]
    return account(directory, text)


def account(directory: Directory, word: str) -> str:
    """The uid of an account, given by uid or address. Raises InputError."""
    text = word.strip().lower()
    query = AnyOf((Equal("uid", text), Equal("mailLocalAddress", text)))
    for branch in _PEOPLE:
        for entry in directory.search(branch, ("uid",), query):
            return entry.attributes["uid"][0]
    raise InputError(
        f"no account {word}",
        f"a uid, an address, or {MEMBERS}, {STAFF}, {ANYONE}, {LIST}NAME",
        french=f"le compte {word} n’existe pas",
    )


def draft(
    directory: Directory, name: str, title: str, domain: str, *, rules: Iterable[str] = (), members: Iterable[str] = (),
    posters: Iterable[str] = (), moderators: Iterable[str] = (), managers: Iterable[str] = (),
    max_kb: int | None = None, rate: int | None = None, hidden: bool = False, archive: bool = False,
) -> MailingList:  # fmt: skip
    """A list out of an operator's words. Raises InputError."""
    local = name.strip().lower()
    if not NAME.fullmatch(local) or any(local.endswith(f"-{role}") for role in ROLES):
        raise InputError(
            f"{name!r} cannot be a list",
            "small letters, digits, dots, hyphens, 55 at most",
            french=f"{name!r} ne peut nommer une liste (minuscules, chiffres, points, tirets, 55 au plus)",
        )
    named = [member_of(directory, word) for word in members]
    return MailingList(
        name=local,
        title=title.strip() or local,
        mail=f"{local}@{domain}",
        members=_once(value for attribute, value in named if attribute == "member"),
        outside=_once(value for attribute, value in named if attribute == "mpMember"),
        urls=_once(to_url(parse(rule), directory.suffix) for rule in rules),
        posters=_once(poster_word(directory, word) for word in posters) or (MEMBERS,),
        moderators=_once(account(directory, word) for word in moderators),
        managers=_once(account(directory, word) for word in managers),
        max_kb=max_kb,
        rate=rate,
        hidden=hidden,
        archive=archive,
    )


def _once(values: Iterable[str]) -> tuple[str, ...]:
    """Each once: an operator may name somebody by uid and by address, and the directory takes no value twice."""
    return tuple(dict.fromkeys(values))


def create(one: MailingList, taken: Container[str], suffix: str, line: int = 0) -> Change:
    """A new list. `taken`: every name in use or used before. Raises InputError."""
    names.refuse_used((one.mail, *(one.address(role) for role in ROLES)), taken, names.AN_ADDRESS)
    return Change(Kind.LIST, one.name, one.dn(suffix), {}, attributes_of(one), line)


KEPT = (
    *("displayName", "member", "mpMember", "mpMemberURL", "mpPoster", "mpModerator", "mpManager", "mpMaxSize"),
    *("mpRate", "mpHidden", "mpArchive"),
)


def changed(entry: Entry, target: Attributes, line: int = 0) -> list[Change]:
    """Return the changes that bring a list to this state: only the differences."""
    return change(Kind.LIST, entry, target, name=entry.attributes["cn"][0], line=line)


def archive(directory: Directory, entry: Entry, *, on: bool) -> list[Change]:
    """Return the change that gives a list an archive, or ends its growth. Raises InputError where too many have one."""
    if on and sum(1 for _one in directory.search("lists", ("cn",), {"mpArchive": "TRUE"})) >= MOST_LISTS:
        raise InputError(
            f"{MOST_LISTS} lists have an archive already",
            "end that of another: accounts lists set NAME --no-archive",
            french=f"{MOST_LISTS} listes ont déjà une archive",
        )
    return changed(entry, {"mpArchive": ["TRUE"] if on else []})


def adjusted(entry: Entry, name: str, add: Sequence[str], remove: Sequence[str]) -> list[Change]:
    """Values of one attribute more and less."""
    gone = {value.lower() for value in remove}
    values = [value for value in entry.attributes.get(name, []) if value.lower() not in gone]
    there = {value.lower() for value in values}
    return changed(entry, {name: [*values, *(value for value in dict.fromkeys(add) if value.lower() not in there)]})
