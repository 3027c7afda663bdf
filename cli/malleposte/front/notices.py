"""Messages of maintenance and incident: planned or at once, each with an end, in one file on the portal's hosts."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from malleposte.platform.times import local
from malleposte.runtime import durable

FILE = Path("/var/lib/malleposte/portal/notices.json")
PUBLISHED = "published.json"
"""Beside it: what anybody may read, as the log-in page and the webmails do, without what an operator has ended."""
KINDS = ("incident", "maintenance", "information")
LONGEST = 500
"""Characters of a message."""
KEPT = timedelta(days=30)
"""The time for which an ended message stays in the list of the command line."""
_LENGTH = re.compile(r"([1-9][0-9]{0,3})(min|h|d)")
_UNITS = {"min": "minutes", "h": "hours", "d": "days"}


class NoticeError(ValueError):
    """A message that cannot be posted, or a file that cannot be read; the text says why."""


@dataclass(frozen=True)
class Notice:
    """One message. Times have a zone; `texts` are by language, French at least."""

    kind: str
    start: datetime
    end: datetime
    texts: Mapping[str, str]

    def __post_init__(self) -> None:
        """Refuse what would not be shown rightly. Raises NoticeError."""
        if self.kind not in KINDS:
            raise NoticeError(f"kind {self.kind!r} is not one of {', '.join(KINDS)}")
        if not self.start.tzinfo or not self.end.tzinfo:
            raise NoticeError("a time has no zone")
        if self.end <= self.start:
            raise NoticeError(f"the end ({local(self.end)}) is not after the start ({local(self.start)})")
        if not self.texts.get("fr", "").strip():
            raise NoticeError("the French text is missing")
        if any(len(text) > LONGEST or re.search(r"[\x00-\x1f\x7f]", text) for text in self.texts.values()):
            raise NoticeError(f"a text has more than {LONGEST} characters, or more than one line")

    @property
    def ident(self) -> str:
        """Eight letters that name it, the same on every host."""
        return hashlib.sha256(json.dumps(self.as_dict(), sort_keys=True).encode()).hexdigest()[:8]

    def as_dict(self) -> dict[str, Any]:
        """For the file and for --json."""
        whole = asdict(self) | {"texts": dict(self.texts)}
        return whole | {name: getattr(self, name).isoformat(timespec="seconds") for name in ("start", "end")}

    def text(self, language: str) -> str:
        """The message in a language; French where it has no other."""
        return self.texts.get(language) or self.texts["fr"]


def length(text: str) -> timedelta:
    """A duration such as `90min`, `2h`, `3d`. Raises NoticeError."""
    match = _LENGTH.fullmatch(text.strip())
    if match is None:
        raise NoticeError(f"{text!r} is no duration: write 90min, 2h or 3d")
    return timedelta(**{_UNITS[match[2]]: int(match[1])})


def moment(text: str) -> datetime:
    """A time such as `2026-11-28 18:00`, in the zone of the clock unless it names one. Raises NoticeError."""
    try:
        parsed = datetime.fromisoformat(text.strip())
        return parsed if parsed.tzinfo else parsed.astimezone()
    except (ValueError, OverflowError) as error:
        raise NoticeError(f"{text!r} is no time: write 2026-11-28 18:00") from error


def read(path: Path | None = None) -> list[Notice]:
    """All messages, by their start; none where there is no file. Raises NoticeError."""
    path = path or FILE
    try:
        rows = json.loads(path.read_text("utf-8"))
        return sorted((_notice(one) for one in rows), key=lambda one: one.start)
    except FileNotFoundError:
        return []
    except (OSError, ValueError, TypeError, KeyError) as error:
        raise NoticeError(f"{path}: {error}") from error


def _notice(row: Mapping[str, Any]) -> Notice:
    times = {name: datetime.fromisoformat(row[name]) for name in ("start", "end")}
    return Notice(row["kind"], times["start"], times["end"], dict(row["texts"]))


def write(notices: Sequence[Notice], now: datetime, path: Path | None = None) -> None:
    """Replace the file at once, and the one that is published; what ended long ago goes. Raises OSError."""
    current = [one.as_dict() for one in notices if one.end > now - KEPT]
    path = path or FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    path.parent.chmod(0o755)
    durable.write(path, json.dumps(current, ensure_ascii=False, indent=1), 0o644)
    published = [{"id": one.ident, **one.as_dict()} for one in shown(notices, now)]
    durable.write(path.with_name(PUBLISHED), json.dumps(published, ensure_ascii=False), 0o644)


def posted(notices: Sequence[Notice], new: Notice) -> list[Notice]:
    """The messages and this one. It replaces the same words of an overlapping time: they were typed again."""

    def again(one: Notice) -> bool:
        return (one.kind, one.texts) == (new.kind, new.texts) and one.start < new.end and new.start < one.end

    return [*(one for one in notices if not again(one)), new]


def ended(notices: Sequence[Notice], ident: str, now: datetime) -> list[Notice]:
    """The messages, one of them ended now; one that is still to come goes. Raises NoticeError."""
    if ident not in [one.ident for one in notices]:
        raise NoticeError(f"there is no notice {ident}: `notice list` shows them")
    return [
        Notice(one.kind, one.start, now, one.texts) if one.ident == ident else one
        for one in notices
        if one.ident != ident or one.start < now
    ]


def shown(notices: Sequence[Notice], now: datetime) -> list[Notice]:
    """Those that agents see: begun or to come, not ended; what is under way first."""
    return sorted((one for one in notices if one.end > now), key=lambda one: (one.start > now, one.start))
