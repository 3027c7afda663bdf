"""The letter of a service that knows an agent by the uid alone."""

from __future__ import annotations

import email.policy
import email.utils
from email.message import EmailMessage


def automatic(postmaster: str, uid: str, subject: str, french: str, english: str) -> EmailMessage:
    """The letter, in French, then in English. Nobody's absence answers it (RFC 3834)."""
    letter = EmailMessage(policy=email.policy.SMTP)
    letter["From"] = postmaster
    letter["To"] = f"{uid}:;"
    letter["Date"] = email.utils.formatdate(localtime=True)
    letter["Message-ID"] = email.utils.make_msgid(domain=postmaster.rpartition("@")[2])
    letter["Subject"] = subject
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Auto-Response-Suppress"] = "All"
    letter.set_content(f"{french}\n--\n\n{english}", cte="quoted-printable")
    return letter
