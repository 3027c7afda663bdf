"""Messages of a folder of a box, by doveadm, for root."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from itertools import batched
from typing import Any

from malleposte.accounts.channels import checked
from malleposte.adapters.dovecot import doveadm
from malleposte.core.errors import MallepostError

INBOX = "INBOX"
AT_ONCE = 500
"""Messages of one process."""
SECONDS = 600.0
CLOSED, MISSING = 67, 68
"""doveadm's codes: a suspended account; a folder that is not there."""

type Run = Callable[..., Any]
"""`doveadm`, or a test's."""
type Row = dict[str, str]


class ClosedError(MallepostError):
    """Dovecot does not open the box of a suspended account."""


def fetch(uid: str, fields: str, folder: str, *query: str, run: Run = doveadm) -> list[Row]:
    """Return fields (doveadm-fetch(1)) of the messages of a folder, all by default; none where it is not there.

    Raises ClosedError, MallepostError.
    """
    words = ("-f", "json", "fetch", "-u", checked(uid), "--", fields, "mailbox", folder, *(query or ("ALL",)))
    done = run(*words, also=(MISSING, CLOSED), timeout=SECONDS)
    if done.returncode == CLOSED:
        raise ClosedError(f"the mailbox of {uid} is closed", "its account is suspended")
    return [{name: str(value) for name, value in row.items()} for row in json.loads(done.stdout or "[]")]


def numbered(rows: Iterable[Row]) -> Iterable[str]:
    """Return the numbers of messages in their folder, as one command takes them."""
    numbers = sorted({int(row["uid"]) for row in rows})
    return (",".join(map(str, some)) for some in batched(numbers, AT_ONCE, strict=False))
