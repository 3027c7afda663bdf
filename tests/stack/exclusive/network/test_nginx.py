"""The web front comes back after a crash, and shows a renewed certificate."""

import ssl
from typing import Any

from tests.stack.support.mail import wait_for
from tests.stack.support.site import Site
from tests.stack.support.web import Web


def test_it_comes_back_after_a_crash(host: Any) -> None:
    machine = host("pia1")
    machine.check_output("systemctl kill --signal=KILL nginx.service")
    wait_for(lambda: machine.run("systemctl is-active nginx.service").stdout.strip() == "active", 30, "nginx is back")
    machine.run("systemctl reset-failed nginx.service")


def test_a_renewal_by_way_of_the_front_is_shown_at_once(
    site: Site, web: Web, platform: dict[str, Any], host: Any
) -> None:
    """The proofs are served by nginx, which goes on answering; afterwards it shows the new certificate."""
    machine, portal = host("pia1"), platform["hostnames"]["portal"]
    chain = "/etc/ssl/malleposte/fullchain.pem"
    process = machine.check_output("systemctl show -P MainPID nginx.service")

    def serial() -> str:
        unsure = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        unsure.check_hostname, unsure.verify_mode = False, ssl.CERT_NONE
        with web.handshake(site.address("pia1"), portal, unsure) as shaken:
            return ssl.DER_cert_to_PEM_cert(shaken.getpeercert(binary_form=True) or b"")

    before = serial()
    # The placeholder, as on the first day, makes a renewal due.
    machine.check_output(
        f"openssl req -x509 -new -key /etc/ssl/malleposte/privkey.pem -days 10 -subj /CN=placeholder -out {chain}.new"
        f" && mv {chain}.new {chain}"
    )
    machine.check_output("systemctl start malleposte-tls-renew.service")
    text = machine.file(chain).content_string
    new = text[: text.index("-----END")].strip()
    assert new not in before
    wait_for(lambda: serial().startswith(new), 30, "nginx shows the new certificate")
    assert machine.check_output("systemctl show -P MainPID nginx.service") == process
    assert "lego" not in machine.check_output("ss -Hlntp")
    assert machine.check_output("ls -A /srv/www/acme/.well-known/acme-challenge") == ""
