"""The Sieve script of a delegate: it gives an order as the delegate changes labels in a functional box.

Whoever opens no box whose mail has owners has no script, so that nothing runs for others.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable
from pathlib import Path

from malleposte.accounts.mailbox.owners.model import BY, DONE, TAKEN
from malleposte.accounts.mailbox.owners.store import SCRIPTS, Store
from malleposte.accounts.mailbox.senders import SETTLED_SECONDS
from malleposte.platform.mailstore import SHARES
from malleposte.runtime import owner

PROGRAM = "owner-order"


def script(uid: str) -> str:
    """The script of a delegate. It hands over the delegate's name as Dovecot knows it: no label says who acts."""
    return f'''require ["vnd.dovecot.pipe", "copy", "imapsieve", "environment", "imap4flags", "variables"];
if not environment :matches "imap.mailbox" "{SHARES}*" {{
  stop;
}}
set "place" "${{1}}";
if not environment :matches "imap.changedflags" ["*{TAKEN}*", "*{DONE}*", "*{BY}*", "*Answered*"] {{
  stop;
}}
if environment :matches "imap.changedflags" "*" {{
  set "changed" "${{1}}";
}}
set "taken" "-";
if hasflag "{TAKEN}" {{
  set "taken" "{TAKEN}";
}}
set "done" "-";
if hasflag "{DONE}" {{
  set "done" "{DONE}";
}}
set "answered" "-";
if hasflag "\\\\Answered" {{
  set "answered" "\\\\Answered";
}}
pipe :copy "{PROGRAM}" ["{uid}", "${{place}}", "${{changed}}", "${{taken}}", "${{done}}", "${{answered}}"];
'''


def lay(store: Store, delegates: Collection[str]) -> None:
    """Give these a script each, and take it from everybody else. Raises OSError."""
    there = lay_more(store, delegates)
    with owner.as_owner(store.root):
        for uid, path in there.items():
            if uid not in delegates:
                for one in (path, path.with_suffix(".svbin")):
                    one.unlink(missing_ok=True)


def lay_more(store: Store, delegates: Iterable[str]) -> dict[str, Path]:
    """Give these a script each; the scripts that were there. Raises OSError."""
    folder = store.folder / SCRIPTS
    with owner.as_owner(store.root):
        store.folder.mkdir(mode=0o700, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)
        there = {path.name.removesuffix(".sieve"): path for path in folder.glob("*.sieve")}
    for uid in sorted(delegates):
        path, text = folder / f"{uid}.sieve", script(uid)
        if _text(path) != text:
            owner.replace(path, text, changed=time.time() + SETTLED_SECONDS)
    return there


def _text(path: Path) -> str:
    try:
        return owner.read(path).decode("utf-8", "replace")
    except OSError:
        return ""
