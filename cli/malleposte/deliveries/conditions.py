"""The conditions under which a message is one of a query, in SQL."""

from __future__ import annotations

import json
from collections.abc import Sequence
from sqlite3 import Connection
from typing import Any

from malleposte.deliveries import likeness
from malleposte.deliveries.model import Likeness, Query

WORD, HOST, PART, SENDER_DOMAIN = "word", "host", "part", "domain"
"""The kinds of marks: digests of words, hosts of links, digests of parts, domains of senders."""


def of(query: Query, words: Sequence[bytes]) -> tuple[list[str], list[Any]]:
    """Return the conditions of a query, and their values. `words` are the digests of its words."""
    tests, values = ["time >= ?"], list[Any]([query.since])

    def test(condition: str, *parts: Any) -> None:
        tests.append(condition)
        values.extend(parts)

    if query.until:
        test("time <= ?", query.until)
    if query.queue:
        test("queue = ?", query.queue)
    if query.message_id:
        test("message_id = ?", query.message_id)
    if query.sender.startswith("@"):
        test("id IN (SELECT message FROM mark WHERE kind = ? AND value = ?)", SENDER_DOMAIN, query.sender[1:])
    elif query.sender:
        test("(sender = ? OR author = ? OR account = ?)", *[query.sender] * 3)
    if query.recipient:
        to = "SELECT message FROM recipient WHERE"
        test(f"id IN ({to} address = ? UNION {to} account = ?)", query.recipient, query.recipient)
    if query.about:
        test("(account = ? OR id IN (SELECT message FROM recipient WHERE account = ?))", query.about, query.about)
    if query.host:
        test("id IN (SELECT message FROM mark WHERE kind = ? AND value = ?)", HOST, query.host)
    for word in words:
        test("id IN (SELECT message FROM mark WHERE kind = ? AND value = ?)", WORD, word)
    if query.word and not words:
        test("0")
    return tests, values


def alike(link: Connection, like: Likeness, most: int) -> tuple[dict[int, int], int]:
    """Return the messages that are like these, with the number of equal shingles, and how many were compared.

    Those are `most` at most. Raises sqlite3.Error.
    """
    among = dict[int, None]()
    for mark in likeness.marks_of(like, PART):
        one = "SELECT message FROM mark WHERE kind = ? AND value = ? LIMIT ?"
        among |= dict.fromkeys(ident for (ident,) in link.execute(one, (*mark, most)))
    chosen = [*among][:most]
    prints = "SELECT id, prints FROM message WHERE id IN (SELECT value FROM json_each(?))"
    read = link.execute(prints, (json.dumps(chosen),))
    return {one: likeness.alike(text, like) for one, text in read if likeness.fits(text, like)}, len(chosen)
