"""The host of the databases, as the wiring tells it to the services on other hosts."""

from __future__ import annotations

from pathlib import Path

import pytest
from malleposte.fleet.site import Site

from tests.support.inventories import copied, with_hosts

SERVICES = ("sogo", "roundcube")
HOSTS = [f"{name}_database_host" for name in SERVICES]
PASSWORDS = [f"{name}_database_password" for name in SERVICES]


@pytest.mark.parametrize(("names", "first"), [(("db1",), "db1"), (("db2", "db1"), "db2")])
def test_every_service_asks_the_same_host_the_first_of_the_inventory(
    tmp_path: Path, names: tuple[str, ...], first: str
) -> None:
    addresses = {name: f"10.213.81.{80 + index}" for index, name in enumerate(names)}
    site = Site(with_hosts(copied(tmp_path / "fleet", "fleet"), "database", **addresses))
    with site.rehearsal():
        values = site.template("web1", [f"{{{{ {name} }}}}" for name in HOSTS])
        passwords = site.template("web1", [f"{{{{ {name} }}}}" for name in PASSWORDS])
    assert values == [f"{first}.ac-exemple.test"] * 2
    assert all(passwords)


def test_on_the_same_host_they_need_neither_a_name_nor_a_password(tmp_path: Path) -> None:
    site = Site(copied(tmp_path / "standalone"))
    with site.rehearsal():
        assert site.template("mail1", [f"{{{{ {name} }}}}" for name in HOSTS + PASSWORDS]) == [""] * 4
