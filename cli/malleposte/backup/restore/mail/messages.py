"""A folder or some messages back into a live box: nothing there is changed or removed, doubles are recognised.

What is wanted is left in an extracted copy, the rest removed from that copy, and Dovecot imports the copy: flags,
keywords and dates come along, UIDs are new.
"""

from __future__ import annotations

import email.parser
import email.policy
import email.utils
import shutil
import time
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from malleposte.backup.restore.mail import box as box_module
from malleposte.backup.restore.mail import maildir, withheld
from malleposte.backup.restore.mail.dovecot import Dovecot
from malleposte.backup.restore.model import Outcome
from malleposte.backup.restore.vault import Archives
from malleposte.core.errors import InputError
from malleposte.platform.mailstore import MAILDIR, utf7
from malleposte.runtime import owner

BESIDE = "Restauration"


@dataclass(frozen=True)
class Query:
    """The messages to restore: all given conditions must hold. Without any: all messages."""

    folder: str = ""
    message_ids: tuple[str, ...] = ()
    uids: tuple[int, ...] = ()
    since: datetime | None = None
    """Received then or later."""
    search: str = ""
    """Text in From, To, Cc or Subject, in any case."""

    def fits(self, message: maildir.Message) -> bool:
        """Whether a message is wanted. Reads the file only where it must."""
        if self.folder and message.folder != self.folder:
            return False
        if self.uids and message.uid not in self.uids:
            return False
        if self.since and received(message) < self.since:
            return False
        if not self.message_ids and not self.search:
            return True
        fields = headers(message)
        if self.message_ids and fields["message-id"] not in {bare(one) for one in self.message_ids}:
            return False
        text = " ".join(fields[name] for name in ("from", "to", "cc", "subject")).casefold()
        return self.search.casefold() in text

    def lacking(self, message_ids: Set[str], uids: Set[int | None]) -> list[str]:
        """List for people what was named and is not among these."""
        lost = [f"the message <{bare(one)}>" for one in self.message_ids if bare(one) not in message_ids]
        return lost + [f"the message of UID {one}" for one in self.uids if one not in uids]


def bare(message_id: str) -> str:
    """A Message-ID without blanks and brackets."""
    return message_id.strip().strip("<>")


def received(message: maildir.Message) -> datetime:
    """The INTERNALDATE."""
    return datetime.fromtimestamp(int(message.path.stat().st_mtime), UTC)


def headers(message: maildir.Message) -> dict[str, str]:
    """The headers that people know a message by, decoded."""
    head = message.content().replace(b"\r\n", b"\n").partition(b"\n\n")[0]
    parsed = email.parser.BytesHeaderParser(policy=email.policy.default).parsebytes(head + b"\n\n")
    decoded = {name: " ".join(str(parsed.get(name, "")).split()) for name in ("from", "to", "cc", "subject")}
    return decoded | {"message-id": bare(str(parsed.get("message-id", "")))}


def row(message: maildir.Message) -> dict[str, Any]:
    """A message in a listing."""
    fields = headers(message)
    return {
        "folder": message.folder,
        "uid": message.uid,
        "received": received(message).isoformat(),
        "from": fields["from"],
        "subject": fields["subject"],
        "message_id": fields["message-id"],
        "size": message.size,
    }


def listing(uid: str, source: Archives, dovecot: Dovecot, query: Query) -> Outcome:
    """List the wanted messages that the archive has. Nothing is restored."""
    box = box_module.Box(uid, dovecot.home(uid))
    with owner.as_owner(box.home):
        copy, tree = _extracted(box, source, query.folder)
        try:
            rows = [row(message) for message in maildir.messages(tree, query.folder or None) if query.fits(message)]
        finally:
            shutil.rmtree(_place(box))
    present = {str(one["message_id"]) for one in rows}, {one["uid"] for one in rows}
    return Outcome(f"mailbox {uid}", copy, {"messages": len(rows)}, rows=rows, missing=query.lacking(*present))


def restore(
    uid: str,
    source: Archives,
    dovecot: Dovecot,
    query: Query,
    *,
    beside: bool = False,
    say: Callable[[str], None] = print,
) -> Outcome:
    """Messages back into the folders they were in, or below `Restauration/<date of the archive>/`.

    Raises InputError when the archive has none of them.
    """
    box = box_module.Box(uid, dovecot.home(uid))
    with owner.as_owner(box.home):
        uid, begun = box.uid, time.monotonic()
        if box.held:
            raise InputError(f"account {uid}: a restore of the whole box holds it", "run that one again first")
        say("extracting")
        copy, tree = _extracted(box, source, query.folder)
        parent = f"{BESIDE}/{copy.taken.astimezone():%Y-%m-%d %Hh%M}" if beside else ""
        counts = {"messages": 0, "already there": 0}
        try:
            present = list(maildir.messages(tree, query.folder or None))
            chosen = {message for message in present if query.fits(message)}
            message_ids = {headers(one)["message-id"] for one in chosen} if query.message_ids else set()
            missing = query.lacking(message_ids, {one.uid for one in chosen})
            apart = set(withheld.of(chosen, box.home))
            chosen -= apart
            if apart and not chosen:
                raise InputError(
                    f"account {uid}: all that is asked for is sealed or was taken back ({len(apart)} messages)",
                    "`malleposte mail undo` gives a retraction back; the help desk releases what the filter sealed",
                )
            if not chosen:
                named = f": {', '.join(missing)}" if missing else ""
                raise InputError(
                    f"account {uid}: no such message in {copy}{named}", "look with --list, or another --as-of"
                )
            doubles = set(_doubles(box.home / MAILDIR, parent, chosen))
            for message in present:
                if message not in chosen or message in doubles:
                    message.path.unlink()
            counts = {"messages": len(chosen) - len(doubles), "already there": len(doubles)}
            counts |= {"sealed or taken back, left out": len(apart)} if apart else {}
            if counts["messages"]:
                say(f"importing {counts['messages']} messages")
                names = {message.folder for message in chosen - doubles}
                fresh = sorted(_target(parent, name) for name in names - set(_existing(box, parent)))
                _keep_folders(tree, names)
                dovecot.adopt(uid, tree, parent)
                dovecot.subscribe(uid, fresh)
        finally:
            shutil.rmtree(_place(box))
        what = f"folder {query.folder} of {uid}" if query.folder else f"messages of {uid}"
        outcome = Outcome(what, copy, counts, seconds=time.monotonic() - begun, missing=missing)
        outcome.notes.append(f"into {parent}/" if beside else "into the folders they were in")
        return outcome


def _place(box: box_module.Box) -> Path:
    return box.store / ".malleposte-messages" / box.uid


def _extracted(box: box_module.Box, source: Archives, folder: str) -> tuple[Any, Path]:
    """The archive and a cleaned maildir of it: of one folder alone where one is named."""
    place = _place(box)
    owner.hand_over(place.parent)
    shutil.rmtree(place, ignore_errors=True)
    place.mkdir(mode=0o700, parents=True)
    root = box.home / MAILDIR
    copy = source.find(str(box.home))
    if not folder:
        paths = [root]
    elif folder == maildir.INBOX:
        paths = [root / name for name in ("cur", "new", maildir.UIDLIST, maildir.KEYWORDS)]
    else:
        paths = [maildir.folder_path(root, folder)]
    source.extract(copy, [str(path) for path in paths], place)
    home = place / str(box.home).lstrip("/")
    if not any(maildir.folder_path(home / MAILDIR, folder or maildir.INBOX).glob("*")):
        shutil.rmtree(place)
        what = f"folder {folder!r}" if folder else "mailbox"
        raise InputError(f"account {box.uid}: no {what} in {copy}", "see --list, or another --as-of")
    box_module.clean(home)
    return copy, home / MAILDIR


def _target(parent: str, name: str) -> str:
    return f"{parent}/{name}" if parent else name


def _existing(box: box_module.Box, parent: str) -> Iterator[str]:
    """Folders below `parent` that the live box has, by the name they have in the archive."""
    for name in maildir.folders(box.home / MAILDIR):
        if not parent or name.startswith(f"{parent}/"):
            yield name.removeprefix(f"{parent}/") if parent else name


def _doubles(live: Path, parent: str, chosen: set[maildir.Message]) -> Iterator[maildir.Message]:
    """Those of `chosen` that their folder (below `parent`) has already: by name, or by content."""
    for name in {message.folder for message in chosen}:
        here = list(maildir.messages(live, _target(parent, name)))
        bases = {message.base for message in here}
        sizes: dict[int | None, list[maildir.Message]] = {}
        for message in here:
            sizes.setdefault(message.size, []).append(message)
        for message in chosen:
            if message.folder != name:
                continue
            alike = sizes.get(message.size, [])
            if message.base in bases or (alike and message.digest() in {other.digest() for other in alike}):
                yield message


def _keep_folders(tree: Path, names: set[str]) -> None:
    """Leave only folders that hold something, so that no empty one is made; named as Dovecot reads them."""
    for name, path in maildir.folders(tree).items():
        if name == maildir.INBOX:
            continue
        if name in names:
            path.rename(tree / utf7(path.name))
        else:
            shutil.rmtree(path)
