"""Questions to the Prometheus of this vault, on the loopback (its HTTP API, version 1)."""

from __future__ import annotations

import json
import math
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping
from typing import Any

from malleposte.core.errors import MallepostError

ADDRESS = "http://127.0.0.1:9090/api/v1"
SECONDS = 5.0
"""A limit for one question, there and here."""
LONGEST = 2_000_000
"""Bytes of an answer."""

type Labels = Mapping[str, str]


def instant(query: str, at: float, address: str = ADDRESS) -> list[tuple[Labels, float]]:
    """Return the values at a time (seconds since 1970), each with its labels. Raises MallepostError."""
    rows = _asked("query", address, query=query, time=at)
    samples = [(dict(row["metric"]), _number(row["value"])) for row in rows]
    return [(labels, value) for labels, value in samples if value is not None]


def ranged(query: str, end: float, seconds: float, step: float, address: str = ADDRESS) -> list[float | None]:
    """Return the values of the one series of a question, `step` seconds apart until `end`; empty for none.

    None where nothing was measured. Raises MallepostError.
    """
    start = end - seconds
    rows = _asked("query_range", address, query=query, start=start, end=end, step=step)
    if not rows:
        return []
    by_place = {round((float(one[0]) - start) / step): _number(one) for one in rows[0]["values"]}
    return [by_place.get(place) for place in range(round(seconds / step) + 1)]


def _number(pair: Any) -> float | None:
    """The value of a pair of a time and a text; None for one that is no number."""
    value = float(pair[1])
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _asked(way: str, address: str, **words: str | float) -> list[Any]:
    url = f"{address}/{way}?{urllib.parse.urlencode({**words, 'timeout': f'{SECONDS:.0f}s'})}"
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(url, timeout=SECONDS) as answer:
            text = answer.read(LONGEST + 1)
        if len(text) > LONGEST:
            raise MallepostError("Prometheus answers with too much")
        return list(json.loads(text)["data"]["result"])
    except urllib.error.HTTPError as error:
        with error:
            raise MallepostError(f"Prometheus does not answer a question: {error.code}") from None
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise MallepostError(f"Prometheus does not answer: {type(error).__name__}") from error
