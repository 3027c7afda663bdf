"""Find accounts and say what is held of them: as an operator asks, by whatever is known of somebody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from malleposte.accounts.credentials import codes
from malleposte.accounts.life.base import ASKED
from malleposte.core.errors import InputError
from malleposte.directory.model import Attributes, State, first
from malleposte.directory.protocol import Branch, Directory, Entry
from malleposte.directory.query import All, AnyOf, Contains, Equal, Present, Query
from malleposte.policy.rules import fold

BRIEF = ("uid", "cn", "mail", "mpState", "mpProfile", "mpEstablishment", "mpBlockedUntil")
LEAST = 2
"""Characters of a text that is looked for: what slapd's index can serve."""
UAI = re.compile(r"[0-9]{7}[A-HJ-NPR-Za-hj-npr-z]")


def query_of(text: str) -> Query:
    """The query of what somebody types: a school, an address, a log-in or a part of a name. Raises InputError.

    Addresses have no accents, nor have names of every feed: each word is looked for as it is typed and without them.
    """
    text = " ".join(text.replace("’", " ").replace("'", " ").split())
    if UAI.fullmatch(text):
        return Equal("mpEstablishment", text.upper())
    if len(text) < LEAST:
        raise InputError(f"{text!r} is too short to look for", f"give {LEAST} characters")
    exact = AnyOf(tuple(Equal(name, text) for name in ("uid", "mpLoginAlias", "mailLocalAddress")))
    if "@" in text:
        local, _at, domain = text.partition("@")
        return AnyOf((*exact.parts, Contains("mail", text))) if local and domain else Contains("mail", text)
    words = tuple(
        AnyOf(tuple(Contains(name, form) for form in dict.fromkeys((word, fold(word))) for name in ("cn", "mail")))
        for word in text.split()
        if len(word) >= LEAST
    )  # fmt: skip
    return AnyOf((*exact.parts, All(words))) if words else exact


def narrowed(
    query: Query | None = None, *, state: str = "", school: str = "", profile: str = "", function: str = "",
    blocked: bool = False,
) -> Query:  # fmt: skip
    """A query with more conditions; each left out is none."""
    named = {"mpState": state, "mpEstablishment": school.upper(), "mpProfile": profile, "mpFunction": function}
    parts: list[Query] = [Equal(name, value) for name, value in named.items() if value]
    if blocked:
        parts.append(AnyOf((Equal("mpState", State.BLOCKED.value), Present("mpBlockedUntil"))))
    return All((*parts, query) if query else tuple(parts))


def brief(entry: Entry) -> dict[str, Any]:
    """An account in a line."""
    attributes = entry.attributes
    row: dict[str, Any] = {
        "uid": first(attributes, "uid"), "name": first(attributes, "cn"), "mail": first(attributes, "mail"),
        "state": first(attributes, "mpState"),
        "profile": first(attributes, "mpProfile"), "schools": attributes.get("mpEstablishment", []),
    }  # fmt: skip
    return row | ({"blocked_until": first(attributes, "mpBlockedUntil")} if first(attributes, "mpBlockedUntil") else {})


def rows(directory: Directory, query: Query, branch: Branch = "people", limit: int = 0) -> Iterator[dict[str, Any]]:
    """Accounts of a query, a line each, as they come; at most `limit`, 0 for all."""
    for number, entry in enumerate(directory.search(branch, BRIEF, query), 1):
        yield brief(entry)
        if number == limit:
            return


def by_any_name(directory: Directory, name: str) -> Entry:
    """The one account of a uid, a log-in alias or an address. Raises InputError when there is none."""
    typed = name.strip().lower()
    query = AnyOf(tuple(Equal(key, typed) for key in ("uid", "mpLoginAlias", "mailLocalAddress")))
    entries = list(directory.search("people", ASKED, query))
    exact = [entry for entry in entries if first(entry.attributes, "uid") == typed] or entries
    if not exact:
        raise InputError(f"no account {name}", "accounts find looks for parts of names too")
    return exact[0]


def whole(attributes: Attributes) -> dict[str, Any]:
    """The data of an account that an operator sees."""
    return brief(Entry("", attributes)) | {
        "surname": first(attributes, "sn"),
        "given_name": first(attributes, "givenName"),
        "addresses": attributes.get("mailLocalAddress", []),
        "log_ins": attributes.get("mpLoginAlias", []),
        "corps": first(attributes, "mpCorps"),
        "discipline": first(attributes, "mpDiscipline"),
        "function": first(attributes, "mpFunction"),
        "quota_mb": int(first(attributes, "mpQuota")) if first(attributes, "mpQuota") else None,
        "hidden": first(attributes, "mpHidden") == "TRUE",
        "recovery_mail": first(attributes, "mpRecoveryMail"),
        "recovery_phone": first(attributes, "mpRecoveryPhone"),
        "recovery_changed": first(attributes, "mpRecoveryChanged"),
        "recovery_next": first(attributes, "mpRecoveryNext"),
        "state_since": first(attributes, "mpStateChanged"),
        "password_since": first(attributes, "pwdChangedTime"),
        "codes": [f"{code.way} until {code.end}" for code in codes.waiting(attributes)],
        "archived": first(attributes, "mpArchived"),
        "mail_host": first(attributes, "mailHost"),
    }
