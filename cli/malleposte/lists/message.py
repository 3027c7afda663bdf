"""Read a message's headers and write new ones above them. The received bytes stay as they are.

So a signature (DKIM) of the writer's domain holds.
"""

from __future__ import annotations

import email
import email.message
import email.policy
from email.header import Header

from malleposte.accounts.mailbox.senders import LIST
from malleposte.lists.model import MailingList

_LONGEST = 256 * 1024  # bytes of a head that are looked at


def head_of(message: bytes) -> email.message.Message:
    """The head, parsed leniently."""
    end = len(message)
    for mark in (b"\r\n\r\n", b"\n\n"):
        place = message.find(mark)
        if 0 <= place < end:
            end = place
    return email.message_from_bytes(message[: min(end, _LONGEST)] + b"\r\n\r\n", policy=email.policy.compat32)


def list_id(one: MailingList) -> str:
    """The identifier of RFC 2919: the list's name below its domain."""
    return f"{one.mail.partition('@')[0]}.{one.domain}"


def loops(one: MailingList, message: bytes) -> bool:
    """Whether the message went through this list already."""
    mine = f"<{list_id(one)}>".lower()
    return any(mine in str(value).lower() for value in head_of(message).get_all("List-Id", []))


def automatic(message: bytes) -> bool:
    """Whether nobody wrote it: an absence, a notice, another list's traffic (RFC 3834)."""
    head = head_of(message)
    # Every field of the name: which one a robot reads is its own affair.
    submitted = {str(value).partition(";")[0].strip().lower() for value in head.get_all("Auto-Submitted", [])}
    precedence = {str(value).strip().lower() for value in head.get_all("Precedence", [])}
    return not submitted <= {"no", ""} or not precedence.isdisjoint(("bulk", "junk", "list")) or "X-Autoreply" in head


def dressed(one: MailingList, message: bytes) -> bytes:
    """The message as members get it: what RFC 2919 and 2369 ask, above what came."""
    name = Header(one.title, "utf-8").encode() if not one.title.isascii() else '"' + one.title.replace('"', "") + '"'
    post = f"<mailto:{one.mail}>" if one.posters else "NO"
    lines = [
        f"List-Id: {name} <{list_id(one)}>",
        f"List-Post: {post}",
        f"List-Owner: <mailto:{one.address('owner')}>",
        "Precedence: list",
        f"{LIST}: {one.mail}",
    ]
    return "".join(f"{line}\r\n" for line in lines).encode("ascii", "replace") + message


def subject_and_author(message: bytes) -> tuple[str, str]:
    """Subject and From, decoded, on one line each, for a notice."""
    head = head_of(message)

    def plain(name: str) -> str:
        try:
            value = str(email.header.make_header(email.header.decode_header(str(head.get(name, "")))))
        except (ValueError, LookupError):
            value = str(head.get(name, ""))
        return " ".join(value.split())[:200]

    return plain("Subject"), plain("From")
