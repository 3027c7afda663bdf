"""Hosts that no public authority can reach, and a private authority that the hosts trust."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from malleposte.fleet import playbook
from malleposte.fleet.playbook import Options
from testinfra.host import Host

from tests.stack.support.site import Site

ROOT = "/usr/local/share/ca-certificates/malleposte-private-root.crt"
INTERNAL = "/usr/local/share/ca-certificates/malleposte-internal-ca.crt"
STORE = "/etc/ssl/certs/ca-certificates.crt"
KEY = "/etc/ssl/malleposte/privkey.pem"
CHAIN = "/etc/ssl/malleposte/fullchain.pem"
MAKE = (
    "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout {0}/key.pem -out {0}/root.pem "
    "-subj '/CN=Autorite privee' -days 2 -addext keyUsage=critical,keyCertSign,cRLSign"
)


@pytest.fixture
def deployed(site: Site, tmp_path: Path) -> Callable[..., playbook.Report]:
    """Deploys the role acme on vault1 with keys added to malleposte_tls."""

    def deploy(**more: object) -> playbook.Report:
        extra = tmp_path / "extra.json"
        tls = {"source": "acme", "contact": "dsi@ac-exemple.test", "acme_directory": "https://acme.test:14000/dir"}
        extra.write_text(json.dumps({"malleposte_tls": tls | more}))
        return playbook.run(Options(site.inventory, limit="vault1", tags="acme", extra=(f"@{extra}",)))

    return deploy


@pytest.mark.full
@pytest.mark.rings("HostDown", "PortDoesNotAnswer")
def test_a_private_root_and_an_internal_authority_while_they_are_asked_for(
    host: Callable[[str], Host], deployed: Callable[..., playbook.Report]
) -> None:
    machine = host("vault1")
    machine.check_output(f"mkdir -p /run/essai && {MAKE.format('/run/essai')}")
    root = machine.file("/run/essai/root.pem").content_string
    trusted = f"openssl verify -CAfile {STORE} /run/essai/root.pem"
    placeholder = f"openssl req -x509 -new -key {KEY} -days 10 -subj /CN=placeholder -out {CHAIN}"
    machine.check_output(f"cp -a {CHAIN} /run/fullchain.kept && {placeholder}")
    assert machine.run(trusted).rc != 0
    try:
        assert deployed(root_certificate=root, internal_hosts=["vault1"]).code == 0
        assert machine.run(trusted).rc == 0
        assert machine.run(f"openssl verify -CAfile {INTERNAL} {CHAIN}").rc == 0
        assert machine.run(f"openssl verify -CAfile {STORE} {CHAIN}").rc == 0
        assert not machine.service("malleposte-tls-renew.timer").is_enabled, "nothing is asked of a public authority"
    finally:
        # As the authority's program does it, that the daemons take it.
        machine.check_output(f"mv -f /run/fullchain.kept {CHAIN} && /usr/local/lib/malleposte/tls-hooks")
        assert deployed().code == 0
    assert machine.run(trusted).rc != 0, "what is no longer asked for is no longer trusted"
    assert not machine.file(ROOT).exists
    assert machine.service("malleposte-tls-renew.timer").is_enabled
    machine.check_output("rm -rf /run/essai")
