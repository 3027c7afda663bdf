"""A fault that shows files shows none with a secret: the web front's user reads none, and each program but its own."""

import re

import pytest

from tests.stack.support.site import Site

FOLDERS = "/etc /home /opt /root /run /srv /usr/local /var/cache /var/lib /var/log"
PASSED_OVER = ("apt", "clamav", "dpkg", "journal", "postgresql", "site_perl", "udev")
"""Folders of other things, and of much of them."""
LEAST = 16
"""Characters of a secret: a shorter one stands in files by chance."""
OWN = {
    "www-data": set(),
    "nobody": set(),
    "roundcube": {"database-roundcube", "ldap-roundcube", "roundcube-session", "sso-client-roundcube"},
    "sogo": {"database-sogo", "ldap-sogo", "sogo", "sogo-jwt"},
}
"""Users whom a stranger reaches first, and the secrets that are their own."""


def pieces(site: Site) -> dict[str, str]:
    """Texts by which a secret of the inventory is known in a file, each with the secret's name."""
    found: dict[str, str] = {}
    for path in sorted((site.folder / "secrets").iterdir()):
        if not path.is_file() or path.suffix in (".json", ".pub", ".crt"):
            continue
        lines = [line.strip() for line in site.secret(path.name).splitlines() if "-----" not in line]
        # Of a key its second line: the first is the same for all of one kind.
        line = lines[min(1, len(lines) - 1)] if lines else ""
        if len(line) >= LEAST and re.fullmatch(r"[\x21-\x7e]+", line):
            found[line] = path.name
    return found


def read(site: Site, host: str, user: str, known: dict[str, str], folders: str = FOLDERS) -> dict[str, str]:
    """Secrets that a user of a host finds in files, by name, with a file of each."""
    over = " ".join(f"--exclude-dir={name}" for name in PASSED_OVER)
    words = f"setpriv --reuid {user} --regid $(id -g {user}) --init-groups grep -rsoHFf - {over} -- {folders}"
    told = site.run(host, f"cd / && {words} | sort -u", given="".join(f"{one}\n" for one in known), timeout=300)
    return {known[text]: path for path, _, text in (line.partition(":") for line in told.splitlines()) if text in known}


@pytest.mark.parametrize("host", ["mail1", "pia1", "vault1"])
def test_who_shows_files_to_strangers_reads_no_secret(site: Site, host: str) -> None:
    known = pieces(site)
    assert len(known) > 40
    assert read(site, host, "root", known, "/etc"), "they are in files of this host"
    for user, own in OWN.items():
        if site.run(host, f"id -u {user}", check=False):
            found = {name: path for name, path in read(site, host, user, known).items() if name not in own}
            assert found == {}, user


def test_nothing_but_the_web_front_s_own_is_read_by_its_group(site: Site) -> None:
    """A file that is closed to others is closed to it; the logs are its own, and two of Debian's samples."""
    closed = "-type f -readable ! -perm -o=r ! -path '/var/log/nginx/*'"
    look = f"runuser -u www-data -- find /etc /var /run /srv {closed} 2>/dev/null"
    samples = {"/etc/roundcube/debian-db.php", "/var/lib/lemonldap-ng/conf/lmConf-1.json"}
    for host in ("mail1", "pia1"):
        assert set(site.run(host, look, check=False).splitlines()) <= samples, host
