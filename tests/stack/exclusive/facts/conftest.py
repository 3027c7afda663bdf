"""A platform with other facts than the lab's inventory has: one deploy brings them all, one takes them back."""

import contextlib
from collections.abc import Iterator

import pytest

from tests.stack.support.calendars import file
from tests.stack.support.deployed import with_facts
from tests.stack.support.guessers import second_address
from tests.stack.support.site import Site

SIGNATURE = "{name}\n{function}\n{school}\nStandard : 01"
FEW = {"warn_5_minutes": 2, "minute": 3, "hour": 3, "day": 3}
RESTRICTED = "essai-envoi-limite"
"""The agent who may write to three others."""
VIRUSES = "/var/lib/clamav/essai.hdb"
# MD5 and size of the file that every antivirus knows (eicar.org), as clamd's own format has it.
EICAR_LINE = "44d88612fea8a8f36de82e1278abb02f:68:Essai.Eicar"
TAGS = "authpolicy,calendars,clamav,nftables,nginx,postfix,roundcube,rspamd,sogo"


def holidays(zone: str) -> dict[str, str]:
    """The fact of the school holidays of a zone."""
    return {"zone": zone, "file": file("Vacances d’hiver"), "colour": "#18753c"}


@pytest.fixture(scope="package")
def school(site: Site) -> Iterator[tuple[str, str]]:
    """The address of a known network, and one beside it; the host outside has both."""
    inside, outside = (str(site.lab.settings.network[number]) for number in (221, 222))
    with second_address(site, inside), second_address(site, outside):
        yield inside, outside


@pytest.fixture(scope="package", autouse=True)
def others(site: Site, school: tuple[str, str]) -> Iterator[contextlib.ExitStack]:
    """The other facts are in force; closing the stack takes them back."""
    site.run("mail1", f"mkdir -p /var/lib/clamav && cat >{VIRUSES} && chmod 644 {VIRUSES}", given=EICAR_LINE + "\n")
    hosts = sorted({"mail1", "pia1", site.host_of("mail"), site.host_of("web")})
    facts = {
        "malleposte_antivirus": True,
        "clamav_update": False,
        "malleposte_mail": {"forward_outside": "refused"},
        "malleposte_outbound_accounts": {RESTRICTED: FEW},
        "malleposte_outbound_block": True,
        "malleposte_school_holidays": holidays("B"),
        "malleposte_school_networks": [f"{school[0]}/32"],
        "malleposte_signature": SIGNATURE,
    }
    with contextlib.ExitStack() as stack:
        stack.callback(lambda: site.run("mail1", f"rm -f {VIRUSES}"))
        stack.enter_context(with_facts(site, ",".join(hosts), TAGS, **facts))
        yield stack
