"""Words of subjects, which the index knows only by a digest under a key of the host."""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata

from malleposte.deliveries.model import MOST_MARKS

SHORTEST = 3
"""Letters of a word that is indexed."""
_WORD = re.compile(r"\w+")


def words(text: str) -> list[str]:
    """Return the words of a subject: small letters, no accents, each once, in their order."""
    bare = "".join(one for one in unicodedata.normalize("NFKD", text[:1000]) if not unicodedata.combining(one))
    long = [word for word in _WORD.findall(bare.casefold()) if len(word) >= SHORTEST]
    return list(dict.fromkeys(long))[:MOST_MARKS]


def keyed(key: bytes, text: str) -> list[bytes]:
    """Return the digests of a subject's words."""
    return [hmac.digest(key, word.encode(), hashlib.sha256)[:10] for word in words(text)]
