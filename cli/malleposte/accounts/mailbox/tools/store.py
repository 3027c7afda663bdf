"""The rules of agents on the host of their mailboxes: a file of rules each, and the Sieve scripts that are made of it.

For root, as the store's user. What is secret in a rule is sealed before it comes here.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import msgspec

from malleposte.accounts.channels import checked
from malleposte.accounts.mailbox.senders import SETTLED_SECONDS
from malleposte.accounts.mailbox.tools import script
from malleposte.accounts.mailbox.tools.model import Paused, Rule, Rules, loaded
from malleposte.core.errors import InputError, MallepostError
from malleposte.platform import locks
from malleposte.platform.mailstore import STORE, TOOLS
from malleposte.runtime import owner


class Store:
    """The rules of all agents of a store."""

    def __init__(self, root: Path = STORE) -> None:
        self.root, self.folder = root, root / TOOLS

    def read(self, uid: str) -> tuple[Rule, ...]:
        """The rules of an agent. Raises MallepostError."""
        path = self._path(uid, "json")
        with owner.as_owner(self.root):
            if not owner.plain(path):
                return ()
            try:
                return loaded(owner.read(path)).rules
            except InputError as error:
                raise MallepostError(f"{path}: {error.message}", "make the rules again") from error

    def change(self, uid: str, change: Callable[[tuple[Rule, ...]], Sequence[Rule]]) -> bool:
        """Change the rules, one change after the other; whether they are others now. Raises what `change` raises."""
        with self._alone():
            before = self.read(uid)
            after = tuple(change(before))
            if after != before:
                self._write(uid, after)
            return after != before

    def _write(self, uid: str, rules: Sequence[Rule]) -> None:
        """Keep the rules, and the scripts that they make. Raises OSError."""
        owner.replace(self._path(uid, "json"), f"{msgspec.json.encode(Rules(tuple(rules))).decode()}\n")
        for kind, text in script.scripts(uid, rules).items():
            path = self._path(uid, f"{kind}.sieve")
            if text:
                owner.replace(path, text, changed=time.time() + SETTLED_SECONDS)
            else:
                self._remove(path)

    def pause(self, uid: str, ident: str, paused: Paused) -> bool:
        """Pause a rule, or let it tell again; whether that is new. Raises MallepostError."""

        def change(rules: tuple[Rule, ...]) -> list[Rule]:
            return [msgspec.structs.replace(one, paused=paused) if one.id == ident else one for one in rules]

        return self.change(uid, change)

    def revoke(self, uid: str, rule: Rule) -> bool:
        """Pause a rule whose access was refused; not where its agent changed it meanwhile. Raises MallepostError."""
        paused = msgspec.structs.replace(rule, paused=Paused.REVOKED)
        return self.change(uid, lambda rules: [paused if one == rule else one for one in rules])

    def forget(self, uid: str) -> bool:
        """Remove them, at the end of an account; whether there were any."""
        path = self._path(uid, "json")
        with owner.as_owner(self.root):
            there = path.exists(follow_symlinks=False)
            path.unlink(missing_ok=True)
        for kind in (script.LABELS, script.COMES):
            self._remove(self._path(uid, f"{kind}.sieve"))
        return there

    def _remove(self, path: Path) -> None:
        with owner.as_owner(self.root):
            for one in (path, path.with_suffix(".svbin")):
                one.unlink(missing_ok=True)

    @contextlib.contextmanager
    def _alone(self) -> Iterator[None]:
        """Two that write the same file do so one after the other."""
        with owner.as_owner(self.root):
            self.folder.mkdir(mode=0o700, exist_ok=True)
            handle = os.open(self.folder / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            locks.take(handle, wait=True)
            yield
        finally:
            os.close(handle)

    def _path(self, uid: str, suffix: str) -> Path:
        return self.folder / f"{checked(uid)}.{suffix}"
