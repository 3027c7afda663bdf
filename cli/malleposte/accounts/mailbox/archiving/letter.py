"""The letter that tells an agent, once a month, how many messages were archived."""

from __future__ import annotations

from collections.abc import Mapping
from email.message import EmailMessage

from malleposte.platform import letters

SUBJECT = "Archivage\N{NO-BREAK SPACE}: {count} ce mois-ci"
FRENCH = """\
Bonjour,

Messages archivés\N{NO-BREAK SPACE}: {folders}.
Pour voir, remettre ou arrêter\N{NO-BREAK SPACE}: {page}
"""
ENGLISH = """\
Archived messages: {folders}.
To see, put back or stop: {page}
"""


def compose(postmaster: str, uid: str, counts: Mapping[str, int], page: str) -> EmailMessage:
    """Return the letter, in French, then in English."""
    many = sum(counts.values())
    count = "un message" if many == 1 else f"{many} messages"
    french, english = (
        ", ".join(f"{number} {word} {folder}" for folder, number in sorted(counts.items()))
        for word in ("dans", "in")
    )  # fmt: skip
    return letters.of_service(
        postmaster, uid, SUBJECT.format(count=count), FRENCH.format(folders=french, page=page),
        ENGLISH.format(folders=english, page=page),
    )  # fmt: skip
