"""An agent's Sieve filters on disk: which is in force, where it forwards mail to, what becomes of it with the class.

SOGo and Roundcube each write and activate one script of their own. When an account changes its class, the script that
was in force is kept as `carried.sieve` beside the box, which Dovecot runs before the personal one; the script of the
new class, if there is one from earlier, is in force again. For root on the mail store, as its owner (`owner`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from malleposte.accounts.mailbox import senders
from malleposte.runtime import owner

ACTIVE = ".dovecot.sieve"
SCRIPTS = "sieve"
CARRIED = "carried.sieve"
COMPUTED = " (computed by the script)"
_ENCODED = re.compile(r"\$\{\s*(?P<kind>hex|unicode)\s*:\s*(?P<numbers>[0-9a-f]+(?:\s+[0-9a-f]+)*)\s*\}", re.IGNORECASE)
_TOKEN = re.compile(
    r"""(?P<space>\s+|\#[^\n]*(?:\n|$)|/\*.*?\*/)
      | text:[ \t]*(?:\#[^\n]*)?\r?\n(?P<long>.*?)\r?\n\.(?:\r?\n|$)
      | "(?P<string>(?:[^"\\]|\\.)*)"
      | (?P<word>:?[A-Za-z_][A-Za-z0-9_]*)
      | (?P<other>.)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True)
class Filters:
    """An account's filters: the script in force (or none), all scripts, forwards, whether an absence is announced.

    `included` are the other scripts that the one in force runs, `refuses` whether senders may be refused, and
    `discards` whether messages may be deleted unseen. `level` is the antispam's, `allowed` and `blocked` are how many
    senders. With `waits`, mail that comes now waits for the agent's hours, until `waits_until` (a moment of the
    platform's zone), or for more than a year (empty). `recalled` messages will come back to the inbox;
    `unsent` messages lie in « À envoyer ».
    """

    active: str = ""
    scripts: tuple[str, ...] = ()
    forwards: tuple[str, ...] = ()
    absence: bool = False
    carried: bool = False
    included: tuple[str, ...] = ()
    refuses: bool = False
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)
    discards: bool = False
    level: str = senders.NORMAL
    allowed: int = 0
    blocked: int = 0
    waits: bool = False
    waits_until: str = ""
    recalled: int = 0
    unsent: int = 0


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for token in _TOKEN.finditer(text):
        kind = str(token.lastgroup)
        if kind != "space":
            yield kind, token[kind]


def _named(text: str, command: str) -> tuple[str, ...]:
    """The first string after each `command`, in their order; comments and strings are read as Sieve's."""
    names: list[str] = []
    waiting = False
    for kind, value in _tokens(text):
        if kind == "word" and not value.startswith(":"):
            waiting = value.lower() == command
        elif waiting and kind in ("string", "long"):
            names.append(re.sub(r"\\(.)", r"\1", value).strip())
            waiting = False
    return tuple(dict.fromkeys(names))


def _decoded(text: str) -> str:
    """A string with its `${hex:...}` and `${unicode:...}` read (RFC 5228, 2.4.2.4); what cannot be is left as it is."""

    def characters(match: re.Match[str]) -> str:
        numbers = [int(one, 16) for one in match["numbers"].split()]
        try:
            whole = bytes(numbers).decode() if match["kind"].lower() == "hex" else "".join(map(chr, numbers))
        except (ValueError, OverflowError):
            return match[0]
        return whole

    return _ENCODED.sub(characters, text)


def forwards(text: str) -> tuple[str, ...]:
    """Addresses that a script's `redirect` commands name. One that the script computes ends in COMPUTED."""
    return tuple(dict.fromkeys(_shown_address(one) for one in _named(text, "redirect")))


def _shown_address(string: str) -> str:
    """An address as it is told; one that the script computes ends in COMPUTED."""
    read = _decoded(string)
    return read + COMPUTED if "${" in read else read


def includes(text: str) -> tuple[str, ...]:
    """Names of the scripts that a script runs (`include`, RFC 6609); they are never computed."""
    return _named(text, "include")


def required(text: str) -> tuple[str, ...]:
    """Extensions that a script requires, in their order."""
    extensions: list[str] = []
    open_ = False
    for kind, value in _tokens(text):
        if kind == "word":
            open_ = value.lower() == "require"
        elif kind == "other" and value == ";":
            open_ = False
        elif open_ and kind in ("string", "long"):
            extensions.append(value)
    return tuple(dict.fromkeys(extensions))


def _says(text: str, *commands: str) -> bool:
    return any(kind == "word" and value.lower() in commands for kind, value in _tokens(text))


def announces(text: str) -> bool:
    """Whether a script answers senders (`vacation`)."""
    return _says(text, "vacation")


@dataclass(frozen=True)
class _Command:
    """A command of a script: its place in the text, its first string, and whether nothing stands beside it."""

    name: str
    begin: int
    end: int
    string: str
    alone: bool


def _commands(text: str) -> Iterator[_Command]:
    """The commands, each up to its semicolon. One whose block holds no other (but `stop`) is alone."""
    tokens = [one for one in _TOKEN.finditer(text) if one.lastgroup != "space"]
    for index, one in enumerate(tokens):
        if one.lastgroup != "word" or one["word"].startswith(":"):
            continue
        last = next((at for at in range(index, len(tokens)) if tokens[at]["other"] == ";"), len(tokens) - 1)
        strings = [each for each in tokens[index:last] if each.lastgroup in ("string", "long")]
        value = _named(text[one.start() : tokens[last].end()], one["word"].lower()) if strings else ()
        before = tokens[index - 1][0] if index else ""
        after = tokens[last + 1][0].lower() if last + 1 < len(tokens) else ""
        alone = before == "{" and after in ("}", "stop")
        yield _Command(one["word"].lower(), one.start(), tokens[last].end(), value[0] if value else "", alone)


def without(text: str, names: Collection[str], address: str | None = None) -> str:
    """A script without the commands of these names; with an `address` (of `forwards`), without those that name it.

    Where a rule did nothing else, its message is kept.
    """
    while True:
        gone = next(
            (
                one
                for one in _commands(text)
                if one.name in names and (address is None or _shown_address(one.string) == address)
            ),
            None,
        )
        if gone is None:
            return text
        text = text[: gone.begin] + ("keep;" if gone.alone else "") + text[gone.end :]


def remove(home: Path, names: Collection[str], address: str | None = None) -> int:
    """Rewrite the scripts of a box as `without` does, those out of force too; return the number that changed."""
    with owner.as_owner(home):
        changed = 0
        for name, text in read(home).texts.items():
            left = without(text, names, address)
            if left != text:
                owner.replace(home / CARRIED if name == CARRIED else home / SCRIPTS / f"{name}.sieve", left)
                changed += 1
        return changed


def read(home: Path) -> Filters:
    """The filters of a box; empty where there is none. What is no plain file is no filter."""
    with owner.as_owner(home):
        folder = home / SCRIPTS
        paths = sorted(folder.glob("*.sieve")) if owner.folder(folder) else []
        texts = {path.stem: _text(path) for path in paths if owner.plain(path)}
        link = home / ACTIVE
        active = link.readlink().stem if link.is_symlink() else ""
        carried = _text(home / CARRIED) if owner.plain(home / CARRIED) else ""
        followed = _followed(texts, [carried, texts.get(active, "")])
        chosen = senders.read(home)
        in_force = [carried, texts.get(active, ""), *(texts[name] for name in followed)]
        return Filters(
            active if active in texts else "",
            tuple(texts),
            tuple(dict.fromkeys(address for text in in_force for address in forwards(text))),
            any(announces(text) for text in in_force),
            bool(carried),
            followed,
            any(_says(text, "reject", "ereject") for text in in_force),
            texts | ({CARRIED: carried} if carried else {}),
            any(_says(text, "discard") for text in in_force),
            chosen.level,
            len(chosen.allowed),
            len(chosen.blocked),
        )


def _followed(texts: Mapping[str, str], begun: Iterable[str]) -> tuple[str, ...]:
    """Names of the scripts that some run, and those run by these, each once."""
    names: dict[str, None] = {}
    waiting = [name for text in begun for name in includes(text)]
    while waiting:
        name = waiting.pop(0)
        if name in texts and name not in names:
            names[name] = None
            waiting += includes(texts[name])
    return tuple(names)


def _text(path: Path) -> str:
    return owner.read(path).decode("utf-8", "replace")


def carry(home: Path, name: str) -> str:
    """Keep the filters in force after a change of class; the name of the script that was carried, or none.

    `wanted` is the script that the webmail of the new class writes; it bears the webmail's name.
    """
    with owner.as_owner(home):
        filters = read(home)
        if not owner.folder(home) or filters.active == name:
            return ""
        carried = filters.active
        if carried:
            owner.replace(home / CARRIED, filters.texts[carried])
            (home / ACTIVE).unlink()
        elif not filters.carried:
            drop(home)  # it may be a link that the user laid
        if name in filters.scripts:
            # Without filters in force meanwhile: those that were carried away from this class are its own script.
            if not carried:
                drop(home)
            _link(home, name)
        return carried


def drop(home: Path) -> bool:
    """Forget the filters that were carried; whether there were any."""
    with owner.as_owner(home):
        there = (home / CARRIED).exists(follow_symlinks=False)
        for name in (CARRIED, CARRIED.replace(".sieve", ".svbin")):
            (home / name).unlink(missing_ok=True)
        return there


def _link(home: Path, script: str) -> None:
    temporary = home / f".{ACTIVE}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(f"{SCRIPTS}/{script}.sieve")
    temporary.rename(home / ACTIVE)
