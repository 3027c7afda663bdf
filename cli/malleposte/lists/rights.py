"""Posting rights of a list, judged by the sender's address of the envelope.

An address of the academy is believed from a sender who has logged in: the mail server lets agents use what they own or
are delegates of, so the entry that holds the address is the poster. Without a log-in (services, other hosts, root's
sendmail) it is nobody's. An address outside is what it claims to be, no more: give it a moderator.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from malleposte.directory.model import State
from malleposte.directory.protocol import Branch, Directory
from malleposte.directory.query import AnyOf, Equal
from malleposte.lists.members import is_member
from malleposte.lists.model import ANYONE, LIST, MEMBERS, STAFF, MailingList, entry_of, to_list

_BRANCHES: tuple[Branch, ...] = ("people", "functional")
_OWNER = ("uid", "mail", "mpState", "mpBlockedUntil", "mpHidden")


class Verdict(Enum):
    """The decision about a message."""

    CARRIED = "carried"
    HELD = "held"
    REFUSED = "refused"


@dataclass(frozen=True)
class Judgement:
    """The verdict, and the words of a refusal for the SMTP dialogue (ASCII, French then English)."""

    verdict: Verdict
    reply: str = ""

    @property
    def refused(self) -> bool:
        """Whether the message is turned away."""
        return self.verdict is Verdict.REFUSED


@dataclass(frozen=True)
class Poster:
    """A sender: an account by its uid, empty for an address outside; `sends` is False while it may send nothing."""

    address: str
    uid: str = ""
    sends: bool = True


def poster_of(directory: Directory, address: str, logged_in: bool = True) -> Poster:
    """Return the owner of an address. `+word` before the @ is left out. An address of ours without a log-in: nobody."""
    local, _at, domain = address.lower().rpartition("@")
    bare = f"{local.partition('+')[0]}@{domain}"
    query = AnyOf((Equal("mailLocalAddress", bare), Equal("mail", bare)))
    for branch in _BRANCHES:
        for entry in directory.search(branch, _OWNER, query):
            attributes = entry.attributes
            sends = attributes.get("mpState") == [State.ACTIVE.value] and not attributes.get("mpBlockedUntil")
            return Poster(bare, attributes["uid"][0].lower(), sends) if logged_in else Poster("", sends=sends)
    return Poster(bare)


def _refused(code: str, french: str, english: str) -> Judgement:
    return Judgement(Verdict.REFUSED, f"550 {code} {french} / {english}")


def judge(directory: Directory, one: MailingList, sender: str, size: int = 0, logged_in: bool = True) -> Judgement:
    """Decide about a message of `size` bytes (0: not known yet) from an envelope sender."""
    if not sender:
        return _refused("5.7.1", f"la liste {one.name} refuse les avis automatiques", "no notices to a list")
    poster = poster_of(directory, sender, logged_in)
    if not poster.sends:
        return _refused("5.7.1", "ce compte ne peut rien envoyer", "this account may send nothing")
    if not may_post(directory, one, poster):
        return _refused(
            "5.7.1", f"vous ne pouvez pas ecrire a la liste {one.name}", f"you may not post to the list {one.name}"
        )
    if one.max_kb and size > one.max_kb * 1024:
        return _refused(
            "5.3.4", f"message trop gros pour la liste {one.name} ({one.max_kb} ko au plus)", f"{one.max_kb} KB at most"
        )
    moderated = bool(one.moderators) and poster.uid not in one.moderators
    return Judgement(Verdict.HELD if moderated else Verdict.CARRIED)


def may_post(directory: Directory, one: MailingList, poster: Poster) -> bool:
    """Whether somebody is among a list's posters; its managers and moderators always are."""
    if poster.uid and poster.uid in (*one.managers, *one.moderators):
        return True
    for word in one.posters:
        if word == ANYONE or (word == STAFF and poster.uid) or (word == poster.uid != ""):
            return True
        if word == MEMBERS and is_member(directory, one, poster.uid, poster.address):
            return True
        if word.startswith(LIST) and _on(directory, word.removeprefix(LIST), poster):
            return True
        if "@" in word[1:] and word == poster.address and not poster.uid:
            return True
    return False


def _on(directory: Directory, name: str, poster: Poster) -> bool:
    entry = entry_of(directory, name)
    return entry is not None and is_member(directory, to_list(entry.attributes), poster.uid, poster.address)


def judge_moderator(directory: Directory, one: MailingList, sender: str, logged_in: bool = True) -> Judgement:
    """Whether an envelope sender may answer for the list's moderators."""
    poster = poster_of(directory, sender, logged_in) if sender else Poster("")
    if poster.uid and poster.uid in one.moderators and poster.sends:
        return Judgement(Verdict.CARRIED)
    return _refused("5.7.1", "seuls les moderateurs de la liste repondent ici", "moderators of the list only")
