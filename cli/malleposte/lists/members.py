"""From a list to those who receive it, asked of the directory anew each time: nothing is exported."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from malleposte.directory.model import RECEIVES, first
from malleposte.directory.protocol import Branch, Directory
from malleposte.directory.query import All, AnyOf, Equal, Query
from malleposte.lists.model import ASKED, MailingList, to_list
from malleposte.lists.rule import Rule, from_url, schools_of

PERSON = ("uid", "cn", "mail", "mpState", "mpHidden", "mpEstablishment")
AT_ONCE = 100
"""Names asked for in one search."""
_TAKES = frozenset(state.value for state in RECEIVES)


@dataclass(frozen=True)
class Member:
    """A recipient of a list: a mailbox of the platform (`uid`), or an address outside."""

    uid: str = ""
    address: str = ""
    name: str = ""

    def envelope(self, delivery_domain: str) -> str:
        """The delivery address of a message: a mailbox by its uid, which needs no further query to the directory."""
        return f"{self.uid}@{delivery_domain}" if self.uid else self.address

    @property
    def key(self) -> str:
        """The key by which two mentions are one member."""
        return self.uid or self.address


def expand(directory: Directory, one: MailingList) -> list[Member]:
    """Everybody, each once, whoever is there twice. Lists within lists are opened; one that holds itself ends."""
    by_key: dict[str, Member] = {}
    for member in _all(directory, one, {one.name}):
        by_key.setdefault(member.key, member)
    return list(by_key.values())


def first_of(directory: Directory, one: MailingList, most: int) -> list[Member]:
    """So many of them at most: no more is read of a list than that takes."""
    by_key: dict[str, Member] = {}
    for member in _all(directory, one, {one.name}):
        by_key.setdefault(member.key, member)
        if len(by_key) >= most:
            break
    return list(by_key.values())


def _all(directory: Directory, one: MailingList, seen: set[str]) -> Iterator[Member]:
    by_branch: dict[str, list[str]] = {}
    for dn in one.members:
        value, branch = parts(dn)
        by_branch.setdefault(branch, []).append(value)
    yield from _named(directory, "people", by_branch.get("people", []))
    yield from _named(directory, "functional", by_branch.get("functional", []))
    for url in one.urls:
        yield from by_rule(directory, from_url(url, directory.suffix))
    yield from (Member(address=address) for address in one.outside)
    for name in by_branch.get("lists", []):
        if name not in seen:
            seen.add(name)
            for entry in directory.search("lists", ASKED, {"cn": name}):
                inner = to_list(entry.attributes)
                if inner.state in _TAKES:
                    yield from _all(directory, inner, seen)


def parts(dn: str) -> tuple[str, str]:
    """Name and branch of a member's DN: `uid=jdupont,ou=people,…` gives jdupont and people."""
    first, _comma, rest = dn.partition(",")
    return first.partition("=")[2].lower(), rest.partition(",")[0].partition("=")[2].lower()


def _named(directory: Directory, branch: Branch, uids: list[str]) -> Iterator[Member]:
    for start in range(0, len(uids), AT_ONCE):
        query = AnyOf(tuple(Equal("uid", uid) for uid in uids[start : start + AT_ONCE]))
        for entry in directory.search(branch, PERSON, query):
            if first(entry.attributes, "mpState") in _TAKES:
                yield _member(entry.attributes)


def by_rule(directory: Directory, rule: Rule, uid: str = "") -> Iterator[Member]:
    """The people that a rule finds, or one of them. Who is kept out of lists is only on one by name."""
    schools = schools_of(directory, rule)
    query: Query = All((rule.query, Equal("uid", uid))) if uid else rule.query
    for entry in directory.search("people", PERSON, query):
        attributes = entry.attributes
        if first(attributes, "mpState") not in _TAKES or first(attributes, "mpHidden") == "TRUE":
            continue
        if schools is None or {code.upper() for code in attributes.get("mpEstablishment", ())} & schools:
            yield _member(attributes)


def uids_by_url(directory: Directory, url: str) -> list[str]:
    """Return the uids of those whom a rule finds, by its URL."""
    return [one.uid for one in by_rule(directory, from_url(url, directory.suffix))]


def is_member(directory: Directory, one: MailingList, uid: str, address: str) -> bool:
    """Whether an account (by its uid) or an address outside is on a list; asked for that one alone."""
    return _is(directory, one, uid.lower(), address.lower(), {one.name})


def _is(directory: Directory, one: MailingList, uid: str, address: str, seen: set[str]) -> bool:
    named = [parts(dn) for dn in one.members]
    if address in one.outside or (uid and any(value == uid and branch != "lists" for value, branch in named)):
        return True
    if uid and any(any(by_rule(directory, from_url(url, directory.suffix), uid)) for url in one.urls):
        return True
    for name, branch in named:
        if branch == "lists" and name not in seen:
            seen.add(name)
            for entry in directory.search("lists", ASKED, {"cn": name}):
                if _is(directory, to_list(entry.attributes), uid, address, seen):
                    return True
    return False


def _member(attributes: Mapping[str, list[str]]) -> Member:
    return Member(uid=first(attributes, "uid"), address=first(attributes, "mail"), name=first(attributes, "cn"))
