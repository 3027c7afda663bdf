"""An agent's level of antispam, allowed and blocked senders: one file of the mailbox, whatever webmail is used.

It is a Sieve script that Dovecot runs before the platform's (role dovecot). It only marks a message; the platform's
`10-spam.sieve` decides by the marks and takes them off. What it was made from stands in its second line as JSON. For
root on the mail store, as its owner (`owner`).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from malleposte.accounts.traces.model import Kind, Trace
from malleposte.core.errors import InputError, MallepostError
from malleposte.runtime import owner

FILE = "senders.sieve"
LEVELS = ("normal", "strict")
NORMAL, STRICT = LEVELS
LISTS = ("allowed", "blocked")
MOST = 200
"""Senders of a list."""
NAMED = 4
"""Senders of a list that a trace names."""
LONGEST = 254
"""Characters of a sender (RFC 5321, 4.5.3.1.3)."""
AUTHOR = "X-Malleposte-Author"
"""The header in which rspamd names the author whom it verified (role rspamd, `author.lua`); nobody else writes it."""
LIST = "X-Malleposte-List"
"""The header in which the program of the lists names the list by its address; the filter takes it off what comes in."""
MARKS: Mapping[str, str] = {"strict": "$MpStrict", "allowed": "$MpAllowed", "blocked": "$MpBlocked"}
SETTLED_SECONDS = 5
"""The file bears a time that much ahead: Dovecot compiles it anew until then, and so no text of before stays in use."""
_HEAD = "# Written by Malleposte (the portal's page « Filtrage »); changes are overwritten."
_DATA = "#: "
_LOCAL = r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)*"
_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_SENDER = re.compile(rf"(?:{_LOCAL}@)?(?:{_LABEL}\.)+{_LABEL}")


class FullListError(MallepostError):
    """A list that has no room."""


@dataclass(frozen=True)
class Senders:
    """A level of `LEVELS`; senders are addresses or whole domains, in small letters and ASCII."""

    level: str = NORMAL
    allowed: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()

    @classmethod
    def of(cls, level: object, allowed: Iterable[object], blocked: Iterable[object]) -> Senders:
        """The same, once each part is what it should be. Raises InputError, FullListError."""
        if level not in LEVELS:
            raise InputError(f"no such level: {str(level)[:20]!r}", f"one of {', '.join(LEVELS)}")
        lists = tuple(tuple(dict.fromkeys(map(checked, one))) for one in (allowed, blocked))
        if any(len(one) > MOST for one in lists):
            raise FullListError(f"a list has room for {MOST} senders")
        if set(lists[0]) & set(lists[1]):
            raise InputError("a sender is either allowed or blocked")
        return cls(str(level), *lists)

    @property
    def plain(self) -> bool:
        """Whether it is what every mailbox has that chose nothing."""
        return self == Senders()


@dataclass(frozen=True)
class Edit:
    """A change: another level, or none (empty); senders that come to a list or go from either."""

    level: str = ""
    allow: tuple[str, ...] = ()
    block: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()

    def to(self, current: Senders) -> Senders:
        """`current` after it. A sender that comes to a list goes from the other. Raises InputError, FullListError."""
        gone = {*self.allow, *self.block, *self.remove}
        allowed, blocked = ([one for one in each if one not in gone] for each in (current.allowed, current.blocked))
        return Senders.of(self.level or current.level, [*allowed, *self.allow], [*blocked, *self.block])


def checked(sender: object) -> str:
    """An address or a domain as it is kept. Raises InputError."""
    if not isinstance(sender, str) or len(sender) > LONGEST or not _SENDER.fullmatch(sender):
        raise InputError(f"{str(sender)[:60]!r} is no sender", "an address or a domain, in small letters, ASCII")
    return sender


def script(choice: Senders) -> str:
    """The file. An address says more than its domain; a domain that is blocked stands for those below it too."""
    data = {"level": choice.level, "allowed": choice.allowed, "blocked": choice.blocked}
    lines = [_HEAD, _DATA + json.dumps(data), 'require ["imap4flags"];', ""]
    if choice.level == STRICT:
        lines.append(_mark("strict"))
    blocked = _domains(choice.blocked)
    rules = (
        ("allowed", f'header :is "{AUTHOR}"', _addresses(choice.allowed)),
        ("blocked", 'address :all :is "from"', _addresses(choice.blocked)),
        ("allowed", f'header :matches "{AUTHOR}"', [f"*@{one}" for one in _domains(choice.allowed)]),
        ("blocked", 'address :domain :matches "from"', [*blocked, *(f"*.{one}" for one in blocked)]),
    )
    word = "if"
    for mark, test, values in rules:
        if values:
            lines += [f"{word} {test} [", ",\n".join(f"  {quoted(one)}" for one in values), f"] {{ {_mark(mark)} }}"]
            word = "elsif"
    return "\n".join(lines) + "\n"


def by_sender(allowed: Iterable[str]) -> list[str]:
    """Tests of Sieve that hold for the mail of these senders, once the filter has verified its author, and of lists."""
    senders = list(allowed)
    addresses, domains = _addresses(senders), [f"*@{one}" for one in _domains(senders)]
    rules = (("is", AUTHOR, addresses), ("matches", AUTHOR, domains), ("is", LIST, addresses))
    return [f'header :{how} "{name}" [{", ".join(map(quoted, values))}]' for how, name, values in rules if values]


def _mark(name: str) -> str:
    return f"addflag {quoted(MARKS[name])};"


def quoted(text: str) -> str:
    r"""A string of Sieve (RFC 5228, 2.4.2). `${...}` in it is plain text: the script requires no `variables`."""
    return '"' + re.sub(r'(["\\])', r"\\\1", text) + '"'


def _addresses(senders: Iterable[str]) -> list[str]:
    return [form for one in senders if "@" in one for form in _forms(one)]


def _domains(senders: Iterable[str]) -> list[str]:
    return [form for one in senders if "@" not in one for form in _forms(one)]


def _forms(sender: str) -> list[str]:
    """As it is kept, and with the domain in its own alphabet, as some programs write it."""
    local, at, domain = sender.rpartition("@")
    try:
        shown = domain.encode().decode("idna")
    except UnicodeError:
        shown = domain
    return list(dict.fromkeys((sender, local + at + shown)))


def parsed(text: str) -> Senders:
    """The choices of a file; those of nobody where it is not one of ours."""
    try:
        raw = json.loads(next(line for line in text.splitlines() if line.startswith(_DATA)).removeprefix(_DATA))
        return Senders.of(raw["level"], raw["allowed"], raw["blocked"])
    except (StopIteration, ValueError, KeyError, TypeError, MallepostError):
        return Senders()


def read(home: Path) -> Senders:
    """The choices of a mailbox."""
    with owner.as_owner(home):
        path = home / FILE
        return parsed(owner.read(path).decode("utf-8", "replace")) if owner.plain(path) else Senders()


def change(home: Path, edit: Edit) -> Senders:
    """Change them; all of them. The mailbox may have had no message yet. Raises InputError, FullListError."""
    with owner.as_owner(home):
        now = edit.to(read(home))
        path = home / FILE
        if now.plain:
            for name in (FILE, FILE.replace(".sieve", ".svbin")):
                (home / name).unlink(missing_ok=True)
            return now
        for folder in (home.parent, home):
            folder.mkdir(mode=0o700, exist_ok=True)
        owner.replace(path, script(now), changed=time.time() + SETTLED_SECONDS)
        return now


def own_terms(choice: Senders) -> dict[str, str | Sequence[str]]:
    """The choices in the agent's own terms, for an export; nothing where none was made."""
    if choice.plain:
        return {}
    return {"niveau": choice.level, "expéditeurs autorisés": choice.allowed, "expéditeurs bloqués": choice.blocked}


def traces(home: Path) -> list[Trace]:
    """The lists of a mailbox, each as a setting that somebody else may have made."""
    choice = read(home)
    traces_of_senders = []
    for name in LISTS:
        if listed := getattr(choice, name):
            more = f" (+{len(listed) - NAMED})" if len(listed) > NAMED else ""
            traces_of_senders.append(Trace(Kind.SENDERS, name, ", ".join(listed[:NAMED]) + more))
    return traces_of_senders


def empty(home: Path, trace: Trace) -> None:
    """End a list that `traces` gave. Raises InputError."""
    if trace.what not in LISTS:
        raise InputError(f"no such list: {trace.what[:20]!r}", f"one of {', '.join(LISTS)}")
    change(home, Edit(remove=getattr(read(home), trace.what)))


def covers(sender: str, domain: str) -> bool:
    """Whether a sender stands for a whole domain: it is the domain, or one above or below it."""
    return "@" not in sender and (sender == domain or domain.endswith(f".{sender}") or sender.endswith(f".{domain}"))
