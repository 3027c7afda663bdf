"""The platform split over hosts: deployed, it stays as it is, and works from outside."""

from __future__ import annotations

from malleposte import playbook
from malleposte.probe import run as probing
from malleposte.probe.model import Status

from tests.stack.support.site import Site


def test_a_second_deploy_changes_nothing(site: Site) -> None:
    report = playbook.run(playbook.Options(site.inventory))
    playbook.ensure(report, "the second deploy")
    assert report.changed == 0, report.log


def test_every_path_of_the_probe_works(site: Site) -> None:
    found = list(probing.walk(site.inventory))
    assert {path.name: path.detail for path in found if path.status is Status.FAILED} == {}
    assert len([path for path in found if path.status is Status.OK]) > 25


def test_each_host_listens_for_its_own_services_alone(site: Site) -> None:
    """The tunnels' ends are on the mail host."""
    ports = {
        "dir1": {22, 636, 7443},
        "db1": {22, 5432},
        "mail1": {22, 25, 143, 465, 587, 993, 4190, 7444, 7445, 7446, 7447},
        "web1": {22, 80, 443, 7444},
        "pia1": {22, 80, 443},
        "vault1": {22},
    }
    for host, wanted in ports.items():
        places = [line.split()[3].rpartition(":") for line in site.run(host, "ss -Hltn").splitlines()]
        assert {int(port) for address, _, port in places if not address.startswith(("127.", "[::1]"))} == wanted, host
