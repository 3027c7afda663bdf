"""The suites of accountd on a slapd of their own, which has the configuration of the lab's.

Its schema, rights, overlays, password policy and limits are those that the role has deployed; the account that writes
is accountd's own. It is empty, so the tests keep the names that they have in memory, and the lab's accounts are not
touched.
"""

import contextlib
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

from malleposte.directory.ldap import LdapDirectory
from malleposte.directory.protocol import Branch
from malleposte.fleet import reach

from tests.bench.directory import HOME, Bench, bench
from tests.stack.support.site import Site

SOCKET = f"{HOME}/run/ldapi"
BRANCHES: tuple[Branch, ...] = ("people", "functional", "establishments", "devices", "tombstones")
"""The branches in which the suites make entries, by hand and by accountd."""
LONG_AGO = "20200101000000Z"


class Slapd:
    """The daemon, and the way to it."""

    def __init__(self, site: Site, on: Bench, socket: Path) -> None:
        self._on, self._suffix, self._uri = on, site.place.suffix, f"ldapi://{socket}"
        self._password = site.secret(f"ldap-{reach.WRITER}")

    def connect(self) -> LdapDirectory:
        """A new connection with accountd's rights."""
        dn = f"cn={reach.WRITER},ou=services,{self._suffix}"
        return LdapDirectory(self._uri, self._suffix, dn, self._password)

    def force(self, uid: str, **attributes: list[str]) -> None:
        """Replace attributes that slapd alone writes, which root can do."""
        where = urllib.parse.quote(SOCKET, safe="")
        parts = [
            "\n".join([f"replace: {name}", *(f"{name}: {value}" for value in values)])
            for name, values in attributes.items()
        ]
        change = f"dn: uid={uid},ou=people,{self._suffix}\nchangetype: modify\n" + "\n-\n".join(parts)
        self._on.shell(f"ldapmodify -Q -Y EXTERNAL -H ldapi://{where} -e relax", f"{change}\n")

    def expire(self, uid: str) -> None:
        """Let a password be past its end."""
        self.force(uid, pwdChangedTime=[LONG_AGO])


class OnSlapd:
    """A directory for one test: see tests.unit.accountd.ground."""

    def __init__(self, slapd: Slapd) -> None:
        self._slapd = slapd
        self.directory, self.expire, self.force = slapd.connect(), slapd.expire, slapd.force

    @contextlib.contextmanager
    def opened(self) -> Iterator[LdapDirectory]:
        """See Ground."""
        with self._slapd.connect() as directory:
            yield directory

    def clear(self) -> None:
        """Remove what the test made."""
        with self._slapd.connect() as directory:
            for branch in BRANCHES:
                for entry in list(directory.search(branch, ("objectClass",))):
                    directory.delete(entry.dn)
        self.directory.__exit__()


@contextlib.contextmanager
def running(site: Site) -> Iterator[Slapd]:
    """The daemon on the directory's host; gone afterwards."""
    with bench(site) as on, reach.forwarded(site.place.ssh, SOCKET) as socket:
        yield Slapd(site, on, socket)


def suite_of(suite: ModuleType, *fixtures: str, without: tuple[str, ...]) -> dict[str, object]:
    """The tests of a suite that are run on a slapd too, and the fixtures that they name."""
    unknown = [name for name in (*without, *fixtures) if not hasattr(suite, name)]
    assert not unknown, unknown
    found = {name: one for name, one in vars(suite).items() if name.startswith("test_") and name not in without}
    return found | {name: getattr(suite, name) for name in fixtures}
