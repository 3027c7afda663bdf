"""The published calendars in Radicale's store: a folder each that no agent's address reaches, and who is shown which.

So are the agendas of functional mailboxes and the address books of teams, which SOGo keeps, for the agents who have the
light agenda.

`.published/IDENT` in the folder of collections is one for all its agents; Radicale refuses addresses with a name that
begins with a dot. `published.json` beside that folder says who is shown it (malleposte.daemons.radicale_storage).

Usage: radicale-calendars ROOT    as Radicale's user; ROOT is its collection-root
"""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from malleposte.accounts.agendas.model import Kind
from malleposte.accounts.agendas.radicale import LOCK, PROPERTIES, TAGS, TITLE
from malleposte.core.errors import MallepostError
from malleposte.groupware.published import job
from malleposte.groupware.published.model import Items, Shown
from malleposte.groupware.published.places import BOOK_OF, BOXES, FOLDER, OF_BOX, SHOWN
from malleposte.groupware.published.store import Store, write
from malleposte.platform import locks
from malleposte.runtime import owner

DIGEST = ".digest"
"""The file of what a calendar held when it was brought here; Radicale passes over names that begin with a dot."""


def place(root: Path, shown: Sequence[Shown], items: Items) -> int:
    """Bring Radicale's store (`root`: its collection-root) to what is published; return how many calendars changed.

    A calendar that fails stays as it was, the others go on; then MallepostError names it.
    """
    changed, failed = 0, list[str]()
    top = root / FOLDER
    with owner.as_owner(root), locks.waited(root.parent / LOCK):
        top.mkdir(mode=0o750, parents=True, exist_ok=True)
        for one in shown:
            try:
                changed += _placed(top / one.ident, one, items)
            except MallepostError as error:
                failed.append(f"{one.ident}: {error}")
        # Withdrawn ones are shown to nobody before their events go.
        text = json.dumps({one.ident: one.members for one in shown})
        file = root.parent / SHOWN
        if not owner.plain(file) or owner.read(file) != text.encode():
            write(file, text)
        for folder in top.iterdir():
            if folder.name not in {one.ident for one in shown} and owner.folder(folder):
                shutil.rmtree(folder)
                changed += 1
    if failed:
        raise MallepostError("; ".join(failed))
    return changed


def _placed(folder: Path, one: Shown, items: Items) -> int:
    """Bring one calendar; return 1 where anything changed.

    What stayed keeps its file, so that devices fetch what changed alone. The file DIGEST comes last: with it, nothing
    of the events is read again.
    """
    files = {path.name: path for path in folder.iterdir() if owner.plain(path)} if owner.folder(folder) else {}
    same = DIGEST in files and owner.read(files[DIGEST]) == one.digest.encode()
    if same:
        files = {name: path for name, path in files.items() if name == PROPERTIES}
    contents = {} if same else dict(items(one.ident))
    folder.mkdir(mode=0o750, exist_ok=True)
    properties = {"tag": TAGS[Kind.CONTACTS if one.is_book else Kind.AGENDA], TITLE: one.name}
    if not one.is_book:
        properties |= {"ICAL:calendar-color": one.colour, "C:supported-calendar-component-set": "VEVENT"}
    contents[PROPERTIES] = json.dumps(properties, ensure_ascii=False)
    late = [name for name, text in contents.items() if name not in files or owner.read(files[name]) != text.encode()]
    for name in late:
        write(folder / name, contents[name])
    gone = files.keys() - contents.keys()
    for name in gone:
        files[name].unlink()
    if not same:
        write(folder / DIGEST, one.digest)
    return int(bool(late or gone - {DIGEST}))


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 1 or words[0].startswith("-"):
        print("usage: radicale-calendars ROOT", file=sys.stderr)
        return 2
    stores = Store(), Store(BOXES, OF_BOX, BOOK_OF)
    return job.run("Radicale", lambda shown, items: place(Path(words[0]), shown, items), *stores)
