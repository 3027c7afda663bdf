"""Send a suspect message, whole, to the mailbox that takes reports. Sieve runs it as an agent moves one to a folder.

Usage: report-message HOST:PORT TO FROM < message

TO is the mailbox's address, FROM the agent's. The report has the form of those that Roundcube's button sends: the
original is a part of type message/rfc822 (RFC 2046, 5.2.1), byte for byte, so that its signatures can be verified. The
exit code is 0 when the SMTP server took it and 1 when it did not.
"""

from __future__ import annotations

import email.message
import email.policy
import email.utils
import re
import secrets
import smtplib
import sys
from collections.abc import Sequence

SECONDS = 8.0
"""For each answer of the SMTP server. Sieve gives a program ten, and the agent's mail program waits."""
SUBJECT = "Message suspect signalé depuis la messagerie"
TEXT = """\
Un agent signale le message joint comme suspect. L’original est en pièce
jointe, avec tous ses en-têtes.
"""


def compose(to: str, author: str, original: bytes) -> bytes:
    """The report, with lines that end in CR LF."""
    boundary = secrets.token_hex(24)
    head = email.message.EmailMessage(policy=email.policy.SMTP)
    head["From"] = author
    head["To"] = to
    head["Date"] = email.utils.formatdate(localtime=True)
    head["Message-ID"] = email.utils.make_msgid(domain=to.rpartition("@")[2])
    head["Subject"] = SUBJECT
    head["X-Malleposte-Report"] = "yes"
    text = email.message.MIMEPart(policy=email.policy.SMTP)
    text.set_content(TEXT, cte="quoted-printable")
    # A message inside a message may have no encoding of its own but these.
    attached = (
        "Content-Type: message/rfc822\r\n"
        'Content-Disposition: attachment; filename="original.eml"\r\n'
        f"Content-Transfer-Encoding: {'7bit' if original.isascii() else '8bit'}\r\n\r\n"
    )
    mixed = f'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="{boundary}"\r\n'.encode()
    between = f"\r\n--{boundary}\r\n".encode()
    whole = re.sub(rb"\r?\n", b"\r\n", original)
    headers = head.as_bytes().removesuffix(b"\r\n")
    parts = (headers, mixed, between, text.as_bytes(), between, attached.encode(), whole)
    return b"".join((*parts, between.rstrip(b"\r\n"), b"--\r\n"))


def main(words: Sequence[str]) -> int:
    """The exit code."""
    if len(words) != 3:
        print("usage: report-message HOST:PORT TO FROM < message", file=sys.stderr)
        return 2
    server, to, author = words
    host, _colon, port = server.rpartition(":")
    report = compose(to, author, sys.stdin.buffer.read())
    try:
        with smtplib.SMTP(host, int(port), timeout=SECONDS) as session:
            session.sendmail(author, [to], report, ["BODY=8BITMIME"])
    except (OSError, smtplib.SMTPException) as error:
        print(f"report-message: {author}: the message was not sent to {to}: {error}", file=sys.stderr)
        return 1
    return 0
