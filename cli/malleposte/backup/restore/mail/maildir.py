"""A box on disk, as Dovecot 2.4 writes it: folders, messages, UIDs, keywords. Pure reading and writing of files.

Layout (Maildir++, names in UTF-8): `<home>/Maildir` is the inbox, `<home>/Maildir/.A.B` the folder `A/B`. A message is
a file of `cur` or `new` named `<base>[:2,<flags>]`; the base is its identity for life, its time of change is the
INTERNALDATE. `dovecot-uidlist` gives each base its UID; a small letter among the flags is a line of `dovecot-keywords`.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from malleposte.runtime import durable, owner, zstd

INBOX = "INBOX"
UIDLIST = "dovecot-uidlist"
KEYWORDS = "dovecot-keywords"
KEYWORD_LIMIT = 26
LEFT_OUT = ("dovecot.index", "dovecot.list.index", "dovecot.map.index", "dovecot.mailbox.log", "fts-flatcurve", "tmp")
"""Beginnings of names that are rebuilt or of the moment: indexes, caches, search data, unfinished files."""
_HEADER = re.compile(r"^3( .*)$")
_SIZE = re.compile(r",S=(\d+)")


@dataclass(frozen=True)
class Message:
    """A message file. `flags` as in its name; `uid` None where the list does not know it."""

    path: Path
    folder: str
    base: str
    flags: str
    uid: int | None = None

    @property
    def size(self) -> int | None:
        """Bytes of the message itself, by its name."""
        match = _SIZE.search(self.base)
        return int(match[1]) if match else None

    def content(self) -> bytes:
        """The message, decompressed."""
        return zstd.plain(owner.read(self.path))

    def digest(self) -> str:
        """SHA-256 of the content."""
        return hashlib.sha256(self.content()).hexdigest()


@dataclass(frozen=True)
class UidList:
    """`dovecot-uidlist`: the validity, the next UID, other header fields, and a line a base."""

    validity: int = 0
    following: int = 1
    others: tuple[str, ...] = ()
    lines: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    """Base to UID and the whole line."""

    def uid(self, base: str) -> int | None:
        """The UID of a base."""
        line = self.lines.get(base)
        return line[0] if line else None

    def text(self) -> str:
        """As Dovecot reads it: lines by rising UID."""
        head = " ".join(["3", f"V{self.validity}", f"N{self.following}", *self.others])
        return "\n".join([head, *(line for _, line in sorted(self.lines.values()))]) + "\n"


def split(name: str) -> tuple[str, str]:
    """Base and flags of a file's name."""
    base, _, info = name.partition(":2,")
    return base, info


def parse_uidlist(text: str) -> UidList:
    """Reads version 3. An empty or older list is an empty one: Dovecot then gives UIDs anew."""
    first, *rest = text.splitlines() or [""]
    head = _HEADER.match(first)
    if not head:
        return UidList()
    fields = head[1].split()
    numbers = {word[0]: word[1:] for word in fields}
    lines: dict[str, tuple[int, str]] = {}
    for line in rest:
        before, colon, name = line.partition(" :")
        number = before.split(" ", 1)[0]
        if colon and number.isdigit():
            lines[split(name)[0]] = (int(number), line)
    return UidList(
        int(numbers.get("V", "0")),
        int(numbers.get("N", "1")),
        tuple(word for word in fields if word[0] not in "VN"),
        lines,
    )


def read_uidlist(folder: Path) -> UidList:
    """The list of a folder on disk; an empty one where there is none."""
    return parse_uidlist(_text(folder / UIDLIST))


def write_uidlist(folder: Path, uids: UidList) -> None:
    """Replaces the list of a folder."""
    _write(folder / UIDLIST, uids.text())


def merge_uidlists(ours: UidList, other: UidList, bases: set[str], *, gap: int = 0) -> UidList:
    """`ours` plus the lines of `other` for `bases`, with the same UIDs where both lists are of one life of the folder.

    `gap` is added to the next UID. Of another life (another validity), nothing is taken over: those get new UIDs.
    """
    lines = dict(ours.lines)
    following = ours.following
    if other.validity == ours.validity or not ours.validity:
        taken = {uid for uid, _ in lines.values()}
        new = {base: line for base, line in other.lines.items() if base in bases and base not in lines}
        lines |= {base: line for base, line in new.items() if line[0] not in taken}
        following = max(following, other.following)
    return replace(
        ours if ours.validity else other, following=following + gap, lines=lines, others=ours.others or other.others
    )


def read_keywords(folder: Path) -> list[str]:
    """Names of the keywords by their letter's place in the alphabet; empty text for a hole."""
    names: list[str] = []
    for line in _text(folder / KEYWORDS).splitlines():
        number, _, name = line.partition(" ")
        if number.isdigit() and int(number) < KEYWORD_LIMIT:
            names += [""] * (int(number) + 1 - len(names))
            names[int(number)] = name
    return names


def write_keywords(folder: Path, names: list[str]) -> None:
    """Replaces the keywords of a folder."""
    _write(folder / KEYWORDS, "".join(f"{number} {name}\n" for number, name in enumerate(names) if name))


def translate(flags: str, source: list[str], target: list[str]) -> str:
    """Flags of one folder in the letters of another. `target` grows by what it lacks, up to 26 keywords."""
    letters = ""
    for letter in flags:
        place = ord(letter) - ord("a")
        if not 0 <= place < KEYWORD_LIMIT:
            letters += letter
            continue
        name = source[place] if place < len(source) else ""
        if name and name not in target and len(target) < KEYWORD_LIMIT:
            target.append(name)
        if name in target and name:
            letters += chr(ord("a") + target.index(name))
    return "".join(sorted(letters))


def folder_name(directory: str) -> str:
    """`.A.B` to `A/B`; the root's name, empty, to INBOX."""
    return directory.removeprefix(".").replace(".", "/") if directory else INBOX


def folder_path(maildir: Path, name: str) -> Path:
    """Return the path of a folder."""
    return maildir if name.upper() == INBOX else maildir / ("." + name.replace("/", "."))


def folders(maildir: Path) -> dict[str, Path]:
    """Folders by name, the inbox first."""
    by_name = {INBOX: maildir} if maildir.is_dir() else {}
    if maildir.is_dir():
        for entry in sorted(os.scandir(maildir), key=lambda entry: entry.name):
            if entry.name.startswith(".") and entry.is_dir(follow_symlinks=False):
                by_name[folder_name(entry.name)] = maildir / entry.name
    return by_name


def files(folder: Path) -> Iterator[Path]:
    """Message files of a folder, in no order."""
    for part in ("cur", "new"):
        try:
            entries = [entry.path for entry in os.scandir(folder / part) if entry.is_file(follow_symlinks=False)]
        except FileNotFoundError:
            continue
        yield from map(Path, entries)


def messages(maildir: Path, only: str | None = None) -> Iterator[Message]:
    """Messages of every folder, or of one, by folder and UID (those without a UID last, by name)."""
    for name, path in folders(maildir).items():
        if only is not None and name != only:
            continue
        uids = read_uidlist(path)
        of_folder = []
        for file in files(path):
            base, flags = split(file.name)
            of_folder.append(Message(file, name, base, flags, uids.uid(base)))
        yield from sorted(of_folder, key=lambda one: (one.uid is None, one.uid or 0, one.base))


def drop_doubles(maildir: Path) -> int:
    """Removes what a live walk caught twice, before and after a rename: of one base, the file with most flags stays."""
    removed = 0
    for path in folders(maildir).values():
        best: dict[str, Path] = {}
        for file in files(path):
            base, flags = split(file.name)
            other = best.get(base)
            if other is None:
                best[base] = file
                continue
            loser, best[base] = (other, file) if len(flags) > len(split(other.name)[1]) else (file, other)
            loser.unlink()
            removed += 1
    return removed


def _text(path: Path) -> str:
    """A file's text; none where there is no plain file."""
    return owner.read(path).decode("utf-8", "surrogateescape") if owner.plain(path) else ""


def _write(path: Path, text: str) -> None:
    """Replaces a file in one step."""
    durable.write(path, text.encode("utf-8", "surrogateescape"))
