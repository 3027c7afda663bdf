"""Messages that the filter kept apart: in « Quarantaine », which their owner sees, and in the sealed mailbox.

The filter says why in a header of its own (`HEADER`), which it removes from every message that comes in. A message that
is released moves to the inbox; the filter learns that it is no spam. An identifier is the message's number in its
folder.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from malleposte.accounts.channels import checked
from malleposte.adapters.dovecot import doveadm, learn_ham
from malleposte.core.errors import InputError
from malleposte.platform.mailstore import DANGEROUS, QUARANTINE

HEADER = "x-malleposte-quarantine"
"""Its value is the place and the reasons, words of REASONS: `quarantine score`, `sealed form archive`."""
REASONS = ("score", "form", "archive", "macro", "domain", "name")
PLACES = {"quarantine": QUARANTINE, "sealed": DANGEROUS}
FIELDS = f"uid hdr.from.utf8 hdr.subject.utf8 hdr.{HEADER} date.saved"
MOST = 500
SECONDS = 60.0
IDENT = re.compile(r"[1-9][0-9]{0,9}")
LEARNED = 1_000_000
"""Bytes of the largest message from which the filter learns: no act reads one of 50 MB, nor fourteen of them."""
MISSING = 68  # EX_NOHOST: doveadm's code for a folder that was not made yet

type Run = Callable[..., Any]
"""`doveadm`, or a test's."""


@dataclass(frozen=True)
class Held:
    """One message; `saved` as Dovecot writes it, in the host's zone; `reasons` are words of REASONS."""

    ident: str
    sender: str
    subject: str
    saved: str
    reasons: tuple[str, ...] = ()


def find(uid: str, place: str, run: Run = doveadm) -> list[Held]:
    """The messages of a place (a key of PLACES), the latest first, at most `MOST`. Raises MallepostError.

    A stranger may send any number of them: no others are opened.
    """
    folder = ("mailbox", _folder(place))
    there = ("-f", "json", "search", "-u", checked(uid), "--", *folder, "ALL")
    matches = json.loads(run(*there, also=(MISSING,), timeout=SECONDS).stdout or "[]")
    numbers = sorted((int(row["uid"]) for row in matches), reverse=True)[:MOST]
    if not numbers:
        return []
    rows = map(_read, _rows(run, uid, FIELDS, *folder, "UID", ",".join(map(str, numbers))))
    return sorted(rows, key=lambda one: (one.saved, int(one.ident)), reverse=True)


def _read(row: dict[str, str]) -> Held:
    sender, subject = (row.get(f"hdr.{name}.utf8") or "" for name in ("from", "subject"))
    words = row.get(f"hdr.{HEADER}", "").split()
    reasons = tuple(word for word in REASONS if word in words)
    return Held(str(row["uid"]), sender, subject, row["date.saved"], reasons)


def _folder(place: str) -> str:
    if place not in PLACES:
        raise InputError(f"{place!r} is no place of messages that were kept apart", f"known: {', '.join(PLACES)}")
    return PLACES[place]


def release(
    uid: str, place: str, idents: Iterable[str], run: Run = doveadm, learn: Callable[[str], None] = learn_ham
) -> int:
    """Move messages to the inbox, all or none, and return their number. Raises InputError, MallepostError.

    The quota is counted anew: Dovecot adds nothing for a move from a folder outside the quota. The filter learns from
    what its owner released, and not from what lay sealed.
    """
    numbers, folder = list(dict.fromkeys(idents)), _folder(place)
    if not numbers:
        raise InputError("no message is named")
    for ident in numbers:
        if not IDENT.fullmatch(ident):
            raise InputError(f"{ident!r} is no message of {place}", "its number in the folder names it")
    chosen = ("mailbox", folder, "UID", ",".join(numbers))
    rows = _rows(run, uid, "uid size.physical", *chosen)
    if missing := set(numbers) - {str(row["uid"]) for row in rows}:
        raise InputError(f"message {min(missing, key=int)} is not there", "it was released, or its time is over")
    meant = [str(row["uid"]) for row in rows if place == "quarantine" and int(row["size.physical"]) <= LEARNED]
    texts = [row["text"] for one in meant for row in _rows(run, uid, "text", "mailbox", folder, "UID", one)]
    run("move", "-u", uid, "--", "INBOX", *chosen, timeout=SECONDS)
    run("quota", "recalc", "-u", uid, timeout=SECONDS)
    for text in texts:
        learn(text)
    return len(numbers)


def _rows(run: Run, uid: str, fields: str, *chosen: str) -> list[dict[str, str]]:
    asked = ("-f", "json", "fetch", "-u", checked(uid), "--", fields, *chosen)
    return list(json.loads(run(*asked, also=(MISSING,), timeout=SECONDS).stdout or "[]"))
