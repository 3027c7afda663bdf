"""A new address of recovery is confirmed by a code that goes there. What is asked for is in a ticket, and nowhere kept.

The ticket is `END DIGEST ADDRESS`. The digest is keyed and binds account, address, end and code: whoever has the ticket
learns no code from it and changes nothing in it.
"""

from __future__ import annotations

import datetime
import hmac

from malleposte.accounts.credentials import codes
from malleposte.accounts.credentials.digests import Keyring
from malleposte.accounts.credentials.enrolment import CONFIRM_MINUTES
from malleposte.platform.times import stamp, when

PURPOSE = "recovery-address"


def ask(keys: Keyring, uid: str, address: str, now: datetime.datetime) -> tuple[str, codes.Issued]:
    """The ticket for an address, and the code to send there."""
    issued = codes.issue(keys, uid, now, CONFIRM_MINUTES / 1440, way=codes.Way.MAIL)
    end = stamp(issued.expires)
    return f"{end} {keys.digest(PURPOSE, _bound(uid, address, end, issued.code))} {address}", issued


def confirmed(keys: Keyring, uid: str, ticket: str, code: str, now: datetime.datetime) -> str:
    """The address of a ticket whose code this is, in time; empty otherwise."""
    end, digest, address = [*ticket.split(" ", 2), "", "", ""][:3]
    bound = _bound(uid, address, end, codes.normalise(code))
    right = False
    for one in keys.digests(PURPOSE, bound):
        right |= hmac.compare_digest(one.encode(), digest.encode())
    moment = when(end)
    return address if right and moment is not None and moment > now else ""


def _bound(uid: str, address: str, end: str, code: str) -> str:
    return "\0".join((uid, address, end, code))
