"""A team as the directory has it: a functional box with `mpTeam`, its members and their roles."""

from __future__ import annotations

import datetime
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from malleposte.accounts import names
from malleposte.core.errors import InputError
from malleposte.directory.model import first
from malleposte.directory.protocol import Entry
from malleposte.platform.times import when

OPERATOR = "@dsi"
"""The maker of a team that an operator made."""
STAFF = "@staff"
"""The agents who may make teams: all of them."""
PREFIX = "equipe-"
"""The beginning of a team's uid and address: no agent takes the name of an office or of a person."""
TITLE = "Équipe "
"""The beginning of its name in address books, for the same reason."""
LONGEST, MOST_MEMBERS, MOST_LINKS = 60, 300, 6
"""Characters of a name; members, by rule too; links of a team's own."""
LONGEST_WORDS, LONGEST_ADDRESS = 60, 300
NOTICE_DAYS = 14
"""Days before its end at which a team's members are told: no member sets one that is nearer."""
MOST_DAYS = 731
"""Days for which an end may be set."""
_MARKS = frozenset('<>"@\\|=')
_ADDRESS = re.compile(r"[A-Za-z0-9._~:/?#@!$&'()*+,;=%\[\]-]+")
"""The characters of an address (RFC 3986)."""


class Role(StrEnum):
    """The role of a member: leads the team, takes part (reads, writes, sends as the team), or reads."""

    LEADS = "anime"
    WRITES = "participe"
    READS = "lit"


@dataclass(frozen=True)
class Link:
    """A link on the page of a team: its words, and an https address."""

    words: str
    address: str

    @property
    def value(self) -> str:
        """The value of the attribute."""
        return f"{self.address} {self.words}"


@dataclass(frozen=True)
class Team:
    """A team. `members`: roles by uid; `ends`: when it ends; `urls`: its rule, as lists keep it; `maker`: a uid."""

    uid: str
    name: str
    mail: str
    maker: str
    members: Mapping[str, Role] = field(default_factory=dict)
    urls: tuple[str, ...] = ()
    ends: datetime.datetime | None = None
    notice: str = ""
    links: tuple[Link, ...] = ()
    state: str = "active"

    @property
    def leaders(self) -> list[str]:
        """The uids of those who lead it."""
        return [uid for uid, role in self.members.items() if role is Role.LEADS]


@dataclass(frozen=True)
class Rules:
    """The academy's choices (the fact `malleposte_teams`): who makes teams, how many, of which size; the tiles."""

    makers: str = ""
    most: int = 5
    quota_mb: int = 1000
    tools: tuple[Link, ...] = ()

    @classmethod
    def of(cls, facts: Mapping[str, Any]) -> Rules:
        """Read them from the platform's facts, which `check` has judged."""
        teams = facts.get("teams") or {}
        tools = tuple(Link(one["name"], one["address"]) for one in teams.get("tools") or ())
        makers = str(teams.get("makers") or "").strip()
        return cls(makers, int(teams.get("most", cls.most)), int(teams.get("quota_mb", cls.quota_mb)), tools)


def to_team(entry: Entry) -> Team:
    """The team of an entry."""
    attributes = entry.attributes
    roles = {uid.lower(): Role.READS for uid in attributes.get("mpReader", ())}
    roles |= {uid.lower(): Role.WRITES for uid in attributes.get("mpDelegate", ())}
    roles |= {uid.lower(): Role.LEADS for uid in attributes.get("mpManager", ())}
    pairs = (value.partition(" ") for value in attributes.get("mpTeamLink", ()))
    return Team(
        uid=first(attributes, "uid"),
        name=first(attributes, "cn"),
        mail=first(attributes, "mail"),
        maker=first(attributes, "mpTeam"),
        members=dict(sorted(roles.items())),
        urls=tuple(attributes.get("mpMemberURL", ())),
        ends=when(first(attributes, "mpTeamEnds")),
        notice=first(attributes, "mpTeamNotice"),
        links=tuple(sorted((Link(words, address) for address, _space, words in pairs), key=lambda one: one.words)),
        state=first(attributes, "mpState") or "active",
    )


def checked_name(typed: str) -> str:
    """A team's name as it is kept. Raises InputError."""
    words = " ".join(unicodedata.normalize("NFC", typed).split()).removeprefix(TITLE)
    if not words.isprintable() or not 2 <= len(words) <= LONGEST or _MARKS & set(words) or not _slug(words):
        raise InputError(
            f"{typed[:LONGEST]!r} cannot be a team's name",
            f'2 to {LONGEST} characters with a letter among them, and none of <>"@\\|=',
            french=f'Un nom d’équipe a de 2 à {LONGEST} caractères, sans < > " @ \\ | ni =.',
        )
    return words


def uid_of_name(words: str) -> str:
    """The uid of a team of this name."""
    return f"{PREFIX}{_slug(words)}"


def _slug(words: str) -> str:
    try:
        return names.slug(words)[:40].strip("-")
    except names.UnusableName:
        return ""


def checked_link(words: str, address: str) -> Link:
    """A link. Raises InputError on what is not an https address that names a host alone before its path."""
    text, words = address.strip(), " ".join(words.split())
    try:
        parts = urlsplit(text)
        right = parts.scheme == "https" and bool(parts.hostname) and "@" not in parts.netloc and parts.port != 0
    except ValueError:
        right = False
    if not right or not _ADDRESS.fullmatch(text) or len(text) > LONGEST_ADDRESS:
        raise InputError(
            f"{text[:80]!r} is no address of a link",
            f"https://HOST/…, {LONGEST_ADDRESS} characters at most",
            french="Un lien commence par https:// et nomme un site.",
        )
    if not words.isprintable() or not 1 <= len(words) <= LONGEST_WORDS:
        raise InputError(
            f"{words[:LONGEST_WORDS]!r} cannot name a link",
            f"1 to {LONGEST_WORDS} characters",
            french=f"Le nom d’un lien a de 1 à {LONGEST_WORDS} caractères.",
        )
    return Link(words, text)


def checked_end(typed: str, now: datetime.datetime, notice: int = 0) -> datetime.datetime:
    """The end of a team, typed as a day (`2027-07-05`): the midnight that ends it, at least `notice` days away.

    Raises InputError.
    """
    try:
        day = datetime.date.fromisoformat(typed.strip())
        end = datetime.datetime.combine(day + datetime.timedelta(days=1), datetime.time()).astimezone()
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{typed!r} is no day", "such as 2027-07-05", french="Une fin est une date, par exemple 05/07/2027."
        ) from error
    if not now + datetime.timedelta(days=notice) < end <= now + datetime.timedelta(days=MOST_DAYS):
        raise InputError(
            f"{typed} is past, too near, or more than {MOST_DAYS} days away",
            french="La fin d’une équipe est dans les deux ans qui viennent.",
        )
    return end


def last_day(ends: datetime.datetime) -> datetime.date:
    """The day that ends at a team's end."""
    return (ends.astimezone() - datetime.timedelta(seconds=1)).date()
