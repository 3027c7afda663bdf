"""Circulars: letters to a list with an archive, and what a reader finds of them on the portal."""

from __future__ import annotations

import json
from dataclasses import dataclass
from email.message import EmailMessage
from typing import Any

from tests.stack.support.mail import Mail, token, wait_for
from tests.stack.support.site import Account, Site
from tests.unit.daemons.test_circulars import pdf_of

PAGE, ONE = "/compte/circulaires", "/compte/circulaire"


def written(sender: str, to: str, subject: str, word: str, *files: tuple[str, bytes]) -> bytes:
    """Return a letter with a word in its text and its page, and PDFs by name."""
    message = EmailMessage()
    message["From"], message["To"], message["Subject"] = sender, to, subject
    message["Message-ID"] = f"<{subject}@ac-exemple.test>"
    message.set_content(f"Épreuves {word}\n")
    message.add_alternative(f"<p>{word}</p><script>alert(1)</script>", subtype="html")
    for name, content in files:
        message.add_attachment(content, maintype="application", subtype="pdf", filename=name)
    return message.as_bytes()


def addresses(visitor: Any, words: str) -> list[str]:
    """Return the addresses of the circulars with some words."""
    page = visitor.send(PAGE, words=words)
    return [str(one) for one in page.links if f"{ONE}?" in str(one)]


@dataclass(frozen=True)
class ArchivedList:
    """A list with an archive: its address, an agent who writes to it, and a visitor of the portal who reads it."""

    site: Site
    mail: Mail
    address: str
    writer: Account
    reader: Any

    def send(self) -> str:
        """Send a circular with a PDF; its subject, which `found` looks for among the words of PDFs."""
        subject = token()
        message = written(self.writer.mail, self.address, subject, subject, ("Note.pdf", pdf_of(f"pdf{subject}")))
        assert self.mail.submit(self.writer, self.writer.mail, self.address, message).accepted
        wait_for(lambda: self.found(subject), what="the words of the PDF")
        return subject

    def found(self, subject: str) -> list[str]:
        """Return where the reader finds a circular by the words of its PDF."""
        return addresses(self.reader, f"pdf{subject}")

    def take_back(self, subject: str) -> None:
        """Take a message to the list back from the boxes of all who got it; the archive hides it some time later."""
        words = ("--message-id", f"'<{subject}@ac-exemple.test>'", "--reason", "essai", "--dry-run", "--json")

        def planned() -> dict[str, Any] | None:
            plan: dict[str, Any] = json.loads(self.site.run("mail1", "malleposte mail retract", *words, timeout=300))
            return plan if plan.get("holders") else None

        plan = wait_for(planned, what="a plan", timeout=120)
        self.site.run("mail1", "malleposte mail retract", plan["ident"], "--yes --no-note", timeout=300)

    def lose(self) -> None:
        """Remove the folder of the archive on its host."""
        name = self.address.partition("@")[0]
        self.site.run("mail1", f"rm -r /var/lib/malleposte-circulars/messages/{name}")
