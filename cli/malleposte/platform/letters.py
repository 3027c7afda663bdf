"""Letters of programs: their headers in one form, and the ways to the mail server.

Each is automatic (RFC 3834), so that nobody's absence answers it. Its envelope has no sender: nothing comes back.
"""

from __future__ import annotations

import datetime
import subprocess
from collections.abc import Iterable
from typing import TYPE_CHECKING

from malleposte.core.errors import MallepostError

if TYPE_CHECKING:
    from email.headerregistry import Address
    from email.message import EmailMessage

ALERT = "X-Malleposte-Alert"
"""The header of a code or of an alert, which does not wait for the agent's hours. It counts for mail that the filter
knows to be the platform's."""
SECONDS = 60.0
"""For each answer of the mail server."""
SENDMAIL = ("/usr/sbin/sendmail", "-i", "-f")


def compose(
    subject: str,
    text: str,
    *,
    sender: str | Address,
    to: str | Address,
    reply_to: str = "",
    now: datetime.datetime | None = None,
    languages: str = "fr, en",
    alert: bool = False,
) -> EmailMessage:
    """Return a letter in plain text. Raises ValueError on an address that is none.

    An `alert` (a code, what happened to an account) comes to its agent at any hour.
    """
    # Most programs that import this module compose nothing: the package email would slow their start.
    from email import policy, utils
    from email.message import EmailMessage

    letter = EmailMessage(policy=policy.SMTP)
    letter["From"] = sender
    letter["To"] = to
    if reply_to:
        letter["Reply-To"] = reply_to
    letter["Subject"] = subject
    letter["Date"] = now or utils.localtime()
    letter["Message-ID"] = utils.make_msgid(domain=letter["From"].addresses[0].domain)
    letter["Auto-Submitted"] = "auto-generated"
    letter["X-Auto-Response-Suppress"] = "All"
    if alert:
        letter[ALERT] = "yes"
    letter.set_content(text, cte="quoted-printable")
    letter["Content-Language"] = languages  # set_content removes such headers
    return letter


def of_service(postmaster: str, uid: str, subject: str, french: str, english: str) -> EmailMessage:
    """Return the letter of a service that knows an agent by the uid alone, in French, then in English."""
    return compose(subject, f"{french}\n--\n\n{english}", sender=postmaster, to=f"{uid}:;")


def hand_over(
    server: tuple[str, int], letter: EmailMessage, recipients: Iterable[str], seconds: float = SECONDS
) -> None:
    """Give a letter to a mail server that takes such mail without a password. Raises OSError (smtplib's are some)."""
    import smtplib

    with smtplib.SMTP(*server, timeout=seconds) as session:
        session.send_message(letter, from_addr="", to_addrs=list(recipients))


def server_of(text: str) -> tuple[str, int]:
    """Return host and port of `HOST:PORT`. Raises ValueError."""
    host, _colon, port = text.rpartition(":")
    return host, int(port)


def queue(letter: EmailMessage) -> None:
    """Give a letter to this host's own mail server, which keeps it until it can be sent. Raises MallepostError."""
    sender, recipient = (str(letter[name].addresses[0].addr_spec) for name in ("From", "To"))
    try:
        done = subprocess.run(
            [*SENDMAIL, sender, "--", recipient], input=bytes(letter), capture_output=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MallepostError(f"{SENDMAIL[0]}: {error}") from error
    if done.returncode:
        lines = done.stderr.decode("utf-8", "replace").strip().splitlines()
        raise MallepostError(f"{SENDMAIL[0]} refuses: {lines[-1] if lines else done.returncode}")
