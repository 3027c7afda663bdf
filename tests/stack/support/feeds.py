"""Feeds of agents of one surname; the directory as root reads it: whom a feed brought, what it holds of them."""

from collections.abc import Sequence
from pathlib import Path

from malleposte.adapters import ldif

from tests.stack.support.site import Site
from tests.support import academy

MARK = "Essaidimport"
"""The surname of everybody in them, so that all can be removed again."""


def people_of(count: int, start: int = 0) -> tuple[tuple[str, ...], ...]:
    """Rows of so many agents, always the same ones."""
    rows = academy.academy(start + count, 5, seed=7).agents[start:]
    return tuple((row[0], f"{MARK}-{row[1]}", *row[2:9], "") for row in rows)


def written(path: Path, rows: Sequence[tuple[str, ...]], encoding: str = "utf-8") -> Path:
    """A feed of these rows."""
    path.write_bytes(academy.render(academy.HEADER, tuple(rows), encoding))
    return path


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
        return self.site.run("mail1", words, *attributes)

    def clear(self) -> None:
        """Remove all of them."""
        left = self.dns()
        if left:
            self.site.run("mail1", "ldapdelete -Q -Y EXTERNAL -H ldapi:///", given="\n".join(left) + "\n")
