"""Roundcube's own address book: a table of contacts, each with its vCard and the columns that are searched."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable, Iterable, Sequence

from malleposte.accounts.agendas import vcard
from malleposte.accounts.agendas.model import MAIN, Collection, Item, Kind, collected, newer, uid_of
from malleposte.accounts.agendas.sogo import Sql
from malleposte.adapters.postgresql import quoted, quoted_json, rows

LONGEST = 128
"""Characters of a column of names."""
_READ = (
    "SELECT row_to_json(one) FROM (SELECT contact_id AS id, name, email, firstname, surname, vcard, "
    "extract(epoch FROM changed) AS changed FROM contacts WHERE del = 0 AND user_id IN "
    "(SELECT user_id FROM users WHERE username = {uid}) ORDER BY contact_id) AS one;"
)
# An agent who has never logged in has no row yet: this is the one that the first log-in would make.
_ADD = (
    "BEGIN; INSERT INTO users (username, mail_host) SELECT {uid}, {host} "
    "WHERE NOT EXISTS (SELECT FROM users WHERE username = {uid}); "
    "UPDATE contacts SET del = 1, changed = now() WHERE contact_id IN (SELECT old FROM json_to_recordset({items}) AS w "
    "(old integer)); "
    "INSERT INTO contacts (user_id, changed, name, email, firstname, surname, vcard, words) SELECT "
    "(SELECT user_id FROM users WHERE username = {uid} ORDER BY last_login DESC NULLS LAST, user_id LIMIT 1), "
    "to_timestamp(changed), name, email, firstname, surname, vcard, words FROM json_to_recordset({items}) AS w "
    "(changed float8, name text, email text, firstname text, surname text, vcard text, words text); COMMIT;"
)
_REMOVE = (
    "UPDATE contacts c SET del = 1, changed = now() FROM json_to_recordset({items}) AS w (id integer, changed float8) "
    "WHERE c.contact_id = w.id AND c.del = 0 AND extract(epoch FROM c.changed) = w.changed;"
)
_FORGET = "DELETE FROM contacts WHERE del = 1 AND user_id IN (SELECT user_id FROM users WHERE username = {uid});"
_HOLDERS = "SELECT DISTINCT username FROM users JOIN contacts USING (user_id) WHERE del = 0;"


class RoundcubeBook:
    """Contacts of the light webmail, for root on the host of its database. It holds contacts alone."""

    name = "roundcube"
    flat = True

    def __init__(self, database: str, host: Callable[[], str], sql: Sql) -> None:
        """`database`: its name; `host` tells the mail host's name, which is part of an account there."""
        self.database, self.host, self.sql = database, host, sql

    def read(self, uid: str) -> list[Collection]:
        """See Store."""
        items = collected(item for _id, item in self._rows(uid))
        return [Collection(Kind.CONTACTS, MAIN, "", items)] if items else []

    def _rows(self, uid: str) -> list[tuple[int, Item]]:
        items = []
        for row in rows(self.sql(self.database, _READ.format(uid=quoted(uid)))):
            own = f"roundcube-{row['id']}"
            text = str(row["vcard"] or "")
            if not text.lstrip().upper().startswith("BEGIN:VCARD"):
                text = vcard.write(own, _card(row))
            items.append((int(row["id"]), Item(f"{uid_of(text) or own}.vcf", text, float(row["changed"]))))
        return items

    def add(self, uid: str, collections: Sequence[Collection]) -> None:
        """See Store. All address books become its one."""
        rows = self._rows(uid)
        present = collected(item for _id, item in rows)
        ids = {item: number for number, item in rows}
        by_key = collected(item for one in collections if one.kind == Kind.CONTACTS for item in one.items.values())
        changed = {
            key: item for key, item in by_key.items()
            if item.text.lstrip().upper().startswith("BEGIN:VCARD") and newer(item, present.get(key))
        }  # fmt: skip
        if changed:
            items = [
                _row(item) | {"old": ids.get(present[key]) if key in present else None} for key, item in changed.items()
            ]
            text = json.dumps(items, ensure_ascii=False).replace("\\u0000", "")
            self.sql(
                self.database, _ADD.format(uid=quoted(uid), host=quoted(self.host()), items=quoted(text))
            )  # fmt: skip

    def remove(self, uid: str, collections: Sequence[Collection]) -> None:
        """See Store."""
        gone = {item for one in collections for item in one.items.values()}
        rows = [{"id": number, "changed": item.changed} for number, item in self._rows(uid) if item in gone]
        if rows:
            self.sql(self.database, _REMOVE.format(items=quoted_json(rows)))

    def forget(self, uid: str) -> None:
        """See Store."""
        self.sql(self.database, _FORGET.format(uid=quoted(uid)))

    def holders(self) -> set[str]:
        """See Store."""
        return set(self.sql(self.database, _HOLDERS).split())


def _card(row: dict[str, str]) -> vcard.Card:
    emails = tuple(one.strip() for one in str(row["email"]).split(",") if one.strip())
    return vcard.Card(str(row["name"]), str(row["firstname"]), str(row["surname"]), emails)


def _row(item: Item) -> dict[str, object]:
    """The columns of a contact."""
    card = vcard.read(item.text)
    return {
        "changed": item.changed, "name": card.name[:LONGEST], "email": ",".join(card.emails),
        "firstname": card.first[:LONGEST], "surname": card.last[:LONGEST], "vcard": item.text,
        "words": words((card.name, card.first, card.last, *card.emails)),
    }  # fmt: skip


def words(texts: Iterable[str]) -> str:
    """Return the words of a search: without capitals and accents, each once."""
    plain = unicodedata.normalize("NFKD", " ".join(texts).lower())
    return " ".join(dict.fromkeys("".join(one for one in plain if not unicodedata.combining(one)).split()))
