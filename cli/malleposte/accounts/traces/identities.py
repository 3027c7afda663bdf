"""Identities of the webmails: signature, sender's name, address of answers, address of hidden copies.

Both webmails have one for each address of the agent and of the boxes that the agent opens. Names are told as they are:
which of them are right, the directory knows.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterator, Mapping

from malleposte.accounts.traces.model import Kind, Trace
from malleposte.adapters.postgresql import quoted, rows

Sql = Callable[[str], str]
"""Statements for Roundcube's database -> what they print."""
LONGEST = 500
"""Characters of a signature that make its trace."""
_READ = """SELECT row_to_json(one) FROM (
  SELECT email, name, "reply-to" AS reply, bcc, signature FROM identities JOIN users USING (user_id)
  WHERE username = {uid} AND del = 0 ORDER BY identity_id) AS one;"""
_WRITE = """UPDATE identities SET {column} = {text}, changed = now()
  WHERE user_id IN (SELECT user_id FROM users WHERE username = {uid}) AND del = 0 AND email = {what};"""
COLUMNS: Mapping[str, str] = {
    Kind.SIGNATURE: "signature", Kind.SENDER: "name", Kind.REPLY: '"reply-to"', Kind.COPY: "bcc",
}  # fmt: skip
"""The kinds of traces in an identity, and Roundcube's columns."""


def find(sql: Sql, uid: str) -> list[Trace]:
    """Traces in Roundcube."""
    by_identity = (
        of(str(row["email"]), row["name"], row["reply"], row["signature"], row["bcc"])
        for row in rows(sql(_READ.format(uid=quoted(uid))))
    )
    return list(dict.fromkeys(one for traces in by_identity for one in traces))


def of(mail: str, name: object, reply: object, signature: object, copy: object = "") -> Iterator[Trace]:
    """The traces of one identity."""
    values = {Kind.SENDER: name, Kind.REPLY: reply, Kind.COPY: copy, Kind.SIGNATURE: plain(str(signature or ""))}
    for kind, value in values.items():
        if text := str(value or "").strip():
            yield Trace(kind, mail, text[:LONGEST])


def remove(sql: Sql, uid: str, trace: Trace) -> None:
    """Empty what the trace says; of a sender's name, write the name that it has in place."""
    text = trace.who if trace.kind == Kind.SENDER else ""
    fields = {"column": COLUMNS[trace.kind], "text": quoted(text[:128]), "uid": quoted(uid)}
    sql(_WRITE.format(**fields, what=quoted(trace.what)))


def plain(text: str) -> str:
    """A signature without its marks of HTML."""
    return " ".join(html.unescape(re.sub(r"<[^>]*>", " ", text)).split())
