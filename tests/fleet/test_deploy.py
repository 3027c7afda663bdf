"""The platform split over hosts: deployed, it stays as it is, and works from outside."""

from tests.stack.support import deployed
from tests.stack.support.site import Site


def test_a_second_deploy_changes_nothing(site: Site) -> None:
    deployed.deploys_unchanged(site)


def test_every_path_of_the_probe_works(site: Site) -> None:
    deployed.works_from_outside(site)


def test_each_host_listens_for_its_own_services_alone(site: Site) -> None:
    """The tunnels' ends are on the mail host. Every host shows its measures at 9443."""
    ports = {
        "dir1": {22, 636, 7443},
        "db1": {22, 5432},
        "mail1": {22, 25, 143, 465, 587, 993, 4190, 10465, 7444, 7445, 7446, 7447, 7448, 7449},
        "web1": {22, 80, 443, 7444},
        "pia1": {22, 80, 443, 7444, 7450},
        "vault1": {22, 7450},
    }
    for host, wanted in ports.items():
        places = [line.split()[3].rpartition(":") for line in site.run(host, "ss -Hltn").splitlines()]
        assert {int(port) for address, _, port in places if not address.startswith(("127.", "[::1]"))} == wanted | {
            9443
        }, host
