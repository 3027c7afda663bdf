"""Keyed digests: how a NUMEN is kept, and how an unchanged row is known again.

About 31 bits of a NUMEN are unknown to whoever knows its layout, so a bare hash would be undone in minutes:
HMAC-SHA-256 (RFC 2104) with a key that only the importer and accountd hold. A digest is written
`<key's name>:<base64url>`. A new key is added, digests renew as feeds come, and the old key goes when none remains.
"""

from __future__ import annotations

import base64
import hmac
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from malleposte.core.errors import InputError

LEAST_BYTES = 32
_NAME = re.compile(r"[a-z0-9]{1,12}")
_FACTS = json.JSONEncoder(sort_keys=True, ensure_ascii=False, separators=(",", ":"))


@dataclass(frozen=True)
class Keyring:
    """Keys by name; `current` makes new digests, all of them recognise old ones."""

    current: str
    keys: Mapping[str, bytes] = field(repr=False)

    @classmethod
    def parse(cls, text: str, where: str) -> Keyring:
        """Read `{"current": NAME, "keys": {NAME: base64}}`. Raises InputError naming the file, never a key."""
        try:
            document = json.loads(text)
            keys = {name: base64.b64decode(value, validate=True) for name, value in document["keys"].items()}
            current = document["current"]
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise InputError(f"{where}: not a key ring") from error
        weak = [name for name, key in keys.items() if len(key) < LEAST_BYTES or not _NAME.fullmatch(name)]
        if weak or current not in keys:
            raise InputError(f"{where}: {f'key {weak[0]} is too short or misnamed' if weak else 'no current key'}")
        return cls(current, keys)

    def digest(self, purpose: str, text: str, key: str | None = None) -> str:
        """The digest of a text for one purpose (`numen`, `source`): the same text gives another for another purpose."""
        name = key or self.current
        mac = hmac.digest(self.keys[name], f"{purpose}\0{text}".encode(), "sha256")
        return f"{name}:{base64.urlsafe_b64encode(mac).decode().rstrip('=')}"

    def digests(self, purpose: str, text: str) -> tuple[str, ...]:
        """The digests of a text under every key, the current one first."""
        others = sorted(name for name in self.keys if name != self.current)
        return tuple(self.digest(purpose, text, name) for name in (self.current, *others))

    def source(self, facts: Mapping[str, Any]) -> str:
        """The digest of a row: its facts, whatever their order."""
        return self.digest("source", _FACTS.encode(facts))
