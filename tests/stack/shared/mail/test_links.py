"""Links of mail from outside: the filter names to the webmails the sites that it knows."""

import hashlib
import json
import secrets
import time

import pytest

from tests.stack.shared.mail.test_outbound import VALKEY
from tests.stack.support.mail import FOREIGN, Mail, compose, token
from tests.stack.support.people import People
from tests.stack.support.scans import STRANGER, verdicts
from tests.stack.support.site import Site

HEADER = "X-Malleposte-Links"
DAY = 86400
HONEST = json.dumps({"actions": {"greylist": 80, "add header": 90, "reject": 100}})
"""Mail without a name in DNS and without SPF is honest for once."""
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"


def valkey(site: Site, *words: str) -> str:
    """The answer of the filter's Valkey."""
    return site.run("mail1", f"{VALKEY} {' '.join(words)}").strip()


def key(host: str) -> str:
    """The key of a site."""
    return f"site:{hashlib.blake2b(host.encode()).hexdigest()[:32]}"


def aged(site: Site, host: str, seconds: int) -> None:
    """Have a site first seen so long ago."""
    moment = int(time.time()) - seconds
    assert valkey(site, "SET", key(host), f"'{moment} {moment}'", "EX", "1000000") == "OK"


def fresh() -> str:
    """A site that nobody has heard of."""
    return f"{token()}.example.org"


def network() -> str:
    """An address in a network of its own."""
    return f"2001:db8:{secrets.randbelow(65536):x}:{secrets.randbelow(65536):x}::1"


def known(site: Site, *hosts: str, text: str = "Bonjour", ip: str = "") -> list[str]:
    """The sites of a message's links that the filter names; none where it names none."""
    lines = "\r\n".join(f"https://{host}/page" for host in hosts)
    message = (
        f"From: {STRANGER['From']}\r\nTo: probe1@ac-exemple.test\r\nSubject: essai\r\n"
        f"Message-ID: <{token()}@{FOREIGN}>\r\n"
        f"Date: Mon, 02 Mar 2026 10:00:00 +0100\r\n\r\n{text}\r\n{lines}\r\n"
    )
    (answer,) = verdicts(site, [message], IP=ip or network(), Settings=HONEST)
    if answer["action"] == "reject":
        return []
    value = str(answer["milter"]["add_headers"][HEADER]["value"])
    return [] if value == "-" else value.split(" ")


@pytest.fixture(autouse=True)
def begun(site: Site) -> None:
    """Sites have been noted for long."""
    valkey(site, "SET", "sites:start", str(int(time.time()) - 100 * DAY))


def test_a_site_is_known_a_day_after_honest_mail_first_led_there(site: Site) -> None:
    host, refused = fresh(), fresh()
    assert known(site, host) == known(site, host) == []
    assert int(valkey(site, "TTL", key(host))) in range(13 * DAY, 14 * DAY + 1)
    aged(site, host, DAY - 3600)
    assert known(site, host) == []
    aged(site, host, DAY + 3600)
    assert known(site, fresh(), host, f"sous.{host}") == [host]
    aged(site, host, 8 * DAY)
    assert known(site, host.upper()) == [host]
    assert int(valkey(site, "TTL", key(host))) > 100 * DAY, "seen again, it stays"
    known(site, refused, text=GTUBE)
    assert valkey(site, "EXISTS", key(refused)) == "0", "refused mail makes nothing known"


def test_a_network_adds_so_many_sites_a_day(site: Site) -> None:
    ip, hosts = network(), [fresh() for _ in range(250)]
    for first in range(0, 250, 50):
        known(site, *hosts[first : first + 50], ip=ip)
    assert valkey(site, "EXISTS", *map(key, hosts)) == "200"
    other = fresh()
    known(site, other)
    assert valkey(site, "EXISTS", key(other)) == "1"


def test_the_filter_alone_names_them(mail: Mail, people: People) -> None:
    agent, subject = people.agent(), token()
    sender = f"{token()}@{FOREIGN}"
    mail.foreign(sender, agent.mail, compose(sender, agent.mail, subject, X_Malleposte_Links="vol.example.org"))
    lines = mail.arrived(agent, subject).replace(b"\r\n", b"\n").split(b"\n")
    assert [line for line in lines if line.lower().startswith(HEADER.lower().encode())] == [f"{HEADER}: -".encode()]
