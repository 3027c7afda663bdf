"""The agents that the tests of letters import, and the codes that wait for them in the directory."""

from malleposte.adapters import ldif

from tests.stack.support.site import Site

MARK = "Essailettre"
"""Begins the surname of each."""


def digests(site: Site) -> dict[str, str]:
    """The digest of the code that waits, by uid; empty for none."""
    words = f"ldapsearch -LLL -Q -Y EXTERNAL -H ldapi:/// -o ldif-wrap=no -b ou=people,{site.place.suffix}"
    text = site.run("mail1", f"{words} '(sn={MARK}*)' uid mpInaCode")
    found = [{name: values[0].decode() for name, values in one.attributes.items()} for one in ldif.parse(text.encode())]
    return {one["uid"]: one.get("mpInaCode", "") for one in found}
