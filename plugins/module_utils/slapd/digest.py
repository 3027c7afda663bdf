"""The cost of Argon2id, with which slapd itself hashes people's passwords. Those of machines: `policy.salted`."""

from __future__ import annotations

from collections.abc import Mapping

LEAST = {"m": 19456, "t": 2, "p": 1}  # Argon2id: KiB of memory, passes, threads; OWASP's least


class WeakDigest(ValueError):
    """A cost below the least, or one that is not written `m=… t=… p=…`."""


def argon2_options(text: str) -> str:
    """The options of slapd's argon2 module, in their order. Raises WeakDigest below LEAST, which is never lowered."""
    pairs = dict(part.partition("=")[::2] for part in text.split())
    if set(pairs) != set(LEAST) or not all(value.isdigit() for value in pairs.values()):
        raise WeakDigest(f"the cost of Argon2 is written m=<KiB> t=<passes> p=<threads>, not {text!r}")
    weak = [name for name, least in LEAST.items() if int(pairs[name]) < least]
    if weak:
        raise WeakDigest(f"the cost of Argon2 is never below {_cost(LEAST)}: {text}")
    return _cost({name: int(pairs[name]) for name in LEAST})


def _cost(values: Mapping[str, int]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())
