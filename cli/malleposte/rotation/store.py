"""The files of a rotation beside the secrets: the state, and the old secrets under dated names.

Every write is on disk before the next begins, and the state is written before the files it names: a run that ends in
between is made good by the next one.
"""

from __future__ import annotations

import importlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from malleposte.core.errors import InputError
from malleposte.core.paths import folder_of
from malleposte.rotation import kinds
from malleposte.runtime import durable

REPLACED = "replaced"
"""Folder of the old secrets, below that of the secrets."""
UTILS = "ansible_collections.academie.malleposte.plugins.module_utils"


def utils(name: str) -> Any:
    """A module that the plugins share. Ansible's loader must know the collection (`fleet.site.Site`)."""
    return importlib.import_module(f"{UTILS}.{name}")


def write(path: Path, text: str) -> None:
    """Replace a file, mode 0600, whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    durable.write(path, text)


def kind_of(text: str) -> str:
    """Return the secret store's name for a secret of this form."""
    if "OPENSSH PRIVATE KEY" in text:
        return "ssh"
    if "PRIVATE KEY" not in text:
        return "password"
    from cryptography.hazmat.primitives.asymmetric import rsa
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    key = load_pem_private_key(text.encode(), None)
    return f"rsa{key.key_size}" if isinstance(key, rsa.RSAPrivateKey) else "ec256"


class Store:
    """The secrets of one inventory."""

    def __init__(self, inventory: Path, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Raises InputError when there are none."""
        self.folder = folder_of(inventory) / "secrets"
        if not self.folder.is_dir():
            raise InputError(f"{self.folder} holds no secret", "they are made by the first `malleposte deploy`")
        self._now = now

    def names(self) -> list[str]:
        """The secrets that are in use."""
        state = utils("rotation").FILE
        return sorted(
            path.name
            for path in self.folder.iterdir()
            if path.is_file() and not path.name.startswith(".") and path.name != state
        )

    @property
    def state(self) -> dict[str, Any]:
        """Read the facts that earlier changes left. Raises InputError when the file is damaged."""
        rotation = utils("rotation")
        try:
            state: dict[str, Any] = rotation.read(self.folder)
        except rotation.RotationError as error:
            raise InputError(str(error), "restore it from the escrow") from error
        return state

    def note(self, **changes: Any) -> None:
        """Write the state with these keys changed; an empty value takes a key away."""
        state = {key: value for key, value in {**self.state, **changes}.items() if value}
        write(self.folder / utils("rotation").FILE, json.dumps(state, indent=2, sort_keys=True) + "\n")

    def text(self, name: str) -> str:
        """A secret. Raises InputError when there is none."""
        try:
            return (self.folder / name).read_text("utf-8")
        except OSError as error:
            raise InputError(f"{self.folder / name}: {error.strerror}", "see `secrets rotate --list`") from error

    def make(self, name: str, like: str) -> None:
        """A secret under a new name, of the form of another; one that is there stays."""
        utils("secret_store").SecretStore(self.folder).get(name, kind_of(like))

    def keep(self, name: str) -> str:
        """Keep a secret under a dated name; the name of the copy, below the folder."""
        copy = f"{REPLACED}/{name}.{self._now():%Y%m%dT%H%M%SZ}"
        write(self.folder / copy, self.text(name))
        return copy

    def begin(self, name: str) -> None:
        """Keep the old secret under a dated name and put a new one in its place; typed again, it goes on."""
        under_way = dict(self.state.get("under_way") or {})
        if name not in under_way:
            under_way[name] = self.keep(name)
            self.note(under_way=under_way)
        old = self.text(under_way[name])
        if self.text(name) == old:
            text = utils("secret_store").SecretStore._generate(kind_of(old))
            write(self.folder / name, text)

    def old(self, name: str) -> str:
        """The secret that was there before `begin`."""
        return self.text(self.state["under_way"][name])

    @property
    def ending(self) -> set[str]:
        """Those whose new secret is in use everywhere."""
        return set(self.state.get("ending") or [])

    @property
    def begun(self) -> set[str]:
        """Return the steps that an interrupted run left to do."""
        state = self.state
        return {*(state.get("under_way") or {}), *(state.get("owed") or [])}

    def owe(self, name: str, **changes: Any) -> None:
        """Note that a deploy must bring the successor of a key to the hosts, with what else changes."""
        self.note(owed=sorted({*(self.state.get("owed") or []), name}), **changes)

    def paid(self, names: list[str]) -> None:
        """The deploy was made."""
        self.note(owed=sorted({*(self.state.get("owed") or [])} - set(names)))

    def end(self, names: list[str]) -> None:
        """Nothing is left to do for these."""
        left = {name: copy for name, copy in (self.state.get("under_way") or {}).items() if name not in names}
        timed = {name: f"{self._now():%Y-%m-%d}" for name in names if kinds.of(name).days}
        since = {**(self.state.get("since") or {}), **timed}
        self.note(under_way=left, ending=sorted(self.ending - set(names)), since=since)

    def put_away(self, name: str) -> None:
        """Keep a secret that is no longer used under a dated name."""
        if (self.folder / name).exists():
            self.keep(name)
            (self.folder / name).unlink()
