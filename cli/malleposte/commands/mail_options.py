"""Options that say which messages are meant."""

from __future__ import annotations

import datetime
from collections.abc import Callable
from typing import Any

import click

from malleposte.accounts.search import by_any_name
from malleposte.commands.accounts.context import now
from malleposte.core.errors import InputError
from malleposte.deliveries.model import Likeness, Query
from malleposte.directory.model import first
from malleposte.directory.protocol import Directory

DAYS = click.option("--days", type=click.IntRange(1, 366), default=30, show_default=True, help="Of the last days.")
_SELECTION = (
    click.option(
        "--from", "sender", metavar="ADDRESS", default="", help="Of this sender, or of a domain: @example.org."
    ),
    click.option("--to", "recipient", metavar="ACCOUNT", default="", help="To this account or address."),
    click.option(
        "--subject", "word", metavar="WORDS", default="", help="With these words in the subject, in any order."
    ),
    click.option("--message-id", metavar="ID", default="", help="With this Message-ID."),
    click.option("--link", "link", metavar="HOST", default="", help="With a link to this host, or below this domain."),
    click.option("--queue-id", "queue", metavar="ID", default="", help="Under this queue id of Postfix."),
    click.option(
        "--like",
        "like",
        metavar="MESSAGE",
        default="",
        help="With half of the text of this message (Message-ID or queue id), or of those of a RETRACTION.",
    ),
)


def selection(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the options that say which messages are meant."""
    for option in reversed(_SELECTION):
        function = option(function)
    return function


def query_of(
    directory: Directory, sender: str, recipient: str, word: str, message_id: str, link: str, queue: str, days: int,
    most: int, like: Likeness,
) -> Query:  # fmt: skip
    """Return the query of these options. Raises InputError."""
    return Query(
        since=since_of(days), sender=_sender(directory, sender), recipient=_recipient(directory, recipient),
        message_id=message_id, word=word, host=link, queue=queue, most=most, like=like,
    ).checked()  # fmt: skip


def since_of(days: int) -> int:
    """Return the moment so many days ago, in seconds since 1970."""
    return int((now() - datetime.timedelta(days=days)).timestamp())


def _sender(directory: Directory, word: str) -> str:
    """The sender of a query: an account's uid, an address of anybody, or a domain."""
    if not word or "@" in word:
        return word
    return first(by_any_name(directory, word).attributes, "uid")


def _recipient(directory: Directory, word: str) -> str:
    """The recipient of a query: the uid where it is an account's, whatever address was typed."""
    if not word:
        return ""
    try:
        return first(by_any_name(directory, word).attributes, "uid").lower()
    except InputError:
        if "@" not in word:
            raise
        return word
