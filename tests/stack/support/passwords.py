"""Passwords of tests as they come to be with time."""

import datetime

from malleposte.platform.times import stamp

from tests.stack.support.site import Site


def root(site: Site, tool: str, given: str) -> None:
    """A change that only root of the directory's host makes, relaxed where slapd keeps an attribute for itself."""
    host = site.host_of("directory")
    site.run(host, f"{tool} -Q -Y EXTERNAL -H ldapi:/// -e '!relax'", given=given)


def age(site: Site, dn: str, days: int) -> None:
    """A password that was set so many days ago."""
    then = datetime.datetime.now(datetime.UTC) - datetime.timedelta(days=days)
    change = f"dn: {dn}\nchangetype: modify\nreplace: pwdChangedTime\npwdChangedTime: {stamp(then)}\n"
    root(site, "ldapmodify", change)
