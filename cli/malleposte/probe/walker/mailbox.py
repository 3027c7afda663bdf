"""Messages of the probe, and where they are found again: by IMAP, or in the vantage's Maildir."""

from __future__ import annotations

import email
import email.message
import email.policy
import email.utils
import imaplib
import os
import re

from .plan import Account, PathError, Plan, Vantage, poll
from .wire import imap

BODY = (
    "This message was sent by the probe of the mail platform to prove that mail flows.\r\n"
    "Ce message est envoyé par la sonde de la plate-forme de messagerie. Il est effacé aussitôt lu.\r\n"
)


def subject(plan: Plan, path: str) -> str:
    """The subject that identifies a message of this run and path."""
    return f"Malleposte probe {plan.token} {path}"


def compose(plan: Plan, path: str, sender: str, recipient: str, body: str = BODY) -> bytes:
    """A whole message with the path's subject; `sender` and `recipient` fill From and To."""
    message = email.message.EmailMessage(policy=email.policy.SMTP)
    message["Date"] = email.utils.formatdate(localtime=True)
    message["From"] = sender
    message["To"] = recipient
    message["Subject"] = subject(plan, path)
    message["Message-ID"] = f"<{plan.token}.{path}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(body, cte="quoted-printable")
    return message.as_bytes()


def attach(message: bytes, name: str, content: bytes) -> bytes:
    """The same message with a file attached."""
    whole = email.message_from_bytes(message, policy=email.policy.SMTP)
    assert isinstance(whole, email.message.EmailMessage)
    whole.add_attachment(content, "application", "octet-stream", filename=name)
    return whole.as_bytes()


def folders(session: imaplib.IMAP4) -> list[str]:
    """Names of all folders that can be opened, as the server wrote them (quoted)."""
    _, lines = session.list()
    raw = [line for line in lines if isinstance(line, bytes) and b"\\Noselect" not in line]
    matches = [re.search(rb'\) (?:"[^"]*"|NIL) (.+)$', line) for line in raw]
    return [match[1].decode("ascii", "replace") for match in matches if match]


def search(session: imaplib.IMAP4, text: str) -> list[str]:
    """Numbers of the messages of the open folder whose subject holds `text`."""
    _, numbers = session.search(None, "HEADER", "Subject", f'"{text}"')
    return str(numbers[0] or b"", "ascii").split()


def find_in(session: imaplib.IMAP4, folder: str, text: str) -> bytes | None:
    """The newest message of `folder` with that subject, or None (also when there is no such folder)."""
    if session.select(folder, readonly=True)[0] != "OK":
        return None
    numbers = search(session, text)
    if not numbers:
        return None
    _, parts = session.fetch(numbers[-1], "(BODY.PEEK[])")
    return next((part[1] for part in parts if isinstance(part, tuple)), None)


def wait_imap(plan: Plan, account: Account, path: str) -> tuple[str, bytes]:
    """Wait until the path's message is in one of the account's folders: (folder, message)."""
    with imap(plan, account) as session:

        def look() -> tuple[str, bytes] | None:
            for folder in folders(session):
                message = find_in(session, folder, subject(plan, path))
                if message is not None:
                    return folder.strip('"'), message
            return None

        return poll(look, plan.deadline, f"the message in the mailbox of {account.uid}")


def maildir_files(vantage: Vantage) -> list[str]:
    """Paths of all messages in the vantage user's Maildir (new and cur)."""
    root = vantage.maildir.format(user=vantage.user)
    paths = []
    for part in ("new", "cur"):
        try:
            paths += [os.path.join(root, part, name) for name in os.listdir(os.path.join(root, part))]
        except FileNotFoundError:
            continue
    return paths


def read_file(path: str) -> bytes:
    """A message file, empty when it has just gone."""
    try:
        with open(path, "rb") as stream:
            return stream.read()
    except FileNotFoundError:
        return b""


def wait_maildir(plan: Plan, vantage: Vantage, path: str) -> bytes:
    """Wait until the path's message is in the vantage's Maildir, and return it."""
    line = subject(plan, path).encode()

    def look() -> bytes | None:
        return next((text for text in map(read_file, maildir_files(vantage)) if line in text), None)

    return poll(look, plan.deadline, f"the message at {vantage.address}")


def clean_account(plan: Plan, account: Account) -> int:
    """Remove this run's messages from every folder of an account; returns their number."""
    gone = 0
    with imap(plan, account) as session:
        for folder in folders(session):
            if session.select(folder)[0] != "OK":
                continue
            numbers = search(session, plan.token)
            if numbers:
                session.store(",".join(numbers), "+FLAGS", "(\\Deleted)")
                session.expunge()
                gone += len(numbers)
    return gone


def clean_vantage(plan: Plan) -> int:
    """Remove this run's messages from the vantage's Maildir; returns their number."""
    paths = (
        [path for path in maildir_files(plan.vantage) if plan.token.encode() in read_file(path)] if plan.vantage else []
    )
    for path in paths:
        os.unlink(path)
    return len(paths)


def results_of(message: bytes) -> dict[str, str]:
    """Method to verdict of the topmost Authentication-Results. Raises PathError when there is none."""
    field = email.message_from_bytes(message, policy=email.policy.default).get_all("Authentication-Results", [])
    if not field:
        raise PathError("no Authentication-Results in the delivered message")
    return dict(re.findall(r"\b(spf|dkim|dmarc|arc)=(\w+)", str(field[0])))
