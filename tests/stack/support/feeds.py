"""Feeds of agents of one surname; the directory as root reads it: whom a feed brought, what it holds of them."""

import imaplib
import json
import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from malleposte.adapters import ldif

from tests.stack.support.mail import Mail
from tests.stack.support.people import directory
from tests.stack.support.site import Account, Site
from tests.stack.support.webmail import Webmail
from tests.support import academy

MARK = "Essaidimport"
"""The surname of everybody in them, so that all can be removed again."""
PASSWORD = "Grande-Lessive-2026!"


def people_of(count: int, start: int = 0) -> tuple[tuple[str, ...], ...]:
    """Rows of so many agents, always the same ones."""
    rows = academy.academy(start + count, 5, seed=7).agents[start:]
    return tuple((row[0], f"{MARK}-{row[1]}", *row[2:9], "") for row in rows)


def written(path: Path, rows: Sequence[tuple[str, ...]], encoding: str = "utf-8") -> Path:
    """A feed of these rows."""
    path.write_bytes(academy.render(academy.HEADER, tuple(rows), encoding))
    return path


def leaving(count: int) -> tuple[tuple[str, ...], ...]:
    """Rows of names that no other test has: these log in, which makes their log-ins used for good."""
    return tuple((row[0], row[1].replace(MARK, f"{MARK}-Parti"), *row[2:]) for row in people_of(count))


def arrived(
    site: Site, typed: Callable[..., Any], feeds: "Reader", folder: Path, count: int, active: int
) -> list[Account]:
    """Import agents whom a feed can take away again; return those who have a password, in an order by chance."""
    feed = written(folder / "before.csv", leaving(count))
    assert json.loads(typed("import", feed, "--yes", "--json").stdout)["done"] == count
    accounts = []
    with directory(site) as bound:
        for dn in random.Random(3).sample(sorted(feeds.dns()), active):
            uid = dn.partition(",")[0].removeprefix("uid=")
            entry = next(iter(bound.search("people", ["mail", "mpProfile"], {"uid": uid})))
            bound.modify(dn, {"userPassword": [PASSWORD], "mpState": ["active"]})
            accounts.append(Account(uid, entry.attributes["mail"][0], PASSWORD, entry.attributes["mpProfile"][0]))
    return accounts


def reads(page: Webmail) -> bool:
    """Whether the visitor's session opens the list of messages; without one the log-in page is next."""
    return page.ask("/?_task=mail").status == 200


def opened(
    mail: Mail, webmail: Callable[[], Webmail], accounts: Sequence[Account], in_mail: int, in_webmail: int
) -> tuple[list[imaplib.IMAP4], dict[str, Webmail]]:
    """Open IMAP sessions of the first accounts, and webmails of others of the light class; these by uid."""
    sessions = [mail.imap(one) for one in accounts[:in_mail]]
    light = [one for one in accounts[in_mail:] if one.profile == "roundcube"][:in_webmail]
    pages = {one.uid: webmail() for one in light}
    assert all(pages[one.uid].login(one.uid, one.password) for one in light)
    assert all(map(reads, pages.values()))
    return sessions, pages


class Reader:
    """Reads the directory as root of its host."""

    def __init__(self, site: Site) -> None:
        """Nothing is read yet."""
        self.site = site
        self.base = f"ou=people,{site.place.suffix}"

    def dns(self, extra: str = "") -> list[str]:
        """The names of whom the feeds brought, less those that a filter leaves out."""
        found = self.search(f"(&(sn={MARK}*){extra})", "dn")
        return [entry.dn for entry in ldif.parse(found.encode())]

    def search(self, where: str, *attributes: str) -> str:
        """Entries by a filter, as LDIF."""
        words = f"ldapsearch -LLL -Q -Y EXTERNAL -H ldapi:/// -o ldif-wrap=no -b '{self.base}' '{where}'"
        return self.site.run(self.site.host_of("directory"), words, *attributes)

    def clear(self) -> None:
        """Remove all of them."""
        left = self.dns()
        if left:
            self.site.run(
                self.site.host_of("directory"), "ldapdelete -Q -Y EXTERNAL -H ldapi:///", given="\n".join(left) + "\n"
            )
