"""Folders that agents open to each other: Dovecot's access lists, a file `dovecot-acl` in each folder.

For root on the mail store, as its owner. Dovecot reads the file at each use; its map of shares only says where to look.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from malleposte.accounts.traces.model import Kind, Trace
from malleposte.platform import mailstore
from malleposte.platform.identity import is_uid
from malleposte.runtime import owner

FILE = "dovecot-acl"
OWNER = "owner"
SHARE = "shared/shared-boxes/user/{uid}/"
"""The beginning of a key of Dovecot's map of shares; the uid of an owner follows."""


def find(home: Path) -> list[Trace]:
    """Each folder and each identifier that it is open to."""
    with owner.as_owner(home):
        return [
            Trace(Kind.FOLDER, folder, who)
            for folder, path in _lists(home / mailstore.MAILDIR)
            for who in dict.fromkeys(_who(line) for line in _lines(path))
            if who
        ]


def theirs(uid: str, store: Path) -> list[Trace]:
    """Folders of other agents that are open to an account."""
    shares, begin = store / mailstore.SHARED, SHARE.format(uid=uid.lower())
    lines = _lines(shares) if owner.plain(shares) else []
    owners = dict.fromkeys(line.removeprefix(begin) for line in lines if line.startswith(begin))
    homes = {one: mailstore.home_of(one, store) for one in owners if is_uid(one)}
    return [
        Trace(Kind.THEIR_FOLDER, share.what, one)
        for one, home in homes.items()
        if home.exists()
        for share in find(home)
        if share.who.lower() == f"user={uid.lower()}"
    ]


def remove(home: Path, trace: Trace) -> None:
    """Close a folder to an identifier; nothing where it is closed."""
    with owner.as_owner(home):
        for folder, path in _lists(home / mailstore.MAILDIR):
            if folder == trace.what:
                lines = [line for line in _lines(path) if _who(line) != trace.who]
                owner.replace(path, "".join(f"{line}\n" for line in lines))


def _lists(root: Path) -> Iterator[tuple[str, Path]]:
    if not owner.folder(root):
        return
    folders = [("INBOX", root)]
    folders += [(one.name[1:].replace(".", "/"), one) for one in sorted(root.glob(".*")) if owner.folder(one)]
    yield from ((name, path / FILE) for name, path in folders if owner.plain(path / FILE))


def _lines(path: Path) -> list[str]:
    return owner.read(path).decode("utf-8", "replace").splitlines()


def _who(line: str) -> str:
    """The identifier of a line `user=bob lrs`; empty for the owner, for rights that are taken away, for a remark."""
    who, _blank, rights = line.strip().rpartition(" ")
    who = who.strip().strip('"')
    return "" if not rights or who.startswith(("#", "-")) or who in ("", OWNER) else who
