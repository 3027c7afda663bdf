"""Make and sign the configuration profile of one device, for the portal, which cannot read the key (role portal).

Usage: portal-profile SETTINGS KEY CHAIN

systemd starts it for each connection to its socket. One JSON document is read from the connection (the fields of
malleposte.front.profile.Phone), the signed profile is written to it. Nothing but a profile for the servers of SETTINGS
is ever signed. What is refused is in the journal, and the answer is empty.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path

from malleposte.front import profile

WORDS = 3
LARGEST = 16_384
"""Bytes of a document."""


def main(words: Sequence[str]) -> int:
    """See the usage above; the exit code: 0 done, 1 failure, 2 bad input."""
    if len(words) != WORDS or any(word.startswith("-") for word in words):
        print("usage: portal-profile SETTINGS KEY CHAIN", file=sys.stderr)
        return 2
    settings, key, chain = map(Path, words)
    try:
        asked = sys.stdin.buffer.read(LARGEST + 1)
        if len(asked) > LARGEST:
            raise profile.ProfileError("more than one device is asked for")
        phone = profile.Phone.read(_document(asked))
        servers = profile.Servers.of(json.loads(settings.read_text("utf-8")))
        content = profile.content(phone, servers)
    except profile.ProfileError as error:
        print(f"portal-profile: {error}", file=sys.stderr)
        return 2
    except (OSError, ValueError) as error:
        print(f"portal-profile: {settings}: {error}", file=sys.stderr)
        return 1
    try:
        signed = profile.sign(content, key.read_bytes(), chain.read_bytes())
    except (OSError, ValueError) as error:
        print(f"portal-profile: it cannot be signed: {error}", file=sys.stderr)
        return 1
    sys.stdout.buffer.write(signed)
    sys.stdout.buffer.flush()
    return 0


def _document(text: bytes) -> object:
    """Raises ProfileError; the document, which holds a password, is not repeated."""
    try:
        document: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise profile.ProfileError("a device is not JSON") from error
    return document
