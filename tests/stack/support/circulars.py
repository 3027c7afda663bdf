"""Circulars: letters to a list with an archive, and what a reader finds of them on the portal."""

from __future__ import annotations

from email.message import EmailMessage
from typing import Any

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
