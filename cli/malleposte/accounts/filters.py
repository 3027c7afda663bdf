"""An agent's Sieve filters on disk: which is in force, where it forwards mail to, what becomes of it with the class.

SOGo and Roundcube each write and activate one script of their own. When an account changes its class, the script that
was in force is kept as `carried.sieve` beside the box, which Dovecot runs before the personal one; the script of the
new class, if there is one from earlier, is in force again. For root on the mail store; files stay their owner's.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

STORE = Path("/srv/mail")
ACTIVE = ".dovecot.sieve"
SCRIPTS = "sieve"
CARRIED = "carried.sieve"
OWNERS: Mapping[str, str] = {"convergence": "sogo", "roundcube": "roundcube"}
"""The script that the interface of a class writes."""
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
    """An account's filters: the script in force (or none), all scripts, forwards, whether an absence is announced."""

    active: str = ""
    scripts: tuple[str, ...] = ()
    forwards: tuple[str, ...] = ()
    absence: bool = False
    carried: bool = False
    texts: Mapping[str, str] = field(default_factory=dict, repr=False)


def home_of(uid: str, store: Path = STORE) -> Path:
    """Where a box lies (role dovecot): by the SHA-1 of its uid, whatever the state of the account."""
    bucket = hashlib.sha1(uid.lower().encode(), usedforsecurity=False).hexdigest()[:2]
    return store / bucket / uid.lower()


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    for found in _TOKEN.finditer(text):
        kind = str(found.lastgroup)
        if kind != "space":
            yield kind, found[kind]


def forwards(text: str) -> tuple[str, ...]:
    """Addresses that a script's `redirect` commands name, in their order; comments and strings are read as Sieve's."""
    found: list[str] = []
    waiting = False
    for kind, value in _tokens(text):
        if kind == "word" and not value.startswith(":"):
            waiting = value.lower() == "redirect"
        elif waiting and kind in ("string", "long"):
            found.append(re.sub(r"\\(.)", r"\1", value).strip())
            waiting = False
    return tuple(dict.fromkeys(found))


def announces(text: str) -> bool:
    """Whether a script answers senders (`vacation`)."""
    return any(kind == "word" and value.lower() == "vacation" for kind, value in _tokens(text))


def read(home: Path) -> Filters:
    """The filters of a box; empty where there is none."""
    folder = home / SCRIPTS
    texts = {path.stem: _text(path) for path in sorted(folder.glob("*.sieve"))} if folder.is_dir() else {}
    link = home / ACTIVE
    active = link.readlink().stem if link.is_symlink() else ""
    carried = _text(home / CARRIED) if (home / CARRIED).exists() else ""
    in_force = [carried, texts.get(active, "")]
    return Filters(
        active if active in texts else "",
        tuple(texts),
        tuple(dict.fromkeys(address for text in in_force for address in forwards(text))),
        any(announces(text) for text in in_force),
        bool(carried),
        texts | ({CARRIED: carried} if carried else {}),
    )


def _text(path: Path) -> str:
    return path.read_text("utf-8", "replace")


def carry(home: Path, profile: str, owners: Mapping[str, str] = OWNERS) -> str:
    """Keep the filters in force after a change to `profile`; the name of the script that was carried, or none."""
    held = read(home)
    wanted = owners.get(profile, "")
    if not home.is_dir() or held.active == wanted:
        return ""
    carried = held.active
    if carried:
        _write(home / CARRIED, held.texts[carried])
        (home / ACTIVE).unlink()
    else:
        drop(home)
    if wanted in held.scripts:
        _link(home, wanted)
    return carried


def drop(home: Path) -> bool:
    """Forget the filters that were carried; whether there were any."""
    there = (home / CARRIED).exists()
    for name in (CARRIED, CARRIED.replace(".sieve", ".svbin")):
        (home / name).unlink(missing_ok=True)
    return there


def _owned(path: Path, home: Path) -> None:
    status = home.stat()
    os.chown(path, status.st_uid, status.st_gid, follow_symlinks=False)


def _write(path: Path, text: str) -> None:
    """Beside, then in place: a delivery sees the old or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    _owned(temporary, path.parent)
    temporary.rename(path)


def _link(home: Path, script: str) -> None:
    temporary = home / f".{ACTIVE}.{os.getpid()}"
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(f"{SCRIPTS}/{script}.sieve")
    _owned(temporary, home)
    temporary.rename(home / ACTIVE)
